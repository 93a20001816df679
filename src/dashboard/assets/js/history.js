// What the page remembers: a point for each frame, with the rates since the frame before.

const LONGEST_S = 900;
const MOST_POINTS = 3600;
/** A percentile is taken over this time. */
const PERCENTILE_S = 5;

export const CLASSES = ["plain", "interactive", "standard", "bulk"];
const KINDS = ["queue_delay", "run_time"];

const sum = (lists) => lists.reduce((total, list) => total.map((value, index) => value + (list[index] ?? 0)));

/** Of a histogram's counts: the value that the part `q` does not exceed, interpolated within its bucket. */
export function quantile(counts, bounds, q) {
  const all = counts.reduce((total, value) => total + value, 0);
  if (all === 0) return null;
  let rank = q * all;
  for (let index = 0; index < counts.length; index++) {
    if (counts[index] > 0 && rank <= counts[index]) {
      const low = index === 0 ? 0 : bounds[index - 1];
      const high = Number.isFinite(bounds[index]) ? bounds[index] : low;
      return low + (high - low) * (rank / counts[index]);
    }
    rank -= counts[index];
  }
  return bounds[bounds.length - 2];
}

export class History {
  constructor() {
    this.clear();
  }

  clear() {
    this.points = [];
    this.last = null;
    this.bounds = [];
  }

  get newest() {
    return this.points[this.points.length - 1];
  }

  /** Takes a frame; a server that was started anew starts a new history. */
  add(frame) {
    if (this.last && (frame.at <= this.last.at || frame.pool.tasks_completed < this.last.pool.tasks_completed)) this.clear();
    frame.refused = Object.values(frame.pool.refusals).reduce((all, one) => all + one, 0);
    if (!this.last) this.start = Date.now() / 1000 - frame.at;
    // The last bucket has no bound.
    this.bounds = [...frame.latencies.bounds, Infinity];
    this.points.push(this.#point(frame));
    this.last = frame;
    const oldest = frame.at + this.start - LONGEST_S;
    const keep = this.points.findIndex((point) => point.t >= oldest);
    this.points.splice(0, Math.max(keep, this.points.length - MOST_POINTS));
  }

  /** The points of the last `seconds`. */
  within(seconds) {
    const from = (this.newest?.t ?? 0) - seconds;
    return this.points.filter((point) => point.t >= from);
  }

  /** What happened between two points, in counts by bucket. */
  counts(point, kind, className) {
    const by = point.latencies[kind];
    return className === "all" ? by.all : by[className];
  }

  /** A percentile at this point, over the seconds before it. */
  percentile(index, kind, className, q) {
    const point = this.points[index];
    const key = `${kind} ${className}`;
    if (!point.merged[key]) {
      const lists = [];
      for (let at = index; at >= 0 && this.points[at].t > point.t - PERCENTILE_S; at--) {
        lists.push(this.counts(this.points[at], kind, className));
      }
      point.merged[key] = sum(lists);
    }
    return quantile(point.merged[key], this.bounds, q);
  }

  #point(frame) {
    const before = this.last;
    const t = this.start + frame.at;
    const seconds = before ? frame.at - before.at : 0;
    const workers = this.#workers(frame, seconds);
    const per = (read) => (before && seconds > 0 ? Math.max(0, read(frame) - read(before)) / seconds : null);
    return {
      t,
      seconds,
      // After a pause of the stream the line is broken.
      gap: seconds > Math.max(3 * frame.every, 3),
      rate: per((of) => of.pool.tasks_completed),
      queued: per((of) => of.pool.tasks_queued),
      refused: per((of) => of.refused),
      depth: frame.pool.queue_depth,
      waiting: frame.pool.waiting_callers,
      load: frame.pool.load_factor,
      // The mean number of threads that ran a task. Which ones do so at the moment of a frame says
      // little.
      atWork: before && seconds > 0 ? [...workers.values()].reduce((all, { share }) => all + share, 0) : null,
      threads: frame.pool.total_threads,
      target: frame.pool.thread_limit,
      blocked: frame.pool.blocked_threads,
      latencies: Object.fromEntries(KINDS.map((kind) => [kind, this.#latencies(frame, kind)])),
      workers,
      merged: {},
    };
  }

  #latencies(frame, kind) {
    const none = new Array(frame.latencies.bounds.length + 1).fill(0);
    const by = {};
    for (const name of CLASSES) {
      const now = frame.latencies[kind][name] ?? none;
      const then = this.last?.latencies[kind][name];
      by[name] = then ? now.map((value, index) => Math.max(0, value - then[index])) : none;
    }
    by.all = sum(Object.values(by));
    return by;
  }

  #workers(frame, seconds) {
    const before = new Map(this.last?.workers.map((worker) => [worker.index, worker]));
    const of = new Map();
    for (const worker of frame.workers) {
      const was = before.get(worker.index);
      const since = was ? Math.max(0, worker.busy - was.busy) : 0;
      // The time of a task is added when it ends; one that still runs counts from its start.
      const running = Math.min(worker.running_for ?? 0, seconds);
      const share = seconds > 0 ? Math.min(1, Math.max(since, running) / seconds) : 0;
      of.set(worker.index, { state: worker.state, share, stole: was ? worker.stolen > was.stolen : false });
    }
    return of;
  }
}
