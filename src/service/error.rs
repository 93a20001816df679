//! Why a service has no response.

use std::convert::Infallible;
use std::time::Duration;

use crate::error::{
    AcquireError, EXPIRED, JoinError, Panic, RejectReason, Rejected, Rejection, SHUTTING_DOWN,
};

/// Why a service has no response; `E` is the error of the inner service, if there is one.
///
/// An axum router takes services that never fail: `axum::Respond`, with the feature `axum`,
/// converts these errors to responses.
///
/// ```
/// use millpond::RejectReason;
/// use millpond::service::ServiceError;
///
/// fn tell(error: ServiceError) -> String {
///     match error {
///         ServiceError::Overloaded { retry_after: Some(after), .. } => format!("come again in {after:?}"),
///         other => other.to_string(),
///     }
/// }
/// assert_eq!(tell(ServiceError::ShuttingDown), "the pool is shutting down");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError<E = Infallible> {
    /// The request was refused or evicted before it started: there was no room, or its deadline
    /// could not be met.
    #[error("overloaded: {rejection}")]
    Overloaded {
        /// When to try again, as measured; see [`Rejection::retry_after`].
        retry_after: Option<Duration>,
        /// The facts.
        rejection: Rejection,
    },
    /// The request has more bytes than the whole `byte_budget`.
    #[error("too large: {rejection}")]
    TooLarge {
        /// The facts.
        rejection: Rejection,
    },
    /// The request's deadline passed before it could start or continue. An open pool returns this
    /// whether or not there is room.
    #[error("{EXPIRED}")]
    DeadlineExceeded,
    /// The pool was shut down.
    #[error("{SHUTTING_DOWN}")]
    ShuttingDown,
    /// The request panicked. Nothing else is affected.
    #[error("the task panicked: {0}")]
    Panicked(Box<Panic>),
    /// The inner service failed. [`try_into_inner`](Self::try_into_inner) returns its error with
    /// the causes, which are not among the sources of this one.
    #[error("{0}")]
    Inner(E),
}

impl<E> ServiceError<E> {
    /// When to try again; `None` if that is of no use, or unknown.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Overloaded { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the request was refused or evicted before it started.
    #[must_use]
    pub fn is_overload(&self) -> bool {
        matches!(self, Self::Overloaded { .. })
    }

    /// Returns the error of the inner service.
    ///
    /// # Errors
    /// It is another error.
    pub fn try_into_inner(self) -> Result<E, ServiceError> {
        Err(match self {
            Self::Inner(error) => return Ok(error),
            Self::Overloaded { retry_after, rejection } => {
                ServiceError::Overloaded { retry_after, rejection }
            }
            Self::TooLarge { rejection } => ServiceError::TooLarge { rejection },
            Self::DeadlineExceeded => ServiceError::DeadlineExceeded,
            Self::ShuttingDown => ServiceError::ShuttingDown,
            Self::Panicked(panic) => ServiceError::Panicked(panic),
        })
    }
}

impl<E> From<Rejection> for ServiceError<E> {
    fn from(rejection: Rejection) -> Self {
        match rejection.reason {
            RejectReason::ShuttingDown => Self::ShuttingDown,
            RejectReason::Expired => Self::DeadlineExceeded,
            RejectReason::NeverFits => Self::TooLarge { rejection },
            _ => Self::Overloaded { retry_after: rejection.retry_after, rejection },
        }
    }
}

impl<E, W> From<Rejected<W>> for ServiceError<E> {
    fn from(rejected: Rejected<W>) -> Self {
        Self::from(*rejected.rejection())
    }
}

impl<E> From<AcquireError> for ServiceError<E> {
    fn from(_: AcquireError) -> Self {
        Self::ShuttingDown
    }
}

impl<E> From<JoinError> for ServiceError<E> {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Panicked(panic) => Self::Panicked(panic),
            JoinError::Expired => Self::DeadlineExceeded,
            JoinError::Rejected(rejection) => Self::from(*rejection),
            // Only a shutdown cancels a task that is awaited.
            JoinError::Cancelled | JoinError::Closed => Self::ShuttingDown,
        }
    }
}
