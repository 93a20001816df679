//! The results of a conversion, on their way to the writer.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

/// The output of a conversion.
pub(super) struct Output<W> {
    writer: W,
    /// One that is written, and one that waits.
    results: VecDeque<Bytes>,
    /// The number of bytes that the writer has taken.
    pub(super) written: u64,
    is_flushed: bool,
}

impl<W: AsyncWrite + Unpin> Output<W> {
    pub(super) fn new(writer: W) -> Self {
        Self { writer, results: VecDeque::new(), written: 0, is_flushed: false }
    }

    /// Returns whether there is room for another result.
    pub(super) fn has_room(&self) -> bool {
        self.results.len() < 2
    }

    pub(super) fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.results.push_back(bytes);
        }
    }

    /// Writes all results. It then flushes the writer, because the reader at its other end may have
    /// to send the rest of the document first.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(result) = self.results.front_mut() {
            self.is_flushed = false;
            let count = ready!(Pin::new(&mut self.writer).poll_write(cx, result))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            result.advance(count.min(result.len()));
            self.written += count as u64;
            if result.is_empty() {
                self.results.pop_front();
            }
        }
        if !self.is_flushed {
            ready!(Pin::new(&mut self.writer).poll_flush(cx))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }
}
