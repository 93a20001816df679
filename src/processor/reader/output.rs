//! What has become of a document, on its way to the writer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

/// What is written.
pub(super) struct Output<W> {
    writer: W,
    writing: Bytes,
    /// What comes after that.
    waiting: Option<Bytes>,
    /// How many bytes the writer has taken.
    pub(super) written: u64,
    is_flushed: bool,
}

impl<W: AsyncWrite + Unpin> Output<W> {
    pub(super) fn new(writer: W) -> Self {
        Self { writer, writing: Bytes::new(), waiting: None, written: 0, is_flushed: false }
    }

    /// Whether more may come.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.is_none()
    }

    /// Adds what comes next.
    pub(super) fn push(&mut self, bytes: Bytes) {
        if self.writing.is_empty() {
            self.writing = bytes;
        } else if !bytes.is_empty() {
            self.waiting = Some(bytes);
        }
    }

    /// Writes all that there is. Where no more is there at the moment, the writer is not to keep it for itself either: whoever
    /// reads at its other end may be the one who brings the rest of the document.
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
            // Its memory is free.
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
