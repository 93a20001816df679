//! The errors of building a pool, of submitting to it and of awaiting a task.

mod rejection;

use std::any::Any;
use std::sync::{Mutex, PoisonError};
use std::{fmt, io};

pub use rejection::{RejectReason, Rejected, Rejection};

/// A configuration value out of its range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{field} is {value}, but must be {accepted}")]
#[non_exhaustive]
pub struct ConfigError {
    /// The field's name.
    pub field: &'static str,
    /// The value that was given.
    pub value: String,
    /// The range that is accepted, in words.
    pub accepted: String,
}

impl ConfigError {
    pub(crate) fn new(field: &'static str, value: impl fmt::Debug, accepted: impl Into<String>) -> Self {
        Self { field, value: format!("{value:?}"), accepted: accepted.into() }
    }
}

#[cfg(feature = "forecast")]
impl From<millpond_forecast::ForecastError> for ConfigError {
    fn from(error: millpond_forecast::ForecastError) -> Self {
        Self { field: error.field, value: error.value, accepted: error.accepted }
    }
}

/// Why a pool could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A value of the configuration is out of its range.
    #[error("invalid configuration: {0}")]
    Config(#[from] ConfigError),
    /// The operating system refused one of the first `min_threads` threads. Those started before leave again.
    #[error("could not start a worker thread: {0}")]
    Spawn(#[source] io::Error),
}

/// Why a task has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The task panicked; its worker lives on.
    #[error("the task panicked: {0}")]
    Panicked(Box<Panic>),
    /// The task was cancelled before it started: by [`abort`](crate::JoinHandle::abort), or by a shutdown whose
    /// deadline passed.
    #[error("the task was cancelled before it started")]
    Cancelled,
    /// The pool was shut down before it accepted the task.
    #[error("the pool was shut down before it accepted the task")]
    Closed,
    /// The task's deadline passed before it could start.
    #[error("the task's deadline passed before it started")]
    Expired,
    /// The task was not let in, or had to give way to more urgent work before it started.
    #[error("the task was refused: {0}")]
    Rejected(Box<Rejection>),
}

impl JoinError {
    /// Whether the task panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self, Self::Panicked(_))
    }

    /// Whether the task never ran.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        !self.is_panic()
    }

    /// The payload of the panic, fit for [`std::panic::resume_unwind`], or the error itself if it is another.
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

/// The payload of a panic.
pub struct Panic {
    message: Option<Box<str>>,
    /// A payload need not be `Sync`, but an error should be: nobody ever locks this, it is only taken out whole.
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

    /// What the panic said, if it said it in words.
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
