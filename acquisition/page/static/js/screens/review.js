// The review screen: a session file on the parts of the page.
import { asks, isAsking, news } from "../dialog.js";
import { clock, quantity, typeset } from "../format.js";
import { bind } from "../keys.js";
import { List } from "../review/list.js";
import { Means } from "../review/means.js";
import { Results } from "../review/results.js";
import { Sweep } from "../review/sweep.js";
import { Trends } from "../review/trends.js";
import { Windows } from "../review/windows.js";
import { fetched, get, GONE, post, shell, stays } from "../shell.js";

const at = (name) => document.querySelector(`[data-name="${name}"]`);
const act = (name) => document.querySelector(`[data-act="${name}"]`);
const id = (name) => document.getElementById(name);
const LEAST_BETWEEN = 250;

const page = shell("review");
const windows = new Windows(id("spans"), { onMoved: move });
const sweep = new Sweep({ address, onMoved: move });
const list = new List(id("list"), at("filter"), at("count"), { onPick: pick });
const trends = new Trends(id("trends"), { onPick: pick });
const results = new Results(id("results"));
const means = new Means({ legend: id("legend"), overlay: id("plot-overlay"), difference: id("plot-difference") });
const foot = Object.fromEntries(["sweep", "decided", "file"].map((name) => {
  const part = document.createElement("span");
  part.dataset.name = `foot-${name}`;
  page.foot.append(part);
  return [name, part];
}));

let session = null;
let name = new URLSearchParams(location.search).get("session");
let recorded = null; // results as recorded
let now = null; // sweep -> {accepted, reason, values} with moved windows
let nowResults = null;
let picked = null;
let making = null; // what ends the recomputation that goes on
let made = ""; // the windows that it is, or was, about
let shownMeans = "";
let nowOf = ""; // the windows of `nowResults`
let standing = "reading"; // what the header says of the session while its server answers

function address(path, fields = {}) {
  const asked = new URLSearchParams({ ...(name ? { session: name } : {}), ...fields });
  return `/api/review/${path}?${asked}`;
}

const rowOf = (number) => session.rows.find((r) => r.sweep === number);
const failed = (error) => {
  if (error.message === GONE) page.link("broken", GONE);
  if (error.name !== "AbortError") news(error.message, "bad");
};

// --- opening ---------------------------------------------------------------------------------------------------------

async function open() {
  page.link("live", standing);
  try {
    session = await get(address("session"));
  } catch (error) {
    page.link("broken", error.message);
    at("verdict").textContent = error.message;
    at("verdict").dataset.level = "bad";
    return;
  }
  page.what([session.cell, session.subject, session.started.slice(0, 16).replace("T", " "), session.protocol].filter(Boolean).join(" · "));
  standing = session.recording ? "is being recorded" : session.sealed ? "sealed" : session.closed ?? "cut off";
  stays({ link: (state, text) => page.link(state, state === "live" ? standing : text) });
  foot.file.textContent = session.name;
  windows.take(session.windows);
  trends.takeSolutions(session.solutions);
  const wanted = takeAddress();
  list.take(session.rows, "A_1000");
  const series = session.rows.filter((r) => r.kind === "series");
  const first = series.find((r) => r.accepted) ?? series[0] ?? session.rows[0];
  drawTrends();
  id("scope").hidden = !first;
  act("decide").disabled = !first;
  if (first) await pick((wanted ?? first).sweep);
  requestAnimationFrame(() => requestAnimationFrame(() => { document.body.dataset.painted = Math.round(performance.now()); }));
  document.body.dataset.state = "shown";
  await loadResults();
  if (windows.isMoved) recompute();
}

/** Put the windows where the address says, if they can be there, others as recorded; returns the row of the sweep that it names, or null. */
function takeAddress() {
  const fields = new URLSearchParams(location.hash.slice(1));
  for (const w of session.windows) {
    const span = (fields.get(w.name) ?? "").split(",").map(Number);
    const isSpan = span.length === 2 && span.every(Number.isFinite);
    const words = isSpan ? windows.refuses(w.name, span) : "";
    if (words) news(words, "bad");
    else windows.move(w.name, isSpan ? span : [w.start, w.stop]);
  }
  placeWindows();
  if (!fields.has("sweep")) return null;
  const row = rowOf(Number(fields.get("sweep")));
  if (!row) news(`this session has no sweep ${fields.get("sweep")}`, "bad");
  return row ?? null;
}

