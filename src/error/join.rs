//! Why a task has no result, or a caller no permit.

use std::any::Any;
use std::sync::{Mutex, PoisonError};
use std::{fmt, io};

use super::{CANCELLED, EXPIRED, Rejection, SHUTTING_DOWN};

/// Why a task has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The task panicked; its worker lives on.
    #[error("the task panicked: {0}")]
    Panicked(Box<Panic>),
    /// The task was cancelled before it started: by [`abort`](crate::JoinHandle::abort), or by a
    /// shutdown whose deadline passed.
    #[error("{CANCELLED}")]
    Cancelled,
    /// The pool was shut down before it accepted the task.
    #[error("{SHUTTING_DOWN}")]
    Closed,
    /// The task's deadline passed before it could start.
    #[error("{EXPIRED}")]
    Expired,
    /// The task was refused, or it was evicted by more urgent work before it started.
    #[error("the task was refused: {0}")]
    Rejected(Box<Rejection>),
}

impl JoinError {
    /// Whether the task panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self, Self::Panicked(_))
    }

    /// Whether the task was cancelled before it started: [`Cancelled`](Self::Cancelled), and
    /// nothing else.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }

    /// Whether the pool was shut down before it accepted the task.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }

    /// Whether the task's deadline passed before it started.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        matches!(self, Self::Expired)
    }

    /// Whether the task was refused or evicted.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        matches!(self, Self::Rejected(_))
    }

    /// The payload of the panic, fit for [`std::panic::resume_unwind`], or the error itself if it
    /// is another.
    ///
    /// # Errors
    /// The task did not panic.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send + 'static>, Self> {
        match self {
            Self::Panicked(panic) => Ok(panic.into_payload()),
            other => Err(other),
        }
    }
}

/// For functions that return [`io::Result`], as Tokio's own `JoinError` has it:
/// `pool.run(work).await??`. The kind is [`TimedOut`](io::ErrorKind::TimedOut) for
/// [`JoinError::Expired`], else [`Other`](io::ErrorKind::Other). The error itself is within.
impl From<JoinError> for io::Error {
    fn from(error: JoinError) -> Self {
        let kind = if error.is_expired() { io::ErrorKind::TimedOut } else { io::ErrorKind::Other };
        Self::new(kind, error)
    }
}

/// Why there is no permit: the pool is shutting down.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{SHUTTING_DOWN}")]
pub struct AcquireError(());

impl AcquireError {
    pub(crate) const fn new() -> Self {
        Self(())
    }
}

/// The payload of a panic.
pub struct Panic {
    message: Option<Box<str>>,
    /// A payload need not be `Sync`, but an error should be. This is never locked, only taken out
    /// whole.
    payload: Mutex<Box<dyn Any + Send + 'static>>,
}

impl Panic {
    pub(crate) fn new(payload: Box<dyn Any + Send + 'static>) -> Self {
        let message = payload
            .downcast_ref::<&'static str>()
            .map(|s| Box::from(*s))
            .or_else(|| payload.downcast_ref::<String>().map(|s| Box::from(s.as_str())));
        Self { message, payload: Mutex::new(payload) }
    }

    /// The message of the panic, if it is text.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The payload itself, fit for [`std::panic::resume_unwind`].
    #[must_use]
    pub fn into_payload(self) -> Box<dyn Any + Send + 'static> {
        self.payload.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panic").field("message", &self.message).finish_non_exhaustive()
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message().unwrap_or("(a payload without a message)"))
    }
}
