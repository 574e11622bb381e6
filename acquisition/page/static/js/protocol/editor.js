// The file as text: a plain text field over a sheet that shows line numbers, colours, and mistakes at their place.
const make = (tag, className, text = "") => Object.assign(document.createElement(tag), { className, textContent: text });
const MOST_LINES = 3000;

/** Split a line of YAML into [class, text] parts: comments, keys, and the rest. */
function parts(line) {
  const note = line.match(/(^|\s)#.*$/);
  const code = note ? line.slice(0, note.index) : line;
  const found = [];
  let at = 0;
  for (const key of code.matchAll(/(^|[\s{,])([A-Za-z_<][\w<]*)(?=:(\s|$))/g)) {
    const from = key.index + key[1].length;
    found.push(["", code.slice(at, from)], ["key", key[2]]);
    at = from + key[2].length;
  }
  found.push(["", code.slice(at)]);
  if (note) found.push(["remark", line.slice(note.index)]);
  return found.filter(([, text]) => text);
}

/** How many characters the mistake at `column` (from 1) covers: a key, a text in quotes, or a plain value to its end. */
function covered(line, column) {
  const rest = line.slice(column - 1);
  const found = rest.match(/^"[^"]*"?|^'[^']*'?|^[^\s,:}\]]+(?=:)|^(?:[^,}\]#:]|#(?!\s)|:(?!\s))+/) ?? [" "];
  return Math.max(1, found[0].trimEnd().length);
}

export class Editor {
  constructor({ onInput }) {
    this.field = document.querySelector('[data-name="text"]');
    this.under = document.querySelector("#paper .under");
    this.gutter = document.querySelector("#paper .gutter");
    this.problems = [];
    this.step = [0, 0];
    this.field.addEventListener("input", () => { this.draw(); onInput(); });
    this.field.addEventListener("scroll", () => this.scrolled());
    this.field.addEventListener("keydown", (e) => this.indent(e));
  }

  get text() { return this.field.value; }

  /** Show another text. */
  open(text, readOnly) {
    this.field.value = text;
    this.field.readOnly = readOnly;
    this.problems = [];
    this.field.setSelectionRange(0, 0);
    this.field.scrollTop = this.field.scrollLeft = 0;
    this.draw();
  }

  judge(problems) {
    this.problems = problems;
    this.draw();
  }

  /** Mark lines `first` to `last` (counted from 1) as those of the chosen step. */
  mark(first, last) {
    this.step = [first, last];
    this.draw();
  }

  /** Put the cursor at a place, and show it; `focus` to write there. */
  go(line, column, focus = true) {
    const lines = this.text.split("\n");
    const at = lines.slice(0, line - 1).reduce((n, l) => n + l.length + 1, 0) + column - 1;
    this.field.setSelectionRange(at, at);
    if (focus) this.field.focus({ preventScroll: true });
    this.show(line);
    this.field.scrollLeft = 0;
  }

  /** Scroll so that `line` is seen. */
  show(line) {
    const height = parseFloat(getComputedStyle(this.field).lineHeight);
    const [top, bottom] = [this.field.scrollTop / height, (this.field.scrollTop + this.field.clientHeight) / height];
    if (line - 2 < top || line + 3 > bottom) this.field.scrollTop = Math.max(0, (line - 4) * height);
    this.scrolled();
  }

  draw() {
    const lines = this.text.split("\n");
    const wrong = new Map();
    for (const p of this.problems) wrong.set(p.line, [...(wrong.get(p.line) ?? []), p]);
    const isLong = lines.length > MOST_LINES;
    this.under.replaceChildren(...lines.map((line, i) => this.line(line, i + 1, wrong.get(i + 1) ?? [], isLong)));
    this.gutter.replaceChildren(...lines.map((_, i) => {
      const number = make("div", wrong.has(i + 1) ? "bad" : "", wrong.has(i + 1) ? `▲ ${i + 1}` : String(i + 1));
      return number;
    }));
    this.scrolled();
  }

  line(text, number, problems, isLong) {
    const row = make("div", "line");
    row.dataset.line = number;
    if (number >= this.step[0] && number <= this.step[1]) row.classList.add("of-step");
    if (isLong) row.textContent = text;
    else row.append(...parts(text).map(([name, part]) => make("span", name, part)));
    for (const [i, p] of problems.entries()) {
      row.classList.add("bad");
      const caret = make("i", "caret");
      caret.dataset.name = "caret";
      caret.dataset.column = p.column;
      caret.style.left = `${p.column - 1}ch`;
      caret.style.width = `${covered(text, p.column)}ch`;
      row.append(caret);
      if (i > 0) continue;
      const said = make("em", "said", p.message);
      said.style.left = `${Math.max(text.length, p.column) + 3}ch`;
      row.append(said);
    }
    return row;
  }

  scrolled() {
    const { scrollTop, scrollLeft } = this.field;
    this.under.style.transform = `translate(${-scrollLeft}px, ${-scrollTop}px)`;
    this.gutter.style.transform = `translateY(${-scrollTop}px)`;
  }

  /** Enter keeps the indentation of the line above. Tab is left to the browser: it leads out of the field. */
  indent(e) {
    if (e.key !== "Enter" || e.ctrlKey || e.metaKey || this.field.readOnly) return;
    const before = this.text.slice(0, this.field.selectionStart);
    const indent = before.slice(before.lastIndexOf("\n") + 1).match(/^ */)[0];
    if (!indent) return;
    e.preventDefault();
    // the only way to insert that the browser's own undo knows
    document.execCommand("insertText", false, `\n${indent}`);
  }
}