/** Another address was put into this window: a bookmark, or a link that somebody sent. */
async function follow() {
  if (session === null) return;
  const wanted = takeAddress();
  offer();
  if (wanted) await pick(wanted.sweep);
  keepAddress();
  await recompute();
}

async function loadResults() {
  try {
    recorded = await get(address("results"));
    tellResults();
  } catch (error) { failed(error); }
}

async function loadReference() {
  const asked = key();
  const told = await get(address("courses", nowOf ? { windows: nowOf } : {}));
  if (asked !== key()) return; // whoever changed it asks again
  shownMeans = asked;
  means.take(told, windows.spans());
  const baseline = recorded?.accepted ? recorded.phases[0] : null;
  const course = told.phases.find((p) => p.label === baseline?.label);
  if (!course) sweep.meant({ n: 0, values: [] });
  else sweep.meant({ n: course.sweeps.length, label: course.label, start: course.start, column: course.column, values: course.mean });
}

const key = () => `${session.decisions.length}|${nowOf}`;

// --- showing ---------------------------------------------------------------------------------------------------------

async function pick(number) {
  if (!session || !rowOf(number)) return;
  picked = number;
  list.show(number);
  offer();
  keepAddress();
  id("scope").dataset.stale = "";
  try {
    const [facts, trace] = await sweep.load(number);
    if (picked !== number) return;
    sweep.show(facts, trace);
    delete id("scope").dataset.stale;
    document.body.dataset.sweep = number;
  } catch (error) { failed(error); return; }
  tell();
  const next = list.shown[list.shown.indexOf(number) + 1];
  if (next !== undefined) sweep.load(next).catch(() => {});
}

/** What is said of the selected sweep. */
function tell(values = null) {
  const row = rowOf(picked);
  trends.tell(row, values ?? now?.get(picked)?.values ?? null);
  trends.draw(picked);
  const temperature = row.temperature === null ? "" : ` · ${quantity(row.temperature, "°C", 1)}`;
  foot.sweep.textContent = typeset(`sweep ${row.sweep} at ${clock(row.time)} · ${row.label} · ${row.condition} · ${row.mode}${temperature}${row.flags.length ? ` · ${row.flags.join(", ").replaceAll("_", " ")}` : ""}`);
  foot.decided.textContent = row.by ? `${row.rejected ? "rejected" : "restored"} by ${row.by}` : "";
}

function offer() {
  act("as_recorded").disabled = !windows.isMoved;
  if (picked === null) return;
  const row = rowOf(picked);
  const button = act("decide");
  button.firstChild.textContent = row.rejected ? "Restore" : "Reject";
  button.disabled = session.recording || document.body.hasAttribute("data-watching");
  button.title = session.recording ? "this session is being recorded: leave sweeps out on the Run screen" : "";
}

function drawTrends() {
  const measure = (nowResults ?? recorded)?.measures.find((m) => m.name === (nowResults ?? recorded).headline);
  trends.take(session.rows, now, now ? windows.headline : "A_1000", measure && (nowResults ?? recorded).accepted ? measure.means[0] : null);
  trends.draw(picked);
}

function tellResults() {
  results.take(recorded, nowResults);
  const { cell } = nowResults ?? recorded;
  at("verdict").textContent = typeset(session.guardian || (cell?.text ?? ""));
  at("verdict").title = at("verdict").textContent;
  at("verdict").dataset.level = session.guardian ? "bad" : cell === null ? "none" : cell.ok ? "good" : "bad";
  drawTrends();
  if (picked !== null) tell();
  if (shownMeans !== key()) loadReference().catch(failed);
}

function view(which) {
  id("scope").hidden = which === "means" || picked === null;
  id("means").hidden = which !== "means";
  for (const one of ["sweep", "means"]) act(`view-${one}`).setAttribute("aria-pressed", String(one === which));
  if (which === "means" && shownMeans !== key()) loadReference().catch(failed);
}

function keepAddress() {
  const kept = new URLSearchParams(picked === null ? {} : { sweep: picked });
  for (const [window, [start, stop]] of Object.entries(windows.moved)) kept.set(window, `${start},${stop}`);
  history.replaceState(null, "", `#${kept}`);
}

// --- windows ---------------------------------------------------------------------------------------------------------

