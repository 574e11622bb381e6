// The selected sweep: the Run screen's plots on a file, with windows whose edges can be taken hold of.
import { Scope } from "../run/scope.js";
import { fetched, get } from "../shell.js";
import { traceOf } from "../wire.js";

const KEPT = 40;
/** Columns of a whole sweep: about as many as a large screen shows. */
const WHOLE = 1600;
// kinds of blocks, as on the WebSocket
const [PRESENT, CLOSE_UP] = [1, 2];
const TINT = (name) => (name === "V_b" ? "reference" : "trace");

export class Sweep extends Scope {
  /** `address(path, fields)` gives the address of a request; `onMoved(name, [start, stop], isDone)` hears of a window. */
  constructor({ address, onMoved }) {
    super((_act, fields) => this.closer(fields));
    [this.address, this.onMoved] = [address, onMoved];
    this.kept = new Map();
    this.edges = new Map();
    this.stretch = null;
    this.spans = [];
    new ResizeObserver(() => this.place()).observe(this.near.element);
  }

  /** Samples and facts of sweeps are asked for once. */
  load(sweep) {
    if (!this.kept.has(sweep)) {
      const facts = get(this.address("sweep", { sweep }));
      const trace = this.fetchTrace({ sweep, columns: WHOLE });
      const both = Promise.all([facts, trace]);
      both.catch(() => this.kept.delete(sweep));
      this.kept.set(sweep, both);
      if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
    }
    return this.kept.get(sweep);
  }

  async fetchTrace(fields) {
    const response = await fetched(this.address("trace", fields));
    if (!response.ok) throw new Error((await response.json()).error);
    return traceOf(await response.arrayBuffer());
  }

  /** Show a sweep that was loaded; a stretch that is looked at stays when the next sweep has the same step. */
  show(facts, trace) {
    const before = this.facts;
    const shown = { ...facts, window: 0, n_columns: trace.n, start: trace.start, column: trace.column, length: trace.n * trace.column };
    const stays = this.stretch && before && String(before.step) === String(facts.step);
    if (!stays) [this.stretch, this.isZoomed] = [null, false];
    this.begin({ ...shown, windows: this.bands(facts) });
    this.take({ ...trace, kind: PRESENT, id: 0, first: 0 });
    const values = Object.fromEntries(facts.numbers.map((m) => [m.name, m.value]));
    this.told({ sweep: facts.sweep, values, lowest: values.A_pk ?? null, spikes: values.n_ap });
    if (stays) this.zoomed(...this.stretch);
    this.place();
  }

  keepGhost() {
    this.ghost = null;
    this.ghostMean = null;
  }

  /** The windows, seconds from the end of this sweep's step. */
  bands(facts) {
    if (!facts.step || facts.channels[0][1] !== "mV") return [];
    const origin = { step_end: 0, step_start: facts.step[0] - facts.zero, sweep_start: -facts.zero };
    return this.spans.map((w) => ({ ...w, origin: origin[w.from], start: w.start + origin[w.from], stop: w.stop + origin[w.from] }));
  }

  /** Windows have been moved, or taken back. */
  setWindows(spans) {
    this.spans = spans;
    if (this.facts) {
      this.facts.windows = this.bands(this.facts);
      this.lay();
      this.dirty = true;
    }
    this.place();
  }

  /** As on the Run screen; the names of the windows stand at their edges. */
  lay() {
    super.lay();
    this.near.bands((this.facts?.windows ?? []).map((w) => ({ from: w.start, to: w.stop, colour: w.name === "V_b" ? "window-2" : "window" })));
  }

  draw() {
    super.draw();
    if (this.facts.channels.length === 1) this.drawCommand(this.facts);
    document.getElementById("scope").dataset.drawn = `${this.facts.sweep} ${this.closeUp ? "close up" : this.have}`;
    requestAnimationFrame(() => this.place());
  }

  /** Where one signal was recorded, the other plot shows the command that was played. */
  drawCommand({ holding, pulses, length, zero, mode }) {
    const [unit, factor] = mode === "voltage clamp" ? ["mV", 1e3] : ["pA", 1e12];
    const points = [[0, holding], ...pulses.flatMap(([, on, off, size]) => [[on, holding], [on, holding + size], [off, holding + size], [off, holding]]), [length, holding]];
    const levels = points.map(([, level]) => factor * level);
    const [low, high] = [Math.min(...levels), Math.max(...levels)];
    const room = Math.max(0.12 * (high - low), 5);
    this.second.range("y", low - room, high + room);
    this.second.set([points.map(([t], i) => t - zero + 1e-7 * i), levels.map(() => null), levels]);
    this.second.title([[`Command, ${unit}`], " · as it was played"]);
  }

