//! When a request is let in, and with which options.

use std::fmt;
use std::time::Duration;

use crate::task::TaskOptions;

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
    /// ([`TaskOptions::deadline`]). The wait is within the future, so that a `Timeout` around the service covers it.
    ///
    /// It is kept by Tokio's clock, and only set where there is something to wait for.
    WaitUpTo(Duration),
}

/// Tells the [`TaskOptions`] of a request: every `Fn(&Request) -> TaskOptions` does. It is called once for each request, on
/// the caller's thread, and should be quick.
pub trait Classify<Request> {
    /// The options of this request.
    fn classify(&self, request: &Request) -> TaskOptions;
}

impl<Request, F: Fn(&Request) -> TaskOptions> Classify<Request> for F {
    fn classify(&self, request: &Request) -> TaskOptions {
        self(request)
    }
}

/// The [`Classify`] of a service that has none: every request is plain work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unclassified;

impl<Request> Classify<Request> for Unclassified {
    fn classify(&self, _: &Request) -> TaskOptions {
        TaskOptions::new()
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
