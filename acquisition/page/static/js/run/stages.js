// Test pulses: the resistance in digits that can be read from the manipulators.
import { number, resistance } from "../format.js";
import { tile } from "../tiles.js";

const BIG = { bath: ["R_total", "pipette resistance"], patch: ["R_total", "seal resistance"], cell: ["Rs", "access resistance"], monitor: ["Rs", "access resistance"] };
const SMALL = [["Rm", "membrane resistance"], ["Cm", "capacitance"], ["I_hold", "holding current"], ["R_total", "total resistance"]];
const MOST = 600;
const at = (name) => document.querySelector(`[data-name="${name}"]`);

export class Stages {
  /** `course(points, title)` draws the time course: [[s, SI], ...]. */
  constructor(course) {
    this.course = course;
    this.points = [];
    this.total = null;
    this.panel = document.getElementById("stages");
    this.scope = document.getElementById("scope");
    this.tiles = SMALL.map(([name, label]) => [name, tile(`test-${name}`, label)]);
    document.getElementById("test-tiles").append(...this.tiles.map(([, t]) => t.element));
  }

  takeStatus({ stage }) {
    if (stage !== this.stage) [this.points, this.total] = [[], null];
    this.stage = stage;
    this.panel.hidden = !stage;
    if (stage) this.scope.dataset.stage = stage;
    else delete this.scope.dataset.stage;
  }

  /** The last resistance seen by the pipette, ohms or null, and in words. */
  resistance() {
    return [this.total, resistance(this.total).join(" ")];
  }

  told({ values }) {
    if (!this.stage) return;
    const [name, label] = BIG[this.stage];
    this.total = values.R_total ?? this.total;
    const big = values[name] ?? null;
    const [digits, unit] = resistance(big);
    if (big !== null && big !== this.points.at(-1)?.[1]) {
      this.points = [...this.points.slice(1 - MOST), [performance.now() / 1000, big]];
      this.course(this.points, label);
    }
    at("test-R").textContent = digits;
    at("test-R-unit").textContent = unit;
    at("test-R-label").textContent = label;
    for (const [measure, shown] of this.tiles) {
      const value = values[measure] ?? null;
      if (measure === "Cm") shown.put({ value, unit: "pF", digits: 0 });
      else if (measure === "I_hold") shown.put({ text: number(value, "pA", 0), unit: "pA" });
      else { const [text, u] = resistance(value); shown.put({ text, unit: u }); }
    }
  }
}
