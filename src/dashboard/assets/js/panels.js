// The panels that are text and tables: one function each, called with every frame.

import { $, element, reconcile, setData, setPart, setText, showFacts, Table } from "./dom.js";
import { ago, bytes, clock, count, exact, percent, rate, tenth, time, words } from "./format.js";

const REASONS = {
  unchanged: "There was nothing to measure, so the target stays.",
  settled: "The target is right, give or take one thread.",
  work_blocks: "Tasks block their threads, so more threads are needed to keep the cores busy.",
  cores_taken: "More threads would be needed, but threads that are ready already wait for a core.",
  no_gain: "More threads were tried and got no more done.",
  surplus: "There are more threads than the cores and the blocked share call for.",
  cores_changed: "The number of usable cores has changed.",
  trial: "One more thread is tried, to see whether more gets done.",
  foreseen: "More load is foreseen.",
  all_blocked: "Every thread is blocked in its task while work waits.",
};

const KINDS = {
  refused: ["Refused", "warn", "refusals"], expired: ["Expired", "warn", "refusals"], shed: ["Shed", "warn", "refusals"],
  panicked: ["Panic", "bad", "panics"], slow_task: ["Slow task", "warn", "slow"], long_wait: ["Long wait", "warn", "slow"],
  all_blocked: ["All blocked", "bad", "slow"], thread_refused: ["No thread", "bad", "refusals"],
};

const taskName = (name) => name ?? "(no name)";

/** The state of the pool, the worst first. What is full only now and then is seen by what it refuses. */
export function showState({ closed, pool }, history) {
  const stuck = pool.total_threads > 0 && pool.blocked_threads >= pool.total_threads;
  const [text, tone] = closed ? ["shut down", "bad"]
    : stuck ? ["all threads blocked", "bad"]
    : pool.overloaded ? ["overloaded", "bad"]
    : history.newest.refused > 0 ? ["refuses work", "bad"]
    : pool.pressure === "saturated" ? ["saturated", "warn"] : ["normal", "good"];
  $("state").hidden = false;
  setData($("state"), "tone", tone);
  setText($("state-text"), `pool: ${text}`);
}

/** Of the work that came in the last interval, the part that was refused. */
function refusedShare({ queued, refused }) {
  return refused > 0 ? refused / (refused + queued) : 0;
}

export function showTiles(frame, history) {
  const { pool, limits } = frame;
  const point = history.newest;
  setText($("t-rate"), rate(point.rate ?? NaN));
  setText($("t-rate-sub"), `${exact(pool.tasks_completed)} in all`);
  setText($("t-depth"), count(pool.queue_depth));
  setText($("t-depth-of"), `of ${count(limits.max_queue_size)}`);
  setText($("t-depth-sub"), pool.waiting_callers ? `callers waiting: ${count(pool.waiting_callers)}` : "no caller waits");
  const full = limits.max_queue_size ? pool.queue_depth / limits.max_queue_size : 0;
  setPart($("t-depth-bar"), full);
  setData($("t-depth-bar"), "tone", full >= 1 ? "bad" : "");
  const at = history.points.length - 1;
  setText($("t-delay"), orNone(history.percentile(at, "queue_delay", "all", 0.99)));
  setText($("t-delay-sub"), `p50 ${orNone(history.percentile(at, "queue_delay", "all", 0.5))}`);
  setText($("t-load"), pool.load_factor.toFixed(2));
  const saturated = pool.pressure === "saturated";
  setText($("t-load-sub"), `${saturated ? "saturated" : "saturates"} at ${limits.backpressure_threshold}`);
  setData($("t-load-sub"), "tone", saturated ? "bad" : "");
  setPart($("t-load-bar"), pool.load_factor);
  setData($("t-load-bar"), "tone", saturated ? "bad" : "");
  $("t-load-mark").style.left = `${Math.min(limits.backpressure_threshold, 0.995) * 100}%`;
  const atWork = point.atWork ?? pool.active_threads;
  setText($("t-active"), tenth(atWork));
  setText($("t-active-of"), `of ${count(pool.total_threads)}`);
  setText($("t-active-sub"), pool.blocked_threads ? `${count(pool.blocked_threads)} blocked` : `target ${count(pool.thread_limit)}`);
  setPart($("t-active-bar"), pool.thread_limit ? atWork / pool.thread_limit : 0);
  setData($("t-active-sub"), "tone", pool.blocked_threads ? "bad" : "");
  setText($("t-refused"), rate(point.refused ?? NaN));
  const share = refusedShare(point);
  setText($("t-refused-sub"), share > 0 ? `${percent(share)} of arrivals` : `${exact(frame.refused)} in all`);
  setData($("t-refused-sub"), "tone", share > 0 ? "bad" : "");
  setPart($("t-refused-bar"), share);
}

