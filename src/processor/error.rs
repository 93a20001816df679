//! Why a document was not converted.

use std::time::Duration;

use crate::convert::ConvertError;
use crate::error::{CANCELLED, EXPIRED, JoinError, Panic, Rejection, SHUTTING_DOWN};
use crate::retry::Retryable;

/// Why a document was not converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// The document is longer than [`max_document_size`](crate::ProcessorConfig::max_document_size).
    #[error("the document has {size} bytes, but {limit} are accepted")]
    TooLarge {
        /// Its length in bytes.
        size: usize,
        /// The longest that is accepted, in bytes.
        limit: usize,
    },
    /// The converter did not accept the document.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// The converter panicked; nothing else was harmed.
    #[error("the converter panicked: {0}")]
    Panicked(Box<Panic>),
    /// The batch was over before the document was done.
    #[error("not done after {after:?}")]
    TimedOut {
        /// The time that the batch was given.
        after: Duration,
    },
    /// The pool was shut down, and its deadline had passed before the document was converted.
    #[error("{CANCELLED}")]
    Cancelled,
    /// The pool was shut down before it accepted the document.
    #[error("{SHUTTING_DOWN}")]
    Closed,
    /// Its deadline passed before its conversion began.
    #[error("{EXPIRED}")]
    Expired,
    /// There was no room for it, no hope to meet its deadline, or it had to give way to more urgent documents.
    #[error(transparent)]
    Rejected(#[from] Rejection),
}

impl From<JoinError> for ProcessError {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Panicked(panic) => Self::Panicked(panic),
            JoinError::Cancelled => Self::Cancelled,
            JoinError::Expired => Self::Expired,
            JoinError::Rejected(rejection) => Self::Rejected(*rejection),
            JoinError::Closed => Self::Closed,
        }
    }
}

impl Retryable for ProcessError {
    /// Refusals and timeouts. A document that the converter did not accept, it will not accept the
    /// next time either.
    fn is_retryable(&self) -> bool {
        match self {
            Self::TimedOut { .. } => true,
            Self::Rejected(rejection) => rejection.is_retryable(),
            _ => false,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rejected(rejection) => rejection.retry_after,
            _ => None,
        }
    }
}
