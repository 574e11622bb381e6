// The windows in numbers: fields below the plot, and what has been moved.
const [LEAST, LEAST_BASELINE] = [1e-3, 40e-3];
const ms = (seconds) => Math.round(1e4 * seconds) / 10;
const FROM = { step_start: "from the step's start", step_end: "from the step's end", sweep_start: "from the sweep's start" };

export class Windows {
  constructor(place, { onMoved }) {
    [this.place, this.onMoved] = [place, onMoved];
    [this.recorded, this.moved] = [[], {}];
  }

  /** The windows of the recording. */
  take(recorded) {
    this.recorded = recorded;
    this.fields = new Map();
    this.place.replaceChildren(...recorded.map((w) => this.field(w)));
    this.put();
  }

  field(w) {
    const element = document.createElement("div");
    element.className = "span";
    element.style.setProperty("--tint", `var(--${w.name === "V_b" ? "reference" : "trace"})`);
    const name = document.createElement("b");
    name.textContent = w.label;
    const inputs = ["start", "stop"].map((side) => {
      const input = document.createElement("input");
      Object.assign(input, { type: "number", step: 10, title: `recorded: ${Math.round(1e3 * w[side])} ms` });
      input.dataset.name = `window-${w.name}-${side}`;
      input.setAttribute("aria-label", `${w.label}: ${side === "start" ? "begin" : "end"} of the window, ms ${FROM[w.from]}`);
      input.addEventListener("change", () => this.typed(w.name));
      input.addEventListener("keydown", (e) => { if (e.key === "Escape") { this.put(); input.blur(); } if (e.key === "Enter") input.blur(); });
      return input;
    });
    this.fields.set(w.name, [element, ...inputs]);
    const refused = document.createElement("small");
    refused.className = "refused";
    refused.dataset.name = `refused-${w.name}`;
    refused.setAttribute("role", "alert");
    element.append(name, inputs[0], "to", inputs[1], `ms ${FROM[w.from]}`, refused);
    return element;
  }

  typed(name) {
    const [, start, stop] = this.fields.get(name);
    const span = [start.valueAsNumber / 1e3, stop.valueAsNumber / 1e3];
    if (span.some((t) => !Number.isFinite(t))) return this.put();
    if (this.refuses(name, span)) return this.put();
    this.onMoved(name, span, true);
  }

  /** Why a window cannot be there, which is said at its fields as well; empty if it can. */
  refuses(name, span) {
    const w = this.recorded.find((r) => r.name === name);
    const words = this.isRecorded(w, span) ? "" : this.against(w, span);
    this.fields.get(name)[0].querySelector(".refused").textContent = words;
    return words;
  }

  against({ name, label, within: [low, high] }, [start, stop]) {
    const least = name === "V_b" ? LEAST_BASELINE : LEAST;
    if (stop <= start) return `the ${label} window must end after it begins`;
    if (stop - start < least - 1e-9) return `the ${label} window must be at least ${ms(least)} ms long`;
    if (stop > high + 1e-6) return `the ${label} window is too late: the sweep ends at ${ms(high)} ms`;
    return start < low - 1e-6 ? `the ${label} window is too early: the sweep begins at ${ms(low)} ms`.replace("-", "−") : "";
  }

  isRecorded(w, span) { return Math.abs(w.start - span[0]) < 5e-4 && Math.abs(w.stop - span[1]) < 5e-4; }

  /** Move a window; one that is where it was recorded counts as not moved. */
  move(name, span) {
    const w = this.recorded.find((r) => r.name === name);
    if (!w) return;
    this.fields.get(name)[0].querySelector(".refused").textContent = "";
    if (this.isRecorded(w, span)) delete this.moved[name];
    else this.moved[name] = span;
    this.put();
  }

  put() {
    for (const w of this.spans()) {
      const [element, start, stop] = this.fields.get(w.name);
      element.toggleAttribute("data-moved", Boolean(this.moved[w.name]));
      start.value = String(Math.round(1e4 * w.start) / 10);
      stop.value = String(Math.round(1e4 * w.stop) / 10);
    }
  }

  /** All windows where they are now. */
  spans() {
    return this.recorded.map((w) => (this.moved[w.name] ? { ...w, start: this.moved[w.name][0], stop: this.moved[w.name][1] } : w));
  }

  get isMoved() { return Object.keys(this.moved).length > 0; }

  /** The measure that stands for the sAHP. */
  get headline() { return this.moved.A_1000 ? "sAHP_moved" : "A_1000"; }

  /** For the server: what differs from the recording. */
  asked() { return this.isMoved ? { windows: JSON.stringify(this.moved) } : {}; }
}
