// The present sweep: in full, magnified over the baseline mean, and its current.
import { number, quantity, clock } from "../format.js";
import { tracePlot } from "../plots.js";

const CHANNEL = { mV: "Membrane potential", pA: "Current" };
const KEPT_FRAMES = 3000;
const CLOSE_UP = 1500;

/** Frames painted and their age, for whoever measures the page: [ms when painted, ms since the newest sample was written]. */
export const frames = [];
globalThis.patchrigFrames = frames;

const nothing = (n) => new Float32Array(n).fill(NaN);
const kept = new Map();
/** An empty trace that nobody writes to. */
const empty = (n) => { if (!kept.has(n)) kept.set(n, nothing(n)); return kept.get(n); };

/** Two points per column, so that no spike is lost: minimum and maximum in turn. */
function zigzag(low, high, into) {
  for (let i = 0; i < low.length; i++) { into[2 * i] = low[i]; into[2 * i + 1] = high[i]; }
  return into;
}

/** Lowest and highest of several traces, with some room; [null] while there is nothing. */
function extent(traces, least) {
  let [low, high] = [Infinity, -Infinity];
  for (const trace of traces) for (const v of trace) { if (v < low) low = v; if (v > high) high = v; }
  if (low > high) return [null];
  const room = Math.max(0.08 * (high - low), least / 2 - (high - low) / 2);
  return [low - room, high + room];
}

export class Scope {
  /** `ask(act, fields)` asks the server. */
  constructor(ask) {
    this.ask = ask;
    const at = (id) => document.getElementById(id);
    const two = [{ name: "before", colour: "ghost" }, { name: "now", colour: "trace", width: 1.2 }];
    this.full = tracePlot(at("plot-v"), { series: two, xAxis: false, sync: "sweep", onZoom: (...x) => this.zoomed(...x) });
    this.near = tracePlot(at("plot-z"), {
      series: [{ name: "before", colour: "ghost", width: 1.5 }, { name: "reference", colour: "reference", width: 2 }, { name: "now", colour: "trace", width: 1.6 }],
      xAxis: false, sync: "sweep", onZoom: (...x) => this.zoomed(...x),
    });
    this.second = tracePlot(at("plot-i"), { series: [{ ...two[0] }, { name: "now", colour: "second", width: 1.2 }], sync: "sweep",
      onZoom: (...x) => this.zoomed(...x), onDraw: () => this.painted() });
    this.test = tracePlot(at("plot-test"), { series: two, onDraw: () => this.painted() });
    this.facts = null;
    this.reference = null;
    this.soFar = { values: {} };
    this.base = null;
    this.gain = 1;
    this.wall = 0;
    this.dirty = false;
    this.ghost = null;
    const tick = () => { if (this.dirty && this.facts) { this.dirty = false; this.draw(); } requestAnimationFrame(tick); };
    requestAnimationFrame(tick);
  }

  /** Another sweep, or another window of a long one, begins. */
  begin(facts) {
    const before = this.facts;
    const same = before && before.sweep === facts.sweep && before.window === facts.window && before.n_columns === facts.n_columns;
    this.facts = facts;
    if (!same) {
      this.closeUp = null;
      this.keepGhost(before, facts);
      const n = facts.n_columns;
      this.rows = Array.from({ length: 3 * facts.channels.length }, () => nothing(n));
      this.x = Float64Array.from({ length: n }, (_, i) => facts.start - facts.zero + (i + 0.5) * facts.column);
      this.x2 = Float64Array.from({ length: 2 * n }, (_, i) => facts.start - facts.zero + (0.25 + 0.5 * i) * facts.column);
      this.pairs = facts.channels.map(() => nothing(2 * n));
      this.have = 0;
      this.soFar = { values: {} };
      this.lay();
    }
    this.dirty = true;
  }

  keepGhost(before, facts) {
    const fits = before && this.rows && before.n_columns === facts.n_columns && before.kind === facts.kind && before.mode === facts.mode;
    const whole = fits && this.have > 0.5 * before.n_columns;
    this.ghost = whole ? this.pairs.map((p) => p.slice()) : null;
    this.ghostMean = whole ? this.rows[2].slice() : null;
  }

  /** Columns came. */
  take(trace) {
    const f = this.facts;
    if (!f || trace.kind !== 1 || trace.sweep !== f.sweep || trace.id !== f.window) {
      if (f && trace.kind === 2 && trace.sweep === f.sweep && this.isZoomed) { this.closeUp = trace; this.dirty = true; }
      if (f && trace.kind === 3 && trace.n === f.n_columns && !this.ghost) this.takeBefore(trace);
      return;
    }
    trace.rows.forEach((row, i) => this.rows[i]?.set(row, trace.first));
    for (let c = 0; c < f.channels.length; c++) {
      const pair = this.pairs[c].subarray(2 * trace.first, 2 * (trace.first + trace.n));
      zigzag(trace.rows[3 * c], trace.rows[3 * c + 1], pair);
    }
    this.have = trace.first + trace.n;
    this.wall = trace.wall;
    this.dirty = true;
  }

