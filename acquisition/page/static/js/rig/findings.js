// Doctor's lines, section by section: a sign, what was looked at, what was found, what to do.
import { typeset } from "../format.js";

const SIGNS = { ok: "✓", note: "△", bad: "▲" };
const LEVELS = { ok: "good", note: "note", bad: "bad" };
const make = (tag, className, text = "") => Object.assign(document.createElement(tag), { className, textContent: text });

export function findings(found) {
  const sections = new Map();
  for (const line of found) {
    if (!sections.has(line.section)) sections.set(line.section, []);
    sections.get(line.section).push(line);
  }
  return [...sections].map(([title, lines]) => {
    const part = make("section", "");
    const list = make("ul", "");
    list.append(...lines.map(finding));
    part.append(make("h4", "", title), list);
    return part;
  });
}

function finding({ verdict, what, found, do: cure }) {
  const line = make("li", "");
  line.dataset.state = verdict;
  line.append(make("b", LEVELS[verdict], SIGNS[verdict]), make("span", "what", what));
  const said = make("span", "found", typeset(found));
  if (cure && cure !== "nothing") said.append(make("em", "", `→ ${cure}`));
  line.append(said);
  return line;
}

/** "2 to mend, 1 to know" in words. */
export function summary(found) {
  const count = (verdict) => found.filter((f) => f.verdict === verdict).length;
  const [bad, note] = [count("bad"), count("note")];
  return bad ? `▲ ${bad} to mend before an experiment, ${note} to know` : `✓ nothing is in the way of an experiment, ${note} to know`;
}
