//! How long a batch may take, and how long it may keep its caller's thread to itself.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task;
use tokio::time::{Sleep, sleep};

/// So many documents are looked at between two pauses, some 50 us. To look at one may mean to read some of it.
const LOOK: usize = 500;
/// So many are queued or answered between two pauses, some 100 us.
const MOVE: usize = 1_000;

/// A batch's time. It is over once and for all.
pub(super) struct Pace<'t> {
    timer: Pin<&'t mut Option<Sleep>>,
}

/// The timer of a batch that begins now. None without need: then no timer of the runtime is touched, and any executor will
/// do.
pub(super) fn timer(timeout: Duration) -> Option<Sleep> {
    (timeout != Duration::MAX).then(|| sleep(timeout))
}

impl<'t> Pace<'t> {
    pub(super) fn new(timer: Pin<&'t mut Option<Sleep>>) -> Self {
        Self { timer }
    }

    /// Whether the time is over. If not, `cx` is woken when it is.
    pub(super) fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(timer) = self.timer.as_mut().as_pin_mut() else { return false };
        // A future that has ended is not polled again.
        timer.is_elapsed() || timer.poll(cx).is_ready()
    }

    /// Lets others have the thread. True if the time is over.
    pub(super) async fn pause(&mut self) -> bool {
        task::yield_now().await;
        poll_fn(|cx| Poll::Ready(self.is_over(cx))).await
    }
}

/// Counts documents up to the next pause.
pub(super) struct Stretch {
    length: usize,
    gone: usize,
}

impl Stretch {
    /// For documents that are looked at.
    pub(super) fn of_looks() -> Self {
        Self { length: LOOK, gone: 0 }
    }

    /// For documents that are only moved.
    pub(super) fn of_moves() -> Self {
        Self { length: MOVE, gone: 0 }
    }

    /// Whether there is to be a pause before so many more documents.
    pub(super) fn ends_before(&mut self, documents: usize) -> bool {
        let ends = self.gone > 0 && self.gone + documents > self.length;
        self.gone = if ends { documents } else { self.gone + documents };
        ends
    }
}
