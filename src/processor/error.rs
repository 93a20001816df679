//! Why a document was not converted.

use std::io;
use std::time::Duration;

use crate::convert::ConvertError;
use crate::error::{CANCELLED, EXPIRED, JoinError, Panic, Rejection, SHUTTING_DOWN};
use crate::retry::Retryable;

/// Why a document was not converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// The document is longer than
    /// [`max_document_size`](crate::ProcessorConfig::max_document_size).
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
    /// The converter panicked. Nothing else is affected.
    #[error("the converter panicked: {0}")]
    Panicked(Box<Panic>),
    /// The timeout of the batch passed before the document was done.
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
    /// It was refused or evicted: there was no room, its deadline could not be met, or more urgent
    /// documents came.
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
    /// Refusals and timeouts. A document that the converter refused once, it refuses again.
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

/// Why [`process_reader`](crate::ConcurrentProcessorV2::process_reader) did not convert a document
/// to its end, and how many bytes of the result the writer had taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReaderError {
    /// The document could not be read to its end.
    #[error("the document could not be read, after {written} bytes were written")]
    Read {
        /// The reader's error.
        source: io::Error,
        /// How many bytes the writer had taken.
        written: u64,
    },
    /// The result could not be written.
    #[error("no more could be written, after {written} bytes were")]
    Write {
        /// The writer's error; [`WriteZero`](io::ErrorKind::WriteZero) if it took no more bytes.
        source: io::Error,
        /// How many bytes the writer had taken.
        written: u64,
    },
    /// It could not be converted; [`ConvertError::NeedsWhole`] if it can only be converted whole.
    #[error("the document could not be converted, after {written} bytes were written")]
    Process {
        /// The cause.
        source: ProcessError,
        /// How many bytes the writer had taken.
        written: u64,
    },
    /// The conversion needs more of it in memory at a time than
    /// [`max_document_size`](crate::ProcessorConfig::max_document_size).
    #[error("more than {limit} bytes of the document would be in memory, after {written} bytes were written")]
    TooLarge {
        /// The bytes that may be in memory.
        limit: usize,
        /// How many bytes the writer had taken.
        written: u64,
    },
}

impl ReaderError {
    /// How many bytes the writer had taken.
    #[must_use]
    pub fn written(&self) -> u64 {
        match self {
            Self::Read { written, .. }
            | Self::Write { written, .. }
            | Self::Process { written, .. }
            | Self::TooLarge { written, .. } => *written,
        }
    }
}
