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

use tracing::level_filters::LevelFilter;
use tracing::{Level, event};

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

    fn told(self, now: u64) -> Told {
        let waited = self.arrival.map(|arrival| Duration::from_nanos(now.saturating_sub(arrival)));
        let (task, tenant) = (self.task.map(String::from), self.tenant.map(String::from));
        Told { task, tenant, waited_ms: waited.map(millis) }
    }
}

/// A [`Subject`] that can go to another thread.
struct Told {
    task: Option<String>,
    tenant: Option<String>,
    waited_ms: Option<u64>,
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
        Self(heard(level).then(|| Box::new(event()) as Postponed))
    }

    /// Emits it, without locks.
    pub(in crate::pool) fn tell(self) {
        if let Some(event) = self.0 {
            contain::tell(event);
        }
    }
}

/// Returns whether anybody may listen to events of this level.
fn heard(level: Level) -> bool {
    level <= LevelFilter::current()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Events about a task.
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

    /// Work was refused.
    #[cold]
    pub(in crate::pool) fn refused(&self, facts: &Rejection, who: Subject<'_>) -> Untold {
        let now = self.now();
        self.recent.note(now, RecentKind::Refused, who.task, who.tenant, || facts.to_string());
        Untold::when(Level::DEBUG, || {
            let (Told { task, tenant, .. }, facts) = (who.told(now), *facts);
            move || {
                let Rejection { reason, depth, limit, load_factor, retry_after } = facts;
                let reason = RefusalCounters::name_of(reason);
                event!(
                    name: "refused", target: TASK, Level::DEBUG,
                    reason, depth, limit, load_factor, retry_after_ms = retry_after.map(millis),
                    task = task.as_deref(), tenant = tenant.as_deref(),
                    "work was refused"
                );
            }
        })
    }

    /// A task was cancelled before it started: by its caller, or as the pool shuts down.
    #[cold]
    pub(in crate::pool) fn cancelled(&self, shutting_down: bool, who: Subject<'_>) -> Untold {
        Untold::when(Level::DEBUG, || {
            let Told { task, tenant, waited_ms } = who.told(self.now());
            move || {
                event!(
                    name: "cancelled", target: TASK, Level::DEBUG,
                    shutting_down, task = task.as_deref(), tenant = tenant.as_deref(), waited_ms,
                    "a task was cancelled before it started"
                );
            }
        })
    }

    /// The deadline of an accepted task passed before it started.
    #[cold]
    pub(in crate::pool) fn expired(&self, who: Subject<'_>) -> Untold {
        let now = self.now();
        let detail = || "the deadline passed before it started".to_owned();
        self.recent.note(now, RecentKind::Expired, who.task, who.tenant, detail);
        Untold::when(Level::DEBUG, || {
            let Told { task, tenant, waited_ms } = who.told(now);
            move || {
                event!(
                    name: "expired", target: TASK, Level::DEBUG,
                    task = task.as_deref(), tenant = tenant.as_deref(), waited_ms,
                    "the deadline of a task passed before it started"
                );
            }
        })
    }

    /// An accepted task was evicted by more urgent work.
    #[cold]
    pub(in crate::pool) fn evicted(&self, who: Subject<'_>) -> Untold {
        let now = self.now();
        let detail = || RejectReason::Evicted.to_string();
        self.recent.note(now, RecentKind::Shed, who.task, who.tenant, detail);
        Untold::when(Level::DEBUG, || {
            let Told { task, tenant, waited_ms } = who.told(now);
            move || {
                event!(
                    name: "evicted", target: TASK, Level::DEBUG,
                    task = task.as_deref(), tenant = tenant.as_deref(), waited_ms,
                    "more urgent work took the place of a task"
                );
            }
        })
    }

    /// An accepted task was refused in an overload, because it had waited too long.
    #[cold]
    pub(in crate::pool) fn shed(&self, who: Subject<'_>) -> Untold {
        let now = self.now();
        let detail = || "it had waited too long".to_owned();
        self.recent.note(now, RecentKind::Shed, who.task, who.tenant, detail);
        Untold::when(Level::DEBUG, || {
            let Told { task, tenant, waited_ms } = who.told(now);
            move || {
                event!(
                    name: "shed", target: TASK, Level::DEBUG,
                    task = task.as_deref(), tenant = tenant.as_deref(), waited_ms,
                    "a task had waited too long in an overload"
                );
            }
        })
    }

    /// A task panicked.
    #[cold]
    pub(in crate::pool) fn panicked(&self, message: Option<&str>, who: Subject<'_>) -> Untold {
        let detail = || message.unwrap_or("(no message)").to_owned();
        self.recent.note(self.now(), RecentKind::Panicked, who.task, who.tenant, detail);
        panicked(message, who)
    }

    /// A task ran for longer than `slow_task`.
    #[cold]
    pub(in crate::pool) fn slow_task(&self, took: Took, who: Subject<'_>) -> Untold {
        let (now, Took { ns, tasks }) = (self.now(), took);
        // A reading of the clock that several tasks share says nothing of one of them.
        let who = if tasks > 1 { Subject::default() } else { who };
        let time = Duration::from_nanos(ns);
        let detail = || match tasks {
            1 => format!("it ran for {time:.1?}"),
            _ => format!("{tasks} tasks ran for {time:.1?}, one after the other"),
        };
        self.recent.note(now, RecentKind::SlowTask, who.task, who.tenant, detail);
        let Some(suppressed) = self.slow_tasks.pass(now) else { return Untold(None) };
        Untold::when(Level::WARN, || {
            let Told { task, tenant, .. } = who.told(now);
            let time_ms = millis(time);
            move || {
                event!(
                    name: "slow_task", target: TASK, Level::WARN,
                    task = task.as_deref(), tenant = tenant.as_deref(), time_ms, tasks, suppressed,
                    "a task was slow"
                );
            }
        })
    }

    /// A task waited for `ns` nanoseconds, longer than `long_wait`, until it started.
    #[cold]
    pub(in crate::pool) fn long_wait(&self, ns: u64, who: Subject<'_>) -> Untold {
        let (now, waited) = (self.now(), Duration::from_nanos(ns));
        let detail = || format!("it waited for {waited:.1?}");
        self.recent.note(now, RecentKind::LongWait, who.task, who.tenant, detail);
        let Some(suppressed) = self.long_waits.pass(now) else { return Untold(None) };
        Untold::when(Level::WARN, || {
            let Told { task, tenant, .. } = who.told(now);
            let waited_ms = millis(waited);
            move || {
                event!(
                    name: "long_wait", target: TASK, Level::WARN,
                    task = task.as_deref(), tenant = tenant.as_deref(), waited_ms, suppressed,
                    "a task waited long"
                );
            }
        })
    }
}