  zoomed(low, high) {
    this.stretch = low === null ? null : [low, high];
    super.zoomed(low, high);
  }

  /** A stretch at full resolution, from the server that has the file. */
  async closer({ sweep, start, stop, columns }) {
    const stretch = this.stretch;
    const trace = await this.fetchTrace({ sweep, start, stop, columns }).catch(() => null);
    if (trace && this.stretch === stretch) this.take({ ...trace, kind: CLOSE_UP });
  }

  /** Put the edges of the windows where they are on the plot. */
  place() {
    const u = this.near.u;
    const windows = u && this.facts ? this.facts.windows : [];
    const wanted = new Set(windows.flatMap((w) => [`${w.name}:start`, `${w.name}:stop`]));
    for (const [name, edge] of this.edges) if (!wanted.has(name)) { edge.remove(); this.edges.delete(name); }
    for (const w of windows) for (const side of ["start", "stop"]) this.placeEdge(u, w, side);
  }

  placeEdge(u, w, side) {
    const name = `${w.name}:${side}`;
    if (!this.edges.has(name)) this.edges.set(name, this.makeEdge(w, side));
    const edge = this.edges.get(name);
    const dpr = devicePixelRatio || 1;
    const { left, top, width, height } = u.bbox;
    const x = u.valToPos(w[side], "x", true);
    edge.hidden = !(x >= left - 1 && x <= left + width + 1);
    edge.style.left = `${x / dpr}px`;
    edge.style.top = `${top / dpr}px`;
    edge.style.height = `${height / dpr}px`;
    edge.classList.toggle("labelled-left", x > left + 0.85 * width);
    const value = Math.round(1e4 * (w[side] - w.origin)) / 10;
    edge.setAttribute("aria-valuenow", value);
    edge.setAttribute("aria-valuetext", `${value} ms`);
  }

  makeEdge(w, side) {
    const edge = document.createElement("button");
    edge.className = "edge";
    edge.dataset.edge = `${w.name}-${side}`;
    edge.style.setProperty("--tint", `var(--${TINT(w.name)})`);
    edge.setAttribute("role", "slider");
    edge.setAttribute("aria-label", `${side === "start" ? "Begin" : "End"} of the window of ${w.label}; arrows move it by 10 ms, with Shift by 1 ms`);
    edge.setAttribute("aria-valuemin", -60000);
    edge.setAttribute("aria-valuemax", 60000);
    const move = (to, isDone) => this.moveEdge(w.name, side, to, isDone);
    edge.addEventListener("pointerdown", (e) => { e.preventDefault(); e.stopPropagation(); edge.focus(); edge.setPointerCapture(e.pointerId); edge.classList.add("drags"); });
    edge.addEventListener("mousedown", (e) => e.stopPropagation());
    edge.addEventListener("pointermove", (e) => { if (edge.classList.contains("drags")) move(this.timeAt(e), false); });
    edge.addEventListener("pointerup", (e) => { if (edge.classList.contains("drags")) { edge.classList.remove("drags"); move(this.timeAt(e), true); } });
    edge.addEventListener("keydown", (e) => {
      const by = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1 }[e.key];
      if (!by || e.ctrlKey || e.altKey || e.metaKey) return;
      e.preventDefault();
      e.stopPropagation();
      const now = this.facts.windows.find((x) => x.name === w.name)[side];
      move(now + by * (e.shiftKey ? 1e-3 : 10e-3), true);
    });
    if (side === "stop") edge.append(Object.assign(document.createElement("span"), { className: "tag", textContent: w.label }));
    this.near.element.append(edge);
    return edge;
  }

  /** Time under the pointer, s from the step's end, to a whole millisecond. */
  timeAt(e) {
    const { u } = this.near;
    return Math.round(1e3 * u.posToVal(e.clientX - u.over.getBoundingClientRect().left, "x")) / 1e3;
  }

  moveEdge(name, side, to, isDone) {
    const w = this.facts.windows.find((x) => x.name === name);
    const least = name === "V_b" ? 0.04 : 0.005;
    const [low, high] = w.within;
    const at = Math.min(high, Math.max(low, Math.round(1e3 * (to - w.origin)) / 1e3));
    const [start, stop] = [w.start - w.origin, w.stop - w.origin].map((t) => Math.round(1e3 * t) / 1e3);
    const span = side === "start" ? [Math.min(at, stop - least), stop] : [start, Math.max(at, start + least)];
    this.onMoved(name, span, isDone);
  }
}
