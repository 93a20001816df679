//! When a request is let in, and on what terms.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::pool::{AdaptiveThreadPool, TaskBuilder};
use crate::task::Priority;

/// What happens to a request for which the pool has no place.
///
/// The places are the pool's ([`max_queue_size`](crate::PoolConfig::max_queue_size)), and so is the line for them: they are the same for
/// all services on that pool, however often a server builds its layers anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Admission {
    /// The service is not ready: `poll_ready` waits for a place, which the next call then has. That is how tower's own middleware
    /// puts its callers off, and right where callers can do something else meanwhile (a balancer, a `Buffer`).
    ///
    /// A service that is ready and not called keeps its place from others for no longer than
    /// [`reservation_timeout`](crate::PoolConfig::reservation_timeout); its call is good all the same, and makes the queue longer than its
    /// limit by one. Note that tower's `Timeout` does not cover `poll_ready`, so that the wait for a place is not bounded by it.
    Backpressure,
    /// The service is always ready, and the request is refused at once
    /// ([`Overloaded`](super::ServiceError::Overloaded)).
    Shed,
    /// The service is always ready, and the response's future waits for a place, but no longer than this from its first poll; then the request
    /// is refused. Once it has its place it is not, however long it waits there: that is what deadlines are for
    /// ([`Terms::deadline`]). The wait is within the future, so that a `Timeout` around the service covers it.
    ///
    /// It is kept by Tokio's clock, and only set where there is something to wait for.
    WaitUpTo(Duration),
}

/// Whose a request is, how urgent, and until when it is of use; see [`TaskBuilder`]. What is said of none of these is plain work,
/// which costs the pool the least.
///
/// ```
/// use std::time::{Duration, Instant};
/// use millpond::Priority;
/// use millpond::service::Terms;
///
/// let terms = Terms::new()
///     .tenant("acme")
///     .priority(Priority::Interactive)
///     .deadline(Instant::now() + Duration::from_secs(2));
/// assert_eq!(terms.tenant_name(), Some("acme"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "terms do nothing until a service is told of them"]
pub struct Terms {
    tenant: Option<Arc<str>>,
    priority: Option<Priority>,
    deadline: Option<Instant>,
    bytes: usize,
}

impl Terms {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`TaskBuilder::tenant`]. A name that a client may choose has to be checked first: whoever chooses another name has another
    /// tenant's share.
    pub fn tenant(mut self, name: impl Into<Arc<str>>) -> Self {
        self.tenant = Some(name.into());
        self
    }

    /// As [`TaskBuilder::priority`].
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// As [`TaskBuilder::deadline`]. A request that can't be begun by then is refused as soon as that is known; what has begun is not
    /// polled on after it.
    pub fn deadline(mut self, deadline: impl Into<Instant>) -> Self {
        self.deadline = Some(deadline.into());
        self
    }

    /// As [`TaskBuilder::cost_bytes`]. With an [`OffloadLayer`](super::OffloadLayer) it counts until the first poll is over.
    pub fn cost_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// The tenant that was named.
    #[must_use]
    pub fn tenant_name(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The task on these terms; `None` if it may be any.
    pub(super) fn task<'p>(&self, pool: &'p AdaptiveThreadPool) -> Option<TaskBuilder<'p>> {
        if *self == Self::default() {
            return None;
        }
        let mut task = pool.task().priority(self.priority.unwrap_or_default()).cost_bytes(self.bytes);
        if let Some(tenant) = &self.tenant {
            task = task.tenant(Arc::clone(tenant));
        }
        Some(match self.deadline {
            Some(deadline) => task.deadline(deadline),
            None => task,
        })
    }
}

/// Finds out the [`Terms`] of a request: every `Fn(&Request) -> Terms` does. It is called once for each request, on the caller's
/// thread, and should be quick.
pub trait Classify<Request> {
    /// The terms of this request.
    fn classify(&self, request: &Request) -> Terms;
}

impl<Request, F: Fn(&Request) -> Terms> Classify<Request> for F {
    fn classify(&self, request: &Request) -> Terms {
        self(request)
    }
}

/// Has nothing to say of any request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoTerms;

impl<Request> Classify<Request> for NoTerms {
    fn classify(&self, _: &Request) -> Terms {
        Terms::default()
    }
}

/// A closure has no `Debug`: its type has to do.
pub(super) struct TypeName<T>(pub(super) std::marker::PhantomData<T>);

impl<T> TypeName<T> {
    pub(super) fn of(_: &T) -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<T> fmt::Debug for TypeName<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<T>())
    }
}
