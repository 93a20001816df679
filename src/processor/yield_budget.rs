//! How long a batch may take, and how long it may keep its caller's thread before it yields.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task;
use tokio::time::{Sleep, sleep};

/// Documents that are examined between two yields: some 50 us. Detection may read part of a
/// document.
const CHECKS: usize = 500;
/// Documents that are queued or answered between two yields: some 100 us.
const MOVES: usize = 1_000;

/// A batch's timeout. Once it has passed it stays so.
pub(super) struct BatchTimer<'t> {
    sleep: Pin<&'t mut Option<Sleep>>,
}

/// The timer of a batch that begins now. `None` without a timeout: then no timer of the runtime is
/// touched, and any executor will do.
pub(super) fn sleep_for(timeout: Duration) -> Option<Sleep> {
    (timeout != Duration::MAX).then(|| sleep(timeout))
}

impl<'t> BatchTimer<'t> {
    pub(super) fn new(sleep: Pin<&'t mut Option<Sleep>>) -> Self {
        Self { sleep }
    }

    /// Whether the timeout has passed. If not, `cx` is woken when it does.
    pub(super) fn has_passed(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(sleep) = self.sleep.as_mut().as_pin_mut() else { return false };
        // A future that has ended is not polled again.
        sleep.is_elapsed() || sleep.poll(cx).is_ready()
    }

    /// Yields to the runtime. Returns whether the timeout has passed.
    pub(super) async fn yield_now(&mut self) -> bool {
        task::yield_now().await;
        poll_fn(|cx| Poll::Ready(self.has_passed(cx))).await
    }
}

/// Counts the documents up to the next yield.
pub(super) struct YieldBudget {
    documents: usize,
    spent: usize,
}

impl YieldBudget {
    /// For documents that are examined.
    pub(super) fn of_checks() -> Self {
        Self { documents: CHECKS, spent: 0 }
    }

    /// For documents that are only moved.
    pub(super) fn of_moves() -> Self {
        Self { documents: MOVES, spent: 0 }
    }

    /// Spends `documents` documents. Returns whether the caller is to yield before them.
    pub(super) fn spend(&mut self, documents: usize) -> bool {
        let yields = self.spent > 0 && self.spent + documents > self.documents;
        self.spent = if yields { documents } else { self.spent + documents };
        yields
    }
}
