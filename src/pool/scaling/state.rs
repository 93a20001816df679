//! The state of the sizing that all threads see.

use std::sync::atomic::AtomicBool;

use crate::policy::scaling::{Decision, Limits};
use crate::pool::scaling::foresight::Foresight;
use crate::pool::threads::allowance::Allowance;
use crate::sync::Mutex;

/// The part of the sizing that all threads see.
#[derive(Debug)]
pub(in crate::pool) struct Scaling {
    pub(in crate::pool) allowance: Allowance,
    pub(in crate::pool) foresight: Foresight,
    /// The timer thread checks, or has been called to check.
    pub(in crate::pool) watched: AtomicBool,
    pub(in crate::pool) last: Mutex<Option<Decision>>,
}

impl Scaling {
    pub(in crate::pool) fn new(limits: Limits, cores: usize, foresight: Foresight) -> Self {
        let allowance = Allowance::new(limits, cores);
        Self { allowance, foresight, watched: AtomicBool::new(false), last: Mutex::new(None) }
    }

    /// Returns the controller's last decision.
    pub(in crate::pool) fn last(&self) -> Option<Decision> {
        *self.last.lock()
    }
}
