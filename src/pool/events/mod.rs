//! The events of a pool: for `tracing`, and for
//! [`recent_events`](crate::AdaptiveThreadPool::recent_events).
//!
//! This file emits all of them, one function for each. `docs/events.md` lists them with their
//! levels and fields. The name of an event is that of its function.
//!
//! A subscriber of `tracing` is a user's code: it may block, panic, and call the pool. So an event
//! is emitted outside of locks, its panic goes no further, and the timer thread leaves it to a
//! helper thread ([`contain::tell`]). While nobody listens an event costs one load.

mod gate;
mod recent;

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use tracing::Level;
use tracing::field::{debug, display};
use tracing::level_filters::LevelFilter;

use self::gate::Gate;
use self::recent::Recent;
pub use self::recent::{RecentEvent, RecentKind};
use crate::contain::{self, Postponed};
use crate::error::{RejectReason, Rejection};
use crate::policy::nanos;
use crate::policy::scaling::Decision;
use crate::pool::observe::counts::{DecisionCounters, RefusalCounters};
use crate::task::Label;

/// The target of events about a task.
const TASK: &str = "millpond::task";
/// The target of events about a pool.
const POOL: &str = "millpond::pool";
/// The target of events about the threads of a pool.
const THREADS: &str = "millpond::threads";

/// The slow tasks that are told in a second, and the long waits.
const MOST_TOLD: u32 = 1;

/// Prepares an event. Its fields are evaluated only if anybody may listen to its level. They belong
/// to the event, because another thread may emit it.
macro_rules! untold {
    ($level:ident, $target:ident, $name:literal: $text:literal; $($field:ident $(= $value:expr)?),+) => {
        Untold::when(Level::$level, || {
            $($(let $field = $value;)?)+
            move || tracing::event!(name: $name, target: $target, Level::$level, { $($field),+ }, $text)
        })
    };
}

/// What the events of a pool have in common.
#[derive(Debug)]
pub(in crate::pool) struct Events {
    /// The start of the pool's clock.
    epoch: Instant,
    recent: Recent,
    slow_tasks: Gate,
    long_waits: Gate,
}

/// Whom an event is about.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::pool) struct Subject<'a> {
    task: Option<&'a str>,
    tenant: Option<&'a str>,
    arrival: Option<u64>,
}

impl<'a> Subject<'a> {
    /// The task with this label, or plain work.
    pub(in crate::pool) fn of(label: Option<&'a Label>) -> Self {
        let Some(label) = label else { return Self::default() };
        let tenant = Some(&*label.tenant).filter(|tenant| !tenant.is_empty());
        Self { task: label.name(), tenant, arrival: Some(label.arrival) }
    }

    fn task(self) -> Option<String> {
        self.task.map(String::from)
    }

    fn tenant(self) -> Option<String> {
        self.tenant.map(String::from)
    }

    fn waited_ms(self, now: u64) -> Option<u64> {
        self.arrival.map(|arrival| millis(Duration::from_nanos(now.saturating_sub(arrival))))
    }
}

/// Work of a worker that took long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pool) struct Took {
    pub(in crate::pool) ns: u64,
    /// The number of tasks that took it together.
    pub(in crate::pool) tasks: u64,
}

/// An event that is not emitted yet, so that its effect is not delayed by a subscriber.
#[must_use = "it has to be told"]
#[derive(Default)]
pub(in crate::pool) struct Untold(Option<Postponed>);

