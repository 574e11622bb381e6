// One sweep's command, with the measuring windows on it.
import { tracePlot } from "../plots.js";
import { typeset } from "../format.js";

const FACTOR = { V: 1e3, A: 1e12 };
const UNIT = { V: "mV", A: "pA" };
const MOST = 24;

export class Preview {
  constructor(element) {
    const series = Array.from({ length: MOST }, (_, i) => ({ name: `${i}`, colour: i ? "reference" : "trace", width: i ? 1 : 1.8 }));
    this.plot = tracePlot(element, { title: " ", series, onZoom: () => {} });
    this.element = element;
  }

  /** Show what `step` commands; `shown` is its preview, or undefined if it plays nothing. */
  show(step, shown) {
    if (!step) return;
    const head = [`${step.number}`];
    this.element.dataset.sweeps = shown ? shown.levels.length : 0;
    if (!shown) {
      this.plot.bands([]);
      this.plot.range("x", 0, 1);
      this.plot.range("y", 0, 1);
      this.plot.title([head, ` ${typeset(step.what)}: plays no sweep`]);
      this.plot.set([[0], ...Array.from({ length: MOST }, () => [null])]);
      return;
    }
    this.plot.title([head, ` ${step.name.replaceAll("_", " ")}, ${UNIT[shown.unit]}`, ` ${typeset(shown.about)}`, " · seconds"]);
    this.plot.bands(shown.windows.map((w) => ({ from: w.start, to: w.stop, colour: w.name === "V_b" ? "window-2" : "window", edge: w.name === "V_b" ? "reference" : "trace", label: w.label })));
    const levels = shown.levels.map((line) => line.map((v) => FACTOR[shown.unit] * v));
    const empty = shown.times.map(() => null);
    this.plot.range("x", 0, shown.length);
    const all = levels.flat();
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const room = 0.12 * (high - low || Math.abs(high) || 1);
    this.plot.range("y", low - 1.6 * room, high + room);
    this.plot.set([shown.times, ...Array.from({ length: MOST }, (_, i) => levels.at(-1 - i) && i < levels.length ? levels.at(-1 - i) : empty)]);
  }
}
