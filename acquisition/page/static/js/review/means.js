// The sweeps of each condition over each other with their means, and below what the drug changed.
import { tracePlot } from "../plots.js";

const tint = (k) => `phase-${Math.min(k, 4)}`;
const SPIKES_OVER = 0.02;

/** A course on the common columns of the plot; null where it has nothing, and in the burst. */
function laid(course, values, x, step) {
  return x.map((t) => {
    if (t > -step - 0.005 && t < SPIKES_OVER) return null;
    const at = Math.round((t - course.start) / course.column);
    return at >= 0 && at < values.length ? values[at] : null;
  });
}

function extent(columns, x, from) {
  let [low, high] = [0, 0];
  for (const values of columns) values.forEach((v, i) => { if (v !== null && (x[i] > from || x[i] < -0.3)) { low = Math.min(low, v); high = Math.max(high, v); } });
  const room = 0.12 * (high - low || 1);
  return [low - room, high + room];
}

export class Means {
  constructor({ legend, overlay, difference, onPick }) {
    [this.legend, this.overlayPlace, this.differencePlace, this.onPick] = [legend, overlay, difference, onPick];
  }

  take({ phases, differences }, windows) {
    this.legend.replaceChildren(...phases.map((p, k) => {
      const entry = document.createElement("span");
      entry.textContent = `${p.label}: ${p.condition}, mean of ${p.sweeps.length}`;
      entry.style.setProperty("--tint", `var(--${tint(k)})`);
      return entry;
    }));
    if (!phases.length) {
      this.overlayPlace.textContent = "No sweeps with a step to average.";
      return;
    }
    const [{ start, column, step }] = phases;
    const n = Math.max(...phases.map((p) => p.mean.length));
    const x = Array.from({ length: n }, (_, i) => start + i * column);
    const burst = { from: -step, to: 0, colour: "window-2" };
    const bands = windows.filter((w) => w.from === "step_end").map((w) => ({ from: w.start, to: w.stop, colour: "window", edge: "trace", label: w.label }));
    this.drawOverlay(phases, x, step, [burst, ...bands]);
    this.drawDifference(differences, x, step, [burst, ...bands]);
  }

  drawOverlay(phases, x, step, bands) {
    const single = phases.flatMap((p, k) => p.sweeps.map((s) => [{ name: `sweep ${s.sweep}`, colour: `${tint(k)}-faint`, width: 1 }, laid({ ...p, start: s.start }, s.values, x, step)]));
    const means = phases.map((p, k) => [{ name: p.label, colour: tint(k), width: 2.4 }, laid(p, p.mean, x, step)]);
    const plot = this.plot(this.overlayPlace, [...single, ...means].map(([s]) => s), false);
    plot.title([["Sweeps and means, mV from the baseline"], " · each counted from its own baseline"]);
    plot.range("x", x[0], x.at(-1));
    plot.range("y", ...extent(means.map(([, v]) => v), x, 0.03));
    plot.bands(bands);
    plot.lines([{ y: 0, colour: "dim", dash: [4, 4] }]);
    plot.set([x, ...[...single, ...means].map(([, v]) => v)]);
  }

  drawDifference(differences, x, step, bands) {
    if (!differences.length) { this.differencePlace.replaceChildren(); return; }
    const series = differences.flatMap((d, k) => {
      const [upper, lower] = [1, -1].map((sign) => d.difference.map((v, i) => (v === null ? null : v + sign * d.sem[i])));
      return [[{ colour: `${tint(k + 1)}-faint` }, laid(d, upper, x, step)], [{ colour: `${tint(k + 1)}-faint` }, laid(d, lower, x, step)],
        [{ colour: tint(k + 1), width: 1.8 }, laid(d, d.difference, x, step)]];
    });
    const plot = this.plot(this.differencePlace, series.map(([s]) => s), true);
    plot.title([["Difference, mV"], ` · ${differences.map((d) => d.label).join(", ")} ± s.e.m.`, " · seconds from the end of the step"]);
    plot.range("x", x[0], x.at(-1));
    plot.range("y", ...extent(series.map(([, v]) => v), x, 0.03));
    plot.bands(bands.map((b) => ({ ...b, label: undefined })));
    plot.lines([{ y: 0, colour: "dim", dash: [4, 4] }]);
    plot.set([x, ...series.map(([, v]) => v)]);
  }

  /** The number of conditions decides how many courses there are, so the plot is made anew. */
  plot(place, series, xAxis) {
    place.replaceChildren();
    return tracePlot(place, { series: series.map((s, i) => ({ name: String(i), ...s })), xAxis, sync: "means", drag: false });
  }
}
