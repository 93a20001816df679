// The charts as tables, for those who don't see them. A table is filled while it is open.

import { Table } from "./dom.js";
import { clock, count, percent, rate, tenth, tick, time } from "./format.js";

const ROWS = 12;
const orNone = (value, text) => (value == null ? "–" : text(value));

/** As many moments as rows, evenly spread over what the chart shows, the newest first. */
function moments(points) {
  const step = Math.max(1, Math.floor(points.length / ROWS));
  const chosen = [];
  for (let at = points.length - 1; at >= 0 && chosen.length < ROWS; at -= step) chosen.push(points[at]);
  return chosen;
}

const at = { head: "Time", text: (point) => clock(point.t) };
const column = (head, text) => ({ head, number: true, text });

const MAKE = {
  rate: (host) => {
    const table = new Table(host, "Tasks a second", [
      at, column("Completed/s", (point) => orNone(point.rate, rate)), column("Queued/s", (point) => orNone(point.queued, rate)),
      column("Refused/s", (point) => orNone(point.refused, rate)),
    ], "No figures yet.");
    return ({ points }) => table.show(moments(points));
  },
  queue: (host) => {
    const table = new Table(host, "The queue", [
      at, column("Depth", (point) => count(point.depth)), column("Callers who wait", (point) => count(point.waiting)),
      column("Delay p50", (point) => orNone(point.p50, time)), column("Delay p99", (point) => orNone(point.p99, time)),
      column("Load factor", (point) => point.load.toFixed(2)),
    ], "No figures yet.");
    return ({ points, history }) => table.show(moments(points).map((point) => {
      const index = history.points.indexOf(point);
      const part = (q) => history.percentile(index, "queue_delay", "all", q);
      return { ...point, p50: part(0.5), p99: part(0.99) };
    }));
  },
  threads: (host) => {
    const table = new Table(host, "Threads", [
      at, column("At work", (point) => orNone(point.atWork, tenth)), column("Threads", (point) => count(point.threads)),
      column("Target", (point) => count(point.target)), column("Blocked", (point) => count(point.blocked)),
    ], "No figures yet.");
    return ({ points }) => table.show(moments(points));
  },
  workers: (host) => {
    const table = new Table(host, "The workers now", [
      { head: "Worker", text: (worker) => String(worker.index) }, { head: "State", state: (worker) => worker.state },
      { head: "Task", text: (worker) => worker.task ?? "–" }, column("Age", (worker) => orNone(worker.running_for, time)),
      column("Busy, last", (worker) => percent(worker.share)), column("Completed", (worker) => count(worker.completed)),
      column("Stolen", (worker) => count(worker.stolen)), column("Parked", (worker) => count(worker.parks)),
    ], "The pool has no threads now.");
    return ({ frame, history }) => {
      const of = history.newest.workers;
      table.show(frame.workers.map((worker) => ({ ...worker, share: of.get(worker.index).share })));
    };
  },
  latency: (host) => {
    const table = new Table(host, "Latencies in the time shown, by bucket", [
      { head: "Up to", text: ([bound]) => tick(bound) }, column("Tasks", ([, value]) => count(value)),
      column("Share", ([, value, all]) => percent(value / all)), column("Up to here", ([, , all, below]) => percent(below / all)),
    ], "No task in the time shown.");
    return ({ points, history, kind, className }) => {
      const totals = history.bounds.map((_, index) => points.reduce((all, point) => all + history.counts(point, kind, className)[index], 0));
      const all = totals.reduce((one, other) => one + other, 0);
      let below = 0;
      const rows = totals.map((value, index) => [history.bounds[index], value, all, (below += value)]);
      table.show(rows.filter(([, value]) => value > 0));
    };
  },
};

/** Finds the tables of the page; returns what shows those that are open. */
export function makeAlternatives() {
  const parts = [...document.querySelectorAll("details[data-table]")].map((details) => ({
    details, show: MAKE[details.dataset.table](details.querySelector(".scroll")),
  }));
  return (seen) => parts.filter(({ details }) => details.open).forEach(({ show }) => show(seen));
}
