// Keys: every control has one, and shows it.
const NAMES = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", Enter: "Enter" };
const bound = [];

export const shownKey = (key) => NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key);

/**
 * Bind `act` to `key`.
 *   key     as in KeyboardEvent.key, letters in lower case; "T" is Shift+T, with or without Caps Lock
 *   label   what it does, for the overlay of '?'
 *   button  gets the key's <kbd> and is pressed by it; a disabled button is not
 *   when    asked first; false leaves the key to others
 */
export function bind({ key, label, act, button = null, when = () => true }) {
  const entry = { key, label, button, when, act: () => (button ? button.click() : act()) };
  if (button) {
    const shown = document.createElement("kbd");
    shown.textContent = key.length === 1 && key !== key.toLowerCase() ? `⇧${key}` : shownKey(key);
    shown.dataset.key = key;
    button.append(shown);
    button.addEventListener("click", () => { button.blur(); act(); });
  }
  bound.push(entry);
  return () => bound.splice(bound.indexOf(entry), 1);
}

/** Keys that may be held: they move something. All others act once, so that a held Esc is not a second answer. */
const mayBeHeld = (key) => key.startsWith("Arrow") || key.startsWith("Page") || key === "+" || key === "-";

const isField = (e) => e.target instanceof Element && e.target.closest("input, textarea, select, [contenteditable]");

/** The key that is meant: Caps Lock changes nothing. */
function keyOf({ key, shiftKey }) {
  if (key.length !== 1) return key;
  return shiftKey ? key.toUpperCase() : key.toLowerCase();
}

/** Whether the key presses what has the focus, whatever else is bound to it. */
function isPressing({ key, target }) {
  const on = { Enter: "button, a[href], summary", " ": "button, summary" }[key];
  return Boolean(on && target instanceof Element && target.closest(on));
}

/** While a question is on the screen all keys are its own. */
function isHeld({ button }) {
  const question = document.getElementById("asks");
  return question !== null && !question.contains(button);
}

addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.altKey || e.metaKey || (isField(e) && e.key !== "Escape")) return;
  if (e.repeat && !mayBeHeld(e.key)) return e.preventDefault();
  if (e.key === "Escape" && document.getElementById("keys")) {
    e.preventDefault();
    return showKeys();
  }
  if (isPressing(e)) return;
  const key = keyOf(e);
  // what was bound last comes first, so that a question's keys go before those of the screen
  for (const entry of [...bound].reverse()) {
    const offered = entry.button ? !entry.button.disabled && entry.button.offsetParent !== null : true;
    if (entry.key === key && offered && !isHeld(entry) && entry.when()) {
      e.preventDefault();
      entry.act();
      return;
    }
  }
});

/** Show or hide the list of all keys. */
export function showKeys() {
  const there = document.getElementById("keys");
  if (there) return there.remove();
  const panel = document.createElement("div");
  panel.id = "keys";
  panel.setAttribute("role", "dialog");
  panel.setAttribute("aria-label", "Keys");
  const table = document.createElement("table");
  for (const { key, label } of bound.filter((b) => b.label)) {
    const row = table.insertRow();
    const shown = document.createElement("kbd");
    shown.textContent = key.length === 1 && key !== key.toLowerCase() ? `⇧${key}` : shownKey(key);
    row.insertCell().append(shown);
    row.insertCell().textContent = label;
  }
  panel.append(table);
  document.body.append(panel);
}
