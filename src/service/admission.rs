//! When a request is admitted, and with which options.

use std::time::Duration;

use crate::task::TaskOptions;

/// What happens to a request while the pool has no place for it.
///
/// The places belong to the pool ([`max_queue_size`](crate::PoolConfig::max_queue_size)), and so
/// does the queue for them. All services on the pool share them, however often a server builds its
/// layers anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Admission {
    /// The service is not ready: `poll_ready` waits for a place, and the next call gets it. Tower's
    /// own middleware does the same. It is right where the caller can do something else meanwhile
    /// (a balancer, a `Buffer`).
    ///
    /// A service that is ready and not called holds its place for at most
    /// [`reservation_timeout`](crate::PoolConfig::reservation_timeout). A later call is still
    /// accepted, and exceeds the limit of the queue by one. Tower's `Timeout` does not cover
    /// `poll_ready`, so it does not limit the wait for a place.
    Backpressure,
    /// The service is always ready, and the request is refused at once
    /// ([`Overloaded`](super::ServiceError::Overloaded)).
    Shed,
    /// The service is always ready, and the response's future waits for a place, at most this long
    /// from its first poll; then the request is refused. A request that has its place is not
    /// refused, however long it waits there; use a deadline for that ([`TaskOptions::deadline`]).
    /// The wait is within the future, so a `Timeout` around the service covers it.
    ///
    /// It uses Tokio's clock, and sets a timer only if the request has to wait.
    WaitUpTo(Duration),
}

/// Returns the [`TaskOptions`] of a request; implemented by every `Fn(&Request) -> TaskOptions`. It
/// is called once for each request, on the caller's thread, and should be quick.
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
