//! A converter that reads line by line and does as the lines say; readers and writers that take their time.
#![allow(dead_code, reason = "each test uses some of it")]
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use millpond::convert::Parts;
use millpond::convert::{Incremental, Report};
use millpond::{ConversionOptions, ConvertError, Converter};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::processor_support::Gate;

/// Makes upper case, line by line. The line `wait` passes the gate first, `panic` panics, `fail` is not accepted, `whole` can't be
/// converted while it is read, and `short` is left over.
#[derive(Clone)]
pub(crate) struct Lines {
    pub(crate) gate: Arc<Gate>,
    begun: Arc<Mutex<mpsc::Sender<()>>>,
}

impl Lines {
    /// The receiver hears of each `wait` that is met.
    pub(crate) fn new() -> (Self, mpsc::Receiver<()>) {
        let (sender, receiver) = mpsc::channel();
        (Self { gate: Arc::default(), begun: Arc::new(Mutex::new(sender)) }, receiver)
    }

    fn line(&self, line: &[u8], out: &mut BytesMut) -> Result<(), ConvertError> {
        match line.trim_ascii() {
            b"wait" => {
                // A test that is not interested has dropped the receiver.
                let _ = self.begun.lock().unwrap().send(());
                self.gate.pass();
            }
            b"panic" => panic!("as the document says"),
            b"fail" => return Err(ConvertError::other("as the document says")),
            _ => {}
        }
        out.extend_from_slice(&line.to_ascii_uppercase());
        Ok(())
    }

    fn lines(&self, lines: &[u8], out: &mut BytesMut) -> Result<(), ConvertError> {
        lines.split_inclusive(|&b| b == b'\n').try_for_each(|line| self.line(line, out))
    }
}

impl Converter for Lines {
    fn convert(
        &self,
        input: &[u8],
        _: &ConversionOptions,
        out: &mut BytesMut,
    ) -> Result<Report, ConvertError> {
        self.lines(input, out).map(|()| Report::default())
    }

    fn incremental(
        &self,
        head: &[u8],
        options: &ConversionOptions,
    ) -> Result<Option<Box<dyn Incremental>>, ConvertError> {
        if head.starts_with(b"whole") {
            return Ok(None);
        }
        Ok(Some(Box::new(Session { lines: self.clone(), part: options.chunk_size.unwrap(), held: 0 })))
    }
}

struct Session {
    lines: Lines,
    part: usize,
    held: usize,
}

impl Incremental for Session {
    fn convert(
        &mut self,
        input: &Bytes,
        is_last: bool,
        parts: &dyn Parts,
        out: &mut BytesMut,
    ) -> Result<usize, ConvertError> {
        let end = if is_last {
            input.len()
        } else {
            input.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1)
        };
        let (mut pieces, mut length) = (Vec::new(), 0);
        for line in input[..end].split_inclusive(|&b| b == b'\n') {
            self.held += if line == b"hold\n" { 1 << 20 } else { 0 };
            length += line.len();
            if length >= self.part {
                pieces.push(length);
                length = 0;
            }
        }
        pieces.push(length);
        let starts: Vec<usize> =
            pieces.iter().scan(0, |at, length| Some(std::mem::replace(at, *at + length))).collect();
        let (lines, window, lengths) = (self.lines.clone(), input.clone(), pieces.clone());
        let part = move |number: usize, out: &mut BytesMut| {
            lines.lines(&window[starts[number]..starts[number] + lengths[number]], out)?;
            Ok(Report::default())
        };
        parts.convert(&pieces, Arc::new(part), out)?;
        Ok(if input.ends_with(b"short\n") { end - 1 } else { end })
    }

    fn held(&self) -> usize {
        self.held
    }
}

/// How many bytes were read and written.
#[derive(Default)]
pub(crate) struct Meter {
    pub(crate) read: AtomicU64,
    pub(crate) written: AtomicU64,
}

/// Brings bytes a few at a time, and now and then none yet; then the end, or an error.
pub(crate) struct Slow<F> {
    pub(crate) document: Bytes,
    /// How many bytes come next; 0: none yet.
    pub(crate) next: F,
    pub(crate) error: Option<io::ErrorKind>,
}

impl<F: FnMut() -> usize + Unpin> AsyncRead for Slow<F> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let count = (self.next)().min(buf.remaining()).min(self.document.len());
        if count == 0 && !self.document.is_empty() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let (true, Some(error)) = (self.document.is_empty(), self.error) {
            return Poll::Ready(Err(error.into()));
        }
        buf.put_slice(&self.document.split_to(count));
        Poll::Ready(Ok(()))
    }
}

/// Takes bytes a few at a time, and now and then none yet; up to its limit.
pub(crate) struct Narrow<F> {
    pub(crate) taken: Vec<u8>,
    /// How many bytes are taken next; 0: none yet.
    pub(crate) next: F,
    pub(crate) limit: usize,
    /// What comes after that; `None`: nothing is taken any more.
    pub(crate) error: Option<io::ErrorKind>,
    pub(crate) flushed: usize,
}

impl<F: FnMut() -> usize + Unpin> AsyncWrite for Narrow<F> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.taken.len() >= self.limit {
            return Poll::Ready(self.error.map_or(Ok(0), |error| Err(error.into())));
        }
        let count = (self.next)().min(bytes.len()).min(self.limit - self.taken.len());
        if count == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.taken.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushed = self.taken.len();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }
}

/// An endless document of lines, that is counted.
pub(crate) struct Endless {
    pub(crate) meter: Arc<Meter>,
    /// How many bytes it has.
    pub(crate) length: u64,
    /// The most that may have been read and not written.
    pub(crate) most: u64,
}

impl AsyncRead for Endless {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = self.meter.read.load(Ordering::SeqCst);
        let ahead = read - self.meter.written.load(Ordering::SeqCst);
        assert!(ahead <= self.most, "{ahead} bytes were read and not written");
        let line = b"a line of the document\n";
        let count = buf.remaining().min((self.length - read) as usize);
        let bytes: Vec<u8> =
            line.iter().copied().cycle().skip((read % line.len() as u64) as usize).take(count).collect();
        buf.put_slice(&bytes);
        self.meter.read.fetch_add(count as u64, Ordering::SeqCst);
        Poll::Ready(Ok(()))
    }
}

/// A writer that counts, and takes no more than so much at a time.
pub(crate) struct Counted {
    pub(crate) meter: Arc<Meter>,
    pub(crate) at_a_time: usize,
    pub(crate) is_next_pending: bool,
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.is_next_pending = !self.is_next_pending;
        if !self.is_next_pending {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let count = bytes.len().min(self.at_a_time);
        self.meter.written.fetch_add(count as u64, Ordering::SeqCst);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