const orNone = (seconds) => (seconds === null ? "–" : time(seconds));

/** The controller's last decision in words, and the changes of the target that the page has seen. */
export class Controller {
  constructor() {
    this.changes = [];
    this.target = null;
    this.counts = {};
  }

  /** The reasons of the decisions since the frame before, in words. Between two frames there are several. */
  #reasons(counts) {
    const since = Object.keys(counts).filter((reason) => counts[reason] > (this.counts[reason] ?? 0));
    this.counts = counts;
    const telling = since.filter((reason) => reason !== "unchanged" && reason !== "settled");
    return (telling.length > 0 ? telling : since).map(words).join(", ");
  }

  show(frame, now) {
    const { decision } = frame;
    if (!decision) return;
    const reasons = this.#reasons(frame.pool.decisions) || words(decision.reason);
    const said = REASONS[decision.reason] ?? decision.reason;
    setText($("reason"), `${decision.target} ${decision.target === 1 ? "thread" : "threads"}. ${said}`);
    setText($("reason-figures"), `Usable cores: ${decision.cores.toFixed(1)}. In their tasks, threads were blocked for ${percent(decision.blocked_share)} of the time and waited for a core for ${percent(decision.runnable_share)}.`);
    if (this.target !== null && decision.target !== this.target) {
      this.changes.unshift({ t: now, text: `${this.target} → ${decision.target}: ${reasons}` });
    }
    this.target = decision.target;
    this.changes.length = Math.min(this.changes.length, 5);
    const make = () => {
      const entry = element("li");
      entry.append(element("time"), element("span"));
      return entry;
    };
    reconcile($("decisions"), this.changes, make, (entry, { t, text }) => {
      setText(entry.firstElementChild, clock(t));
      setText(entry.lastElementChild, text);
    });
  }
}

/** The events, newest first; equal ones in a row are one with their number. */
function inGroups(events) {
  const groups = [];
  for (const event of events.toReversed()) {
    const last = groups[groups.length - 1];
    const same = last && ["kind", "task", "tenant", "detail"].every((name) => last[name] === event[name]);
    if (same) groups[groups.length - 1] = { ...last, times: last.times + 1, skipped: last.skipped + event.skipped };
    else groups.push({ ...event, times: 1 });
  }
  return groups;
}

/** Recent refusals, slow tasks and panics, newest first. */
export function showEvents(frame, filter) {
  const wanted = ({ kind }) => filter === "all" || (KINDS[kind]?.[2] ?? "slow") === filter;
  const events = inGroups(frame.events.filter(wanted));
  const list = $("events");
  if (events.length === 0) {
    if (!list.querySelector(".empty")) list.replaceChildren(element("li", "empty"));
    setText(list.firstElementChild, filter === "all" ? "Nothing went wrong so far." : "Nothing of this kind so far.");
    return;
  }
  list.querySelector(".empty")?.remove();
  const make = () => {
    const entry = element("li");
    const text = element("span", "text");
    text.append(element("span"), element("small"));
    entry.append(element("time"), element("span", "badge"), text);
    return entry;
  };
  reconcile(list, events, make, (entry, event) => {
    const [label, tone] = KINDS[event.kind] ?? [words(event.kind), ""];
    const [when, badge, text] = entry.children;
    setText(when, ago(event.ago));
    setText(badge, label);
    setData(badge, "tone", tone);
    setText(text.firstElementChild, event.times > 1 ? `${event.times} × ${event.detail}` : event.detail);
    const about = [event.task && `task ${event.task}`, event.tenant && `tenant ${event.tenant}`].filter(Boolean).join(", ");
    const skipped = event.skipped > 0 && `${count(event.skipped)} more not listed`;
    setText(text.lastElementChild, [about, skipped].filter(Boolean).map((part) => ` ${part}`).join("; "));
  });
}

