// The protocol screen: a file as text, what is wrong with it, what it will do.
import { asks, isAsking, news } from "../dialog.js";
import { clock, duration, typeset } from "../format.js";
import { bind } from "../keys.js";
import { Course } from "../protocol/course.js";
import { Editor } from "../protocol/editor.js";
import { Preview } from "../protocol/preview.js";
import { get, post, shell, stays } from "../shell.js";

const CALM = 250;
const GROUPS = { run: "The run that goes on", session: "The session", file: "Files here", shipped: "Shipped examples" };
const at = (name) => document.querySelector(`[data-name="${name}"]`);
const button = (name) => document.querySelector(`[data-act="${name}"]`);
const make = (tag, text = "", className = "") => Object.assign(document.createElement(tag), { textContent: text, className });

const page = shell("protocol");
stays(page, "/api/here", ({ steps }) => { states = steps; progress(); });
const editor = new Editor({ onInput: () => { changed(); later(); } });
const preview = new Preview(document.getElementById("preview"));
const course = new Course(document.getElementById("course"), { onPick: (i) => pick(i) });
const [fileList, rigList] = [at("file"), at("rig")];

let file = null;      // as it was opened or saved
let plan = null;      // of the last text without mistakes
let problems = [];
let chosen = -1;
let asked = 0;        // answers to older questions are left out
let timer = 0;
let mayCheck = true;
let states = [];      // of the steps of the run that goes on


function fill(list, found) {
  const groups = new Map();
  for (const { id, group, title } of found) {
    if (!groups.has(group)) groups.set(group, Object.assign(document.createElement("optgroup"), { label: GROUPS[group] }));
    groups.get(group).append(Object.assign(document.createElement("option"), { value: id, textContent: title }));
  }
  list.replaceChildren(...groups.values());
}

const isChanged = () => file !== null && editor.text !== file.text;

async function open(id) {
  const query = new URLSearchParams({ ...(id ? { file: id } : {}), ...(file ? { rig: rigList.value } : {}) });
  asked += 1;
  try {
    file = await get(`/api/protocol/file?${query}`);
  } catch (error) {
    news(error.message, "bad");
    fileList.value = file?.id ?? "";
    return;
  }
  fileList.value = file.id;
  rigList.value = file.rig;
  chosen = -1;
  // a text field says '\n' whatever the file says
  file.text = file.text.replaceAll("\r\n", "\n");
  editor.open(file.text, file.read_only !== "");
  page.what(file.title);
  at("what").title = file.name;
  const why = at("read-only");
  why.textContent = file.read_only ? `Read-only: ${file.read_only}.` : "";
  why.hidden = !file.read_only;
  take(file.checked);
  changed();
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(check, CALM);
}

async function check() {
  if (!file || !mayCheck) return;
  const number = ++asked;
  try {
    const found = await post("/api/protocol/check", { file: file.id, rig: rigList.value || null, text: editor.text });
    if (number === asked) take(found);
  } catch (error) {
    if (number === asked) news(error.message, "bad");
  }
}

/** Show what was found. */
function take(found) {
  problems = found.problems;
  editor.judge(problems);
  const verdict = at("verdict");
  verdict.dataset.state = found.ok ? "good" : "bad";
  verdict.textContent = found.ok ? "✓ no mistakes" : `▲ ${problems.length} ${problems.length === 1 ? "mistake" : "mistakes"}`;
  at("problems").replaceChildren(...problems.map((p) => {
    const line = make("li");
    const go = make("button", "", "quiet");
    go.append(make("b", `${p.line}:${p.column}`), ` ${typeset(p.message)}`);
    if (p.where) go.append(make("small", p.where));
    go.addEventListener("click", () => editor.go(p.line, p.column));
    line.append(go);
    return line;
  }));
  at("notes").replaceChildren(...found.notes.map((n) => make("li", `△ ${n}`)));
  button("next").disabled = problems.length === 0;
  document.getElementById("protocol").toggleAttribute("data-stale", found.plan === null);
  if (found.plan) lay(found.plan);
}

function lay(next) {
  plan = next;
  course.set(plan);
  at("steps").replaceChildren(...plan.steps.map((s, i) => row(s, i)));
  at("summary").textContent = plan.summary.map(typeset).join(" · ");
  const first = plan.steps.findIndex((s) => s.verb === "series");
  pick(chosen >= 0 && chosen < plan.steps.length ? chosen : Math.max(0, first), false);
  progress();
}

/** Mark what is done and what goes on, if it is the text of the run that is shown. */
function progress() {
  const shown = file?.group === "run" ? states : [];
  for (const [i, line] of [...at("steps").children].entries()) {
    line.dataset.state = shown[i] ?? "";
    line.toggleAttribute("aria-current", shown[i] === "now");
  }
}

function row(step, i) {
  const line = make("tr");
  line.dataset.step = i;
  line.dataset.part = step.part;
  const sweeps = step.sweeps_max ? (step.sweeps_min === step.sweeps_max ? `${step.sweeps_max}` : `${step.sweeps_min} to ${step.sweeps_max}`) : "";
  const cells = [step.number, typeset(step.what), clock(step.shortest), clock(step.longest), sweeps, typeset(step.command)];
  cells.forEach((text, k) => { line.append(make("td", text, k === 1 ? "" : "number")); });
  line.addEventListener("click", () => pick(i));
  return line;
}

