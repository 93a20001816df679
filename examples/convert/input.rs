//! Reading documents into buffers that are used again, without waiting for what is no file and without taking in what is too long.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use bytes::{BufMut, Bytes};
use millpond::ProcessError;
use millpond::memory::BufferPool;

/// Why a document was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    Failed(io::Error),
    /// The processor would refuse it.
    Refused(ProcessError),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// The content of a file of up to `limit` bytes.
pub(crate) fn read(path: &Path, limit: usize, memory: &BufferPool) -> Result<Bytes, Unread> {
    // Before it is opened: to open a pipe is to wait for its other end.
    let meta = fs::metadata(path)?;
    if !meta.is_file() {
        return Err(io::Error::other("not a regular file").into());
    }
    let size = usize::try_from(meta.len()).unwrap_or(usize::MAX);
    if size > limit {
        return Err(Unread::Refused(ProcessError::TooLarge { size, limit }));
    }
    let mut content = memory.take(size);
    // It may have grown: one byte over the limit is enough for the processor to see it.
    io::copy(&mut File::open(path)?.take(limit as u64 + 1), &mut (&mut *content).writer())?;
    Ok(content.into_bytes())
}