  takeBefore(trace) {
    if (trace.rows.length !== this.rows.length) return;
    this.ghostMean = trace.rows[2].slice();
    this.ghost = this.facts.channels.map((_, c) => zigzag(trace.rows[3 * c], trace.rows[3 * c + 1], nothing(2 * trace.n)));
  }

  told(soFar) {
    if (this.facts && soFar.sweep === this.facts.sweep) { this.soFar = soFar; this.dirty = true; }
  }

  meant(reference) {
    this.reference = reference.n ? reference : null;
    this.lay();
    this.dirty = true;
  }

  /** What depends on the sweep and not on its samples: axes, windows, the reference on this sweep's columns. */
  lay() {
    const f = this.facts;
    if (!f || !this.x) return;
    const isCurrentClamp = f.channels[0][1] === "mV";
    const [low, high] = [f.start - f.zero, f.start - f.zero + f.length];
    for (const plot of [this.full, this.near, this.second, this.test]) if (!this.isZoomed) plot.range("x", low, high);
    const bands = f.windows.map((w) => ({
      from: w.start, to: w.stop, label: w.label, colour: w.name === "V_b" ? "window-2" : "window", edge: w.name === "V_b" ? "reference" : "trace",
    }));
    this.near.bands(bands);
    this.full.bands(f.step ? [{ from: f.step[0] - f.zero, to: f.step[1] - f.zero, colour: "window-2" }] : []);
    this.isCurrentClamp = isCurrentClamp;
    this.courseOfReference = isCurrentClamp && f.step && this.reference ? this.sampled(this.reference) : null;
    this.deepestOfReference = 0;
    this.courseOfReference?.forEach((v, i) => { if (this.x[i] > 0.02 && v < this.deepestOfReference) this.deepestOfReference = v; });
  }

  /** The reference at this sweep's columns, mV from the baseline. */
  sampled({ start, column, values }, times = this.x) {
    return Float32Array.from(times, (time) => {
      const at = (time - start) / column;
      const [i, part] = [Math.floor(at), at - Math.floor(at)];
      if (i < 0 || i + 1 >= values.length || values[i] === null || values[i + 1] === null) return NaN;
      return values[i] * (1 - part) + values[i + 1] * part;
    });
  }

  draw() {
    const f = this.facts;
    const ghost = (c) => this.ghost?.[c] ?? empty(2 * f.n_columns);
    if (document.getElementById("scope").dataset.stage) {
      this.test.range("y", ...extent([ghost(0), this.pairs[0]], 20));
      this.test.set([this.x2, ghost(0), this.pairs[0]]);
      this.test.title([[`${CHANNEL[f.channels[0][1]]}, ${f.channels[0][1]}`], " · seconds", " · grey: the second before"]);
      return;
    }
    if (this.closeUp) {
      this.drawCloseUp(this.closeUp);
      this.titles(f);
      return;
    }
    this.full.range("y", ...(this.isCurrentClamp && f.step ? [-90, 50] : extent([ghost(0), this.pairs[0]], 20)));
    this.full.set([this.x2, ghost(0), this.pairs[0]]);
    this.drawNear(f);
    if (f.channels.length > 1) {
      this.second.range("y", ...extent([ghost(1), this.pairs[1]], 10));
      this.second.set([this.x2, ghost(1), this.pairs[1]]);
    }
    this.titles(f);
  }

  /** The course of a resistance while a pipette is watched: [[s, ohms], ...]. */
  course(points, label) {
    const last = points.at(-1)[0];
    const giga = points.at(-1)[1] >= 1e9;
    const y = points.map(([, r]) => r / (giga ? 1e9 : 1e6));
    this.second.range("x", Math.min(-30, points[0][0] - last), 0);
    this.second.range("y", ...extent([y], 1));
    this.second.set([points.map(([t]) => t - last), points.map(() => null), y]);
    this.second.title([[`${label[0].toUpperCase()}${label.slice(1)}, ${giga ? "GΩ" : "MΩ"}`], " · seconds until now"]);
  }

  drawNear(f) {
    const mean = this.rows[2];
    const base = this.level();
    const isAHP = f.channels[0][1] === "mV" && f.step;
    const reference = this.courseOfReference ? this.courseOfReference.map((v) => v + base) : empty(f.n_columns);
    this.near.range("y", ...(isAHP ? this.rangeOfAHP(base) : this.rangeOfRest(mean)));
    this.near.set([this.x, this.restOfBefore(f), reference, mean]);
  }