let previewing = false;

function placeWindows() {
  sweep.setWindows(windows.spans());
  means.setWindows(windows.spans());
}

/** A window is being moved; the selected sweep follows at once, all others when it is let go. */
function move(which, span, isDone) {
  windows.move(which, span);
  placeWindows();
  offer();
  if (isDone) { keepAddress(); recompute(); return; }
  preview();
}

async function preview() {
  if (previewing || !windows.isMoved || picked === null) return;
  previewing = true;
  const asked = JSON.stringify(windows.moved);
  try {
    const { values } = await get(address("measured", { sweep: picked, ...windows.asked() }));
    trends.headline = windows.headline;
    tell(values);
  } catch (error) { failed(error); }
  previewing = false;
  if (JSON.stringify(windows.moved) !== asked && !making) preview();
}

/** All sweeps with the windows as they are now; rows come as they are made. */
async function recompute({ anew = false } = {}) {
  const asked = JSON.stringify(windows.moved);
  if (asked === made && !anew) return;
  making?.abort();
  made = asked;
  if (!windows.isMoved) return asRecorded();
  const mine = new AbortController();
  making = mine;
  document.body.dataset.state = "measuring";
  at("progress").hidden = false;
  at("progress").value = 0;
  const rows = new Map();
  try {
    let drawn = performance.now();
    for await (const told of lines(await fetched(address("recomputed", windows.asked()), { signal: mine.signal }))) {
      if (told.error) throw new Error(told.error);
      if (told.results === undefined) {
        rows.set(told.sweep, told);
        at("progress").value = told.done / told.of;
        at("windows-state").textContent = `measuring again: ${told.done} of ${told.of} sweeps`;
        if (performance.now() - drawn > LEAST_BETWEEN) { drawn = performance.now(); now = rows; drawTrends(); }
      } else {
        now = new Map(told.rows.map((r) => [r.sweep, r]));
        [nowResults, nowOf] = [told.results, asked];
      }
    }
  } catch (error) {
    failed(error);
    if (making === mine) { made = ""; making = null; at("progress").hidden = true; at("windows-state").textContent = error.name === "AbortError" ? "" : error.message; document.body.dataset.state = "shown"; }
    return;
  }
  making = null;
  at("progress").hidden = true;
  at("windows-state").textContent = session.analyser || "values with moved windows; beside them what was recorded, in the strips as short bars";
  list.take(session.rows.map((r) => ({ ...r, ...now.get(r.sweep) })), windows.headline);
  tellResults();
  document.body.dataset.state = "moved";
}

/** Lines of JSON as they come. */
async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    rest += value;
    const whole = rest.split("\n");
    rest = whole.pop();
    for (const line of whole) if (line) yield JSON.parse(line);
  }
  if (rest) yield JSON.parse(rest);
}

function asRecorded() {
  making?.abort();
  [making, now, nowResults, made, nowOf] = [null, null, null, "", ""];
  for (const w of session.windows) windows.move(w.name, [w.start, w.stop]);
  placeWindows();
  at("progress").hidden = true;
  at("windows-state").textContent = "";
  list.take(session.rows, "A_1000");
  offer();
  keepAddress();
  if (recorded) tellResults();
  document.body.dataset.state = "shown";
}

// --- acts ------------------------------------------------------------------------------------------------------------

async function decide() {
  const row = rowOf(picked);
  const [what, past] = row.rejected ? ["restore", "back in the means"] : ["reject", "left out of means"];
  const title = row.rejected ? `Take sweep ${row.sweep} back into means? It was left out: ${row.reason}` : `Leave sweep ${row.sweep} out of means. Why?`;
  const choices = row.rejected ? ["looked at again: good"] : ["noise", "artefact", "seal or access changed", "synaptic event", "wrong spike count"];
  const answer = await asks({ title: typeset(title), field: "the reason, for whoever reads it in a year", choices, options: [{ name: what, key: "Enter", label: row.rejected ? "Restore" : "Reject", kind: "main" }] });
  if (!answer) return;
  try {
    await post(address("decide"), { sweep: row.sweep, act: what, reason: answer.text });
  } catch (error) { failed(error); return; }
  news(`sweep ${row.sweep} is ${past}`);
  await reread();
}

