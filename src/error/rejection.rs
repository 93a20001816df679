//! The facts of a rejection, and the work handed back.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Why work was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum RejectReason {
    /// The queue is full.
    QueueFull,
    /// The tenant's waiting tasks have its share of the queue:
    /// [`tenant_queue_share`](crate::PoolConfig::tenant_queue_share).
    TenantLimit,
    /// The deadline had passed when the work came.
    Expired,
    /// The deadline can't be met, by the waiting work and the recent times of tasks.
    DeadlineTooNear,
    /// The *minimum* queueing delay was too long for a while. Work of this class is refused until
    /// it falls.
    Overloaded,
    /// More urgent work evicted this work from the full queue.
    Evicted,
    /// Accepting this work would exceed `byte_budget`.
    ByteBudget,
    /// The work has more bytes than the whole `byte_budget`.
    NeverFits,
    /// The pool takes no more work.
    ShuttingDown,
}

impl RejectReason {
    /// Returns whether a caller may wait until there is room.
    pub(crate) fn may_wait(self) -> bool {
        matches!(self, Self::QueueFull | Self::TenantLimit | Self::ByteBudget)
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QueueFull => "the queue is full",
            Self::TenantLimit => "the tenant's limit is reached",
            Self::Expired => super::EXPIRED,
            Self::DeadlineTooNear => "the deadline can't be met",
            Self::Overloaded => "the pool is overloaded",
            Self::Evicted => "more urgent work took its place",
            Self::ByteBudget => "the byte budget is spent",
            Self::NeverFits => "it is larger than the whole byte budget",
            Self::ShuttingDown => super::SHUTTING_DOWN,
        })
    }
}

/// The facts of a refusal.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Rejection {
    /// Why.
    pub reason: RejectReason,
    /// The current value of what is limited: places in the queue that tasks or permits have, a
    /// tenant's places in the queue, or bytes.
    pub depth: usize,
    /// The limit.
    pub limit: usize,
    /// (active + queued) / (threads at maximum + queue limit), of the pool.
    pub load_factor: f64,
    /// When to try again: the time in which the pool falls below its saturation mark at the
    /// recently measured service rate (Little's law), 1 ms to 60 s, plus up to 20 % at random, so
    /// that callers who are refused together do not return together. A caller who was refused after
    /// it had waited in line is told at least the time that it has waited, up to 60 s. `None` where
    /// another attempt is of no use.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, depth, limit, load_factor, .. } = self;
        match reason {
            // The figures say nothing about these.
            RejectReason::ShuttingDown | RejectReason::Expired => reason.fmt(f),
            _ => write!(f, "{reason} ({depth} of {limit}, load factor {load_factor:.2})"),
        }
    }
}

impl std::error::Error for Rejection {}

/// A refusal with the work that was refused.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = millpond::AdaptiveThreadPool::new();
/// match pool.try_spawn(|| 6 * 7) {
///     Ok(handle) => assert_eq!(handle.await?, 42),
///     Err(rejected) => {
///         eprintln!("{rejected}; again in {:?}", rejected.rejection().retry_after);
///         let work = rejected.into_inner();
///         assert_eq!(work(), 42);
///     }
/// }
/// # Ok(()) }
/// ```
pub struct Rejected<W> {
    /// In one box, so that the error is small with any work. The work need not be `Sync`, but an
    /// error should be: this is never locked, only taken out whole.
    inner: Box<(Rejection, Mutex<W>)>,
}

impl<W> Rejected<W> {
    pub(crate) fn new(rejection: Rejection, work: W) -> Self {
        Self { inner: Box::new((rejection, Mutex::new(work))) }
    }

    /// The facts.
    #[must_use]
    pub fn rejection(&self) -> &Rejection {
        &self.inner.0
    }

    /// The work, untouched.
    #[must_use]
    pub fn into_inner(self) -> W {
        self.into_parts().1
    }

    /// Changes the facts.
    pub(crate) fn map_facts(mut self, change: impl FnOnce(Rejection) -> Rejection) -> Self {
        self.inner.0 = change(self.inner.0);
        self
    }

    /// The facts and the work.
    #[must_use]
    pub fn into_parts(self) -> (Rejection, W) {
        let (rejection, work) = *self.inner;
        (rejection, work.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<W> Rejected<Box<W>> {
    /// Takes the work out of its box.
    pub(crate) fn unbox(self) -> Rejected<W> {
        let (rejection, work) = self.into_parts();
        Rejected::new(rejection, *work)
    }
}

impl<W> fmt::Debug for Rejected<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejected").field("rejection", self.rejection()).finish_non_exhaustive()
    }
}

impl<W> fmt::Display for Rejected<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rejection().fmt(f)
    }
}

impl<W> std::error::Error for Rejected<W> {}
