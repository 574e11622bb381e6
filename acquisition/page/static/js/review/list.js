// The list of sweeps: what each is, what was measured, whether it counts and why not.
import { clock, number, typeset } from "../format.js";

const MARKS = { counts: "✓", rejected: "✕", "left out": "△", flagged: "△", other: "" };
const part = (tag, name, text = "") => Object.assign(document.createElement(tag), { className: name, textContent: text });

/** The one number of a row: measure, unit, decimals. */
function headOf(row, headline) {
  if (row.mode === "voltage clamp") return ["Rs", "MΩ", 1];
  if (row.kind === "switch_to") return ["I_hold", "pA", 0];
  if (row.kind === "find") return ["n_ap", "spikes", 0];
  const isBurst = row.kind === "series" && [headline, "A_1000"].some((name) => row.values[name] !== undefined);
  return isBurst ? [headline, "mV", 2] : ["V_b", "mV", 1];
}

/** What stands for a sweep: counts, rejected (by a gate or a person), left out (by its flags), flagged, other. */
export function stateOf(row) {
  if (row.rejected) return "rejected";
  if (row.kind !== "series") return row.complete ? "other" : "flagged";
  if (!row.accepted) return "left out";
  return "counts";
}

/** The sweeps of one run in one condition. */
const overOf = (row) => `${row.run} ${row.condition}`;

const words = (row) => [row.sweep, row.label, row.condition, row.kind, row.mode, stateOf(row), row.reason, row.early, ...row.flags].join(" ").toLowerCase();

export class List {
  constructor(place, field, count, { onPick }) {
    [this.place, this.field, this.count, this.onPick] = [place, field, count, onPick];
    [this.rows, this.items, this.shown] = [[], new Map(), []];
    this.picked = null;
    this.headline = "A_1000";
    place.addEventListener("click", (e) => {
      const item = e.target.closest("[data-sweep]");
      if (item) onPick(Number(item.dataset.sweep));
    });
    field.addEventListener("input", () => this.filter());
    field.addEventListener("keydown", (e) => {
      if (e.key === "Escape") { field.value = ""; this.filter(); field.blur(); }
      if (e.key === "Enter") { field.blur(); if (this.shown.length && !this.shown.includes(this.picked)) onPick(this.shown[0]); }
      if (e.key === "ArrowDown" || e.key === "ArrowUp") { e.preventDefault(); this.step(e.key === "ArrowDown" ? 1 : -1); }
    });
  }

  /** All rows; the list is made anew. */
  take(rows, headline) {
    [this.rows, this.headline] = [rows, headline];
    this.items.clear();
    const all = document.createDocumentFragment();
    let before = null;
    for (const row of rows) {
      if (row.run !== before?.run || row.condition !== before.condition) all.append(...this.head(row, before));
      before = row;
      const item = this.item(row);
      this.items.set(row.sweep, item);
      all.append(item);
    }
    this.place.replaceChildren(all);
    this.filter();
    this.show(this.picked, false);
  }

  /** One row has changed. */
  put(row, headline) {
    this.headline = headline;
    const at = this.rows.findIndex((r) => r.sweep === row.sweep);
    this.rows[at] = row;
    this.fill(this.items.get(row.sweep), row);
  }

  /** The label of a run of sweeps, and its condition where that changes. */
  head(row, before) {
    const line = (name, text, over) => {
      const made = part("li", name, text);
      made.setAttribute("role", "presentation");
      made.dataset.over = over;
      made.title = `${row.label} · ${row.condition}`;
      return made;
    };
    const isOfRun = row.run === before?.run;
    const isSame = !isOfRun && [row.label, before?.condition, ""].includes(row.condition ?? "");
    return [...(isOfRun ? [] : [line("run", typeset(row.label), row.run)]), ...(isSame ? [] : [line("run condition", row.condition, overOf(row))])];
  }

  item(row) {
    const item = document.createElement("li");
    item.setAttribute("role", "option");
    item.id = `sweep-${row.sweep}`;
    item.dataset.sweep = row.sweep;
    this.fill(item, row);
    return item;
  }

  fill(item, row) {
    const state = stateOf(row);
    item.dataset.state = state;
    item.setAttribute("aria-selected", String(row.sweep === this.picked));
    const [name, unit, digits] = headOf(row, this.headline);
    const said = number(row.values[name] ?? null, unit === "spikes" ? "" : unit, digits);
    const value = part("span", "v", said);
    if (said !== "–") value.append(part("small", "", ` ${unit}`));
    value.dataset.name = `value-${row.sweep}`;
    const parts = [part("span", "n", row.sweep), part("span", "t", clock(row.time)), value, part("span", "m", MARKS[state])];
    const why = [row.reason, row.complete ? "" : `ended early${row.early ? `: ${row.early}` : ""}`].filter(Boolean).join("; ");
    if (why) parts.push(part("small", "why", why));
    item.replaceChildren(...parts);
    item.title = [why, row.by && `decided by ${row.by}`, row.flags.length ? `flags: ${row.flags.join(", ")}` : ""].filter(Boolean).join("\n");
  }

  filter() {
    const asked = this.field.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (row) => asked.every((w) => (/^\d+$/.test(w) ? String(row.sweep).startsWith(w) : words(row).includes(w)));
    const heads = new Set();
    this.shown = [];
    for (const row of this.rows) {
      const is = !asked.length || fits(row);
      this.items.get(row.sweep).hidden = !is;
      if (is) { this.shown.push(row.sweep); heads.add(String(row.run)).add(overOf(row)); }
    }
    for (const head of this.place.querySelectorAll("li.run")) head.hidden = !heads.has(head.dataset.over);
    this.count.textContent = asked.length ? `${this.shown.length} of ${this.rows.length}` : `${this.rows.length} sweeps`;
  }

  /** Mark a sweep as the selected one. */
  show(sweep, scrolls = true) {
    this.items.get(this.picked)?.setAttribute("aria-selected", "false");
    this.picked = sweep;
    const item = this.items.get(sweep);
    item?.setAttribute("aria-selected", "true");
    if (item) this.place.setAttribute("aria-activedescendant", item.id);
    if (scrolls && item) this.scrollTo(item);
  }

  /** Only the list scrolls: on a phone the page stays where it is. */
  scrollTo(item) {
    const [list, one] = [this.place.getBoundingClientRect(), item.getBoundingClientRect()];
    const head = 1.8 * one.height;
    if (one.top < list.top + head) this.place.scrollTop -= list.top + head - one.top;
    if (one.bottom > list.bottom - 4) this.place.scrollTop += one.bottom - list.bottom + 4;
  }

  /** Go `by` sweeps further among those that the filter shows. */
  step(by) {
    if (!this.shown.length) return;
    const at = this.shown.indexOf(this.picked);
    const to = at < 0 ? (by > 0 ? this.shown.findIndex((s) => s > this.picked) : this.shown.findLastIndex((s) => s < this.picked)) : at + by;
    const next = this.shown[Math.min(this.shown.length - 1, Math.max(0, to))];
    if (next !== this.picked) this.onPick(next);
  }
}
