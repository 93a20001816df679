//! Whether a client has gone while its answer is being made.
//!
//! A FIN comes from a client that closes its half of the connection, and from one that has gone.
//! They differ when something is sent to them: the system of a client that has gone answers with a
//! reset. So the service sends an interim response to a client that closed its half and whose
//! answer takes a while. A client of HTTP/1.1 must accept it at any time before its answer (RFC
//! 9110, 15.2).

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{Interest, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::socket::Client;

/// The interim response that most clients know. Without `Expect` in their request they ignore it
/// (RFC 9110, 15.2.1).
const PROBE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Time from the end of a client's half to the first interim response. Each pause after that is
/// twice as long as the one before, so that the work of a client that has gone ends after at most
/// twice the time that the client waited.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Watches the client of one connection.
pub(crate) struct Departure {
    client: Arc<Client>,
    reset: Pin<Box<dyn Future<Output = ()> + Send>>,
    half_closed: Option<HalfClosed>,
}

/// Until the next probe.
struct HalfClosed {
    pause: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl Departure {
    pub(crate) fn new(client: &Arc<Client>) -> Self {
        let watched = Arc::clone(client);
        let reset = Box::pin(async move {
            // An error would be the runtime's, which ends then.
            let _ = watched.stream.ready(Interest::ERROR).await;
        });
        Self { client: Arc::clone(client), reset, half_closed: None }
    }

    /// Ready when the client has gone. Poll it after the connection, which then has written all
    /// that it can.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.reset.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if !self.client.waits() {
            self.half_closed = None;
            return Poll::Pending;
        }
        if self.half_closed.is_none() && !ready!(self.has_closed_its_half(cx)) {
            return Poll::Pending;
        }
        let half_closed = self
            .half_closed
            .get_or_insert_with(|| HalfClosed { pause: FIRST_PAUSE, sleep: Box::pin(sleep(FIRST_PAUSE)) });
        loop {
            ready!(half_closed.sleep.as_mut().poll(cx));
            if !self.client.is_stalled.load(Ordering::Relaxed) && !probe(&self.client) {
                return Poll::Ready(());
            }
            half_closed.pause = half_closed.pause.saturating_mul(2);
            half_closed.sleep.as_mut().reset(Instant::now() + half_closed.pause);
        }
    }

    /// Pending while nothing comes. With the next request unread, the end of the half is not seen.
    fn has_closed_its_half(&self, cx: &mut Context<'_>) -> Poll<bool> {
        let mut byte = [0];
        // An error is told by `reset`, too.
        self.client
            .stream
            .poll_peek(cx, &mut ReadBuf::new(&mut byte))
            .map(|count| count.is_ok_and(|count| count == 0))
    }
}

/// Sends an interim response; false if the client can't have any.
fn probe(client: &Client) -> bool {
    match client.stream.try_write(PROBE) {
        Ok(count) => count == PROBE.len(),
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}
