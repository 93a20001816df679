//! The pressure state: whether the pool is saturated, told at once to whoever watches.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering, fence};

use tokio::sync::watch;

use crate::config::PoolConfig;
use crate::contain::contain;
use crate::error::ParseError;
use crate::policy::load::{Capacity, is_saturated};

/// How loaded a pool is, in a word. See [`AdaptiveThreadPool::pressure`](crate::AdaptiveThreadPool::pressure).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Pressure {
    /// The load factor is under `backpressure_threshold`, and the queue has a free place.
    #[default]
    Normal,
    /// The load factor is at or over `backpressure_threshold`, or the queue is full: new work should wait, or go elsewhere.
    Saturated,
}

impl fmt::Display for Pressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Normal => "normal",
            Self::Saturated => "saturated",
        })
    }
}

impl FromStr for Pressure {
    type Err = ParseError;

    /// Takes the names that `Display` writes, in any case.
    fn from_str(name: &str) -> Result<Self, ParseError> {
        ParseError::find("pressure", name, &[Self::Normal, Self::Saturated])
    }
}

/// Compares the tasks in flight with the saturation mark, and the free places with none.
///
/// It is told of each change: [`on_rise`](Self::on_rise) where a permit is taken and where a worker that was idle begins a task,
/// [`on_relief`](Self::on_relief) where a permit comes home and where a worker runs out of work or leaves. (While a worker goes
/// on from task to task the number of active threads is what it was.)
///
/// The hot paths compare two numbers. A crossing is decided once more after the flag is set: whoever changes the load
/// afterwards sees the flag, and whoever changed it before is seen.
#[derive(Debug)]
pub(in crate::pool) struct Gauge {
    pub(in crate::pool) capacity: Capacity,
    pub(in crate::pool) mark: usize,
    saturated: AtomicBool,
    state: watch::Sender<Pressure>,
    /// Somebody decides and tells.
    telling: AtomicBool,
}

impl Gauge {
    pub(in crate::pool) fn new(config: &PoolConfig) -> Self {
        let capacity = Capacity { threads: config.max_threads, queue: config.max_queue_size };
        Self {
            capacity,
            mark: capacity.saturation_mark(config.backpressure_threshold),
            saturated: AtomicBool::new(false),
            state: watch::Sender::default(),
            telling: AtomicBool::new(false),
        }
    }

    pub(in crate::pool) fn watch(&self) -> watch::Receiver<Pressure> {
        self.state.subscribe()
    }

    pub(in crate::pool) fn now(&self) -> Pressure {
        *self.state.borrow()
    }

    /// After the load may have risen to `in_flight` tasks with `free` permits. `load` returns the
    /// present values of both.
    #[inline]
    pub(in crate::pool) fn on_rise(&self, in_flight: usize, free: usize, load: impl Fn() -> (usize, usize)) {
        if is_saturated(in_flight, self.mark, free) && !self.saturated.load(Ordering::SeqCst) {
            self.cross(load);
        }
    }

    /// After the load may have fallen.
    #[inline]
    pub(in crate::pool) fn on_relief(&self, load: impl Fn() -> (usize, usize)) {
        if self.saturated.load(Ordering::SeqCst) && !self.is_over(&load) {
            self.cross(load);
        }
    }

    fn is_over(&self, load: &impl Fn() -> (usize, usize)) -> bool {
        let (in_flight, free) = load();
        is_saturated(in_flight, self.mark, free)
    }

    /// Decides anew and tells the watchers. Their wakers, and the subscriber of `tracing`, are code of users and may come
    /// back here: so one thread at a time decides and tells, without a lock, and whoever meets it leaves the rest to it.
    #[cold]
    fn cross(&self, load: impl Fn() -> (usize, usize)) {
        while !self.telling.swap(true, Ordering::SeqCst) {
            let mut over = self.is_over(&load);
            loop {
                self.saturated.store(over, Ordering::SeqCst);
                contain(|| self.tell(over, load().0));
                fence(Ordering::SeqCst);
                let now = self.is_over(&load);
                if now == over {
                    break;
                }
                over = now;
            }
            self.telling.store(false, Ordering::SeqCst);
            // Whoever changed the load since, and left it to us, is seen here.
            if self.is_over(&load) == over {
                break;
            }
        }
    }

    fn tell(&self, over: bool, in_flight: usize) {
        let state = if over { Pressure::Saturated } else { Pressure::Normal };
        if self.state.send_if_modified(|now| std::mem::replace(now, state) != state) {
            tracing::debug!(?state, load = in_flight, mark = self.mark, "pool pressure changed");
        }
    }
}
