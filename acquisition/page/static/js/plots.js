// Two plots: a trace over the time of a sweep, and a trend over the time of a session.
import uPlot from "../vendor/uPlot.esm.js";
import { clock } from "./format.js";
import { colour, onTheme } from "./theme.js";

const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize);
const tabular = (v) => (v === null ? "" : String(+v.toPrecision(6)).replace("-", "−"));

/** An axis in the theme's colours. `options.show` false leaves out its numbers and keeps the grid. */
function axis({ side = 2, values = (_u, found) => found.map(tabular), room = null, space = 40, show = true, grid = true } = {}) {
  const size = rem();
  const upright = side % 2 === 1;
  const font = `${Math.round(0.8 * size)}px system-ui, "DejaVu Sans", sans-serif`;
  return {
    side, space: upright ? Math.max(22, 2 * size) : Math.max(space, 4.6 * size), font,
    stroke: () => colour("dim"), values: show ? values : () => [],
    size: room ?? (show ? (upright ? 3.7 * size : 1.75 * size) : upright ? 3.7 * size : 4), gap: 0.3 * size,
    grid: { show: grid, stroke: () => colour("grid"), width: 1 },
    ticks: { show: show && !upright, stroke: () => colour("line"), width: 1, size: 4 },
  };
}

/** Keep a uPlot as large as its element, and in the theme's colours; make it anew when the type changes size. */
function keep(element, make) {
  let [made, size, data] = [null, 0, null];
  const build = () => {
    const { clientWidth: width, clientHeight: height } = element;
    if (width < 20 || height < 20) return;
    if (made && size === rem()) return made.setSize({ width, height });
    made?.destroy();
    size = rem();
    const { empty, ...options } = make();
    const padding = [(options.room ?? 0.5) * size, 0.8 * size, 0, 0];
    made = new uPlot({ width, height, pxAlign: 0, padding, legend: { show: false }, ...options }, data ?? empty, element);
  };
  new ResizeObserver(build).observe(element);
  onTheme(() => made?.redraw(true, true));
  build();
  return {
    get u() { return made; },
    set(next, resetScales = true) { data = next; if (!made) build(); made?.setData(next, resetScales); },
    redraw() { made?.redraw(false, false); },
  };
}

/** Draw vertical bands, each {from, to, colour, edge?, label?, hatch?}; `to` null reaches to the right border. */
function drawBands(u, bands) {
  const { left, top, width, height } = u.bbox;
  const { ctx } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  for (const band of bands) {
    const x0 = Math.max(left, u.valToPos(band.from, "x", true));
    const x1 = band.to === null ? left + width : Math.min(left + width, u.valToPos(band.to, "x", true));
    if (x1 <= x0) continue;
    ctx.fillStyle = colour(band.colour);
    ctx.fillRect(x0, top, x1 - x0, height);
    if (band.hatch) hatch(ctx, x0, x1, top, height, colour(band.edge ?? band.colour));
    if (band.edge) {
      ctx.strokeStyle = colour(band.edge);
      ctx.lineWidth = uPlot.pxRatio;
      ctx.beginPath();
      for (const x of band.hatch ? [x0] : [x0, x1]) { ctx.moveTo(x, top); ctx.lineTo(x, top + height); }
      ctx.stroke();
    }
  }
  ctx.restore();
}

/** Write the names of bands, over the grid. */
function labelBands(u, bands) {
  const { left, width } = u.bbox;
  u.ctx.save();
  for (const band of bands.filter((b) => b.label)) {
    const x0 = Math.max(left, u.valToPos(band.from, "x", true));
    const x1 = band.to === null ? left + width : Math.min(left + width, u.valToPos(band.to, "x", true));
    if (x1 > x0) drawLabel(u, band, x0, x1);
  }
  u.ctx.restore();
}

function hatch(ctx, x0, x1, top, height, stroke) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(x0, top, x1 - x0, height);
  ctx.clip();
  ctx.strokeStyle = stroke;
  ctx.globalAlpha = 0.4;
  ctx.lineWidth = uPlot.pxRatio;
  ctx.beginPath();
  const gap = 7 * uPlot.pxRatio;
  for (let x = x0 - height; x < x1; x += gap) { ctx.moveTo(x, top + height); ctx.lineTo(x + height, top); }
  ctx.stroke();
  ctx.restore();
}

