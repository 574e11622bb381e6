// The rig screen: what is wired where, what may be commanded, what is seen of it, what doctor says.
import { news } from "../dialog.js";
import { clock, duration, number, typeset } from "../format.js";
import { bind } from "../keys.js";
import { findings, summary } from "../rig/findings.js";
import { meaning, scaled } from "../rig/scales.js";
import { get, post, shell } from "../shell.js";

const LIVE = 1000;
const GROUPS = { run: "The run that goes on", session: "The session", file: "Files here", shipped: "Shipped examples" };
const KNOBS = {
  low_pass: ["filter", (v) => `${number(v, "kHz", 1)} kHz`],
  bridge_balance: ["bridge", (v) => `${number(v, "MΩ", 1)} MΩ`],
  capacitance_compensation: ["capacitance", (v) => `${number(v, "pF", 1)} pF`],
  whole_cell_capacitance: ["whole cell", (v) => `${number(v, "pF", 1)} pF`],
  whole_cell_series_resistance: ["series resistance", (v) => `${number(v, "MΩ", 1)} MΩ`],
  resistance_correction: ["correction", (v) => `${number(100 * v, "", 0)} %`],
  resistance_prediction: ["prediction", (v) => `${number(100 * v, "", 0)} %`],
};
const at = (name) => document.querySelector(`[data-name="${name}"]`);
const make = (tag, text = "", className = "") => Object.assign(document.createElement(tag), { textContent: text, className });
const named = (element, name) => { element.dataset.name = name; return element; };

const page = shell("rig");
const list = at("rig");
const look = document.querySelector('[data-act="doctor"]');
let shown = null;     // facts of the rig on the screen
let session = "";     // of the run that goes on
let wasRunning = false;

async function open(id = null) {
  try {
    shown = await get(`/api/rig/facts${id ? `?${new URLSearchParams({ rig: id })}` : ""}`);
  } catch (error) {
    news(error.message, "bad");
    return;
  }
  fill(shown.rigs);
  list.value = shown.id;
  list.disabled = shown.watching;
  page.what(shown.rigs.find((r) => r.id === shown.id)?.title ?? shown.name);
  at("what").title = shown.name;
  at("problems").textContent = shown.problems;
  at("problems").hidden = !shown.problems;
  document.getElementById("rig").toggleAttribute("data-unreadable", shown.facts === null);
  if (shown.facts) lay(shown.facts);
  examined(shown);
  await live();
}

function fill(found) {
  const groups = new Map();
  for (const { id, group, title } of found) {
    if (!groups.has(group)) groups.set(group, Object.assign(document.createElement("optgroup"), { label: GROUPS[group] }));
    groups.get(group).append(Object.assign(document.createElement("option"), { value: id, textContent: title }));
  }
  list.replaceChildren(...groups.values());
}

function lay(rig) {
  at("rig-name").textContent = rig.name;
  at("rig-place").textContent = rig.place;
  at("channels").replaceChildren(...rig.channels.map(channel), ...rig.others.map(other));
  at("modes").replaceChildren(...rig.modes.map((m) => cells([m.mode, m.command, m.primary, m.secondary])));
  pairs("limits", [["voltage clamp", rig.limits.voltage], ["current clamp", rig.limits.current]]);
  pairs("safe", rig.safe);
  pairs("instruments", rig.instruments.map((i) => [i.kind, [i.driver.replaceAll("_", " "), i.words, ...i.options].filter(Boolean).join(" · ")]));
  at("lines").replaceChildren(...rig.lines.map((line) => {
    const item = make("li");
    item.dataset.line = line.name;
    item.append(make("b", line.name), named(make("span", "", "what"), `line-${line.name}`), make("small", [line.pin, line.opens && `opens ${line.opens}`, line.is_safe && "safe line"].filter(Boolean).join(", ")));
    return item;
  }));
  at("dead-time").textContent = `${duration(rig.dead_time)} from the valve to the bath${rig.flow ? `, at ${rig.flow}` : ""}`;
}

function cells(texts) {
  const row = make("tr");
  row.append(...texts.map((text, i) => make("td", typeset(text), i ? "number" : "")));
  return row;
}

function channel(c) {
  const row = make("tr");
  row.dataset.channel = c.name;
  const means = (mode) => {
    const cell = make("td", "", "number");
    if (!c.means[mode]) return cell;
    const [scale, full] = meaning(c.means[mode]);
    cell.append(`${scale} `, make("small", full));
    return cell;
  };
  const pin = make("td", c.pin);
  if (c.terminal) pin.append(" ", make("small", c.terminal));
  row.append(make("td", `${c.way === "in" ? "→" : "←"} ${c.name}`), pin, make("td", `±${c.range}`, "number"), means("voltage clamp"), means("current clamp"),
    named(make("td", "–", "number"), `now-${c.name}`), named(make("td", "–", "number"), `noise-${c.name}`));
  return row;
}

function other(input) {
  const row = make("tr", "", "other");
  row.append(make("td", `→ ${input.of === input.name ? input.of : `${input.of}: ${input.name}`}`), make("td", input.pin), make("td", input.range && `±${input.range}`, "number"));
  row.append(Object.assign(make("td"), { colSpan: 4 }));
  return row;
}

