// What came of the session: the effect in large, then each measure in each condition; what was recorded stays beside.
import { DASH, number, typeset } from "../format.js";

const part = (tag, name = "", text = "") => Object.assign(document.createElement(tag), { className: name, textContent: text });
const shown = (value, m) => (value === null || value === undefined ? DASH : number(value * m.factor, "", m.digits));
const signed = (value, digits = 0) => `+${number(value, "", digits)}`.replace(/^\+(?=−|0(\.0*)?$)/, "");
const percent = (c) => (c === null || c.percent === null ? "" : `${signed(c.percent)} %`);
const interval = (c) => (c === null || c.low === null || c.percent === null ? "" : `${number(c.low, "", 0)} to ${number(c.high, "", 0)}`);
const short = (range) => range.replace(" to ", "…");
const SHORT = { S_fix: "AHP area", D50: "half-decay", V_b: "baseline Vm", sAHP_moved: "sAHP, moved" };

/** A change in words: in %, or as a difference where % says nothing. */
function change(c, m) {
  if (!c) return ["", ""];
  if (c.text) return ["censored", ""];
  if (c.percent === null) return [c.difference === null ? "" : `Δ ${signed(c.difference * m.factor, m.digits)}`, ""];
  return [percent(c), interval(c)];
}

export class Results {
  constructor(place) { this.place = place; }

  /** `now` are the results with moved windows, or null. */
  take(recorded, now) {
    if (!recorded) return;
    const told = now ?? recorded;
    const parts = [];
    if (told.phases.length && told.measures.length) parts.push(...this.head(recorded, now), this.table(recorded, now));
    else parts.push(part("div", "nothing", told.lines[0] ?? "nothing was measured"));
    parts.push(this.words(told));
    this.place.replaceChildren(...parts);
  }

  head(recorded, now) {
    const told = now ?? recorded;
    const measure = told.measures.find((m) => m.name === told.headline);
    const at = measure?.changes.findIndex((c) => c && c.percent !== null) ?? -1;
    if (at < 0) return [];
    const c = measure.changes[at];
    const head = part("div", "head");
    const huge = part("span", "huge", percent(c));
    huge.dataset.name = "effect";
    const besides = part("span", "besides");
    const after = told.phases[at + 1];
    besides.append(`${measure.label}, ${after.label} against ${told.phases[0].label}`);
    const sure = part("small", "", c.low === null ? "no interval: too few sweeps" : `95 % interval ${number(c.low, "", 0)} to ${number(c.high, "", 0)} %`);
    sure.dataset.name = "effect-interval";
    besides.append(sure);
    if (now) {
      const old = recorded.measures.find((m) => m.name === recorded.headline)?.changes[at];
      const before = part("small", "", `as recorded ${percent(old ?? null)} (${interval(old ?? null)} %)`);
      before.dataset.name = "effect-recorded";
      besides.append(before);
    }
    head.append(huge, besides);
    return [head];
  }

  table(recorded, now) {
    const told = now ?? recorded;
    const table = part("table");
    const top = table.createTHead().insertRow();
    top.append(part("th"), ...told.phases.map((p) => {
      const cell = part("th", "number", p.label);
      cell.append(part("small", "", `n = ${p.sweeps.length}${told.accepted ? "" : ", none accepted"}`));
      cell.title = [p.condition, `${p.accepted} of ${p.recorded} sweeps accepted`, ...p.reasons].map(typeset).join("\n");
      return cell;
    }));
    const body = table.createTBody();
    for (const m of told.measures) this.row(body, m, now ? this.recordedOf(recorded, m, told) : null, told);
    return table;
  }

  /** What was recorded in place of a measure. */
  recordedOf(recorded, m, told) {
    return recorded.measures.find((r) => r.name === (m.name === told.headline ? recorded.headline : m.name)) ?? null;
  }

  row(body, m, old, told) {
    const row = body.insertRow();
    row.className = m.name === told.headline ? "headline" : "";
    const head = part("th", "", SHORT[m.name] ?? m.label);
    head.title = m.label;
    if (m.unit) head.append(part("small", "", ` ${typeset(m.unit)}`));
    row.append(head);
    m.means.forEach((mean, k) => {
      const cell = row.insertCell();
      cell.className = "mean";
      const value = part("span", "", shown(mean, m));
      value.dataset.name = `mean-${m.name}-${k}`;
      cell.append(value);
      const c = k > 0 ? m.changes[k - 1] : null;
      const [text, range] = change(c, m);
      if (text) {
        const changed = part("span", "change", text);
        changed.dataset.name = `change-${m.name}-${k}`;
        if (range) { changed.append(part("small", "", ` ${short(range)}`)); changed.title = `95 % interval ${range} %`; }
        if (c.text) changed.title = c.text;
        cell.append(changed);
      }
      if (old && this.differs(old, m, k)) {
        const before = part("span", "before", `was ${shown(old.means[k], old)}${k > 0 && old.changes[k - 1] ? `  ${change(old.changes[k - 1], old)[0]}` : ""}`);
        before.title = "as recorded";
        before.dataset.name = `recorded-${m.name}-${k}`;
        cell.append(before);
      }
    });
  }

  differs(old, m, k) {
    return shown(old.means[k], old) !== shown(m.means[k], m) || change(old.changes[k - 1], old)[0] !== change(m.changes[k - 1], m)[0];
  }

  words(told) {
    const details = part("details");
    details.open = this.place.querySelector("details")?.open ?? false;
    const list = part("ul");
    list.dataset.name = "words";
    list.append(...told.lines.map((line) => part("li", "", typeset(line.trim()))));
    details.append(part("summary", "", "In words"), list);
    return details;
  }
}