function pick(i, show = true) {
  if (!plan || i < 0 || i >= plan.steps.length) return;
  chosen = i;
  const step = plan.steps[i];
  for (const line of at("steps").children) line.setAttribute("aria-selected", String(line.dataset.step === String(i)));
  if (show) at("steps").children[i].scrollIntoView({ block: "nearest" });
  course.pick(i);
  preview.show(step, plan.previews.find((p) => p.part === step.part && p.index === step.index));
  editor.mark(...extent(step.line));
  if (show && document.activeElement !== editor.field) editor.show(step.line);
}

/** First and last line of the step that begins at `line`: as long as lines are indented further than its dash. */
function extent(line) {
  const lines = editor.text.split("\n");
  const dash = lines[line - 1]?.match(/^ */)[0].length ?? 0;
  let last = line;
  while (last < lines.length && (/^\s*$/.test(lines[last]) || lines[last].match(/^ */)[0].length > dash)) last += 1;
  while (last > line && /^\s*(#.*)?$/.test(lines[last - 1])) last -= 1;
  return [line, last];
}

function changed() {
  const dirty = isChanged();
  const state = at("saved");
  state.textContent = !file ? "" : file.read_only ? "read-only" : dirty ? "● not saved" : "saved";
  state.dataset.state = dirty ? "changed" : "saved";
  button("save").disabled = !dirty || file.read_only !== "";
  button("edit").disabled = !file || file.read_only !== "";
}

async function leave(words) {
  if (!isChanged()) return true;
  const answer = await asks({ title: `Your changes are not saved. ${words}?`, options: [{ name: "drop", key: "d", label: "Drop the changes", kind: "stop" }] });
  return answer?.option === "drop";
}

async function save() {
  if (!isChanged() || file.read_only || isAsking()) return;
  const text = editor.text;
  if (problems.length) {
    const said = `${problems.length} ${problems.length === 1 ? "mistake is" : "mistakes are"} still in it. Save all the same?`;
    const answer = await asks({ title: said, options: [{ name: "save-anyway", key: "y", label: "Save all the same" }] });
    if (answer?.option !== "save-anyway") return;
  }
  try {
    const { version } = await post("/api/protocol/save", { file: file.id, text, version: file.version });
    file = { ...file, text, version };
    news(`saved ${file.title}`);
  } catch (error) {
    news(error.message, "bad");
  }
  changed();
}

function nextMistake() {
  const before = editor.text.slice(0, editor.field.selectionStart).split("\n");
  const [line, column] = [before.length, before.at(-1).length + 1];
  const found = problems.find((p) => p.line > line || (p.line === line && p.column > column)) ?? problems[0];
  if (found) show(found);
}

/** Show a mistake in the text and in the list. The keys stay those of the screen; E writes at its place. */
function show(found) {
  editor.go(found.line, found.column, false);
  for (const [i, line] of [...at("problems").children].entries()) {
    line.toggleAttribute("aria-current", problems[i] === found);
    if (problems[i] === found) line.scrollIntoView({ block: "nearest" });
  }
}

for (const name of ["saved", "summary"]) {
  const part = make("span");
  part.dataset.name = name;
  page.foot.append(part);
}
bind({ key: "p", label: "Choose a protocol", act: () => fileList.focus() });
bind({ key: "r", label: "Choose the rig it is checked against", act: () => rigList.focus() });
bind({ key: "e", label: "Write in the file (Esc leaves it)", button: button("edit"), act: () => editor.field.focus() });
bind({ key: ".", label: "Next mistake (E writes there)", button: button("next"), act: nextMistake });
bind({ key: "l", label: "Load the file again", button: button("reload"), act: async () => { if (await leave("Load the file again")) open(file?.id); } });
bind({ key: "s", label: "Save the file (Ctrl+S while you write)", button: button("save"), act: save });
bind({ key: "ArrowDown", label: "Next step", act: () => pick(chosen + 1) });
bind({ key: "ArrowUp", label: "Step before", act: () => pick(chosen - 1) });
bind({ key: "Escape", label: "", act: () => document.activeElement.blur(), when: () => [editor.field, fileList, rigList].includes(document.activeElement) });
addEventListener("keydown", (e) => {
  if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "s") { e.preventDefault(); save(); }
});
fileList.addEventListener("change", async () => {
  const wanted = fileList.value;
  if (await leave("Open another file")) open(wanted);
  else fileList.value = file.id;
});
rigList.addEventListener("change", () => check());
addEventListener("beforeunload", (e) => { if (isChanged()) e.preventDefault(); });

async function begin() {
  const found = await get("/api/protocol/files");
  fill(fileList, found.protocols);
  fill(rigList, found.rigs);
  mayCheck = !found.watching;
  fileList.disabled = rigList.disabled = found.watching;
  await open(new URLSearchParams(location.search).get("file"));
}

begin().catch((error) => news(error.message, "bad"));
