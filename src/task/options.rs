//! What a caller says of a task.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use tracing::Span;

use super::Priority;

/// What a caller says of a task: whose it is, how urgent, until when it is of use, how many bytes it takes with it, and
/// what it is called. Pool, processor and services take the same options.
///
/// The fields are public; set one to `None` to unset it. The methods set a field each, for those who prefer that. Work of
/// which nothing is said is plain work, which costs the pool the least.
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
    /// Whose it is: tenants share the pool's time. `None` and `""` are one tenant together, to which `tenant_queue_share`
    /// and `max_running_per_tenant` do not apply. Check a name that a client may choose: each name
    /// has a share of its own.
    pub tenant: Option<Arc<str>>,
    /// How urgent it is. `None`: [`Priority::Standard`]; of a document, what
    /// [`priorities`](crate::ProcessorConfig::priorities) says of its format.
    pub priority: Option<Priority>,
    /// When it is of no use any more. It is not begun after that; a task that runs reads it from
    /// [`TaskContext::deadline`](crate::TaskContext::deadline). The time is real: a paused Tokio clock does not pause it.
    pub deadline: Option<Instant>,
    /// How many bytes it takes with it, as its input: together the tasks that wait and run have no more than the pool's
    /// [`byte_budget`](crate::PoolConfig::byte_budget). Without a budget, this means nothing. The processor counts the
    /// bytes of its documents itself; an [`OffloadLayer`](crate::service::OffloadLayer) counts them until the first poll
    /// is over.
    pub bytes: usize,
    /// What it is called: it runs in a [`tracing`] span `task` with this name, within the span of its submitter.
    pub name: Option<Cow<'static, str>>,
}

impl TaskOptions {
    /// Options that say nothing, as `default()`.
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

    /// The span of a task that is called something, within the current one.
    pub(crate) fn span(&self) -> Option<Span> {
        let name = self.name.as_ref()?;
        Some(tracing::info_span!("task", name = %name, tenant = self.tenant.as_deref()))
    }

    /// Whether the deadline has passed at `now`.
    pub(crate) fn has_expired(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }
}
