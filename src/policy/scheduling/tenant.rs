//! One tenant's account and its waiting tasks.

use super::queue::{Key, Queue};
use super::tenant_sum::TenantSum;
use super::{MAX_PRIORITY_CREDIT, mean, priority_credit};
use crate::task::Name;

/// A correction of at most this many nanoseconds waits for the next charge.
const SMALL: u64 = 100_000;

/// What a task used, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// Processor time. The tenant pays for it.
    pub(crate) cost: u64,
    /// Worker time.
    pub(crate) time: u64,
}

#[derive(Debug)]
pub(super) struct Tenant<T> {
    pub(super) name: Name,
    /// The number of the account. No other account has ever had the same number.
    pub(super) serial: u64,
    pub(super) weight: u32,
    /// Service received, in nanoseconds.
    pub(super) service: u64,
    /// Nanoseconds charged in excess and not yet returned. Negative if too little was charged.
    refund: i64,
    /// Tasks that were taken out to run.
    pub(super) taken: u64,
    /// Processor time of tasks that have ended, in nanoseconds: no estimates, which are charged
    /// when a task begins and corrected when it ends.
    used: u64,
    /// The smoothed processor time of a task, in nanoseconds. Zero before the first task ends.
    pub(super) estimate: u64,
    /// The smoothed worker time of a task, in nanoseconds. Zero before the first task ends.
    pub(super) time: u64,
    pub(super) queue: Queue<T>,
    /// The number of running tasks.
    pub(super) running: usize,
    /// The rank under which the tenant is in the list of those that may run, if it is there.
    pub(super) listed: Option<Rank>,
}

/// The position of a tenant among the others: its service less the credit of its next task's class,
/// then the due time of that task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank(u64, u64);

impl Rank {
    /// Returns a lower bound of the service of every tenant that does not precede this rank.
    pub(super) fn served(self) -> u64 {
        self.0.saturating_sub(MAX_PRIORITY_CREDIT)
    }

    /// Returns the due time of the tenant's next task.
    pub(super) fn due(self) -> u64 {
        self.1
    }
}

impl<T> Tenant<T> {
    pub(super) fn new(name: Name, serial: u64, weight: u32) -> Self {
        Self {
            name,
            serial,
            weight,
            service: 0,
            refund: 0,
            taken: 0,
            used: 0,
            estimate: 0,
            time: 0,
            queue: Queue::new(),
            running: 0,
            listed: None,
        }
    }

    /// Returns the tenant's rank, if the tenant has a waiting task.
    pub(super) fn rank(&self) -> Option<Rank> {
        let ((due, _), next) = self.queue.first()?;
        // The credit is processor time: a greater weight does not multiply it.
        let credit = priority_credit(next.priority) / u64::from(self.weight);
        Some(Rank(self.service + (MAX_PRIORITY_CREDIT - credit), due))
    }

    /// Charges `cost` nanoseconds of processor time, less the open refund.
    pub(super) fn charge(&mut self, cost: u64) {
        let refund = std::mem::take(&mut self.refund);
        let cost = i64::try_from(cost).unwrap_or(i64::MAX).saturating_sub(refund);
        let weight = u64::from(self.weight);
        self.service = match cost {
            // The cap keeps a rank from overflowing. No machine reaches it in its lifetime. The
            // division rounds up: a cost below the weight must not be free, or others starve.
            0.. => self.service.saturating_add(cost.unsigned_abs().div_ceil(weight)).min(u64::MAX / 2),
            _ => self.service.saturating_sub(cost.unsigned_abs() / weight),
        };
    }

    /// Enters processor time that is known.
    pub(super) fn use_up(&mut self, cost: u64) {
        self.used = self.used.saturating_add(cost);
    }

    /// Returns what the tenant has waiting, running and done.
    pub(super) fn sum(&self) -> TenantSum {
        let Self { running, taken, used: used_ns, .. } = *self;
        TenantSum { waiting: self.queue.len(), running, taken, used_ns }
    }

    /// Corrects the charge for a task that has ended. `usage` is `None` if the task has not run.
    pub(super) fn settle(&mut self, charged: u64, usage: Option<Usage>) {
        self.running = self.running.saturating_sub(1);
        if let Some(Usage { cost, time }) = usage {
            self.estimate = mean(self.estimate, cost);
            self.time = mean(self.time, time);
            self.use_up(cost);
        }
        let cost = usage.map_or(0, |usage| usage.cost);
        let signed = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
        let excess = signed(charged).saturating_sub(signed(cost));
        self.refund = self.refund.saturating_add(excess);
        if self.refund.unsigned_abs() > SMALL || self.is_idle() {
            self.charge(0);
        }
    }

    /// Returns the task to run next: the one with the earliest due time. If `newest_at` is set, it
    /// is instead the newest task of the most urgent class at that time.
    pub(super) fn pick(&self, newest_at: Option<u64>) -> Option<Key> {
        match newest_at {
            None => self.queue.first().map(|(key, _)| key),
            Some(now) => self.queue.newest(now),
        }
    }

    /// Returns whether the tenant has no waiting and no running task.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.running == 0
    }
}
