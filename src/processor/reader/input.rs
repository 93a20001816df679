//! The window through which a document is converted, and what is read ahead of it.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::memory::{BufferPool, PooledBuf};

/// The size of the first buffer in bytes: most documents are short.
const FIRST: usize = 4 << 10;

/// The input of a conversion.
pub(super) struct Input<R> {
    reader: R,
    memory: BufferPool,
    /// Bytes that were read and are in no window.
    buffer: PooledBuf,
    /// The number of bytes to read into it.
    target: usize,
    /// The usual size of a window, and of what is read ahead.
    pub(super) usual: usize,
    /// The number of bytes that were read.
    pub(super) read: u64,
    /// Whether the reader is at its end.
    pub(super) is_over: bool,
}

impl<R: AsyncRead + Unpin> Input<R> {
    /// Starts with bytes that were read already.
    pub(super) fn new(reader: R, begun: &[u8], usual: usize, memory: BufferPool) -> Self {
        let mut buffer = memory.take(begun.len().max(usual.min(FIRST)));
        buffer.extend_from_slice(begun);
        Self { reader, memory, buffer, target: usual, usual, read: begun.len() as u64, is_over: false }
    }

    /// Reads until the target or the end is reached.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.is_over && self.buffer.len() < self.target {
            let missing = self.target - self.buffer.len();
            if self.buffer.capacity() == self.buffer.len() {
                // A document is seldom as long as it may be.
                self.rebuffer(&[], self.target.min(2 * self.buffer.len()));
            }
            let mut room = (&mut *self.buffer).limit(missing);
            let count = ready!(pin!(self.reader.read_buf(&mut room)).poll(cx))?;
            self.is_over = count == 0;
            self.read += count as u64;
        }
        Poll::Ready(Ok(()))
    }

    /// Takes the bytes as a window. Later bytes come after it.
    pub(super) fn take(&mut self) -> Bytes {
        self.target = self.usual;
        let ahead = self.memory.take(if self.is_over { 0 } else { self.usual });
        std::mem::replace(&mut self.buffer, ahead).freeze()
    }

    /// Puts back the rest of the last window. The next has `target` bytes.
    pub(super) fn put_back(&mut self, rest: &[u8], target: usize) {
        self.target = target;
        if !rest.is_empty() {
            self.rebuffer(rest, (rest.len() + self.buffer.len()).max(target.min(2 * rest.len())));
        }
    }

    /// Puts `before` before the bytes, and makes room for `capacity` bytes in total.
    fn rebuffer(&mut self, before: &[u8], capacity: usize) {
        let mut buffer = self.memory.take(capacity);
        buffer.extend_from_slice(before);
        buffer.extend_from_slice(&self.buffer);
        self.buffer = buffer;
    }
}
