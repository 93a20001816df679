//! The controller: samples in, targets out.

use super::decision::{Decision, Reason};
use super::sample::Sample;

/// What bounds a controller's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Threads that are always there.
    pub min: usize,
    /// Threads that are never exceeded.
    pub max: usize,
}

/// Decides how many threads a pool may have, from what was measured. A pure state machine: it knows no clock, and equal
/// samples get equal answers.
#[derive(Debug, Clone)]
pub struct Controller {
    limits: Limits,
    target: usize,
}

impl Controller {
    /// Before the first sample the target is the number of usable cores, within the limits.
    #[must_use]
    pub fn new(limits: Limits, usable_cores: usize) -> Self {
        Self { limits, target: usable_cores.clamp(limits.min, limits.max) }
    }

    /// The target as it stands.
    #[must_use]
    pub fn target(&self) -> usize {
        self.target
    }

    /// Takes in what was seen in the last interval.
    pub fn step(&mut self, sample: Sample) -> Decision {
        self.target = self.target.clamp(self.limits.min, self.limits.max);
        Decision {
            target: self.target,
            reason: Reason::Unchanged,
            blocked_share: 0.0,
            runnable_share: 0.0,
            cores: sample.usable_cores,
            sample,
        }
    }
}
