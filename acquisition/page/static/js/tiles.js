// A big read-out: label, value with unit, and in words whether that is good.
import { number } from "./format.js";

const part = (name, text = "") => {
  const element = document.createElement("div");
  element.className = name;
  element.textContent = text;
  return element;
};

export function tile(name, label) {
  const element = part("tile");
  const [title, value, quality] = [part("label", label), part("value"), part("quality")];
  value.dataset.name = name;
  quality.dataset.name = `${name}-quality`;
  element.append(title, value, quality);
  const unitPart = document.createElement("small");
  let shown = "";
  return {
    element,
    label(text) { if (title.textContent !== text) title.textContent = text; },
    /** `value` SI or null with `unit` and `digits`, or a ready `text`; `note` in words; `level` good, note, bad or none. */
    put({ value: si = null, unit = "", digits = 1, text = null, note = "", level = "none" }) {
      const said = text ?? number(si, unit, digits);
      if (shown !== `${said}|${unit}`) {
        shown = `${said}|${unit}`;
        value.textContent = said;
        if (unit) { unitPart.textContent = ` ${unit}`; value.append(unitPart); }
      }
      if (quality.textContent !== note) quality.textContent = note;
      element.dataset.level = level;
    },
  };
}
