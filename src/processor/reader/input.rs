//! The window through which a document is converted, and what is read ahead of it.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::memory::{BufferPool, PooledBuf};

/// The first buffer is for so many bytes: most documents are short.
const FIRST: usize = 4 << 10;

/// What is read.
pub(super) struct Input<R> {
    reader: R,
    memory: BufferPool,
    /// What was read and is in no window.
    buffer: PooledBuf,
    /// How many bytes there are to be in it.
    target: usize,
    /// Windows have so many bytes, if that is enough; and so many are read ahead.
    pub(super) usual: usize,
    /// How many bytes were read.
    pub(super) read: u64,
    /// The reader has come to its end.
    pub(super) is_over: bool,
}

impl<R: AsyncRead + Unpin> Input<R> {
    /// Begins with what was read already.
    pub(super) fn new(reader: R, begun: &[u8], usual: usize, memory: BufferPool) -> Self {
        let mut buffer = memory.take(begun.len().max(usual.min(FIRST)));
        buffer.extend_from_slice(begun);
        Self { reader, memory, buffer, target: usual, usual, read: begun.len() as u64, is_over: false }
    }

    /// Reads until there is as much as there is to be, or no more.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.is_over && self.buffer.len() < self.target {
            let missing = self.target - self.buffer.len();
            if self.buffer.capacity() == self.buffer.len() {
                // A document is seldom as long as it may be.
                self.grow(self.target.min(2 * self.buffer.len()));
            }
            let mut room = (&mut *self.buffer).limit(missing);
            let count = ready!(pin!(self.reader.read_buf(&mut room)).poll(cx))?;
            self.is_over = count == 0;
            self.read += count as u64;
        }
        Poll::Ready(Ok(()))
    }

    /// What is there, as a window. What is read next comes after it.
    pub(super) fn take(&mut self) -> Bytes {
        self.target = self.usual;
        let ahead = self.memory.take(if self.is_over { 0 } else { self.usual });
        std::mem::replace(&mut self.buffer, ahead).freeze()
    }

    /// Puts back what is left of the last window; the next is to have so many bytes.
    pub(super) fn put_back(&mut self, rest: &[u8], target: usize) {
        self.target = target;
        if rest.is_empty() {
            return;
        }
        let ahead = self.buffer.len();
        let mut buffer = self.memory.take((rest.len() + ahead).max(target.min(2 * rest.len())));
        buffer.extend_from_slice(rest);
        buffer.extend_from_slice(&self.buffer);
        self.buffer = buffer;
    }

    /// Makes room for so many bytes in all.
    fn grow(&mut self, capacity: usize) {
        let mut buffer = self.memory.take(capacity);
        buffer.extend_from_slice(&self.buffer);
        self.buffer = buffer;
    }
}