function drawLabel(u, band, x0, x1) {
  const { ctx, bbox } = u;
  const size = 0.78 * rem() * uPlot.pxRatio;
  ctx.font = `600 ${size}px system-ui, "DejaVu Sans", sans-serif`;
  ctx.fillStyle = colour(band.edge ?? "dim");
  ctx.textAlign = "left";
  const wide = ctx.measureText(band.label).width;
  if (band.at === "inside" && wide > x1 - x0 - 4) return;
  ctx.textBaseline = "bottom";
  const x = band.at === "inside" ? x0 + 4 : Math.min(Math.max(x0, (x0 + x1 - wide) / 2), bbox.left + bbox.width - wide - 2);
  const y = bbox.top + bbox.height - 0.35 * size;
  const ink = ctx.fillStyle;
  ctx.fillStyle = colour("panel");
  ctx.globalAlpha = 0.75;
  ctx.fillRect(x - 2, y - 1.15 * size, wide + 4, 1.3 * size);
  ctx.globalAlpha = 1;
  ctx.fillStyle = ink;
  ctx.fillText(band.label, x, y);
}

/** Write what else the levels of the y axis are called, inside the right border. */
function drawInside(u, second) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.font = `${0.74 * rem() * uPlot.pxRatio}px system-ui, "DejaVu Sans", sans-serif`;
  ctx.fillStyle = colour("dim");
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  for (const y of u.axes[1]._splits ?? []) {
    const at = u.valToPos(y, "y", true);
    const text = second(y);
    if (text && at > bbox.top + 8 && at < bbox.top + bbox.height - 8) ctx.fillText(text, bbox.left + bbox.width - 4 * uPlot.pxRatio, at);
  }
  ctx.restore();
}

/** Draw horizontal lines, each {y, colour, dash?, label?}. */
function drawLines(u, lines) {
  const { left, top, width, height } = u.bbox;
  const { ctx } = u;
  ctx.save();
  for (const line of lines) {
    const y = u.valToPos(line.y, line.scale ?? "y", true);
    if (!(y >= top && y <= top + height)) continue;
    ctx.strokeStyle = colour(line.colour);
    ctx.lineWidth = uPlot.pxRatio;
    ctx.setLineDash((line.dash ?? [5, 4]).map((d) => d * uPlot.pxRatio));
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
    if (line.label) {
      const size = 0.74 * rem() * uPlot.pxRatio;
      ctx.font = `${size}px system-ui, "DejaVu Sans", sans-serif`;
      ctx.fillStyle = colour(line.colour);
      ctx.textAlign = "left";
      ctx.textBaseline = y - top > 1.4 * size ? "bottom" : "top";
      ctx.fillText(line.label, left + 4 * uPlot.pxRatio, y);
    }
  }
  ctx.restore();
}

/** A line of text at the upper left of a plot. */
function titled(element, text) {
  element.classList.add("plot");
  const title = document.createElement("div");
  title.className = "title";
  title.textContent = text;
  element.append(title);
  return title;
}

/**
 * A trace over the time of a sweep.
 *   title    shown at the upper left; `.title(parts)` changes it: strings, or [string] for bold
 *   series   list of {name, colour, width?, dash?, fill?}, in the order of the columns of `.set([x, ...columns])`
 *   xAxis    whether to show the numbers of the x axis
 *   onDraw   called after the canvas is painted
 *   onZoom   called with (low, high) when a stretch is dragged, and with null when it is left by a double click
 *   sync     a name: plots with the same name share their cursor
 * `.range("x" | "y", low, high)`, `.bands([...])`, `.lines([...])`; give low null for automatic.
 */
export function tracePlot(element, { title = "", series, xAxis = true, onDraw = null, onZoom = null, sync = null, drag = true }) {
  const shownTitle = titled(element, title);
  const ranges = { x: null, y: null };
  let [bands, lines] = [[], []];
  const range = (name) => (_u, low, high) => {
    if (ranges[name]) return ranges[name];
    if (low === null) return [0, 1];
    const room = name === "x" ? 0 : 0.06 * (high - low || Math.abs(high) || 1);
    return [low - room, high + room];
  };
  const kept = keep(element, () => ({
    empty: [[0], ...series.map(() => [null])],
    room: 1.35,
    scales: { x: { time: false, range: range("x") }, y: { range: range("y") } },
    axes: [axis({ show: xAxis }), axis({ side: 3 })],
    series: [{}, ...series.map((s) => ({
      stroke: () => colour(s.colour), width: (s.width ?? 1) * Math.max(1, rem() / 15), dash: s.dash, points: { show: false }, spanGaps: false,
      fill: s.fill ? () => colour(s.fill) : undefined,
    }))],
    cursor: { drag: { x: drag, y: false, setScale: false }, points: { show: false }, y: false, ...(sync ? { sync: { key: sync } } : {}) },
    hooks: {
      drawClear: [(u) => drawBands(u, bands)],
      draw: [(u) => { labelBands(u, bands); drawLines(u, lines); onDraw?.(u); }],
      setSelect: [(u) => {
        if (u.select.width < 6) return;
        const [low, high] = [u.select.left, u.select.left + u.select.width].map((at) => u.posToVal(at, "x"));
        u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        ranges.x = [low, high];
        u.setData(u.data);
        onZoom?.(low, high);
      }],
      ready: [(u) => u.over.addEventListener("dblclick", () => { ranges.x = null; onZoom?.(null); })],
    },
  }));
  return {
    element,
    get u() { return kept.u; },
    set(data) { kept.set(data); },
    bands(list) { bands = list; },
    lines(list) { lines = list; },
    range(name, low, high) { ranges[name] = low === null ? null : [low, high]; },
    title(parts) { setTitle(shownTitle, parts); },
    redraw() { kept.redraw(); },
  };
}