function pairs(name, found) {
  at(name).replaceChildren(...found.flatMap(([key, text]) => [make("dt", key), make("dd", typeset(text))]));
}

/** Doctor's lines, and why he cannot look now. */
function examined({ doctor, why_not: whyNot, examination }) {
  const isRunning = examination.running;
  look.disabled = isRunning || whyNot !== "";
  look.firstChild.textContent = isRunning ? "Looking …" : "Look at the rig";
  at("why-not").textContent = whyNot;
  at("why-not").hidden = !whyNot;
  at("doctor-failed").textContent = examination.failed;
  at("doctor-failed").hidden = !examination.failed;
  const when = at("doctor-when");
  if (!doctor) {
    when.textContent = isRunning ? "is looking" : "has not looked at this rig yet";
    at("findings").replaceChildren();
    return;
  }
  const seen = doctor.when.slice(0, 16).replace("T", " ");
  const changed = doctor.same_file ? "" : "; the rig file has changed since";
  when.textContent = `${summary(doctor.findings)} · looked ${seen}${changed}`;
  when.className = doctor.findings.some((f) => f.verdict === "bad") ? "bad" : "good";
  at("findings").replaceChildren(...findings(doctor.findings));
}

async function live() {
  try {
    const { run, examination, busy } = await get("/api/rig/live");
    page.link("live", "connected");
    const changed = (run?.session ?? "") !== session || String(busy) !== String(shown?.busy) || (wasRunning && !examination.running);
    session = run?.session ?? "";
    wasRunning = examination.running;
    if (changed) await again();
    seen(run && shown && run.rig === shown.facts?.name ? run : null);
    const state = at("run-state");
    state.dataset.state = run ? "on" : "off";
    state.textContent = !run ? busy.length ? `${busy.join(", ")} goes on; this page does not follow it` : "no run goes on" : run.rig === shown?.facts?.name ? `● ${run.session}` : `a run is on '${run.rig}'`;
  } catch (error) {
    page.link("broken", error.message);
  }
}

async function again() {
  shown = await get(`/api/rig/facts?${new URLSearchParams({ rig: shown?.id ?? "" })}`);
  examined(shown);
}

/** What the run shows of the rig; null while there is none. */
function seen(run) {
  for (const c of shown?.facts?.channels ?? []) {
    const last = run?.channels.find((x) => x.name === c.name);
    at(`now-${c.name}`).textContent = last && last.value !== null ? last.unit === "V" ? `${number(last.value, "mV", 1)} mV` : `${number(last.value, "pA", 0)} pA` : "–";
    at(`noise-${c.name}`).textContent = last && last.noise !== null ? scaled(last.noise, last.unit, last.unit === "V" ? 2 : 1) : "–";
  }
  at("temperature").textContent = run?.temperature ? `${number(run.temperature[1], "", 1)} °C` : "–";
  at("guardian").textContent = run?.guardian ?? "at work while a run is on: puts the rig to rest if the run dies or hangs";
  verified(run);
  bath(run);
}

function verified(run) {
  at("verified-head").textContent = run?.mode ? `As verified at ${clock(run.seen)}:` : "As verified:";
  const knobs = Object.entries(run?.amplifier ?? {}).filter(([k]) => KNOBS[k]).map(([k, v]) => `${KNOBS[k][0]} ${KNOBS[k][1](v)}`);
  at("verified").textContent = run?.mode ? [run.mode, run.gains && `primary ${run.gains}`, ...knobs].filter(Boolean).join(" · ") : "seen while a run is on; otherwise doctor's lines say it";
}

function bath(run) {
  const solutions = new Map((run?.solutions ?? []));
  for (const line of shown?.facts?.lines ?? []) {
    const isOpen = run?.bath?.line === line.name;
    at(`line-${line.name}`).textContent = solutions.get(line.name) ?? "";
    at("lines").querySelector(`[data-line="${line.name}"]`).dataset.state = isOpen ? "open" : "";
  }
  const left = run?.bath ? run.bath.arrives - run.now : null;
  at("bath-now").textContent = left === null ? "" : left > 0 ? `△ ${run.bath.label} is on its way: in the bath in ${clock(left)}` : `${run.bath.label} is in the bath`;
  const way = document.querySelector("#bath .way i");
  way.style.width = left === null ? "0%" : `${Math.min(100, Math.max(0, 100 * (1 - left / (run.bath.arrives - run.bath.switched || 1))))}%`;
}

list.addEventListener("change", () => open(list.value));
bind({ key: "r", label: "Choose the rig", act: () => list.focus() });
bind({ key: "Escape", label: "", act: () => list.blur(), when: () => document.activeElement === list });
bind({ key: "d", label: "Let doctor look at the rig: devices are opened, nothing is commanded", button: look, act: async () => {
  try {
    const examination = await post("/api/rig/doctor", { rig: shown.id });
    wasRunning = examination.running;
    examined({ ...shown, examination });
  } catch (error) {
    news(error.message, "bad");
  }
} });
await open(new URLSearchParams(location.search).get("rig"));
setInterval(live, LIVE);
