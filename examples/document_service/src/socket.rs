//! A client's socket, which waits for nobody for ever.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::net::{Shutdown, shutdown};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout};

/// For how many bytes a connection that ends is listened to, at most.
const LINGER_BYTES: u64 = 1 << 20;

/// A client's connection and the state of its request, shared by the socket, the request under way
/// and
/// `Departure`.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    /// The request under way was read to its end.
    pub(crate) has_sent_all: AtomicBool,
    /// The request under way has no response yet, and its client may be sent an interim one.
    pub(crate) is_unanswered: AtomicBool,
    /// A write waits until the client takes what was written before.
    pub(crate) is_stalled: AtomicBool,
}

impl Client {
    pub(crate) fn new(stream: TcpStream) -> Self {
        let [has_sent_all, is_unanswered, is_stalled] = Default::default();
        Self { stream, has_sent_all, is_unanswered, is_stalled }
    }

    /// Whether the client has sent its whole request and no part of the response is written.
    pub(crate) fn waits(&self) -> bool {
        self.has_sent_all.load(Ordering::Relaxed) && self.is_unanswered.load(Ordering::Relaxed)
    }
}

/// Fails when its peer takes nothing for a while: else whoever asks for much and reads nothing has
/// the answer in the service's memory for as long as it likes.
#[derive(Debug)]
pub(crate) struct Socket {
    client: Arc<Client>,
    patience: Duration,
    /// Runs while the peer takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, patience: Duration) -> Self {
        Self { client: Arc::new(Client::new(stream)), patience, stalled: None }
    }

    pub(crate) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Says that nothing more comes, and takes what the client still sends, for this time at most.
    /// To close with bytes unread would be a reset, and the client might never read the answer that
    /// it was given.
    pub(crate) async fn linger(mut self, moment: Duration) {
        if shutdown(&self.client.stream, Shutdown::Write).is_ok() {
            let rest =
                async { tokio::io::copy(&mut (&mut self).take(LINGER_BYTES), &mut tokio::io::sink()).await };
            // Whatever comes of it, it ends here.
            let _ = timeout(moment, rest).await;
        }
    }

    fn progress<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            if self.stalled.take().is_some() {
                self.client.is_stalled.store(false, Ordering::Relaxed);
            }
            return written;
        }
        let patience = self.patience;
        self.client.is_stalled.store(true, Ordering::Relaxed);
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        stalled.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    fn write_when_ready(
        &mut self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let written = loop {
            match self.client.stream.poll_write_ready(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Pending => break Poll::Pending,
            }
            match write(&self.client.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => break Poll::Ready(written),
            }
        };
        self.progress(cx, written)
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let stream = &self.client.stream;
        loop {
            ready!(stream.poll_read_ready(cx))?;
            let room = buf.remaining();
            match stream.try_read_buf(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok(count) => {
                    if 0 < count && count < room {
                        // A short read emptied the socket: the next poll waits without a system
                        // call.
                        let _ = stream.try_io(Interest::READABLE, || {
                            Err::<(), _>(io::Error::from(io::ErrorKind::WouldBlock))
                        });
                    }
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.write_when_ready(cx, |stream| stream.try_write(buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write_when_ready(cx, |stream| stream.try_write_vectored(bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// A TCP socket keeps nothing back.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(shutdown(&self.client.stream, Shutdown::Write).map_err(io::Error::from))
    }
}
