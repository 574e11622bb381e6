// The plan on the clock: all steps as short, and as long, as they can be, with the solution in the bath.
import { clock, duration } from "../format.js";

const make = (tag, className = "", text = "") => Object.assign(document.createElement(tag), { className, textContent: text });
const TICKS = [1, 2, 5, 10, 15, 30, 60, 120, 240];

export class Course {
  constructor(element, { onPick }) {
    this.element = element;
    this.onPick = onPick;
  }

  set(plan) {
    this.plan = plan;
    if (!plan) return this.element.replaceChildren();
    const whole = Math.max(1, ...plan.courses.map((c) => c.length));
    const [short, long] = plan.courses;
    const same = short.length === long.length;
    const head = make("h3", "", "Course in time");
    const said = make("span", "length", same ? duration(short.length) : `${duration(short.length)} to ${duration(long.length)}`);
    said.dataset.name = "length";
    head.append(said);
    const courses = same ? [["", short]] : [["if all is met at once", short], ["if all takes as long as it may", long]];
    this.element.replaceChildren(head, ...courses.map(([title, c], i) => this.strip(title, c, whole, i)), this.axis(whole));
  }

  strip(title, course, whole, number) {
    const strip = make("div", "strip");
    strip.dataset.course = number ? "longest" : "shortest";
    if (title) strip.append(make("div", "name", title));
    const bars = make("div", "bars");
    bars.append(...course.bars.flatMap((bar, i) => this.bar(bar, whole, course.bars[i + 1])));
    const steps = make("div", "steps");
    steps.append(...course.steps.map((span, i) => this.step(span, i, whole)));
    strip.append(bars, steps);
    return strip;
  }

  bar(bar, whole, next) {
    const found = [];
    if (bar.arrives > bar.switched) {
      const way = make("i", "way");
      place(way, bar.switched, bar.arrives, whole);
      way.title = `valve to ${bar.label} at ${clock(bar.switched)}, in the bath at ${clock(bar.arrives)}`;
      way.dataset.name = "on-its-way";
      found.push(way);
    }
    const there = make("i", bar.is_control ? "control" : "drug", bar.label);
    place(there, bar.arrives, bar.until, whole);
    if (next) there.style.paddingRight = `${(100 * (bar.until - next.switched)) / whole}%`; // its name ends where the next one's way begins
    there.title = `${bar.label} in the bath from ${clock(bar.arrives)}`;
    there.dataset.name = "in-bath";
    return [...found, there];
  }

  step([begin, end], i, whole) {
    const step = this.plan.steps[i];
    const part = make("button", `step ${step.verb}`, step.number.replace("finish ", "f"));
    part.tabIndex = -1;
    part.title = `${step.number}: ${step.what}, ${clock(begin)} to ${clock(end)}`;
    part.dataset.step = i;
    place(part, begin, end, whole);
    if (end === begin) part.classList.add("moment");
    part.addEventListener("click", () => this.onPick(i));
    return part;
  }

  axis(whole) {
    const axis = make("div", "axis");
    const most = Math.max(2, this.element.clientWidth / (4.5 * parseFloat(getComputedStyle(this.element).fontSize)));
    const every = 60 * (TICKS.find((m) => whole / 60 / m <= Math.min(9, most)) ?? 480);
    for (let t = 0; t <= whole; t += every) {
      const tick = make("span", "", clock(t));
      tick.style.left = `${(100 * t) / whole}%`;
      axis.append(tick);
    }
    return axis;
  }

  pick(i) {
    for (const part of this.element.querySelectorAll(".step")) part.setAttribute("aria-pressed", String(part.dataset.step === String(i)));
  }
}

function place(element, from, to, whole) {
  element.style.left = `${(100 * from) / whole}%`;
  element.style.width = `${(100 * (to - from)) / whole}%`;
}
