//! The pressure state: whether the pool is saturated. Watchers learn of a change at once.

use std::sync::atomic::{AtomicBool, Ordering, fence};

use tokio::sync::watch;

use crate::config::PoolConfig;
use crate::contain::contain;
use crate::error::names;
use crate::policy::load::{Capacity, is_saturated};
use crate::pool::events;

/// Whether a pool can take more work; from
/// [`AdaptiveThreadPool::pressure`](crate::AdaptiveThreadPool::pressure).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Pressure {
    /// The load factor is below `backpressure_threshold`, and the queue has a free place.
    #[default]
    Normal,
    /// The load factor is at or above `backpressure_threshold`, or the queue is full. New work
    /// should wait or go elsewhere.
    Saturated,
}

names!("pressure", Pressure { Normal: "normal", Saturated: "saturated" });

/// Compares the tasks in flight with the saturation mark, and the number of free permits with 0.
///
/// It is called at each change: [`on_rise`](Self::on_rise) when a permit is taken and when an idle
/// worker begins a task, [`on_relief`](Self::on_relief) when a permit comes back and when a worker
/// runs out of work or leaves. While a worker goes from task to task, the number of active threads
/// does not change.
///
/// The hot paths compare two numbers. A crossing is decided once more after the flag is set: a
/// thread that changes the load later sees the flag, and the second decision sees earlier changes.
#[derive(Debug)]
pub(in crate::pool) struct Gauge {
    pub(in crate::pool) capacity: Capacity,
    pub(in crate::pool) mark: usize,
    saturated: AtomicBool,
    state: watch::Sender<Pressure>,
    /// A thread is deciding and notifying.
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

    /// Checks for saturation after the load may have risen to `in_flight` tasks with `free`
    /// permits. `load` returns the present values of both.
    #[inline]
    pub(in crate::pool) fn on_rise(&self, in_flight: usize, free: usize, load: impl Fn() -> (usize, usize)) {
        if is_saturated(in_flight, self.mark, free) && !self.saturated.load(Ordering::SeqCst) {
            self.cross(load);
        }
    }

    /// Checks for relief after the load may have fallen.
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

    /// Decides again and notifies the watchers. Their wakers, and the subscriber of `tracing`, are
    /// user code and may call this function again. So one thread at a time decides and notifies,
    /// without a lock, and every other thread leaves the decision to it.
    #[cold]
    fn cross(&self, load: impl Fn() -> (usize, usize)) {
        while !self.telling.swap(true, Ordering::SeqCst) {
            let over = self.is_over(&load);
            self.saturated.store(over, Ordering::SeqCst);
            contain(|| self.tell(over, load().0));
            self.telling.store(false, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            // This check sees the changes of threads that read the old flag, or that left the
            // decision to this one.
            if self.is_over(&load) == over {
                break;
            }
        }
    }

    fn tell(&self, over: bool, in_flight: usize) {
        let state = if over { Pressure::Saturated } else { Pressure::Normal };
        if self.state.send_if_modified(|now| std::mem::replace(now, state) != state) {
            events::pressure_changed(state, in_flight, self.mark);
        }
    }
}