async function reread() {
  session = await get(address("session"));
  [now, nowResults, nowOf] = [null, null, ""]; // made with other decisions
  list.take(session.rows, "A_1000");
  offer();
  if (picked !== null) tell();
  await loadResults();
  if (windows.isMoved) recompute({ anew: true });
}

const download = (path, fields = {}) => {
  const link = document.createElement("a");
  link.href = address(path, fields);
  link.download = "";
  link.click();
};

async function figure() {
  const options = [["pdf", "p"], ["svg", "s"], ["png", "n"]].map(([form, k]) => ({ name: form, key: k, label: form.toUpperCase() }));
  const answer = await asks({ title: "The figure of this session, of the recorded numbers, as", options });
  if (!answer) return;
  news("the figure is being drawn");
  download(`figure.${answer.option}`);
}

async function csv() {
  const answer = await asks({ title: "As a table:", options: [
    { name: "csv-measures", key: "m", label: windows.isMoved ? "Measures, recorded and moved" : "Measures of all sweeps" },
    { name: "csv-trace", key: "s", label: `Samples of sweep ${picked}` }] });
  if (answer?.option === "csv-measures") download("measures.csv", now ? windows.asked() : {});
  if (answer?.option === "csv-trace") download("trace.csv", { sweep: picked });
}

/** "rat 3 · cell1 · 2026-11-21 20:03" of a session file's name. */
function titled(file) {
  const [, animal, day, hour, cell] = file.match(/^sub-(.+)_ses-(\d{8})T(\d{4})\d*-?(.*)_icephys\.nwb$/) ?? [];
  if (!animal) return file.replace(/\.nwb$/, "");
  return `${animal} · ${cell} · ${day.replace(/(....)(..)(..)/, "$1-$2-$3")} ${hour.slice(0, 2)}:${hour.slice(2)}`;
}

async function choose() {
  const { first, names, watching } = await get("/api/review/sessions");
  document.body.toggleAttribute("data-watching", watching);
  const choice = at("choice");
  const mine = name ?? first;
  choice.replaceChildren(...[...new Set([mine, ...names])].filter(Boolean).map((n) => Object.assign(document.createElement("option"), { value: n, textContent: titled(n) })));
  choice.value = mine ?? "";
  choice.addEventListener("change", () => { location.href = `/review?session=${encodeURIComponent(choice.value)}`; });
}

const free = () => session !== null && !isAsking();
const jumps = (by) => () => list.step(by);
bind({ key: "ArrowDown", label: "Next sweep", act: jumps(1), when: free });
bind({ key: "ArrowUp", label: "Sweep before", act: jumps(-1), when: free });
bind({ key: "ArrowRight", label: "", act: jumps(1), when: free });
bind({ key: "ArrowLeft", label: "", act: jumps(-1), when: free });
bind({ key: "PageDown", label: "Ten sweeps on", act: jumps(10), when: free });
bind({ key: "PageUp", label: "Ten sweeps back", act: jumps(-10), when: free });
bind({ key: "Home", label: "First sweep", act: jumps(-1e9), when: free });
bind({ key: "End", label: "Last sweep", act: jumps(1e9), when: free });
bind({ key: "/", label: "Filter the sweeps", act: () => at("filter").focus(), when: free });
bind({ key: "1", label: "The selected sweep", button: act("view-sweep"), act: () => view("sweep"), when: free });
bind({ key: "2", label: "Means of the conditions", button: act("view-means"), act: () => view("means"), when: free });
bind({ key: "r", label: "Reject or restore the sweep", button: act("decide"), act: decide, when: free });
bind({ key: "0", label: "Windows as recorded", button: act("as_recorded"), act: asRecorded, when: free });
bind({ key: "g", label: "Figure", button: act("figure"), act: figure, when: free });
bind({ key: "c", label: "CSV", button: act("csv"), act: csv, when: free });
bind({ key: "w", label: "To the edges of the windows; arrows move them", act: () => document.querySelector('.edge[data-edge^="A_1000"]')?.focus(), when: free });
bind({ key: "f", label: "Fit the plots to the sweep", act: () => sweep.fit(), when: free });
bind({ key: "+", label: "Magnify more", act: () => sweep.magnify(1.3), when: free });
bind({ key: "-", label: "Magnify less", act: () => sweep.magnify(1 / 1.3), when: free });

addEventListener("hashchange", () => follow().catch(failed));
open().catch(failed);
choose().catch(failed);