/** The tables. Each is made once. */
export function makeTables() {
  const running = new Table($("running"), "Tasks that run now, the longest first", [
    { head: "Task", text: (worker) => taskName(worker.task) },
    { head: "Worker", number: true, text: (worker) => String(worker.index) },
    { head: "State", state: (worker) => worker.state },
    { head: "Age", number: true, text: (worker) => time(worker.running_for ?? 0) },
  ], "No task runs now.");
  const tenants = new Table($("tenants"), "Tenants, the busiest first", [
    { head: "Tenant", text: (tenant) => tenant.name === "" ? "(no tenant)" : tenant.name ?? "all others" },
    { head: "Waiting", number: true, text: (tenant) => count(tenant.waiting) },
    { head: "Running", number: true, text: (tenant) => count(tenant.running) },
    { head: "Started", number: true, text: (tenant) => count(tenant.started) },
    { head: "CPU time", number: true, text: (tenant) => time(tenant.time) },
    { head: "Share", part: (tenant) => tenant.share },
  ], "No labelled task so far.");
  const refusals = new Table($("refusals"), "Refusals since the pool was built", [
    { head: "Reason", text: ([reason]) => words(reason) },
    { head: "Count", number: true, text: ([, value]) => exact(value) },
    { head: "Share", part: ([, , share]) => share },
  ], "Nothing was refused so far.");
  const memory = new Table($("memory"), "Buffers of the memory pool", [
    { head: "Tier", text: ([name]) => name },
    { head: "In use", number: true, text: ([, tier]) => bytes(tier.bytes_out) },
    { head: "Held", number: true, text: ([, tier]) => bytes(tier.bytes_held) },
    { head: "Peak in use", number: true, text: ([, tier]) => bytes(tier.bytes_out_peak) },
    { head: "Hits", number: true, text: ([, tier]) => percent(tier.hits / (tier.hits + tier.misses)) },
    { head: "Hit rate", part: ([, tier]) => tier.hits / (tier.hits + tier.misses) },
  ], "");
  return { running, tenants, refusals, memory };
}

export function showTables(tables, frame) {
  const running = frame.workers.filter((worker) => worker.running_for != null);
  running.sort((a, b) => b.running_for - a.running_for);
  tables.running.show(running);
  setText($("running-count"), running.length ? `${count(running.length)}, the oldest for ${time(running[0].running_for)}` : "");
  const whole = frame.tenants.reduce((all, tenant) => all + tenant.time, 0);
  tables.tenants.show(frame.tenants.map((tenant) => ({ ...tenant, share: tenant.time / whole })));
  setText($("tenants-count"), frame.pool.tenants ? `${count(frame.pool.tenants)} with an account` : "");
  const refused = Object.entries(frame.pool.refusals).filter(([, value]) => value > 0).sort((a, b) => b[1] - a[1]);
  tables.refusals.show(refused.map(([reason, value]) => [reason, value, value / frame.refused]));
  setText($("refusals-count"), refused.length ? `${exact(frame.refused)} in all` : "");
}

export function showDocuments(tables, { documents, memory }) {
  $("documents-card").hidden = !documents;
  $("memory-card").hidden = !memory;
  if (documents) {
    const ms = (value) => (documents.total_processed ? time(value / 1e3) : "–");
    showFacts($("documents"), [
      ["Answered", exact(documents.total_processed)], ["Failed", exact(documents.total_failed)],
      ["In flight", count(documents.in_flight)], ["Latency, p50", ms(documents.p50_latency_ms)],
      ["Latency, p99", ms(documents.p99_latency_ms)], ["Longest", ms(documents.max_latency_ms)],
      ["Read", bytes(documents.bytes_in)], ["Written", bytes(documents.bytes_out)],
      ["Converted inline", count(documents.inlined)], ["In parts", count(documents.chunked)],
      ["Timed out", count(documents.timed_out)], ["Panicked", count(documents.panicked)],
    ]);
  }
  if (memory) {
    const tiers = ["small", "medium", "large", "oversized"].map((name) => [name, memory[name]]);
    tables.memory.show(tiers);
    const all = (name) => tiers.reduce((total, [, tier]) => total + tier[name], 0);
    setText($("memory-count"), `${bytes(all("bytes_out"))} in use, ${bytes(all("bytes_held"))} held`);
  }
}

export function showTotals({ pool }) {
  showFacts($("totals"), [
    ["Tasks queued", exact(pool.tasks_queued)], ["Tasks completed", exact(pool.tasks_completed)],
    ["Tasks stolen", exact(pool.tasks_stolen)], ["Tasks panicked", exact(pool.tasks_panicked)],
    ["Tasks cancelled", exact(pool.tasks_cancelled)], ["Tasks expired", exact(pool.tasks_expired)],
    ["Tasks shed", exact(pool.tasks_shed)], ["Mean task time", time(pool.average_task_time_ms / 1e3)],
    ["Refused or waited", exact(pool.backpressure_events)], ["Threads started", exact(pool.threads_started)],
    ["Threads not started", exact(pool.thread_spawn_failures)], ["Permits lapsed", exact(pool.lapsed_permits)],
    ["Bytes under way", bytes(pool.bytes_under_way)], ["Abandoned time", time(pool.abandoned_time_ms / 1e3)],
  ]);
}
