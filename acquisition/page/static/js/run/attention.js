// What needs a person: a question of the run, warnings with what to do, and the log.
import { clock, typeset } from "../format.js";
import { bind } from "../keys.js";

const SHOWN = 60;
const make = (tag, text = "", className = "") => Object.assign(document.createElement(tag), { textContent: text, className });

export class Attention {
  constructor(wire) {
    this.wire = wire;
    this.warnings = document.getElementById("warnings");
    this.log = document.getElementById("log");
    this.lines = [];
    this.question = null;
    this.ends = [];
  }

  /** What the page itself has to say of the run: {id, text, todo}, or null. */
  say(own) {
    if (own?.id === this.own?.id) return;
    this.own = own;
    this.show();
  }

  warn(list) {
    this.list = list;
    this.show();
  }

  show() {
    const own = this.own ? [{ ...this.own, level: "bad", since: null }] : [];
    const lines = [...own, ...(this.list ?? [])].map((w) => {
      const line = make("li");
      line.dataset.level = w.level;
      line.dataset.warning = w.id.split(" ")[0];
      const since = w.since === null ? "" : ` · since ${clock(w.since)}`;
      line.append(make("b", `${w.level === "bad" ? "▲" : "△"} ${typeset(w.text)}`), make("small", `${w.todo}${since}`));
      return line;
    });
    if (!lines.length && !this.question) lines.push(make("li", "✓ nothing needs you", "none"));
    this.warnings.replaceChildren(...(this.question ? [this.asked] : []), ...lines);
  }

  /** Show the run's question, with a key for each answer; it stands where the warnings are, not over the plots. */
  ask(question, mayAnswer) {
    const same = this.question?.id === question?.id && this.may === mayAnswer;
    if (same) return;
    [this.question, this.may] = [question, mayAnswer];
    this.ends.forEach((end) => end());
    this.ends = [];
    if (question) {
      this.asked = make("li");
      this.asked.dataset.name = "question";
      this.asked.dataset.level = "note";
      const words = make("b", `? ${question.text}`);
      const row = make("div", "", "answers");
      question.options.forEach((option, i) => {
        const button = make("button", option);
        button.dataset.act = `answer-${option}`;
        button.disabled = !mayAnswer;
        row.append(button);
        this.ends.push(bind({ key: String(i + 1), button, act: () => this.wire.ask("answer", { question: question.id, option }) }));
      });
      this.asked.append(words, row);
    }
    this.show();
  }

  write({ from, lines }) {
    this.lines.splice(from, Infinity, ...lines);
    this.log.replaceChildren(...this.lines.slice(-SHOWN).reverse().map(({ time, kind, text }) => {
      const line = make("li");
      line.dataset.kind = kind;
      line.append(make("time", clock(time)), make("span", typeset(text)));
      return line;
    }));
  }
}
