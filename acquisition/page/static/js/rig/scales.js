// Scale factors and spans, in the prefix that suits them.
const STEPS = { A: [[1e-9, "nA"], [1e-12, "pA"]], V: [[1, "V"], [1e-3, "mV"]] };

const short = (value) => String(+value.toPrecision(4)).replace("-", "−");

/** `scaled(1e-9, "A")` is "1 nA"; from 1 of a larger unit on, that unit. */
export function scaled(si, unit, digits = null) {
  const [factor, name] = STEPS[unit].find(([f]) => Math.abs(si) >= f) ?? STEPS[unit].at(-1);
  return `${digits === null ? short(si / factor) : (si / factor).toFixed(digits).replace("-", "−")} ${name}`;
}

/** What a volt at the card means, and the whole range: ["1 nA/V", "±10 nA"]. */
export function meaning({ unit, per_volt: perVolt, full }) {
  return [`${scaled(perVolt, unit)}/V`, `±${scaled(full, unit)}`];
}
