// Numbers as people read them. Everything that comes in is SI (temperature degC, times in seconds).
export const DASH = "–";
const FACTORS = { m: 1e3, µ: 1e6, n: 1e9, p: 1e12, k: 1e-3, M: 1e-6, G: 1e-9 };

const plain = (value, digits) => value.toFixed(digits).replace(/^-(0(\.0*)?)$/, "$1").replace("-", "−");

/** `number(-0.0605, "mV", 1)` is "−60.5"; without a value it is a dash. The unit's prefix says the factor. */
export function number(si, unit = "", digits = 1) {
  if (si === null || si === undefined || !Number.isFinite(si)) return DASH;
  return plain(si * (unit.length > 1 && FACTORS[unit[0]] && !["min", "mol"].includes(unit) ? FACTORS[unit[0]] : 1), digits);
}

/** `quantity(-0.0605, "mV", 1)` is "−60.5 mV". */
export function quantity(si, unit, digits = 1) {
  const shown = number(si, unit, digits);
  return shown === DASH || !unit ? shown : `${shown} ${unit}`;
}

/** Resistance in the unit that suits it: "4.3 MΩ", "2.10 GΩ". */
export function resistance(si) {
  if (si === null || !Number.isFinite(si)) return [DASH, "MΩ"];
  if (Math.abs(si) >= 1e9) return [plain(si / 1e9, 2), "GΩ"];
  return [plain(si / 1e6, Math.abs(si) < 100e6 ? 1 : 0), "MΩ"];
}

/** Session time: 3:07, or 1:02:33. */
export function clock(s) {
  if (s === null || s === undefined || !Number.isFinite(s)) return DASH;
  const whole = Math.max(0, Math.floor(s));
  const [h, m, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(rest)}` : `${m}:${two(rest)}`;
}

/** A length of time in words: "12 s", "6 min", "1 h 5 min". */
export function duration(s) {
  if (s === null || s === undefined || !Number.isFinite(s)) return DASH;
  if (s < 99.5) return `${Math.round(s)} s`;
  const minutes = Math.round(s / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const UNIT = /(\d) (?=(?:[mµnpkMG]?(?:V|A|s|Hz|Ω|F|M|L)|min|h|%|°C)(?![A-Za-zΩ]))/g;

/** Words of protocols and logs with the field's signs: "-70 mV" and "25 MOhm" become "−70 mV" and "25 MΩ", on one line. */
export function typeset(text) {
  return text.replace(/(^|[\s(])-(?=\d)/g, "$1−").replace(/([MGk])Ohm/g, "$1Ω").replace(/\bdegC\b/g, "°C").replace(/(\S) \.\. /g, "$1 to ").replace(/(\d)\.\.(?=\d)/g, "$1 to ").replace(UNIT, "$1\u00a0");
}

export function bytes(n) {
  if (n === null || n === undefined) return DASH;
  return n > 2e9 ? `${(n / 1e9).toFixed(0)} GB` : `${(n / 1e6).toFixed(0)} MB`;
}
