//! The options of a task.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use super::Priority;

/// The options of a task: its tenant, priority, deadline, number of bytes and name. The pool, the
/// processor and the services take the same options.
///
/// The fields are public; set one to `None` to unset it. Each method sets one field. Work without
/// options is plain work, which costs the pool the least.
///
/// ```
/// use std::time::{Duration, Instant};
/// use millpond::{Priority, TaskOptions};
///
/// let options = TaskOptions::new()
///     .tenant("acme")
///     .priority(Priority::Interactive)
///     .deadline(Instant::now() + Duration::from_secs(2));
/// let patient = TaskOptions { deadline: None, ..options };
/// assert_eq!(patient.tenant.as_deref(), Some("acme"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[must_use = "options do nothing until a task is submitted with them"]
pub struct TaskOptions {
    /// The tenant. Tenants share the pool's time. `None` and `""` are one tenant, to which
    /// `tenant_queue_share` and `max_running_per_tenant` do not apply. Validate a name that a
    /// client may choose: each name has a share of its own.
    pub tenant: Option<Arc<str>>,
    /// How urgent the task is. `None` is [`Priority::Standard`]; for a document it is what
    /// [`priorities`](crate::ProcessorConfig::priorities) says of the document's format.
    pub priority: Option<Priority>,
    /// The deadline. The task does not start after it. A task that runs reads it from
    /// [`TaskContext::deadline`](crate::TaskContext::deadline). It is in real time: a paused Tokio
    /// clock does not pause it.
    pub deadline: Option<Instant>,
    /// The number of bytes that the task holds, for example its input. The tasks that wait and run
    /// together hold at most the pool's [`byte_budget`](crate::PoolConfig::byte_budget). Without a
    /// budget this has no effect. The processor counts the bytes of its documents itself; an
    /// [`OffloadLayer`](crate::service::OffloadLayer) counts them until the first poll is over.
    pub bytes: usize,
    /// The name. A task with a name has the [`tracing`] spans `submit`, `queued` and `run`, within
    /// the span of its submitter; it runs in `run`. The name is also in the events about the task
    /// ([`guide::events`](crate::guide::events)).
    pub name: Option<Cow<'static, str>>,
}

impl TaskOptions {
    /// Returns empty options, as `default()`.
    pub const fn new() -> Self {
        Self { tenant: None, priority: None, deadline: None, bytes: 0, name: None }
    }

    /// Sets [`tenant`](Self::tenant).
    pub fn tenant(mut self, tenant: impl Into<Arc<str>>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Sets [`priority`](Self::priority).
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Sets [`deadline`](Self::deadline).
    pub fn deadline(mut self, deadline: impl Into<Instant>) -> Self {
        self.deadline = Some(deadline.into());
        self
    }

    /// Sets [`bytes`](Self::bytes).
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sets [`name`](Self::name).
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Returns `None` if no option is set: the work is plain.
    pub(crate) fn unless_empty(self) -> Option<Self> {
        (self != Self::new()).then_some(self)
    }

    /// Returns whether the deadline has passed at `now`.
    pub(crate) fn has_expired(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }
}
