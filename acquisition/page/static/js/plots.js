// Two plots: a trace over the time of a sweep, and a trend over the time of a session.
import uPlot from "../vendor/uPlot.esm.js";
import { clock } from "./format.js";
import { drawBands, drawEmpty, drawLines, drawNames, fontOf, hair, rem, typeSize } from "./marks.js";
import { colour, onTheme } from "./theme.js";

/** Room at the right of every trend, rem: percents stand there in one of them, and all have the same axis of time. */
const GUTTER = 3.5;
const tabular = (v) => (v === null ? "" : String(+v.toPrecision(6)).replace("-", "−"));

/** An axis in the theme's colours. `options.show` false leaves out its numbers and keeps the grid. */
function axis({ side = 2, values = (_u, found) => found.map(tabular), room = null, space = 40, show = true, grid = true, ...more } = {}) {
  const size = rem();
  const upright = side % 2 === 1;
  return {
    side, space: upright ? Math.max(22, 2 * size) : Math.max(space, 4.6 * size), font: fontOf(Math.round(typeSize(0.8))),
    stroke: () => colour("dim"), values: show ? values : () => [],
    size: room ?? (show ? (upright ? 3.7 * size : 1.75 * size) : upright ? 3.7 * size : 0.5 * size), gap: 0.3 * size,
    grid: { show: grid, stroke: () => colour("grid"), width: Math.max(1, size / 15) },
    ticks: { show: show && !upright, stroke: () => colour("line"), width: 1, size: 4 }, ...more,
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
    const padding = [(options.room ?? 0.5) * size, (options.gutter ?? 0.8) * size, 0, 0];
    made = new uPlot({ width, height, pxAlign: 0, padding, legend: { show: false }, ...options }, data ?? empty, element);
  };
  const observer = new ResizeObserver(build);
  observer.observe(element);
  const forget = onTheme(() => made?.redraw(true, true));
  build();
  return {
    get u() { return made; },
    set(next, resetScales = true) { data = next; if (!made) build(); made?.setData(next, resetScales); },
    redraw() { made?.redraw(false, false); },
    end() { observer.disconnect(); forget(); made?.destroy(); made = null; },
  };
}

/** A line of text at the upper left of a plot. */
function titled(element, text) {
  element.classList.add("plot");
  const title = document.createElement("div");
  title.className = "title";
  element.append(title);
  setTitle(title, text);
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
 * `.range("x" | "y", low, high)`, `.bands([...])`, `.lines([...])`; give low null for automatic. `.end()` before another is made.
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
      draw: [(u) => { drawLines(u, lines); drawNames(u, bands, lines); onDraw?.(u); }],
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
    end() { kept.end(); element.replaceChildren(); },
  };
}

function setTitle(element, parts) {
  const text = JSON.stringify(parts);
  if (element.dataset.said === text) return;
  element.dataset.said = text;
  element.replaceChildren(...[parts].flat().filter((p) => p.length).map((p) => {
    const part = document.createElement(Array.isArray(p) ? "b" : "span");
    part.textContent = Array.isArray(p) ? p[0] : p;
    return part;
  }));
}

/** As many decimals as `levels` differ in, and at least `least`. */
function decimals(levels, least) {
  const step = levels.length > 1 ? levels[1] - levels[0] : 1;
  return Math.max(least, [0, 1, 2, 3].find((d) => Math.abs(step - Number(step.toFixed(d))) < 1e-6 * step) ?? 3);
}

const PERCENTS = [5, 10, 20, 25, 50, 100, 200, 500, 1000];

/** Levels of whole percents of `whole` between `low` and `high`, at most `most`. */
function percents(whole, low, high, most) {
  const [from, to] = [low, high].map((y) => (100 * y) / whole).sort((a, b) => a - b);
  const step = PERCENTS.find((p) => (to - from) / p <= most) ?? PERCENTS.at(-1);
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.max(0, Math.floor(to / step) - first + 1) }, (_, i) => ((first + i) * step * whole) / 100);
}

/** What a point of a trend looks like: a disc; hollow if it is left out; a triangle at the border if it is beyond it. */
function drawPoint(ctx, x, y, radius, beyond) {
  ctx.beginPath();
  if (beyond) {
    ctx.moveTo(x - radius, y);
    ctx.lineTo(x + radius, y);
    ctx.lineTo(x, y + 1.6 * beyond * radius);
    ctx.closePath();
  } else {
    ctx.arc(x, y, radius, 0, 7);
  }
  ctx.fill();
  ctx.stroke();
}

/**
 * A trend over the time of a session (x in minutes): points, bars of solutions, limits.
 *   whole    `whole()` is what counts as 100 %, or null; percents then stand at the right border
 *   waits    said in the middle while there is no point
 *   onPick   called with the index of the point that was clicked
 * `.set({x, y, out})`: `out[i]` true draws the point hollow (left out of means), and it does not stretch the axis.
 * `before` with `hasBefore` adds what the points were before: short bars. `marked` is the index of a point to draw large.
 */
