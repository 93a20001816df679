//! The label of a task: what the run order needs to know of it.

use std::borrow::Cow;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Priority;

/// The name of a tenant.
pub(crate) type Name = Arc<str>;

/// A label on a task. Times are in nanoseconds of the pool's clock.
#[derive(Debug)]
pub(crate) struct Label {
    /// The tenant; empty if the caller named none.
    pub(crate) tenant: Name,
    pub(crate) priority: Priority,
    /// The time of submission.
    pub(crate) arrival: u64,
    /// The deadline.
    expires: Option<NonZero<u64>>,
    /// The name. Boxed, because few tasks have one and a label moves from core to core with its
    /// task.
    name: Option<Box<Cow<'static, str>>>,
    /// The task is a part of a task that has begun, with the options of that task.
    pub(crate) part: bool,
    /// The number of the task in the run order. Written under the lock of the run order.
    number: AtomicU64,
}

impl Label {
    #[inline]
    pub(crate) fn new(
        tenant: Name,
        priority: Priority,
        arrival: u64,
        expires: Option<u64>,
        name: Option<Cow<'static, str>>,
    ) -> Self {
        let name = name.map(Box::new);
        let expires = expires.and_then(|at| NonZero::new(at.max(1)));
        Self { tenant, priority, arrival, expires, name, part: false, number: AtomicU64::new(0) }
    }

    /// Returns a copy of the label for a subtask.
    pub(crate) fn same(&self) -> Self {
        let Self { priority, arrival, expires, .. } = *self;
        let (tenant, name) = (Name::clone(&self.tenant), self.name.clone());
        Self { tenant, priority, arrival, expires, name, part: false, number: AtomicU64::new(0) }.of_part()
    }

    /// Marks the label as that of a part of a task that has begun.
    pub(crate) fn of_part(self) -> Self {
        Self { part: true, ..self }
    }

    /// Returns the deadline, if the task has one.
    pub(crate) fn expires(&self) -> Option<u64> {
        self.expires.map(NonZero::get)
    }

    /// Returns whether the deadline had passed when the task arrived.
    pub(crate) fn is_late(&self) -> bool {
        self.expires().is_some_and(|at| at <= self.arrival)
    }

    /// Returns the task's name.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_ref().map(|name| &***name)
    }

    pub(crate) fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    pub(crate) fn set_number(&self, number: u64) {
        self.number.store(number, Ordering::Relaxed);
    }

    /// Returns the time at which the task is due.
    pub(crate) fn due(&self) -> u64 {
        self.expires().unwrap_or_else(|| self.arrival.saturating_add(self.priority.slack_ns()))
    }
}
