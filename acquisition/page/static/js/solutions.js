// Solutions as bands over time in minutes: hatched while one is on its way, full when it is in the bath.
const minutes = (s) => s / 60;

const onItsWay = (bar, edge) => ({ from: minutes(bar.switched), to: minutes(bar.arrives), colour: "arriving", edge, hatch: true });
const inBath = (bar) => ({ from: minutes(bar.arrives), to: bar.until === null ? null : minutes(bar.until), colour: "solution", edge: "solution-edge", label: bar.label });

/** Of the bars of a session; only the first of several strips need name them: see `unnamed`. */
export function solutionBands(bars) {
  const drugs = bars.filter((b) => !b.is_control).flatMap((b) => [onItsWay(b, "solution-edge"), inBath(b)]);
  const washes = bars.filter((b, i) => b.is_control && i > 0).map((b) => onItsWay(b, "dim"));
  return [...drugs, ...washes];
}

export const unnamed = (bands) => bands.map((b) => ({ ...b, label: undefined }));
