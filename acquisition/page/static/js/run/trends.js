// The course of the session, each strip beside its number: what was measured, what is wanted, since when it is not so.
import { clock, number, typeset } from "../format.js";
import { trendPlot } from "../plots.js";
import { solutionBands, unnamed } from "../solutions.js";
import { tile } from "../tiles.js";

const FACTOR = { mV: 1e3, pA: 1e12, "MΩ": 1e-6, "°C": 1, "": 1, "%": 1 };
const STRIPS = [
  { name: "sAHP", measures: ["A_1000"], label: "sAHP at 1 s", mark: "trace", digits: 1, least: 1, with: ["percent"] },
  { name: "spikes", measures: ["n_ap"], label: "spikes", mark: "second", digits: 0, least: 3 },
  { name: "Rs", measures: ["Rs"], label: "access resistance", mark: "reference", digits: 0, least: 4 },
  { name: "Rin", measures: ["Rin", "Rm"], label: "input resistance", mark: "reference", digits: 0, least: 20 },
  { name: "V_b", measures: ["V_b"], label: "baseline potential", mark: "trace", digits: 0, least: 2 },
  { name: "I_hold", measures: ["I_hold"], label: "bias current", mark: "second", digits: 0, least: 20 },
  { name: "temperature", measures: [], label: "bath", mark: "reference", digits: 1, least: 0.6 },
];
const HIDDEN = new Set(["approach", "switch_to"]);

export class Trends {
  constructor(place, { onPick }) {
    this.rows = [];
    this.bath = [];
    this.mean = null;
    this.strips = STRIPS.map((strip, i) => {
      const element = document.createElement("div");
      element.className = "trend";
      element.dataset.strip = strip.name;
      const holder = document.createElement("div");
      const side = document.createElement("div");
      side.className = "tiles";
      const tiles = [strip.name, ...(strip.with ?? [])].map((name) => [name, tile(name, name)]);
      side.append(...tiles.map(([, t]) => t.element));
      element.append(holder, side);
      place.append(element);
      const whole = strip.name === "sAHP" ? () => this.mean && 1e3 * this.mean : null;
      const made = { ...strip, element, tiles: new Map(tiles) };
      made.plot = trendPlot(holder, { ...strip, xAxis: i === STRIPS.length - 1, whole, onPick: (k) => onPick(made.picks?.[k] ?? null) });
      return made;
    });
  }

  /** `from` is the first row that is new or has changed. */
  take({ from, rows }) {
    this.rows.splice(from, Infinity, ...rows);
    this.stale = true;
  }

  takeBath({ from, readings }) {
    this.bath.splice(from, Infinity, ...readings);
    this.stale = true;
  }

  takeTiles(tiles) {
    for (const told of tiles) {
      for (const strip of this.strips) {
        const shown = strip.tiles.get(told.name);
        if (!shown) continue;
        shown.label(told.label);
        shown.element.title = typeset(told.limit);
        shown.put({ value: told.value, unit: told.unit, digits: told.digits, note: quality(told), level: told.level });
        if (told.name !== strip.name) continue;
        strip.element.dataset.level = told.level;
        const lines = (told.lines ?? []).map((y) => ({ y: y * FACTOR[told.unit], colour: "bad" }));
        if (JSON.stringify(lines) !== strip.lines) { strip.lines = JSON.stringify(lines); strip.plot.lines(lines); this.stale = true; }
      }
    }
  }

  takeSolutions(bars) {
    const bands = solutionBands(bars);
    this.strips.forEach((strip, i) => strip.plot.bands(i ? unnamed(bands) : bands));
    this.stale = true;
  }

  /** Draw, if something has changed; `now` in s of the session. */
  draw(now) {
    const shown = this.rows.filter((r) => !HIDDEN.has(r.kind));
    const start = shown.length ? Math.min(shown[0].time, now ?? Infinity) / 60 : 0;
    const end = Math.max((now ?? 0) / 60, shown.length ? shown.at(-1).time / 60 : 0, start + 2);
    const step = Math.max(0.05, (end - start) / 400);
    if (!this.stale && Math.abs(end - (this.end ?? 0)) < step) return;
    [this.stale, this.end] = [false, end];
    for (const strip of this.strips) {
      strip.plot.range(start, end + 0.02 * (end - start));
      if (strip.name === "temperature") this.drawBath(strip);
      else this.drawStrip(strip, shown);
    }
  }

  drawStrip(strip, shown) {
    const mode = shown.at(-1)?.mode;
    const made = shown.filter((r) => strip.name !== "I_hold" || r.mode === mode).flatMap((r) => {
      const name = strip.measures.find((m) => r.values[m] !== undefined && r.values[m] !== null);
      return name ? [[r, r.values[name]]] : [];
    });
    const unit = { sAHP: "mV", V_b: "mV", I_hold: "pA", Rs: "MΩ", Rin: "MΩ" }[strip.name] ?? "";
    strip.picks = made.map(([r]) => r.sweep);
    const out = made.map(([r]) => r.kind === "series" && (strip.name === "sAHP" || strip.name === "spikes" ? !r.accepted : r.rejected));
    const lines = strip.name === "sAHP" && this.mean ? [{ y: 1e3 * this.mean, colour: "reference", dash: [2, 3], label: "baseline mean" }] : null;
    if (lines) strip.plot.lines(lines);
    strip.plot.set({ x: made.map(([r]) => r.time / 60), y: made.map(([, v]) => v * FACTOR[unit]), out });
  }

  drawBath(strip) {
    strip.plot.set({ x: this.bath.map(([t]) => t / 60), y: this.bath.map(([, v]) => v) });
  }
}

/** Limit and since when, in words. */
function quality({ level, note, limit, since }) {
  if (since !== null && since !== undefined) return typeset([limit, note, `since ${clock(since)}`].filter(Boolean).join(" · "));
  return typeset([note, limit.split("; ")[0]].filter(Boolean).join(" · "));
}

export const said = (row, name, unit, digits) => number(row.values[name], unit, digits);
