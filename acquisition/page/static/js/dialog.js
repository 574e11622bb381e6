// Questions: a panel at the foot of the window, never over the plots.
import { bind } from "./keys.js";

let close = null;

/**
 * Ask, and return {option, text} or null when it was left.
 *   title    the question
 *   options  list of {name, key, label, kind}: buttons; in the field Enter takes the first. On a button that has the
 *            focus Enter and Space press that button, whatever key another one has
 *   field    a placeholder, for one line of text
 *   choices  texts offered for the field
 *   lapses   after so many seconds without an answer the question goes away, as if it had been left; they are counted on it
 */
export function asks({ title, options, field = null, choices = [], lapses = null }) {
  close?.(null);
  return new Promise((resolve) => {
    const before = document.activeElement;
    const panel = document.createElement("section");
    panel.id = "asks";
    panel.tabIndex = -1;
    panel.setAttribute("role", "dialog");
    panel.setAttribute("aria-label", title);
    const words = document.createElement("span");
    words.className = "title";
    words.dataset.name = "asked";
    words.textContent = title;
    panel.append(words);
    const input = field === null ? null : document.createElement("input");
    if (input) {
      input.placeholder = field;
      input.dataset.name = "answer";
      if (choices.length) {
        const list = document.createElement("datalist");
        list.id = "choices";
        list.append(...choices.map((c) => Object.assign(document.createElement("option"), { value: c })));
        input.setAttribute("list", "choices");
        panel.append(list);
      }
      panel.append(input);
    }
    const ends = [];
    close = (answer) => {
      const goesBack = panel.contains(document.activeElement);
      close = null;
      ends.forEach((end) => end());
      panel.remove();
      if (goesBack) before?.focus({ preventScroll: true });
      resolve(answer);
    };
    const leave = document.createElement("button");
    leave.textContent = "Leave";
    leave.dataset.act = "leave";
    for (const { name, key, label, kind = "" } of options) {
      const button = document.createElement("button");
      button.textContent = label;
      button.className = kind;
      button.dataset.act = name;
      panel.append(button);
      ends.push(bind({ key, button, act: () => close?.({ option: name, text: input?.value.trim() ?? "" }) }));
    }
    if (!options.some((o) => o.key === "Escape")) {
      panel.append(leave);
      ends.push(bind({ key: "Escape", button: leave, act: () => close?.(null) }));
    }
    if (lapses !== null) ends.push(countDown(panel, lapses, () => close?.(null)));
    input?.addEventListener("keydown", (e) => {
      if (e.key === "Enter") { e.preventDefault(); close?.({ option: options[0].name, text: input.value.trim() }); }
    });
    document.body.append(panel);
    (input ?? panel).focus(); // what had the focus before must not take the answer's keys
  });
}

/** Say on `panel` how long it stays, and call `over` when that is over; returns what ends it. */
function countDown(panel, seconds, over) {
  const left = document.createElement("span");
  left.className = "lapse";
  left.dataset.name = "lapse";
  left.style.setProperty("--lapse", `${seconds}s`);
  panel.append(left);
  let rest = seconds;
  const say = () => { left.textContent = `goes away in ${rest} s`; };
  const timer = setInterval(() => { rest -= 1; if (rest > 0) say(); else over(); }, 1000);
  say();
  return () => clearInterval(timer);
}

/** Whether a question is on the screen. */
export const isAsking = () => close !== null;

/** One line of news for a few seconds. */
export function news(text, level = "good") {
  let place = document.getElementById("news");
  if (!place) {
    place = document.createElement("div");
    place.id = "news";
    place.setAttribute("role", "status");
    document.body.append(place);
  }
  const line = document.createElement("div");
  line.textContent = text;
  line.dataset.level = level;
  line.dataset.name = "news";
  place.append(line);
  setTimeout(() => line.remove(), level === "bad" ? 9000 : 4000);
}
