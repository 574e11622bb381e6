// What a person can ask of the run: buttons, each with its key.
import { asks, isAsking, news } from "../dialog.js";
import { bind } from "../keys.js";

const REASONS = ["spike before the step", "synaptic event", "bubble in the line", "access resistance jumped", "touched the table", "wrong solution"];
const RENEW = 2000;
/** Seconds for which "Stop the run?" waits; without an answer the run goes on. */
const LAPSE = 10;
/** Ohms: a pipette that is open in the bath has less. Above it something may be on its tip. */
const OPEN_PIPETTE = 20e6;
const button = (act) => document.querySelector(`button[data-act="${act}"]`);

export class Controls {
  /** `sweepMeant()` gives the row of the sweep that a rejection is about; `resistance()` the last one of the test pulses. */
  constructor(wire, { sweepMeant, resistance }) {
    this.wire = wire;
    this.sweepMeant = sweepMeant;
    this.resistance = resistance;
    this.status = { can: [] };
    this.isLinked = true;
    this.menu = [];
    this.you = { role: "watch", has_control: false };
    const free = () => !isAsking();
    bind({ key: " ", label: "Pause after this sweep, and go on", button: button("pause"), act: () => this.pause(), when: free });
    bind({ key: ".", label: "Next step", button: button("next_step"), act: () => this.ask("next_step"), when: free });
    bind({ key: "m", label: "Mark this moment", button: button("mark"), act: () => this.ask("mark"), when: free });
    bind({ key: "n", label: "Write a note", button: button("note"), act: () => this.note(), when: free });
    bind({ key: "r", label: "Leave a sweep out of means, or take it back", button: button("reject"), act: () => this.reject(), when: free });
    bind({ key: "v", label: "Another solution", button: button("solution"), act: () => this.solution(), when: free });
    bind({ key: "t", label: "Test pulses", button: button("stage"), act: () => this.stage(), when: free });
    bind({ key: "Escape", label: "Stop the run", button: button("stop"), act: () => this.stop(), when: () => free() && !document.getElementById("keys") });
    ["bath", "patch", "cell", "monitor"].forEach((stage, i) => {
      bind({ key: String(i + 1), label: `Test pulses: ${stage}`, button: button(`stage-${stage}`), act: () => this.toStage(stage), when: free });
    });
    bind({ key: "0", label: "End the test pulses", button: button("stage-end"), act: () => this.ask("stage", { stage: null }), when: free });
    bind({ key: "c", label: "Take control", button: button("take_control"), act: () => this.ask("take_control"), when: free });
    setInterval(() => { if (this.you.role === "control") wire.ask("renew"); }, RENEW);
  }

  /** Who has control. */
  take(you) {
    const first = this.you.viewer !== you.viewer;
    this.you = you;
    document.body.toggleAttribute("data-watching", you.role !== "control");
    if (first && you.role === "control" && !you.controller) this.wire.ask("renew");
    this.offer();
  }

  takeStatus(status) {
    this.isLinked = true;
    this.status = status;
    this.offer();
  }

  /** The page has lost its server: nothing can be asked for. */
  lose() {
    this.isLinked = false;
    this.offer();
  }

  takeMenu(menu) {
    this.menu = menu;
    this.offer();
  }

  /** Only what can be asked for now is offered. */
  offer() {
    const { can = [], stage, before_protocol: before } = this.status;
    const mine = this.isLinked && this.you.role === "control" && (this.you.has_control || !this.you.controller);
    const taken = this.you.role === "control" && this.you.controller && !this.you.has_control;
    button("take_control").hidden = !taken;
    button("take_control").disabled = !this.isLinked;
    for (const act of ["next_step", "mark", "note", "solution", "stage", "stop"]) button(act).disabled = !(mine && can.includes(act));
    button("solution").hidden = this.menu.length < 2;
    const meant = this.sweepMeant();
    button("reject").disabled = !(mine && can.includes("reject") && meant);
    button("reject").firstChild.textContent = meant?.rejected ? "Take back" : "Reject";
    const paused = can.includes("go_on");
    button("pause").disabled = !(mine && (paused || can.includes("pause")));
    button("pause").firstChild.textContent = paused ? (before ? "Begin protocol" : "Go on") : "Pause";
    button("pause").setAttribute("aria-pressed", paused);
    const stops = can.includes("take_back_stop");
    button("stop").firstChild.textContent = stops ? "Stops after sweep" : "Stop";
    button("stop").setAttribute("aria-pressed", stops);
    for (const name of ["bath", "patch", "cell", "monitor"]) {
      const one = button(`stage-${name}`);
      one.disabled = !(mine && can.includes("stage")) || (name === "bath" && !before);
      one.setAttribute("aria-pressed", stage === name);
    }
    button("stage-end").disabled = !mine;
  }

