//! Why a document was not converted to its end while it was read and written.

use std::io;

use crate::processor::ProcessError;

/// Why [`process_reader`](crate::ConcurrentProcessorV2::process_reader) did not convert a document
/// to its end. Each error has the number of bytes that the writer had taken: the beginning of the
/// result.
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
    /// It could not be converted; see [`ConvertError::NeedsWhole`](crate::ConvertError::NeedsWhole)
    /// for documents that can only be converted whole.
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
