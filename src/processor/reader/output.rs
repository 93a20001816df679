//! The results of a conversion, on their way to the writer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

/// The output of a conversion.
pub(super) struct Output<W> {
    writer: W,
    writing: Bytes,
    /// The next result.
    waiting: Option<Bytes>,
    /// The number of bytes that the writer has taken.
    pub(super) written: u64,
    is_flushed: bool,
}

impl<W: AsyncWrite + Unpin> Output<W> {
    pub(super) fn new(writer: W) -> Self {
        Self { writer, writing: Bytes::new(), waiting: None, written: 0, is_flushed: false }
    }

    /// Returns whether there is room for another result.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.is_none()
    }

    /// Adds a result.
    pub(super) fn push(&mut self, bytes: Bytes) {
        if self.writing.is_empty() {
            self.writing = bytes;
        } else if !bytes.is_empty() {
            self.waiting = Some(bytes);
        }
    }

    /// Writes all results. It then flushes the writer, because the reader at its other end may have
    /// to send the rest of the document first.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while !self.writing.is_empty() {
                self.is_flushed = false;
                let count = ready!(Pin::new(&mut self.writer).poll_write(cx, &self.writing))?;
                if count == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.writing.advance(count.min(self.writing.len()));
                self.written += count as u64;
            }
            // Releases its memory.
            self.writing = Bytes::new();
            match self.waiting.take() {
                Some(bytes) => self.writing = bytes,
                None if self.is_flushed => return Poll::Ready(Ok(())),
                None => {
                    ready!(Pin::new(&mut self.writer).poll_flush(cx))?;
                    self.is_flushed = true;
                }
            }
        }
    }
}