  async ask(act, fields = {}) {
    const { ok, text } = await this.wire.ask(act, fields);
    if (text) news(text, ok ? "good" : "bad");
    return ok;
  }

  pause() {
    return this.ask(this.status.can.includes("go_on") ? "go_on" : "pause");
  }

  async note() {
    const answer = await asks({ title: "Note", field: "what happened", options: [{ name: "write", key: "Enter", label: "Write" }] });
    if (answer?.text) await this.ask("note", { text: answer.text });
  }

  async reject() {
    const row = this.sweepMeant();
    if (!row) return;
    if (row.rejected) {
      const back = await asks({ title: `Sweep ${row.sweep} is left out (${row.reason}). Take it back?`, options: [{ name: "restore", key: "Enter", label: "Take it back" }] });
      if (back) await this.ask("restore", { sweep: row.sweep, reason: "" });
      return;
    }
    const answer = await asks({ title: `Leave sweep ${row.sweep} out of means. Why?`, field: "reason", choices: REASONS, options: [{ name: "reject", key: "Enter", label: "Leave out" }] });
    if (answer) await this.ask("reject", { sweep: row.sweep, reason: answer.text });
  }

  async solution() {
    const options = this.menu.map((s, i) => ({ name: s.name, key: String(i + 1), label: `${s.label} (${s.line})` }));
    const chosen = await asks({ title: "Change the solution, after this sweep, to", options });
    if (!chosen) return;
    const { label } = this.menu.find((s) => s.name === chosen.option);
    const sure = await asks({ title: `Really open the valve of ${label}?`, options: [{ name: "yes", key: "Enter", label: `Open ${label}`, kind: "main" }] });
    if (sure) await this.ask("solution", { name: chosen.option });
  }

  async stage() {
    if (this.status.stage) return this.ask("stage", { stage: null });
    const sure = this.status.before_protocol || await asks({ title: "Pause after this sweep, and play test pulses?", options: [{ name: "yes", key: "Enter", label: "Pause and test" }] });
    return sure ? this.ask("stage", { stage: "cell" }) : null;
  }

  /** Bath puts the pipette to 0 mV, which a cell on it would not survive: then it is asked first. */
  async toStage(stage) {
    const asked = stage === "bath" ? this.whyNotBath() : "";
    const sure = !asked || await asks({ title: `${asked} Bath puts it to 0 mV.`, options: [{ name: "bath-anyway", key: "y", label: "Yes, to 0 mV", kind: "stop" }] });
    return sure ? this.ask("stage", { stage }) : null;
  }

  /** Why there may be a cell on the pipette; "" if it is open, or at 0 mV already. */
  whyNotBath() {
    const { stage } = this.status;
    if (!stage || stage === "bath") return "";
    const [ohms, said] = this.resistance();
    if (stage === "cell" || stage === "monitor") return "The pipette is in a cell.";
    if (ohms === null) return "The pipette's resistance is not known yet.";
    return ohms > OPEN_PIPETTE ? `The resistance is ${said}: there seems to be a cell on the pipette.` : "";
  }

  /** Asks how to stop; while a stop waits for the sweep's end, whether to take it back. */
  async stop() {
    const waits = this.status.can.includes("take_back_stop");
    const answer = await asks({ title: waits ? "The run stops after this sweep." : "Stop the run?", lapses: LAPSE, options: [
      ...(waits ? [] : [{ name: "after-sweep", key: "Enter", label: "After this sweep", kind: "main" }]),
      { name: "now", key: "Escape", label: "Now, outputs to rest", kind: "stop" },
      waits ? { name: "take-back", key: "g", label: "Take the stop back" } : { name: "leave", key: "g", label: "Go on recording" },
    ] });
    if (answer?.option === "take-back") await this.ask("take_back_stop");
    else if (answer && answer.option !== "leave") await this.ask("stop", { when: answer.option === "now" ? "now" : "after sweep" });
  }
}