impl Untold {
    /// Prepares an event, if anybody may listen to events of this level.
    fn when<E: FnOnce() + Send + 'static>(level: Level, event: impl FnOnce() -> E) -> Self {
        Self((level <= LevelFilter::current()).then(|| Box::new(event()) as Postponed))
    }

    /// Emits it, without locks.
    pub(in crate::pool) fn tell(self) {
        if let Some(event) = self.0 {
            contain::tell(event);
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Events {
    pub(in crate::pool) fn new(epoch: Instant) -> Self {
        let gate = || Gate::new(MOST_TOLD);
        Self { epoch, recent: Recent::default(), slow_tasks: gate(), long_waits: gate() }
    }

    /// Returns the recent events, the newest last.
    pub(in crate::pool) fn recent(&self) -> Vec<RecentEvent> {
        self.recent.list()
    }

    fn now(&self) -> u64 {
        nanos(self.epoch.elapsed())
    }

    /// Keeps an event among the recent ones. Returns its time.
    fn note(&self, kind: RecentKind, who: Subject<'_>, detail: impl FnOnce() -> String) -> u64 {
        let now = self.now();
        self.recent.note(now, kind, who.task, who.tenant, detail);
        now
    }
}

/// Events about a task.
impl Events {
    /// Work was refused.
    #[cold]
    pub(in crate::pool) fn refused(&self, facts: &Rejection, who: Subject<'_>) -> Untold {
        self.note(RecentKind::Refused, who, || facts.to_string());
        untold!(DEBUG, TASK, "refused": "work was refused";
            reason = RefusalCounters::name_of(facts.reason), depth = facts.depth, limit = facts.limit,
            load_factor = facts.load_factor, retry_after_ms = facts.retry_after.map(millis),
            task = who.task(), tenant = who.tenant())
    }

    /// A task was cancelled before it started: by its caller, or as the pool shuts down.
    #[cold]
    pub(in crate::pool) fn cancelled(&self, shutting_down: bool, who: Subject<'_>) -> Untold {
        untold!(DEBUG, TASK, "cancelled": "a task was cancelled before it started";
            shutting_down, task = who.task(), tenant = who.tenant(), waited_ms = who.waited_ms(self.now()))
    }

    /// The deadline of an accepted task passed before it started.
    #[cold]
    pub(in crate::pool) fn expired(&self, who: Subject<'_>) -> Untold {
        let detail = || "the deadline passed before it started".to_owned();
        let now = self.note(RecentKind::Expired, who, detail);
        untold!(DEBUG, TASK, "expired": "the deadline of a task passed before it started";
            task = who.task(), tenant = who.tenant(), waited_ms = who.waited_ms(now))
    }

    /// An accepted task was evicted by more urgent work.
    #[cold]
    pub(in crate::pool) fn evicted(&self, who: Subject<'_>) -> Untold {
        let now = self.note(RecentKind::Shed, who, || RejectReason::Evicted.to_string());
        untold!(DEBUG, TASK, "evicted": "more urgent work took the place of a task";
            task = who.task(), tenant = who.tenant(), waited_ms = who.waited_ms(now))
    }

    /// An accepted task was refused in an overload, because it had waited too long.
    #[cold]
    pub(in crate::pool) fn shed(&self, who: Subject<'_>) -> Untold {
        let now = self.note(RecentKind::Shed, who, || "it had waited too long".to_owned());
        untold!(DEBUG, TASK, "shed": "a task had waited too long in an overload";
            task = who.task(), tenant = who.tenant(), waited_ms = who.waited_ms(now))
    }

    /// A task panicked.
    #[cold]
    pub(in crate::pool) fn panicked(&self, message: Option<&str>, who: Subject<'_>) -> Untold {
        self.note(RecentKind::Panicked, who, || message.unwrap_or("(no message)").to_owned());
        panicked(message, who)
    }

    /// A task ran for longer than `slow_task`.
    #[cold]
    pub(in crate::pool) fn slow_task(&self, Took { ns, tasks }: Took, who: Subject<'_>) -> Untold {
        // A reading of the clock that several tasks share says nothing of one of them.
        let who = if tasks > 1 { Subject::default() } else { who };
        let time = Duration::from_nanos(ns);
        let now = self.note(RecentKind::SlowTask, who, || match tasks {
            1 => format!("it ran for {time:.1?}"),
            _ => format!("{tasks} tasks ran for {time:.1?}, one after the other"),
        });
        let Some(suppressed) = self.slow_tasks.pass(now) else { return Untold(None) };
        untold!(WARN, TASK, "slow_task": "a task was slow";
            task = who.task(), tenant = who.tenant(), time_ms = millis(time), tasks, suppressed)
    }

    /// A task waited for `ns` nanoseconds, longer than `long_wait`, until it started.
    #[cold]
    pub(in crate::pool) fn long_wait(&self, ns: u64, who: Subject<'_>) -> Untold {
        let waited = Duration::from_nanos(ns);
        let now = self.note(RecentKind::LongWait, who, || format!("it waited for {waited:.1?}"));
        let Some(suppressed) = self.long_waits.pass(now) else { return Untold(None) };
        untold!(WARN, TASK, "long_wait": "a task waited long";
            task = who.task(), tenant = who.tenant(), waited_ms = millis(waited), suppressed)
    }
}

/// A task panicked, and no pool remembers it.
#[cold]
pub(in crate::pool) fn panicked(message: Option<&str>, who: Subject<'_>) -> Untold {
    untold!(WARN, TASK, "panicked": "a task panicked";
        task = who.task(), tenant = who.tenant(), panic = message.map(String::from))
}

/// Events about the pool and its threads that it keeps.
impl Events {
    /// All workers have been blocked for a while, and work waits.
    #[cold]
    pub(in crate::pool) fn all_blocked(&self, threads: usize, waiting: usize, tasks: Vec<String>) -> Untold {
        self.note(RecentKind::AllBlocked, Subject::default(), || match tasks.is_empty() {
            true => format!("{threads} workers, {waiting} tasks wait"),
            false => format!("{threads} workers, {waiting} tasks wait; blocked: {}", tasks.join(", ")),
        });
        untold!(WARN, POOL, "all_blocked": "every worker is blocked in its task while work waits";
            threads, waiting, tasks = debug(tasks))
    }

    /// The operating system, or a spawn handler, refused the thread of a worker.
    #[cold]
    pub(in crate::pool) fn thread_refused(&self, error: io::Error, threads: usize) -> Untold {
        let detail = || format!("{error} (there are {threads})");
        self.note(RecentKind::ThreadRefused, Subject::default(), detail);
        untold!(WARN, THREADS, "thread_refused": "no further worker thread could be started";
            error = display(error), threads)
    }

    /// The operating system refused a thread beside the workers: the timer thread, a helper thread,
    /// or the one that joins the workers.
    #[cold]
    pub(in crate::pool) fn side_thread_refused(&self, error: io::Error, which: &'static str) -> Untold {
        let detail = || format!("the {which} thread: {error}");
        self.note(RecentKind::ThreadRefused, Subject::default(), detail);
        untold!(WARN, THREADS, "side_thread_refused": "a thread beside the workers could not be started";
            error = display(error), which)
    }
}

/// The load has crossed the mark of saturation.
pub(in crate::pool) fn pressure_changed(
    pressure: impl fmt::Display + Send + 'static,
    load: usize,
    mark: usize,
) {
    untold!(DEBUG, POOL, "pressure_changed": "the pressure of the pool changed";
        pressure = display(pressure), load, mark)
    .tell();
}

/// A permit was not used in time.
#[cold]
pub(in crate::pool) fn permit_lapsed(timeout: Duration) {
    untold!(WARN, POOL, "permit_lapsed": "a permit was not used in time; its place goes to others";
        timeout_ms = millis(timeout))
    .tell();
}

/// The pool takes no more work.
#[cold]
pub(in crate::pool) fn closing(turned_away: u64) {
    untold!(DEBUG, POOL, "closing": "the pool takes no more work"; turned_away).tell();
}

/// A shutdown is over.
#[cold]
pub(in crate::pool) fn shut_down(
    (completed, cancelled, turned_away): (u64, u64, u64),
    (still_running, threads_remaining): (usize, usize),
) {
    untold!(INFO, POOL, "shut_down": "the pool was shut down";
        completed, cancelled, turned_away, still_running, threads_remaining)
    .tell();
}

/// `numa_aware` is set and changes nothing; told once in a process.
#[cold]
pub(in crate::pool) fn not_placed(reason: &'static str) {
    untold!(INFO, POOL, "not_placed": "workers are not placed by NUMA node"; reason).tell();
}

/// A worker's thread has started.
pub(in crate::pool) fn thread_started(worker: usize) {
    untold!(DEBUG, THREADS, "thread_started": "a worker started"; worker).tell();
}

/// A worker's thread has left.
pub(in crate::pool) fn thread_left(worker: usize) {
    untold!(DEBUG, THREADS, "thread_left": "a worker left"; worker).tell();
}

/// More threads may run, in the place of blocked workers.
pub(in crate::pool) fn blocked_replaced(blocked: usize) {
    untold!(DEBUG, THREADS, "blocked_replaced": "workers are blocked: others are started in their place";
        blocked)
    .tell();
}

/// The controller has decided on the number of threads, at trace level if that changes nothing.
pub(in crate::pool) fn target(decision: &Decision, changed: bool) {
    let Decision { target, reason, blocked_share, runnable_share, cores, sample, .. } = *decision;
    let event = if changed {
        untold!(DEBUG, THREADS, "target_changed": "another number of threads";
            threads = target, reason = DecisionCounters::name_of(reason), blocked_share, runnable_share,
            cores, sample = debug(sample))
    } else {
        untold!(TRACE, THREADS, "target_kept": "the same number of threads";
            threads = target, reason = DecisionCounters::name_of(reason), blocked_share, runnable_share,
            cores, sample = debug(sample))
    };
    event.tell();
}

/// The time slice of workers could not be set; told once in a process.
pub(in crate::pool) fn slice_not_set(error: &io::Error, slice: Duration) {
    // An older kernel or another system: not an error.
    let event = if error.kind() == io::ErrorKind::Unsupported {
        untold!(DEBUG, THREADS, "slice_not_set": "workers keep the kernel's own time slice";
            error = display(error.to_string()), slice = debug(slice))
    } else {
        untold!(WARN, THREADS, "slice_not_set": "workers keep the kernel's own time slice";
            error = display(error.to_string()), slice = debug(slice))
    };
    event.tell();
}

/// The niceness of workers could not be set; told once in a process.
pub(in crate::pool) fn niceness_not_set(error: &io::Error, niceness: u8) {
    untold!(WARN, THREADS, "niceness_not_set": "workers keep the process's own niceness";
        error = display(error.to_string()), niceness)
    .tell();
}

/// A worker could not be bound to its node; told once in a process.
pub(in crate::pool) fn worker_not_bound(error: &io::Error, worker: usize) {
    untold!(WARN, THREADS, "worker_not_bound": "a worker runs wherever the kernel puts it";
        error = display(error.to_string()), worker)
    .tell();
}
