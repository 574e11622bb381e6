// The run screen: what the run says, on the parts of the page.
import { bytes, clock, quantity } from "../format.js";
import { bind } from "../keys.js";
import { Attention } from "../run/attention.js";
import { Controls } from "../run/controls.js";
import { Programme } from "../run/programme.js";
import { lastBaseline, Scope } from "../run/scope.js";
import { Stages } from "../run/stages.js";
import { Trends } from "../run/trends.js";
import { shell } from "../shell.js";
import { connect } from "../wire.js";

const WORDS = { recording: "RECORDING", waiting: "WAITING", paused: "PAUSED", asking: "A QUESTION", starting: "STARTING", over: "OVER", lost: "LOST", unknown: "NOT KNOWN", none: "NO RUN", unreadable: "NOT READABLE" };
const UNKNOWN = { state: "unknown", text: "look at the terminal", now: null, can: [] };
/** What a person can do where the run says nothing any more. */
const TODO = {
  unknown: { id: "unknown", text: "the page lost its server: what the run does is not known here",
    todo: "look at the terminal, and at the rig; the page goes on by itself when its server answers" },
  refused: { id: "refused", text: "this page's key is not valid any more: what the run does is not known here",
    todo: "open the link that the terminal shows" },
  lost: { id: "lost", text: "the run's process has died: look whether the rig is at rest",
    todo: "its guardian puts the outputs to rest; if in doubt: patchrig safe --rig RIG. The session is made whole when it is opened: patchrig review" },
};
const at = (name) => document.querySelector(`[data-name="${name}"]`);

const page = shell("run");
const wire = connect();
const scope = new Scope((act, fields) => wire.ask(act, fields));
const programme = new Programme();
const attention = new Attention(wire);
const stages = new Stages((points, label) => scope.course(points, label));
let picked = null;
const trends = new Trends(document.getElementById("trends"), { onPick: (sweep) => pick(sweep) });
const controls = new Controls(wire, { sweepMeant, resistance: () => stages.resistance() });
let status = { state: "none", now: null, can: [] };

/** The session's time now, s; between messages it goes on by itself. */
function now() {
  if (status.now === null || status.now === undefined) return null;
  const runs = status.wall && status.speed && !["over", "lost", "none", "unreadable"].includes(status.state);
  return status.now + (runs ? (Date.now() / 1000 - status.wall) * status.speed : 0);
}

/** The sweep that a rejection is about: the one that was picked, or else the last of a series. */
function sweepMeant() {
  const rows = trends.rows.filter((r) => r.complete !== null && r.kind === "series");
  return rows.find((r) => r.sweep === picked) ?? rows.at(-1) ?? null;
}

function pick(sweep) {
  picked = sweep;
  const row = trends.rows.find((r) => r.sweep === sweep);
  const words = row ? `sweep ${row.sweep} at ${clock(row.time)}: ${quantity(row.values.A_1000, "mV", 2)}, ${row.reason || "counts"}` : "";
  foot.picked.textContent = words && `picked: ${words} (R to leave out or take back)`;
}

const foot = Object.fromEntries(["notes", "file", "disk", "lost", "viewers", "picked"].map((name) => {
  const part = document.createElement("span");
  part.dataset.name = name;
  page.foot.append(part);
  return [name, part];
}));

wire
  .on("link", ({ state, refused }) => {
    page.link(state, state === "live" ? "connected" : refused ? "key not valid: open the terminal's link" : "server gone");
    if (state !== "live") lose(refused);
  })
  .on("session", (s) => { page.what([s.cell, s.protocol, s.rig].join(" · ")); foot.file.textContent = s.name; foot.notes.textContent = s.notes; })
  .on("status", (s) => {
    status = s;
    stages.takeStatus(s);
    controls.takeStatus(s);
    attention.ask(s.question, controls.you.role === "control");
    attention.say(TODO[s.state] ?? null);
    say();
  })
  .on("you", (you) => { controls.take(you); foot.viewers.textContent = you.viewers > 1 ? `${you.viewers} viewers${you.role === "watch" ? ", watching only" : ""}` : you.role === "watch" ? "watching only" : ""; })
  .on("steps", ({ steps }) => { programme.take(steps); programme.tick(now(), status); })
  .on("solutions", ({ bars, menu }) => { programme.takeSolutions(bars); trends.takeSolutions(bars); controls.takeMenu(menu); })
  .on("criterion", ({ criterion }) => programme.judge(criterion))
  .on("sweeps", (told) => { trends.take(told); scope.base = lastBaseline(trends.rows); controls.offer(); })
  .on("bath", (told) => trends.takeBath(told))
  .on("tiles", ({ tiles }) => trends.takeTiles(tiles))
  .on("warnings", ({ warnings }) => attention.warn(warnings))
  .on("log", (told) => attention.write(told))
  .on("reference", (reference) => { trends.mean = reference.mean ?? null; trends.stale = true; scope.meant(reference); })
  .on("sweep", (facts) => scope.begin(facts))
  .on("so_far", (soFar) => { scope.told(soFar); stages.told(soFar); })
  .on("disk", ({ free, lost }) => {
    foot.disk.textContent = `${bytes(free)} free`;
    foot.lost.textContent = lost ? `▲ ${lost} samples lost` : "✓ no samples lost";
    foot.lost.className = lost ? "bad" : "good";
  })
  .onTrace((trace) => scope.take(trace));

bind({ key: "f", label: "Fit the plots to the sweep", act: () => scope.fit() });
bind({ key: "a", label: "Scale by itself again", act: () => scope.fit() });
bind({ key: "+", label: "Magnify more", act: () => scope.magnify(1.3) });
bind({ key: "-", label: "Magnify less", act: () => scope.magnify(1 / 1.3) });

/** Nothing is claimed of a run that is not heard: the server says all of it anew when it answers. */
function lose(refused) {
  status = UNKNOWN;
  controls.lose();
  stages.takeStatus(UNKNOWN);
  foot.disk.textContent = foot.lost.textContent = "";
  attention.ask(null);
  attention.warn([]);
  attention.say(refused ? TODO.refused : TODO.unknown);
  say();
  tick();
}

function say() {
  const state = document.getElementById("state");
  state.dataset.state = status.state;
  at("state-word").textContent = status.stage && status.state === "recording" ? "TEST PULSES" : WORDS[status.state] ?? status.state;
  const sweep = status.sweep ? ` · sweep ${status.sweep - 1}` : "";
  const label = { recording: `${status.label}${sweep}`, waiting: status.label ? `${status.label}${sweep}` : status.text, asking: status.label };
  at("state-label").textContent = label[status.state] ?? status.text;
  const wishes = document.getElementById("wishes");
  wishes.textContent = status.wishes?.length ? `⏳ ${status.wishes.join(", ")}` : "";
}

function tick() {
  const time = now();
  const left = status.until !== null && status.until !== undefined && time !== null ? Math.max(0, status.until - time) : null;
  const words = left === null ? "" : status.state === "waiting" ? `next in ${clock(left + 0.5)}` : status.state === "recording" && !status.stage ? clock(left + 0.5) : "";
  at("countdown").textContent = words;
  programme.tick(status.state === "lost" ? null : time, status);
  trends.draw(time);
}

setInterval(tick, 250);
