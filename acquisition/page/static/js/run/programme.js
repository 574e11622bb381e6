// The protocol as a list, the criterion of steadiness, and what is in the bath.
import { clock, duration, typeset } from "../format.js";

const at = (name) => document.querySelector(`[data-name="${name}"]`);
const make = (tag, text = "", className = "") => Object.assign(document.createElement(tag), { textContent: text, className });

export class Programme {
  constructor() {
    this.list = document.getElementById("steps");
    this.steps = [];
    this.bars = [];
    // a card below that comes or grows makes the list shorter
    new ResizeObserver(() => this.show()).observe(this.list);
  }

  take(steps) {
    const was = this.steps.find((s) => s.state === "now");
    this.steps = steps;
    const { scrollTop } = this.list;
    this.list.replaceChildren(...steps.map((s) => this.line(s)));
    this.list.scrollTop = scrollTop;
    const now = steps.find((s) => s.state === "now");
    if (now && (!was || was.number !== now.number || was.part !== now.part)) this.show();
  }

  /** Scroll the list, and nothing else, to the present step: on a phone the whole page would jump. */
  show() {
    if (!this.current) return;
    const [step, list] = [this.current.getBoundingClientRect(), this.list.getBoundingClientRect()];
    const bottom = list.bottom - parseFloat(getComputedStyle(this.list).paddingBottom); // below it the list fades
    if (step.bottom > bottom) this.list.scrollTop += step.bottom - bottom;
    if (step.top < list.top) this.list.scrollTop -= list.top - step.top;
  }

  line(step) {
    const line = make("li");
    line.dataset.state = step.state;
    line.dataset.step = `${step.part}-${step.number}`;
    const [, head, rest] = step.text.match(/^([^:,]*)[:,]?\s*(.*)$/s);
    line.append(make("span", typeset(head), "what"));
    line.title = typeset(step.text);
    if (step.state === "now" && rest) line.append(make("small", typeset(rest)));
    if (step.state === "now") {
      line.setAttribute("aria-current", "step");
      this.current = line;
      this.countdown = make("small");
      this.countdown.dataset.name = "step-countdown";
      const bar = make("div", "", "bar");
      this.fill = make("i");
      bar.append(this.fill);
      line.append(this.countdown, ...(step.longest ? [bar] : []));
      if (step.result) line.append(make("small", typeset(step.result)));
    } else if (step.state === "done") {
      line.append(make("small", `${step.is_well ? "✓" : "△"} ${typeset(step.result) || `took ${duration(step.ended - step.began)}`}`));
    } else if (step.state === "to come" && step.longest) {
      const [low, high] = [duration(step.shortest), duration(step.longest)];
      line.append(make("small", low === high ? low : `${low} to ${high}`));
    } else if (step.state === "left out") {
      line.append(make("small", "left out"));
    }
    return line;
  }

  /** What the present step still needs, and the solution's way. */
  tick(now, status) {
    const step = this.steps.find((s) => s.state === "now");
    if (this.countdown && now === null) this.countdown.textContent = "";
    if (step && this.countdown && now !== null) {
      const gone = Math.max(0, now - step.began);
      const series = status?.series ? ` · sweep ${status.series.done} of at most ${status.series.expected}` : "";
      const left = step.longest ? `${step.shortest === step.longest ? "" : "at most "}${clock(Math.max(0, step.longest - gone))} left` : `for ${clock(gone)}`;
      this.countdown.textContent = left + series;
      if (this.high !== this.current.offsetHeight) { this.high = this.current.offsetHeight; this.show(); }
      this.fill.style.width = `${Math.min(100, (100 * gone) / (step.longest || 1))}%`;
    }
    this.bath(now);
  }

  takeSolutions(bars) {
    this.bars = bars;
  }

  bath(now) {
    const last = this.bars.at(-1);
    const arrives = last && now !== null && now < last.arrives;
    at("solution-name").textContent = last && now !== null ? (arrives && this.bars.length > 1 ? this.bars.at(-2).label : last.label) : "–";
    const quality = at("solution-quality");
    quality.dataset.level = arrives ? "note" : "";
    quality.textContent = !last || now === null ? "" : arrives
      ? `valve open to ${last.label}; in the bath in ${clock(last.arrives - now)}`
      : `in the bath for ${duration(now - last.arrives)}`;
    const bar = at("solution-arrival");
    bar.hidden = !arrives;
    if (arrives) bar.value = Math.min(1, (now - last.switched) / (last.arrives - last.switched));
  }

  judge(criterion) {
    const card = document.getElementById("criterion");
    card.hidden = criterion === null;
    if (criterion === null) return;
    card.dataset.steady = criterion.steady;
    const dots = Array.from({ length: criterion.needed }, (_, i) => make("i", "", i < criterion.n ? "on" : ""));
    at("criterion-dots").replaceChildren(...dots);
    at("criterion-text").textContent = criterion.steady ? "Steady: the drug may come" : `${Math.min(criterion.n, criterion.needed)} of ${criterion.needed} sweeps`;
    at("criterion-list").replaceChildren(...lines(criterion).map(([ok, text]) => make("li", `${ok === null ? "·" : ok ? "✓" : "✗"} ${text}`)));
  }
}

const percent = (x) => `${x > 0 ? "+" : ""}${Math.round(100 * x)} %`.replace("-", "−");

/** Each part of the criterion, and whether it holds: [true | false | null, text]. */
function lines(c) {
  const found = [];
  if (c.slope !== null && c.slope !== undefined && c.n >= 4) {
    const within = c.interval[0] <= 0 && c.interval[1] >= 0;
    found.push([null, `${c.measure} ${percent(c.slope)} per ${duration(c.per)} (wanted: ${c.limit})`]);
    found.push([within, `its 95 % interval ${within ? "contains" : "excludes"} 0`]);
    if (c.cv !== null && c.cv !== undefined) found.push([null, `varies by ${Math.round(100 * c.cv)} %`]);
  } else {
    found.push([null, `${c.measure}: ${c.limit}`]);
  }
  const name = { Rin: "input resistance", V_b: "baseline potential", since_arrival: "time since arrival", window_change: "last two windows" };
  for (const b of c.besides ?? []) {
    if (b.value === null) continue;
    const value = b.name === "V_b" ? `${(1e3 * b.value).toFixed(1).replace("-", "−")} mV` : b.name === "since_arrival" ? duration(b.value) : percent(b.value);
    found.push([b.steady, `${name[b.name] ?? b.name} ${value}`]);
  }
  return found;
}
