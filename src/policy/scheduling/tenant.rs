//! One tenant's account and its waiting tasks.

use super::queue::Queue;
use super::{MAX_PRIORITY_CREDIT, priority_credit};
use crate::policy::smooth;
use crate::task::Name;

/// A correction of at most this many nanoseconds waits for the next charge.
const SMALL: u64 = 100_000;

/// What a task used, in nanoseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Processor time. The tenant pays for it.
    pub(crate) cost: u64,
    /// Worker time.
    pub(crate) time: u64,
}

impl Usage {
    /// Makes this, a smoothed mean, follow the newest value. The first one counts in full.
    pub(super) fn follow(&mut self, newest: Self) {
        let mean = |known, newest| if known == 0 { newest } else { smooth(known, newest) };
        *self = Self { cost: mean(self.cost, newest.cost), time: mean(self.time, newest.time) };
    }
}

#[derive(Debug)]
pub(super) struct Tenant<T> {
    pub(super) name: Name,
    pub(super) weight: u32,
    /// Service received, in nanoseconds.
    pub(super) service: u64,
    /// Nanoseconds charged in excess and not yet returned. Negative if too little was charged.
    refund: i64,
    /// The smoothed usage of a task; 0 before the first task ends.
    pub(super) mean: Usage,
    pub(super) queue: Queue<T>,
    /// What the tenant has running and done.
    pub(super) counts: TenantSum,
    /// The rank under which the tenant is in the list of those that may run, if it is there.
    pub(super) listed: Option<Rank>,
}

/// The position of a tenant among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// Its service, less the credit of its next task's class.
    level: u64,
    /// When that task is due.
    pub(super) due: u64,
}

impl Rank {
    /// Returns a lower bound of the service of every tenant that does not precede this rank.
    pub(super) fn served(self) -> u64 {
        self.level.saturating_sub(MAX_PRIORITY_CREDIT)
    }
}

/// What one tenant has waiting, running and done, or several tenants together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TenantSum {
    /// Tasks that wait.
    pub(crate) waiting: usize,
    /// Grants that are open.
    pub(crate) running: usize,
    /// Tasks that were taken out to run. It never falls.
    pub(crate) taken: u64,
    /// Processor time of tasks that have ended, in nanoseconds. It never falls: what is charged for
    /// a task that begins is an estimate, and not in here.
    pub(crate) used_ns: u64,
}

impl TenantSum {
    pub(crate) fn plus(self, other: &Self) -> Self {
        Self {
            waiting: self.waiting + other.waiting,
            running: self.running + other.running,
            taken: self.taken + other.taken,
            used_ns: self.used_ns.saturating_add(other.used_ns),
        }
    }

    /// What is left without the tenants of `other`.
    pub(crate) fn less(self, other: &Self) -> Self {
        Self {
            waiting: self.waiting.saturating_sub(other.waiting),
            running: self.running.saturating_sub(other.running),
            taken: self.taken.saturating_sub(other.taken),
            used_ns: self.used_ns.saturating_sub(other.used_ns),
        }
    }

    /// What is left of it when the account is closed: no task waits or runs then.
    pub(super) fn done(self) -> Self {
        Self { waiting: 0, running: 0, ..self }
    }
}

impl<T> Tenant<T> {
    pub(super) fn new(name: Name, weight: u32) -> Self {
        Self {
            name,
            weight,
            service: 0,
            refund: 0,
            mean: Usage::default(),
            queue: Queue::new(),
            counts: TenantSum::default(),
            listed: None,
        }
    }

    /// Returns the tenant's rank, if the tenant has a waiting task.
    pub(super) fn rank(&self) -> Option<Rank> {
        let ((due, _), next) = self.queue.first()?;
        // The credit is processor time: a greater weight does not multiply it.
        let credit = priority_credit(next.facts.priority) / u64::from(self.weight);
        Some(Rank { level: self.service + (MAX_PRIORITY_CREDIT - credit), due })
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

    /// Charges processor time that is known.
    pub(super) fn pay(&mut self, cost: u64) {
        self.charge(cost);
        self.counts.used_ns = self.counts.used_ns.saturating_add(cost);
    }

    pub(super) fn sum(&self) -> TenantSum {
        TenantSum { waiting: self.queue.len(), ..self.counts }
    }

    /// Corrects the charge for a task that has ended. `usage` is `None` if the task has not run.
    pub(super) fn settle(&mut self, charged: u64, usage: Option<Usage>) {
        self.counts.running = self.counts.running.saturating_sub(1);
        if let Some(usage) = usage {
            self.mean.follow(usage);
            self.counts.used_ns = self.counts.used_ns.saturating_add(usage.cost);
        }
        let signed = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
        let excess = signed(charged).saturating_sub(signed(usage.unwrap_or_default().cost));
        self.refund = self.refund.saturating_add(excess);
        if self.refund.unsigned_abs() > SMALL || self.is_idle() {
            self.charge(0);
        }
    }

    /// Returns whether the tenant has no waiting and no running task.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.counts.running == 0
    }
}
