//! One tenant's account and what it has waiting.

use super::order::Took;
use super::queue::{Key, Queue};
use super::{MOST_LEAD, lead, mean};
use crate::task::Name;

/// What was charged too much or too little by less than this waits for the next charge.
const SMALL: u64 = 100_000;

#[derive(Debug)]
pub(super) struct Tenant<T> {
    pub(super) name: Name,
    /// Different for each account that was ever opened.
    pub(super) owner: u64,
    pub(super) weight: u32,
    /// Service it has had, by its weight.
    pub(super) service: u64,
    /// Charged too much, in nanoseconds, and not yet given back; less than nothing if it was too little.
    refund: i64,
    /// What a task takes of a processor, by those of late; nothing before the first.
    pub(super) estimate: u64,
    /// How long one takes on a worker.
    pub(super) time: u64,
    pub(super) queue: Queue<T>,
    /// Tasks that run.
    pub(super) running: usize,
    /// Its place in the list of those that may run, if it is in it.
    pub(super) listed: Option<Rank>,
}

/// Where a tenant stands among the others: by the service that it has had, less the lead of its next task's class, then by the
/// time that task is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank(u64, u64);

impl Rank {
    /// The service that those have had, at the least, who are not before this one.
    pub(super) fn served(self) -> u64 {
        self.0.saturating_sub(MOST_LEAD)
    }

    /// When its next task is due.
    pub(super) fn due(self) -> u64 {
        self.1
    }
}

impl<T> Tenant<T> {
    pub(super) fn new(name: Name, owner: u64, weight: u32) -> Self {
        Self {
            name,
            owner,
            weight,
            service: 0,
            refund: 0,
            estimate: 0,
            time: 0,
            queue: Queue::new(),
            running: 0,
            listed: None,
        }
    }

    /// Its rank, if it has something to do.
    pub(super) fn rank(&self) -> Option<Rank> {
        let ((due, _), next) = self.queue.first()?;
        // A lead is one of time, and not multiplied by the weight.
        let lead = lead(next.priority) / u64::from(self.weight);
        Some(Rank(self.service + (MOST_LEAD - lead), due))
    }

    /// Charges `cost`, together with what is open.
    pub(super) fn charge(&mut self, cost: u64) {
        let refund = std::mem::take(&mut self.refund);
        let cost = i64::try_from(cost).unwrap_or(i64::MAX).saturating_sub(refund);
        let weight = u64::from(self.weight);
        self.service = match cost {
            // Half of the range is far beyond all machines' lifetimes; a rank must not overflow. Rounded up: what costs less than the
            // weight would be had for nothing, and others starve.
            0.. => self.service.saturating_add(cost.unsigned_abs().div_ceil(weight)).min(u64::MAX / 2),
            _ => self.service.saturating_sub(cost.unsigned_abs() / weight),
        };
    }

    /// A task has ended for which `charged` was charged; `None` if it has not run.
    pub(super) fn settle(&mut self, charged: u64, took: Option<Took>) {
        self.running = self.running.saturating_sub(1);
        if let Some(Took { cost, time }) = took {
            self.estimate = mean(self.estimate, cost);
            self.time = mean(self.time, time);
        }
        let cost = took.map(|took| took.cost);
        let signed = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
        let over = signed(charged).saturating_sub(signed(cost.unwrap_or(0)));
        self.refund = self.refund.saturating_add(over);
        if self.refund.unsigned_abs() > SMALL || self.is_idle() {
            self.charge(0);
        }
    }

    /// The task whose turn it is: the one due first; or, at `newest_at`, the newest of the most urgent class there is.
    pub(super) fn pick(&self, newest_at: Option<u64>) -> Option<Key> {
        match newest_at {
            None => self.queue.first().map(|(key, _)| key),
            Some(now) => self.queue.newest(now),
        }
    }

    /// Nothing of it waits or runs.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.running == 0
    }
}
