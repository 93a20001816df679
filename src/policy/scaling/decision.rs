//! The answers of a controller.

use std::fmt;

use super::sample::Sample;

/// A controller's answer to a [`Sample`], with the figures that led to it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Decision {
    /// How many threads the pool may have from now on.
    pub target: usize,
    /// Why.
    pub reason: Reason,
    /// The part of their time in tasks that the threads were blocked, smoothed; 0 to 1.
    pub blocked_share: f64,
    /// The part of their time in tasks that the threads waited for a core, in this interval; 0 to
    /// 1.
    pub runnable_share: f64,
    /// The cores that the pool can count on: those that are usable, less what others of the process
    /// keep busy.
    pub cores: f64,
    /// The sample.
    pub sample: Sample,
}

/// Why a [`Decision`] says what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Reason {
    /// Nothing was measured yet, or there was nothing to do: as before.
    #[default]
    Unchanged,
    /// The target is right, give or take one thread.
    Settled,
    /// Threads are blocked: more are needed to keep the cores busy.
    WorkBlocks,
    /// More would be needed, but threads that are ready wait for a core already.
    CoresTaken,
    /// More threads were tried and got no more done.
    NoGain,
    /// There are more threads than the cores and the blocked share call for.
    Surplus,
    /// The usable cores have changed.
    CoresChanged,
    /// Without clocks: one more thread is tried, to see whether more gets done.
    Trial,
    /// More load is foreseen.
    Foreseen,
    /// Every thread of the pool is blocked in its task while work waits. The pool makes no progress
    /// by itself, unless it may start threads in their place
    /// ([`max_blocked_threads`](crate::PoolConfig::max_blocked_threads)).
    AllBlocked,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unchanged => "nothing new",
            Self::Settled => "settled",
            Self::WorkBlocks => "threads are blocked",
            Self::CoresTaken => "threads wait for a core",
            Self::NoGain => "more threads got no more done",
            Self::Surplus => "more threads than of use",
            Self::CoresChanged => "the usable cores have changed",
            Self::Trial => "one more is tried",
            Self::Foreseen => "more load is foreseen",
            Self::AllBlocked => "every thread is blocked",
        })
    }
}