export function trendPlot(element, { mark = "trace", hasBefore = false, xAxis = false, whole = null, waits = "no sweep yet", onPick = null, sync = "trends", digits = 0, least = 0 }) {
  element.classList.add("plot");
  let [xRange, bands, lines, out, marked] = [null, [], [], [], -1];
  const counts = (u) => {
    const there = u.data.slice(1).flatMap((column) => column.filter((y, k) => y !== null && y !== undefined && !out[k]));
    return there.length ? there : u.data[1].filter((y) => y !== null && y !== undefined);
  };
  const range = (u) => {
    const found = counts(u);
    if (!found.length) return [0, 1];
    const [low, high] = [Math.min(...found), Math.max(...found)];
    const half = Math.max((high - low) / 2, least / 2, 1e-9) * 1.25;
    return [(low + high) / 2 - half, (low + high) / 2 + half];
  };
  const isEmpty = (u) => !u.data[1].some((y) => y !== null);
  const values = (u, found) => found.map((v) => (isEmpty(u) || v === null ? "" : v.toFixed(decimals(found, digits)).replace("-", "−")));
  /** [x, y, beyond] of the points of a column, canvas pixels; beyond is 1 or -1 for one below or above the plot. */
  const places = (u, column) => {
    const { top, height } = u.bbox;
    const edge = 0.7 * rem() * uPlot.pxRatio;
    return u.data[column].map((y, k) => {
      if (y === null || y === undefined) return null;
      const at = u.valToPos(y, "y", true);
      const beyond = at > top + height ? 1 : at < top ? -1 : 0;
      return [u.valToPos(u.data[0][k], "x", true), beyond > 0 ? top + height - edge : beyond ? top + edge : at, beyond];
    });
  };
  const points = (u) => {
    const { ctx } = u;
    const radius = 0.5 * Math.max(3.2, 0.36 * rem()) * uPlot.pxRatio;
    clippedX(u, () => places(u, 1).forEach((at, k) => {
      if (!at) return;
      ctx.lineWidth = 1.4 * hair();
      ctx.fillStyle = colour(out[k] ? "panel" : mark);
      ctx.strokeStyle = colour(out[k] ? "dim" : mark);
      drawPoint(ctx, at[0], at[1], radius + (k === marked ? 1.4 * hair() : 0), at[2]);
    }));
  };
  const before = (u) => clippedX(u, () => {
    const { ctx } = u;
    ctx.strokeStyle = colour("dim");
    ctx.lineWidth = 1.6 * hair();
    ctx.beginPath();
    for (const [x, y] of places(u, 2).filter(Boolean)) { ctx.moveTo(x - 0.3 * rem() * uPlot.pxRatio, y); ctx.lineTo(x + 0.3 * rem() * uPlot.pxRatio, y); }
    ctx.stroke();
  });
  const draw = (u) => {
    if (isEmpty(u)) return drawEmpty(u, waits);
    drawLines(u, lines);
    if (hasBefore) before(u);
    points(u);
    drawNames(u, bands, lines, places(u, 1).filter(Boolean));
  };
  const right = () => axis({
    side: 1, scale: "y", room: GUTTER * rem(), grid: false,
    splits: (u, _axis, low, high) => (whole() && !isEmpty(u) ? percents(whole(), low, high, u.bbox.height / uPlot.pxRatio / (2.4 * rem())) : []),
    values: (_u, found) => found.map((y) => `${Math.round((100 * y) / whole())} %`),
  });
  const kept = keep(element, () => ({
    empty: [[0], [null], ...(hasBefore ? [[null]] : [])],
    gutter: whole ? 0 : GUTTER,
    scales: { x: { time: false, range: (_u, low, high) => xRange ?? [low ?? 0, high ?? 1] }, y: { range } },
    axes: [
      axis({ show: xAxis, values: (_u, found) => found.map((m) => (m < 0 ? "" : clock(60 * m))) }),
      axis({ side: 3, room: 3.4 * rem(), values }),
      ...(whole ? [right()] : []),
    ],
    series: [{}, { stroke: () => colour(mark), width: Math.max(1, rem() / 15), alpha: 0.55, points: { show: false }, spanGaps: true },
      ...(hasBefore ? [{ stroke: "transparent", points: { show: false } }] : [])],
    cursor: { drag: { x: false, y: false }, points: { show: false }, y: false, sync: { key: sync } },
    hooks: {
      drawClear: [(u) => drawBands(u, bands)],
      draw: [draw],
      ready: [(u) => u.over.addEventListener("click", () => { if (onPick && u.cursor.idx !== null) onPick(u.cursor.idx); })],
    },
  }));
  return {
    element,
    get u() { return kept.u; },
    set({ x, y, before: earlier = null, out: hollow = [], marked: large = x.length - 1 }) { [out, marked] = [hollow, large]; kept.set([x, y, ...(hasBefore ? [earlier ?? x.map(() => null)] : [])]); },
    bands(list) { bands = list; },
    lines(list) { lines = list; },
    range(low, high) { xRange = [low, high]; },
    redraw() { kept.redraw(); },
  };
}

/** Paint with a little more room at the sides than the plot has, for a point on its border. */
function clippedX({ ctx, bbox }, paint) {
  const room = 0.4 * rem() * uPlot.pxRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left - room, bbox.top - room, bbox.width + 2 * room, bbox.height + 2 * room);
  ctx.clip();
  paint();
  ctx.restore();
}
