// Solutions as bands over time in minutes: hatched while one is on its way, full when it is in the bath.
export function solutionBands(bars) {
  const bands = [];
  for (const bar of bars.filter((b) => !b.is_control)) {
    bands.push({ from: bar.switched / 60, to: bar.arrives / 60, colour: "arriving", edge: "solution-edge", hatch: true });
    bands.push({ from: bar.arrives / 60, to: bar.until === null ? null : bar.until / 60, colour: "solution", edge: "solution-edge", label: bar.label, at: "inside" });
  }
  for (const wash of bars.filter((b, i) => b.is_control && i > 0)) {
    bands.push({ from: wash.switched / 60, to: wash.arrives / 60, colour: "arriving", edge: "dim", hatch: true });
  }
  return bands;
}
