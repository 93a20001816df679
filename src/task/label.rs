//! What a task says of itself to those who decide on its turn.

use std::borrow::Cow;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Priority;

/// The name of a tenant.
pub(crate) type Name = Arc<str>;

/// A label on a task. Times are nanoseconds by the pool's clock.
#[derive(Debug)]
pub(crate) struct Label {
    /// Whose it is; empty: nobody's in particular.
    pub(crate) tenant: Name,
    pub(crate) priority: Priority,
    /// When it came.
    pub(crate) arrival: u64,
    /// When it is of no use any more.
    expires: Option<NonZero<u64>>,
    /// What it is called. Boxed, because few are called anything: a label is carried from core to core with its task.
    name: Option<Box<Cow<'static, str>>>,
    /// It is a part of the task that all this was said of, which has begun.
    pub(crate) part: bool,
    /// Which of the tasks it is, of the run order or of the list of those on their way there. Given by whoever has the lock of that.
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

    /// For a subtask.
    pub(crate) fn same(&self) -> Self {
        let Self { priority, arrival, expires, .. } = *self;
        let (tenant, name) = (Name::clone(&self.tenant), self.name.clone());
        Self { tenant, priority, arrival, expires, name, part: false, number: AtomicU64::new(0) }.of_part()
    }

    /// For what is a part of a task.
    pub(crate) fn of_part(self) -> Self {
        Self { part: true, ..self }
    }

    /// When it is of no use any more, if it ever is.
    pub(crate) fn expires(&self) -> Option<u64> {
        self.expires.map(NonZero::get)
    }

    /// What it is called.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_ref().map(|name| &***name)
    }

    pub(crate) fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    pub(crate) fn set_number(&self, number: u64) {
        self.number.store(number, Ordering::Relaxed);
    }

    /// When it is due.
    pub(crate) fn due(&self) -> u64 {
        self.expires().unwrap_or_else(|| self.arrival.saturating_add(self.priority.slack_ns()))
    }
}