/// A task panicked, and no pool remembers it.
#[cold]
pub(in crate::pool) fn panicked(message: Option<&str>, who: Subject<'_>) -> Untold {
    Untold::when(Level::WARN, || {
        let (Told { task, tenant, .. }, message) = (who.told(0), message.map(String::from));
        move || {
            event!(
                name: "panicked", target: TASK, Level::WARN,
                task = task.as_deref(), tenant = tenant.as_deref(), panic = message.as_deref(),
                "a task panicked"
            );
        }
    })
}

/// Events about the pool.
impl Events {
    /// All workers have been blocked for a while, and work waits.
    #[cold]
    pub(in crate::pool) fn all_blocked(&self, threads: usize, waiting: usize, tasks: Vec<String>) -> Untold {
        let detail = || match tasks.is_empty() {
            true => format!("{threads} workers, {waiting} tasks wait"),
            false => format!("{threads} workers, {waiting} tasks wait; blocked: {}", tasks.join(", ")),
        };
        self.recent.note(self.now(), RecentKind::AllBlocked, None, None, detail);
        Untold::when(Level::WARN, || {
            move || {
                event!(
                    name: "all_blocked", target: POOL, Level::WARN, threads, waiting, ?tasks,
                    "every worker is blocked in its task while work waits"
                );
            }
        })
    }
}

/// The load has crossed the mark of saturation.
pub(in crate::pool) fn pressure_changed(
    pressure: impl fmt::Display + Send + 'static,
    load: usize,
    mark: usize,
) {
    Untold::when(Level::DEBUG, || {
        move || {
            event!(
                name: "pressure_changed", target: POOL, Level::DEBUG, %pressure, load, mark,
                "the pressure of the pool changed"
            );
        }
    })
    .tell();
}

/// A permit was not used in time.
#[cold]
pub(in crate::pool) fn permit_lapsed(timeout: Duration) {
    Untold::when(Level::WARN, || {
        let timeout_ms = millis(timeout);
        move || {
            event!(
                name: "permit_lapsed", target: POOL, Level::WARN, timeout_ms,
                "a permit was not used in time; its place goes to others"
            );
        }
    })
    .tell();
}

/// The pool takes no more work.
#[cold]
pub(in crate::pool) fn closing(turned_away: u64) {
    Untold::when(Level::DEBUG, || {
        move || {
            event!(
                name: "closing", target: POOL, Level::DEBUG, turned_away,
                "the pool takes no more work"
            );
        }
    })
    .tell();
}

/// A shutdown is over.
#[cold]
pub(in crate::pool) fn shut_down(
    (completed, cancelled, turned_away): (u64, u64, u64),
    (still_running, threads_remaining): (usize, usize),
) {
    Untold::when(Level::INFO, || {
        move || {
            event!(
                name: "shut_down", target: POOL, Level::INFO,
                completed, cancelled, turned_away, still_running, threads_remaining,
                "the pool was shut down"
            );
        }
    })
    .tell();
}

