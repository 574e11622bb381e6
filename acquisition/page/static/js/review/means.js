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
    [this.plots, this.burst] = [new Map(), null];
  }

  take({ phases, differences }, windows) {
    this.legend.replaceChildren(...phases.map((p, k) => {
      const entry = document.createElement("span");
      entry.textContent = `${p.label}: ${p.condition}, mean of ${p.sweeps.length}`;
      entry.style.setProperty("--tint", `var(--${tint(k)})`);
      return entry;
    }));
    for (const plot of this.plots.values()) plot.end();
    this.plots.clear();
    if (!phases.length) {
      this.overlayPlace.textContent = "No sweeps with a step to average.";
      return;
    }
    const [{ start, column, step }] = phases;
    const n = Math.max(...phases.map((p) => p.mean.length));
    const x = Array.from({ length: n }, (_, i) => start + i * column);
    this.burst = { from: -step, to: 0, colour: "window-2" };
    this.drawOverlay(phases, x, step);
    this.drawDifference(differences, x, step);
    this.setWindows(windows);
  }

  /** Windows have been moved, or taken back. */
  setWindows(windows) {
    const shown = windows.filter((w) => w.from === "step_end");
    const bands = shown.map((w) => ({ from: w.start, to: w.stop, colour: "window", edge: "trace", label: w.label }));
    this.said = shown.map((w) => `${w.label} ${Math.round(1e3 * w.start)} to ${Math.round(1e3 * w.stop)}`).join(", ");
    for (const [place, plot] of this.plots) {
      plot.bands([this.burst, ...(place === this.overlayPlace ? bands : bands.map((b) => ({ ...b, label: undefined })))]);
      plot.redraw();
    }
  }

  drawOverlay(phases, x, step) {
    const single = phases.flatMap((p, k) => p.sweeps.map((s) => [{ name: `sweep ${s.sweep}`, colour: `${tint(k)}-faint`, width: 1 }, laid({ ...p, start: s.start }, s.values, x, step)]));
    const means = phases.map((p, k) => [{ name: p.label, colour: tint(k), width: 2.4 }, laid(p, p.mean, x, step)]);
    const drawn = phases.map((p) => p.sweeps.map((s) => s.sweep).join(" ")).join(" | ");
    const told = () => { this.overlayPlace.dataset.drawn = `${drawn}; ${this.said}`; };
    const plot = this.plot(this.overlayPlace, [...single, ...means].map(([s]) => s), false, told);
    plot.title([["Sweeps and means, mV from the baseline"], " · each counted from its own baseline"]);
    plot.range("x", x[0], x.at(-1));
    plot.range("y", ...extent(means.map(([, v]) => v), x, 0.03));
    plot.lines([{ y: 0, colour: "dim", dash: [4, 4] }]);
    plot.set([x, ...[...single, ...means].map(([, v]) => v)]);
  }

  drawDifference(differences, x, step) {
    if (!differences.length) return;
    const series = differences.flatMap((d, k) => {
      const [upper, lower] = [1, -1].map((sign) => d.difference.map((v, i) => (v === null ? null : v + sign * d.sem[i])));
      return [[{ colour: `${tint(k + 1)}-faint` }, laid(d, upper, x, step)], [{ colour: `${tint(k + 1)}-faint` }, laid(d, lower, x, step)],
        [{ colour: tint(k + 1), width: 1.8 }, laid(d, d.difference, x, step)]];
    });
    const plot = this.plot(this.differencePlace, series.map(([s]) => s), true);
    plot.title([["Difference, mV"], ` · ${differences.map((d) => d.label).join(", ")} ± s.e.m.`, " · seconds from the end of the step"]);
    plot.range("x", x[0], x.at(-1));
    plot.range("y", ...extent(series.map(([, v]) => v), x, 0.03));
    plot.lines([{ y: 0, colour: "dim", dash: [4, 4] }]);
    plot.set([x, ...series.map(([, v]) => v)]);
  }

  /** The number of conditions decides how many courses there are, so the plot is made anew. */
  plot(place, series, xAxis, onDraw = null) {
    place.replaceChildren();
    const made = tracePlot(place, { series: series.map((s, i) => ({ name: String(i), ...s })), xAxis, sync: "means", drag: false, onDraw });
    this.plots.set(place, made);
    return made;
  }
}
