// What stands in a plot beside its courses: bands, lines, and their names, each where it covers the fewest points.
import uPlot from "../vendor/uPlot.esm.js";
import { colour } from "./theme.js";

const LEAST = 11;
const FAMILY = 'system-ui, "DejaVu Sans", sans-serif';

export const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize);

/** `share` of the page's type size, CSS pixels; never too small to be read. */
export const typeSize = (share) => Math.max(LEAST, share * rem());

export const fontOf = (px, weight = 400) => `${weight} ${px}px ${FAMILY}`;

/** The width of a fine line, canvas pixels: it grows with the type, so that a large screen shows it. */
export const hair = () => Math.max(1, rem() / 15) * uPlot.pxRatio;

const clipped = (u, paint) => {
  const { left, top, width, height } = u.bbox;
  u.ctx.save();
  u.ctx.beginPath();
  u.ctx.rect(left, top, width, height);
  u.ctx.clip();
  paint(u.ctx, u.bbox);
  u.ctx.restore();
};

/** Left and right border of a band inside the plot, canvas pixels. */
function borders(u, { from, to }) {
  const { left, width } = u.bbox;
  const at = (x) => Math.min(left + width, Math.max(left, u.valToPos(x, "x", true)));
  return [at(from), to === null ? left + width : at(to)];
}

/** Draw vertical bands, each {from, to, colour, edge?, label?, hatch?}; `to` null reaches to the right border. */
export function drawBands(u, bands) {
  clipped(u, (ctx, { top, height }) => {
    for (const band of bands) {
      const [x0, x1] = borders(u, band);
      if (x1 <= x0) continue;
      ctx.fillStyle = colour(band.colour);
      ctx.fillRect(x0, top, x1 - x0, height);
      if (band.hatch) hatch(ctx, [x0, x1, top, height], colour(band.edge ?? band.colour));
      if (!band.edge) continue;
      ctx.strokeStyle = colour(band.edge);
      ctx.lineWidth = hair();
      ctx.beginPath();
      for (const x of band.hatch || band.to === null ? [x0] : [x0, x1]) { ctx.moveTo(x, top); ctx.lineTo(x, top + height); }
      ctx.stroke();
    }
  });
}

function hatch(ctx, [x0, x1, top, height], stroke) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(x0, top, x1 - x0, height);
  ctx.clip();
  ctx.strokeStyle = stroke;
  ctx.globalAlpha = 0.4;
  ctx.lineWidth = hair();
  ctx.beginPath();
  for (let x = x0 - height; x < x1; x += 7 * hair()) { ctx.moveTo(x, top + height); ctx.lineTo(x + height, top); }
  ctx.stroke();
  ctx.restore();
}

/** Draw horizontal lines, each {y, colour, dash?, label?}. */
export function drawLines(u, lines) {
  clipped(u, (ctx, { left, width }) => {
    for (const line of lines) {
      const y = u.valToPos(line.y, "y", true);
      ctx.strokeStyle = colour(line.colour);
      ctx.lineWidth = hair();
      ctx.setLineDash((line.dash ?? [5, 4]).map((d) => d * hair()));
      ctx.beginPath();
      ctx.moveTo(left, y);
      ctx.lineTo(left + width, y);
      ctx.stroke();
    }
  });
}

/** Write the names of bands and lines over the courses, each on the plot's ground, where it covers least of `points`. */
export function drawNames(u, bands, lines, points = []) {
  const taken = [];
  u.ctx.save();
  for (const band of bands.filter((b) => b.label)) {
    const [x0, x1] = borders(u, band);
    if (x1 > x0) name(u, band.label, { ink: band.edge ?? "dim", weight: 600, places: placesInBand(u, x0, x1) }, points, taken);
  }
  for (const line of lines.filter((l) => l.label)) {
    const y = u.valToPos(line.y, "y", true);
    const { top, height } = u.bbox;
    if (y >= top && y <= top + height) name(u, line.label, { ink: line.colour, places: placesAtLine(u, y) }, points, taken);
  }
  u.ctx.restore();
}

/** Below and above, in the middle of the band or else from its beginning. */
const placesInBand = (u, x0, x1) => (wide, high) => {
  const { left, top, width, height } = u.bbox;
  const inside = Math.min(Math.max(x0 + 3, (x0 + x1 - wide) / 2), left + width - wide);
  return [top + height - high, top].map((y) => [inside, y]);
};

/** Over and under the line, at its left and right end. */
const placesAtLine = (u, y) => (wide, high) => {
  const { left, top, width, height } = u.bbox;
  const fits = [y - high, y].filter((at) => at >= top && at + high <= top + height);
  return [left + 3, left + width - wide].flatMap((x) => fits.map((at) => [x, at]));
};

function name(u, text, { ink, weight = 400, places }, points, taken) {
  const { ctx } = u;
  const size = typeSize(0.78) * uPlot.pxRatio;
  ctx.font = fontOf(size, weight);
  const [wide, high] = [ctx.measureText(text).width + 0.5 * size, 1.35 * size];
  const boxes = places(wide, high).map(([x, y]) => [x, y, x + wide, y + high]);
  if (!boxes.length) return;
  const cost = boxes.map((box) => covered(box, points) + 100 * taken.filter((t) => meet(box, t)).length);
  const box = boxes[cost.indexOf(Math.min(...cost))];
  taken.push(box);
  ctx.globalAlpha = 0.8;
  ctx.fillStyle = colour("panel");
  ctx.fillRect(box[0], box[1], wide, high);
  ctx.globalAlpha = 1;
  ctx.fillStyle = colour(ink);
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillText(text, box[0] + 0.25 * size, (box[1] + box[3]) / 2);
}

const covered = ([x0, y0, x1, y1], points) => points.filter(([x, y]) => x >= x0 && x <= x1 && y >= y0 && y <= y1).length;
const meet = ([a0, b0, a1, b1], [c0, d0, c1, d1]) => a0 < c1 && c0 < a1 && b0 < d1 && d0 < b1;

/** Say in the middle of an empty plot what it waits for. */
export function drawEmpty(u, words) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.font = fontOf(typeSize(0.85) * uPlot.pxRatio);
  ctx.fillStyle = colour("dim");
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(words, bbox.left + bbox.width / 2, bbox.top + bbox.height / 2);
  ctx.restore();
}
