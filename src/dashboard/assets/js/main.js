// The page: takes frames, remembers them, and shows them.

import { makeAlternatives } from "./alternatives.js";
import { Announcer } from "./announce.js";
import { Chart } from "./charts.js";
import { startTheme } from "./colours.js";
import { $, setData, setText } from "./dom.js";
import { count, rate, tenth, tick, time } from "./format.js";
import { HeatMap } from "./heat.js";
import { History } from "./history.js";
import { showLanes } from "./lanes.js";
import { Controller, makeTables, showDocuments, showEvents, showState, showTables, showTiles, showTotals } from "./panels.js";
import { Stream } from "./stream.js";

const STATES = { waiting: "connecting", live: "live", lost: "no connection, trying again", hidden: "resting", closed: "the pool is shut down" };

/** Charts show at least this time. */
const SHORTEST_S = 30;

const history = new History();
const announcer = new Announcer();
const controller = new Controller();
const tables = makeTables();
const showAlternatives = makeAlternatives();
const heat = new HeatMap($("heat"));
let link = "waiting";
let paused = false;
let shown = null;

startTheme(() => redraw());

const whole = { text: count, whole: true };
const charts = {
  rate: new Chart($("rate-plot"), $("rate-legend"), [
    { name: "completed/s", colour: "s1", fill: true, text: rate },
    { name: "refused/s", colour: "s2", text: rate },
  ], { y: { ...whole, least: 4 } }),
  queue: new Chart($("queue-plot"), $("queue-legend"), [
    { name: "depth", colour: "s1", fill: true, text: count },
    { name: "delay p99", colour: "s2", scale: "delay", text: time },
  ], { y: { ...whole, least: 4 }, delay: { text: tick, right: true, least: 1e-4 } }),
  threads: new Chart($("threads-plot"), $("threads-legend"), [
    { name: "at work", colour: "s1", fill: true, step: true, text: tenth },
    { name: "threads", colour: "s3", step: true, text: count },
    { name: "target", colour: "s4", dashed: true, step: true, text: count },
  ], { y: { ...whole, least: 2 } }),
  latency: new Chart($("latency-plot"), $("latency-legend"), [
    { name: "p50", colour: "s1", text: time }, { name: "p90", colour: "s3", text: time }, { name: "p99", colour: "s2", text: time },
  ], { y: { text: tick, log: true } }),
};

const picked = (name) => document.querySelector(`input[name="${name}"]:checked`).value;

/** What the charts show now: the points within the window, and the choices of the latency panel. */
function seen() {
  const window = Number(picked("window"));
  const newest = history.newest.t;
  const points = history.within(window);
  // A young page shows what it has, and no empty chart.
  const from = Math.max(newest - window, Math.min(points[0].t, newest - SHORTEST_S));
  return {
    frame: history.last, history, points, range: [from, newest],
    kind: picked("kind"), className: $("class").value,
  };
}

function showCharts({ points, range, kind, className }) {
  const times = points.map((point) => point.t);
  const first = history.points.length - points.length;
  const column = (read) => points.map((point, index) => (point.gap ? null : read(point, first + index)));
  const part = (what, by, q) => column((_, index) => history.percentile(index, what, by, q));
  charts.rate.show(times, [column((point) => point.rate), column((point) => point.refused)], range);
  charts.queue.show(times, [column((point) => point.depth), part("queue_delay", "all", 0.99)], range);
  charts.threads.show(times, [column((point) => point.atWork), column((point) => point.threads), column((point) => point.target)], range);
  charts.latency.show(times, [0.5, 0.9, 0.99].map((q) => part(kind, className, q)), range);
  const columns = points.filter((point) => !point.gap)
    .map((point) => ({ t: point.t, seconds: point.seconds, counts: history.counts(point, kind, className) }));
  heat.show(columns, history.bounds, range, kind === "run_time" ? "ran for" : "waited for");
}

function show() {
  if (!history.last) return;
  const now = seen();
  const { frame } = now;
  shown = frame;
  // The name of the pool's threads, unless it is the usual one.
  const name = frame.name === "millpond" ? "dashboard" : frame.name;
  setText($("pool-name"), name);
  setText($("version"), frame.version);
  document.title = `${name}: millpond`;
  showState(frame, history);
  showTiles(frame, history);
  showCharts(now);
  const more = showLanes($("lanes"), frame, now.points, now.range);
  $("lanes-more").hidden = more === 0;
  setText($("lanes-more"), `and ${count(more)} more`);
  controller.show(frame, history.newest.t);
  showEvents(frame, picked("filter"));
  showTables(tables, frame);
  showDocuments(tables, frame);
  showTotals(frame);
  showAlternatives(now);
}

/** The same figures once more: another window, filter, size or theme. */
function redraw() {
  if (!shown) return;
  show();
  Object.values(charts).forEach((chart) => chart.redraw());
}

function showLink() {
  const state = paused ? "paused" : link;
  setData($("link"), "state", state === "hidden" ? "waiting" : state === "closed" ? "lost" : state);
  setText($("link-text"), paused ? "paused" : STATES[state]);
}

function onState(state) {
  // A new attempt is no news to those who see that there is no connection.
  if (state === "waiting" && link === "lost") return;
  if (!(state === "live" && history.last?.closed)) link = state;
  if (state === "lost" || state === "live") announcer.tell("link", state === "live" ? "Connected." : "Connection lost.");
  showLink();
}

function onFrame(frame) {
  history.add(frame);
  link = frame.closed ? "closed" : "live";
  showLink();
  const { pool } = frame;
  announcer.tell("pressure", pool.pressure === "saturated" ? "The pool is saturated." : "The pool is not saturated.");
  const stuck = pool.total_threads > 0 && pool.blocked_threads >= pool.total_threads;
  announcer.tell("blocked", stuck ? "All threads are blocked." : "Not all threads are blocked.");
  if (frame.closed) announcer.tell("closed", "The pool is shut down.");
  if (!paused) show();
}

$("pause").addEventListener("click", () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  showLink();
  if (!paused) show();
});
for (const id of ["window", "kind", "class", "filter"]) $(id).addEventListener("change", redraw);
for (const details of document.querySelectorAll("details[data-table]")) details.addEventListener("toggle", () => shown && showAlternatives(seen()));
addEventListener("resize", () => shown && showCharts(seen()));

new Stream(new URL("events", import.meta.url), onFrame, onState);
