// The heat map of latencies: time to the right, latency upwards, the share of a moment's tasks as
// colour.

import { placer, prepare } from "./canvas.js";
import { colour } from "./colours.js";
import { element } from "./dom.js";
import { count, tick } from "./format.js";

const LEFT = 50;
const BOTTOM = 22;
/** What an empty map shows: 1 µs to 1 s. */
const EMPTY = [0, 20];
const STEPS = ["heat-0", "heat-1", "heat-2", "heat-3", "heat-4"];

const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** 64 colours from few to many. */
function ramp() {
  const stops = STEPS.map((name) => {
    const hex = colour(name);
    return channels(hex.length === 4 ? `#${[...hex.slice(1)].map((c) => c + c).join("")}` : hex);
  });
  return Array.from({ length: 64 }, (_, index) => {
    const at = (index / 63) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const mix = stops[low].map((from, channel) => Math.round(from + (stops[low + 1][channel] - from) * (at - low)));
    return `rgb(${mix.join(" ")})`;
  });
}

/** The buckets that hold anything, and one more on each side. */
function extent(columns, buckets) {
  const used = (index) => columns.some(({ counts }) => counts[index] > 0);
  let [low, high] = [0, buckets - 1];
  while (low < high && !used(low)) low++;
  if (!used(low)) return EMPTY;
  while (high > low && !used(high)) high--;
  [low, high] = [Math.max(0, low - 1), Math.min(buckets - 1, high + 1)];
  // A map of few rows is hard to read.
  while (high - low < 8 && high - low < buckets - 1) high < buckets - 1 ? high++ : low--;
  return [low, high];
}

export class HeatMap {
  constructor(host) {
    this.host = host;
    this.canvas = host.querySelector("canvas");
    this.tip = element("div", "tip");
    this.tip.hidden = true;
    this.none = element("p", "none", "No task was measured in this time.");
    host.append(this.tip, this.none);
    host.addEventListener("pointermove", (event) => this.#point(event));
    host.addEventListener("pointerleave", () => (this.tip.hidden = true));
  }

  /**
   * `columns` are `{t, seconds, counts}`; `bounds` the upper bounds of the buckets, in seconds; `verb` is what a task
   * did for such a time.
   */
  show(columns, bounds, range, verb) {
    const { context, width, height } = prepare(this.canvas);
    const [low, high] = extent(columns, bounds.length);
    const plot = { width: width - LEFT - 8, height: height - BOTTOM - 8 };
    const row = plot.height / (high - low + 1);
    const y = (index) => 8 + plot.height - (index - low + 1) * row;
    this.shown = { columns, bounds, range, low, high, plot, row, verb };
    this.none.hidden = columns.some(({ counts }) => counts.some((value) => value > 0));
    context.fillStyle = colour("heat-0");
    context.fillRect(LEFT, 8, plot.width, plot.height);
    const x = placer(range, plot.width);
    const colours = ramp();
    for (const { t, seconds, counts } of columns) {
      const all = counts.reduce((total, value) => total + value, 0);
      if (all === 0) continue;
      const left = LEFT + Math.max(0, x(t - seconds));
      const wide = LEFT + x(t) - left + 0.5;
      for (let index = low; index <= high; index++) {
        if (counts[index] === 0) continue;
        // By the square root, so that the few slow ones are seen beside the many.
        context.fillStyle = colours[10 + Math.round(53 * Math.sqrt(counts[index] / all))];
        context.fillRect(left, y(index), wide, row + 0.5);
      }
    }
    this.#axes(context, plot, y, row, low, high, bounds, range);
  }

  #axes(context, plot, y, row, low, high, bounds, [from, to]) {
    context.fillStyle = colour("soft");
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "right";
    context.textBaseline = "middle";
    const every = Math.max(1, Math.ceil(22 / row));
    for (let index = low; index <= high; index += every) context.fillText(tick(bounds[index]), LEFT - 6, y(index));
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    const marks = Math.max(1, Math.floor(plot.width / 84));
    const step = [5, 10, 15, 30, 60, 120, 180, 300].find((one) => (to - from) / one <= marks) ?? 300;
    for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
      const at = LEFT + ((t - from) / (to - from)) * plot.width;
      if (at > LEFT + 24 && at < LEFT + plot.width - 20) {
        context.fillText(new Date(t * 1000).toLocaleTimeString("en-GB"), at, 8 + plot.height + 17);
      }
    }
  }

  #point(event) {
    const { columns, bounds, range, low, plot, row, verb } = this.shown ?? {};
    if (!columns) return;
    const box = this.host.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    const t = range[0] + ((px - LEFT) / plot.width) * (range[1] - range[0]);
    const column = columns.find((one) => t <= one.t && t > one.t - one.seconds);
    const index = low + Math.floor((8 + plot.height - py) / row);
    const value = column?.counts[index];
    this.tip.hidden = !value;
    if (!value) return;
    const from = index === 0 ? "0" : tick(bounds[index - 1]);
    this.tip.textContent = `${count(value)} ${value === 1 ? "task" : "tasks"} ${verb} ${from} to ${tick(bounds[index])}`;
    this.tip.style.top = `${Math.max(0, py - 34)}px`;
    this.tip.style.left = `${Math.min(Math.max(px - 60, 0), box.width - 200)}px`;
  }
}