function setTitle(element, parts) {
  const text = JSON.stringify(parts);
  if (element.dataset.said === text) return;
  element.dataset.said = text;
  element.replaceChildren(...[parts].flat().map((p) => {
    if (!Array.isArray(p)) return document.createTextNode(p);
    const bold = document.createElement("b");
    [bold.textContent] = p;
    return bold;
  }));
}

/**
 * A trend over the time of a session (x in minutes): points, bars of solutions, limits.
 *   second   `second(y)` is what else a level is called, such as "80 %"; written at the right border
 *   onPick   called with the index of the point that was clicked
 * `.set({x, y, out})`: `out[i]` true draws the point hollow (left out of means). `y2` with `series2` adds a second course.
 */
export function trendPlot(element, { title = "", mark = "trace", mark2 = null, xAxis = false, second = null, onPick = null, sync = "trends", digits = null, least = 0 }) {
  const shownTitle = titled(element, title);
  const ranges = { x: null, y: null };
  let [bands, lines, out] = [[], [], []];
  const range = (_u, low, high) => {
    if (ranges.y) return ranges.y;
    if (low === null) return [0, 1];
    const middle = (low + high) / 2;
    const half = Math.max((high - low) / 2, least / 2, 1e-9) * 1.25;
    return [middle - half, middle + half];
  };
  const isEmpty = (u) => !u.data[1].some((y) => y !== null);
  const values = (u, found) => (isEmpty(u) ? found.map(() => "") : found.map((v) => (v === null ? "" : digits === null ? tabular(v) : v.toFixed(digits).replace("-", "−"))));
  const points = (tint) => (u, i) => {
    const size = Math.max(3.2, 0.36 * rem()) * uPlot.pxRatio;
    const { ctx } = u;
    ctx.save();
    ctx.lineWidth = 1.4 * uPlot.pxRatio;
    u.data[i].forEach((y, k) => {
      if (y === null || y === undefined) return;
      const [px, py] = [u.valToPos(u.data[0][k], "x", true), u.valToPos(y, "y", true)];
      if (px < u.bbox.left - size || px > u.bbox.left + u.bbox.width + size) return;
      ctx.beginPath();
      ctx.arc(px, py, size / 2 + (k === u.data[i].length - 1 ? 1.4 * uPlot.pxRatio : 0), 0, 7);
      ctx.fillStyle = out[k] ? colour("panel") : colour(tint);
      ctx.strokeStyle = out[k] ? colour("dim") : colour(tint);
      ctx.fill();
      ctx.stroke();
    });
    ctx.restore();
  };
  const course = (tint) => ({
    stroke: () => colour(tint), width: 1, alpha: 0.55, points: { show: false }, spanGaps: true,
  });
  const tints = [mark, ...(mark2 ? [mark2] : [])];
  const kept = keep(element, () => ({
    empty: [[0], ...tints.map(() => [null])],
    scales: { x: { time: false, range: (_u, low, high) => ranges.x ?? [low ?? 0, high ?? 1] }, y: { range } },
    axes: [
      axis({ show: xAxis, values: (_u, found) => found.map((m) => (m < 0 ? "" : clock(60 * m))) }),
      axis({ side: 3, values }),
    ],
    series: [{}, ...tints.map(course)],
    cursor: { drag: { x: false, y: false }, points: { show: false }, y: false, sync: { key: sync } },
    hooks: {
      drawClear: [(u) => drawBands(u, bands)],
      draw: [(u) => { labelBands(u, bands); drawLines(u, lines); tints.forEach((tint, i) => points(tint)(u, i + 1)); if (second) drawInside(u, second); }],
      ready: [(u) => u.over.addEventListener("click", () => { if (onPick && u.cursor.idx !== null) onPick(u.cursor.idx); })],
    },
  }));
  return {
    element,
    get u() { return kept.u; },
    set({ x, y, y2 = null, out: hollow = [] }) { out = hollow; kept.set([x, y, ...(mark2 ? [y2 ?? x.map(() => null)] : [])]); },
    bands(list) { bands = list; },
    lines(list) { lines = list; },
    range(name, low, high) { ranges[name] = low === null ? null : [low, high]; },
    title(parts) { setTitle(shownTitle, parts); },
    redraw() { kept.redraw(); },
  };
}
