// The course of the session, and beside each strip the number of the selected sweep.
import { trendPlot } from "../plots.js";
import { number, quantity } from "../format.js";
import { solutionBands, unnamed } from "../solutions.js";
import { tile } from "../tiles.js";

const FACTOR = { mV: 1e3, pA: 1e12, "MΩ": 1e-6, "": 1 };
const STRIPS = [
  { name: "sAHP", measures: ["A_1000"], label: "sAHP at 1 s", mark: "trace", unit: "mV", digits: 1, shown: 2, least: 1 },
  { name: "spikes", measures: ["n_ap"], label: "spikes", mark: "second", unit: "", digits: 0, shown: 0, least: 3 },
  { name: "Rs", measures: ["Rs"], label: "access resistance", mark: "reference", unit: "MΩ", digits: 0, shown: 1, least: 4 },
  { name: "Rin", measures: ["Rin", "Rm"], label: "input resistance", mark: "reference", unit: "MΩ", digits: 0, shown: 0, least: 20 },
  { name: "V_b", measures: ["V_b"], label: "baseline potential", mark: "trace", unit: "mV", digits: 0, shown: 1, least: 2 },
];
const first = (values, names) => names.map((n) => values?.[n]).find((v) => v !== undefined && v !== null) ?? null;

export class Trends {
  constructor(place, { onPick }) {
    this.strips = STRIPS.map((strip, i) => {
      const element = document.createElement("div");
      element.className = i ? "trend" : "trend first";
      element.dataset.strip = strip.name;
      const holder = document.createElement("div");
      const shown = tile(strip.name, strip.label);
      element.append(holder, shown.element);
      place.append(element);
      const whole = i ? null : () => this.mean && 1e3 * this.mean;
      const made = { ...strip, element, tile: shown };
      made.plot = trendPlot(holder, { mark: strip.mark, hasBefore: true, digits: strip.digits, least: strip.least, xAxis: i === STRIPS.length - 1,
        sync: "review", whole, onPick: (k) => made.picks?.[k] !== undefined && onPick(made.picks[k]) });
      return made;
    });
    [this.rows, this.now, this.headline, this.mean, this.solutions] = [[], null, "A_1000", null, []];
  }

  /** Rows as recorded, and a map of what came out otherwise with moved windows, or null. */
  take(rows, now, headline, mean) {
    [this.rows, this.now, this.headline, this.mean] = [rows, now, headline, mean];
  }

  takeSolutions(bars) {
    this.solutions = solutionBands(bars);
  }

  draw(picked) {
    const times = this.rows.map((r) => r.time / 60);
    const [start, end] = [times[0] ?? 0, Math.max(times.at(-1) ?? 1, (times[0] ?? 0) + 0.5)];
    const here = this.rows.find((r) => r.sweep === picked);
    for (const strip of this.strips) this.drawStrip(strip, start, end, here);
  }

  /** The measures of a strip: a moved sAHP stands where the one at 1 s stood. */
  names(strip) { return strip.name === "sAHP" ? [this.headline] : strip.measures; }

  drawStrip(strip, start, end, here) {
    const stored = (r) => first(r.values, strip.measures);
    const made = this.rows.flatMap((r) => {
      const value = first(this.now?.get(r.sweep)?.values ?? r.values, this.now?.has(r.sweep) ? this.names(strip) : strip.measures);
      return value === null && stored(r) === null ? [] : [[r, value, stored(r)]];
    });
    strip.element.hidden = !made.length;
    if (!made.length) return;
    const scaled = (v) => (v === null ? null : v * FACTOR[strip.unit]);
    strip.picks = made.map(([r]) => r.sweep);
    const out = made.map(([r]) => {
      const judged = this.now?.get(r.sweep) ?? r;
      return r.kind === "series" && (["sAHP", "spikes"].includes(strip.name) ? !judged.accepted : judged.rejected);
    });
    const mark = here ? [{ from: here.time / 60, to: here.time / 60 + 1e-6, colour: "here", edge: "here" }] : [];
    strip.plot.bands([...(strip.name === "sAHP" ? this.solutions : unnamed(this.solutions)), ...mark]);
    strip.plot.range(start - 0.01 * (end - start), end + 0.02 * (end - start));
    if (strip.name === "sAHP") strip.plot.lines(this.mean ? [{ y: 1e3 * this.mean, colour: "reference", dash: [2, 3], label: "baseline mean" }] : []);
    const isOther = made.some(([, v, s]) => v !== s);
    strip.plot.set({ x: made.map(([r]) => r.time / 60), y: made.map(([, v]) => scaled(v)), before: isOther ? made.map(([, , s]) => scaled(s)) : null, out, marked: here ? strip.picks.indexOf(here.sweep) : -1 });
  }

  /** The number of the selected sweep; `values` are those with moved windows, or null. */
  tell(row, values) {
    for (const strip of this.strips) {
      const old = first(row.values, strip.measures);
      const value = values ? first(values, this.names(strip)) : old;
      const differs = values && number(value, strip.unit, strip.shown) !== number(old, strip.unit, strip.shown);
      const share = strip.name === "sAHP" && this.mean && value !== null && row.kind === "series" ? `${Math.round((100 * value) / this.mean)} % of baseline` : "";
      const which = strip.name === "sAHP" ? `sweep ${row.sweep}` : "";
      const note = [which, differs ? `recorded ${quantity(old, strip.unit, strip.shown)}` : share].filter(Boolean).join(" · ");
      strip.tile.label(values && this.names(strip)[0] === "sAHP_moved" ? "sAHP, moved window" : strip.label);
      strip.tile.put({ value, unit: strip.unit, digits: strip.shown, note, level: differs ? "note" : "none" });
    }
  }
}