  /** The sweep before, from where the present one has come to: as on an oscilloscope it stands until it is written over. */
  restOfBefore(f) {
    if (!this.ghostMean) return empty(f.n_columns);
    const rest = this.ghostMean.slice();
    rest.fill(NaN, 0, Math.min(rest.length, this.have + 8));
    return rest;
  }

  /** From below the deepest point to a third of that above the baseline. */
  rangeOfAHP(base) {
    const deepest = Math.min(-3.5, 1e3 * (this.soFar.lowest ?? 0), this.deepestOfReference);
    const span = (1.18 * deepest) / this.gain;
    return [base + span, base - 0.42 * span];
  }

  /** Without the transients of test pulses: most of what there is, and some room. */
  rangeOfRest(values) {
    const there = values.slice(0, this.have).filter((v) => !Number.isNaN(v)).sort();
    if (there.length < 4) return [null];
    const [low, high] = [there[Math.floor(0.01 * there.length)], there[Math.floor(0.99 * (there.length - 1))]];
    const room = Math.max(high - low, 4) * (0.35 / this.gain);
    return [low - room, high + room];
  }

  titles(f) {
    const [unit, second] = [f.channels[0][1], f.channels[1]?.[1]];
    this.full.title([[`${CHANNEL[unit]}, ${unit}`], this.ghost ? " · grey: the sweep before" : ""]);
    if (second) this.second.title([[`${CHANNEL[second]}, ${second}`], f.step ? " · seconds from the end of the step" : " · seconds"]);
    if (unit === "mV" && f.step) {
      const n = this.reference?.n;
      const over = n ? [` · over the mean of ${n} ${this.reference.label} sweep${n > 1 ? "s" : ""} (grey)`, ", at this sweep's baseline"] : [];
      const { lowest, spikes } = this.soFar;
      const now = lowest !== null && lowest !== undefined ? ` · deepest ${quantity(lowest, "mV", 1)}` : spikes ? ` · ${spikes} spikes` : "";
      this.near.title([["Afterhyperpolarization, mV"], now, ...over]);
    } else {
      this.near.title([[`${CHANNEL[unit]} magnified, ${unit}`], f.start ? ` · from ${clock(f.start)} of the sweep` : ""]);
    }
  }

  painted() {
    if (!this.wall) return;
    const now = performance.timeOrigin + performance.now();
    frames.push([now, now - 1e3 * this.wall]);
    if (frames.length > KEPT_FRAMES) frames.splice(0, KEPT_FRAMES / 2);
  }

  /** A stretch was dragged on one plot: the others follow, and its samples are asked for at full resolution. */
  zoomed(low, high) {
    this.isZoomed = low !== null;
    this.closeUp = null;
    for (const plot of [this.full, this.near, this.second]) plot.range("x", low, high);
    const f = this.facts;
    if (!this.isZoomed || !f) this.lay();
    else this.ask("zoom", { sweep: f.sweep, start: low + f.zero, stop: high + f.zero, columns: CLOSE_UP });
    this.dirty = true;
  }

  /** The stretch that was asked for. */
  drawCloseUp({ n, start, column, rows }) {
    const { zero, channels } = this.facts;
    const x = Float64Array.from({ length: n }, (_, i) => start - zero + (i + 0.5) * column);
    const x2 = Float64Array.from({ length: 2 * n }, (_, i) => start - zero + (0.25 + 0.5 * i) * column);
    const reference = this.reference && this.courseOfReference ? this.sampled(this.reference, x).map((v) => v + this.level()) : empty(n);
    this.full.set([x2, empty(2 * n), zigzag(rows[0], rows[1], nothing(2 * n))]);
    this.near.set([x, empty(n), reference, rows[2]]);
    if (channels.length > 1) this.second.set([x2, empty(2 * n), zigzag(rows[3], rows[4], nothing(2 * n))]);
  }

  /** The baseline of this sweep, mV; before it is measured, the last one's, or what is aimed at. */
  level() {
    return 1e3 * (this.soFar.values.V_b ?? this.base ?? this.facts.aim ?? 0);
  }

  magnify(by) {
    this.gain = Math.min(8, Math.max(0.25, this.gain * by));
    this.dirty = true;
  }

  fit() {
    this.gain = 1;
    this.zoomed(null);
  }
}

export const lastBaseline = (rows) => rows.findLast?.((r) => r.values.V_b !== undefined && r.values.V_b !== null)?.values.V_b ?? null;
export const shownValue = (value, unit, digits) => number(value, unit, digits);