/// `numa_aware` is set and changes nothing; told once in a process.
#[cold]
pub(in crate::pool) fn not_placed(reason: &'static str) {
    contain::contain(|| {
        event!(
            name: "not_placed", target: POOL, Level::INFO, reason,
            "workers are not placed by NUMA node"
        );
    });
}

/// Events about threads.
impl Events {
    /// The operating system, or a spawn handler, refused the thread of a worker.
    #[cold]
    pub(in crate::pool) fn thread_refused(&self, error: io::Error, threads: usize) -> Untold {
        let detail = || format!("{error} (there are {threads})");
        self.recent.note(self.now(), RecentKind::ThreadRefused, None, None, detail);
        Untold::when(Level::WARN, || {
            move || {
                event!(
                    name: "thread_refused", target: THREADS, Level::WARN, %error, threads,
                    "no further worker thread could be started"
                );
            }
        })
    }

    /// The operating system refused a thread beside the workers: the timer thread, a helper thread,
    /// or the one that joins the workers.
    #[cold]
    pub(in crate::pool) fn side_thread_refused(&self, error: io::Error, which: &'static str) -> Untold {
        let detail = || format!("the {which} thread: {error}");
        self.recent.note(self.now(), RecentKind::ThreadRefused, None, None, detail);
        Untold::when(Level::WARN, || {
            move || {
                event!(
                    name: "side_thread_refused", target: THREADS, Level::WARN, %error, which,
                    "a thread beside the workers could not be started"
                );
            }
        })
    }
}

/// A worker's thread has started.
pub(in crate::pool) fn thread_started(worker: usize) {
    Untold::when(Level::DEBUG, || {
        move || {
            event!(
                name: "thread_started", target: THREADS, Level::DEBUG, worker,
                "a worker started"
            );
        }
    })
    .tell();
}

/// A worker's thread has left.
pub(in crate::pool) fn thread_left(worker: usize) {
    Untold::when(Level::DEBUG, || {
        move || {
            event!(
                name: "thread_left", target: THREADS, Level::DEBUG, worker,
                "a worker left"
            );
        }
    })
    .tell();
}

/// More threads may run, in the place of blocked workers.
pub(in crate::pool) fn blocked_replaced(blocked: usize) {
    Untold::when(Level::DEBUG, || {
        move || {
            event!(
                name: "blocked_replaced", target: THREADS, Level::DEBUG, blocked,
                "workers are blocked: others are started in their place"
            );
        }
    })
    .tell();
}

/// The controller has decided on the number of threads, at trace level if that changes nothing.
pub(in crate::pool) fn target(decision: &Decision, changed: bool) {
    let level = if changed { Level::DEBUG } else { Level::TRACE };
    if !heard(level) {
        return;
    }
    let decision = *decision;
    contain::tell(move || {
        let Decision { target, reason, blocked_share, runnable_share, cores, sample, .. } = decision;
        let reason = DecisionCounters::name_of(reason);
        if changed {
            event!(
                name: "target_changed", target: THREADS, Level::DEBUG,
                threads = target, reason, blocked_share, runnable_share, cores, ?sample,
                "another number of threads"
            );
        } else {
            event!(
                name: "target_kept", target: THREADS, Level::TRACE,
                threads = target, reason, blocked_share, runnable_share, cores, ?sample,
                "the same number of threads"
            );
        }
    });
}

/// The time slice of workers could not be set; told once in a process.
pub(in crate::pool) fn slice_not_set(error: &io::Error, slice: Duration) {
    contain::contain(|| {
        // An older kernel or another system: not an error.
        if error.kind() == io::ErrorKind::Unsupported {
            event!(
                name: "slice_not_set", target: THREADS, Level::DEBUG, %error, ?slice,
                "workers keep the kernel's own time slice"
            );
        } else {
            event!(
                name: "slice_not_set", target: THREADS, Level::WARN, %error, ?slice,
                "workers keep the kernel's own time slice"
            );
        }
    });
}

/// The niceness of workers could not be set; told once in a process.
pub(in crate::pool) fn niceness_not_set(error: &io::Error, niceness: u8) {
    contain::contain(|| {
        event!(
            name: "niceness_not_set", target: THREADS, Level::WARN, %error, niceness,
            "workers keep the process's own niceness"
        );
    });
}

/// A worker could not be bound to its node; told once in a process.
pub(in crate::pool) fn worker_not_bound(error: &io::Error, worker: usize) {
    contain::contain(|| {
        event!(
            name: "worker_not_bound", target: THREADS, Level::WARN, %error, worker,
            "a worker runs wherever the kernel puts it"
        );
    });
}
