// The workers as lanes: what each did over time, and what it does now.

import { placer, prepare } from "./canvas.js";
import { colour } from "./colours.js";
import { element, reconcile, setData, setText } from "./dom.js";
import { time } from "./format.js";

const MOST_LANES = 32;
/** The height of the strip of a worker that searches. */
const STRIP = 4;

function makeLane() {
  const lane = element("div", "lane");
  const name = element("span", "name");
  name.append(element("em"), element("span"));
  name.firstElementChild.style.fontStyle = "normal";
  name.firstElementChild.textContent = "worker ";
  const what = element("span", "what");
  what.append(element("span", "state"), element("time"));
  lane.append(name, element("canvas"), what);
  return lane;
}

/** Whether a point stands for the time since the one before. */
const isDrawn = (point) => !point.gap && point.seconds > 0;

function drawLane(canvas, points, index, range) {
  const { context, width, height } = prepare(canvas);
  const x = placer(range, width);
  for (const point of points) {
    const worker = point.workers.get(index);
    if (!worker || !isDrawn(point)) continue;
    const right = x(point.t);
    const left = Math.max(0, x(point.t - point.seconds));
    // Half a pixel over the edge, so that neighbours leave no seam.
    const wide = right - left + 0.5;
    context.fillStyle = colour("parked");
    context.fillRect(left, 0, wide, height);
    // A strip only: that it searched at this moment says little of the time before.
    if (worker.state === "searching") {
      context.fillStyle = colour("searching");
      context.fillRect(left, 0, wide, STRIP);
    }
    const part = worker.state === "blocked" ? 1 : worker.share;
    // What ran at all is seen.
    const tall = part > 0 ? Math.max(1.5, part * height) : 0;
    context.fillStyle = colour(worker.state === "blocked" ? "blocked" : "running");
    context.fillRect(left, height - tall, wide, tall);
    if (worker.stole) {
      context.fillStyle = colour("stolen");
      context.globalAlpha = 0.75;
      context.fillRect(right - 1, 0, 1, 2 * STRIP);
      context.globalAlpha = 1;
    }
  }
}

/** The workers of the frame, and those of which the time shown has something to draw, by index. */
function everyWorker(frame, points) {
  const all = new Map();
  for (const point of points.filter(isDrawn)) {
    for (const index of point.workers.keys()) all.set(index, { index, state: "gone", task: null, running_for: null });
  }
  for (const worker of frame.workers) all.set(worker.index, worker);
  return [...all.values()].sort((a, b) => a.index - b.index);
}

/** Shows the first lanes; returns how many more there are. */
export function showLanes(host, frame, points, range) {
  const all = everyWorker(frame, points);
  const shown = all.slice(0, MOST_LANES);
  reconcile(host, shown, makeLane, (lane, worker) => {
    const [name, canvas, what] = lane.children;
    setText(name.lastElementChild, String(worker.index));
    drawLane(canvas, points, worker.index, range);
    const [state, age] = what.children;
    setData(state, "state", worker.state);
    setText(state, worker.task ?? (worker.state === "gone" ? "no thread" : worker.state));
    setText(age, worker.running_for == null ? "" : time(worker.running_for));
  });
  return all.length - shown.length + frame.more_workers;
}
