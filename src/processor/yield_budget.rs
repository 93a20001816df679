//! How long a batch may take, and how long it may keep its caller's thread before it yields.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task;
use tokio::time::{Sleep, sleep};

/// Documents that are examined between two yields: some 50 us. Detection may read part of a
/// document.
pub(super) const CHECKS: usize = 500;
/// Documents that are queued or answered between two yields: some 100 us.
pub(super) const MOVES: usize = 1_000;

/// A batch's timeout. Once it has passed it stays so. `None` without a timeout: then no timer of
/// the runtime is touched, and any executor will do.
pub(super) struct BatchTimer(Option<Pin<Box<Sleep>>>);

impl BatchTimer {
    /// The timer of a batch that begins now.
    pub(super) fn new(timeout: Duration) -> Self {
        Self((timeout != Duration::MAX).then(|| Box::pin(sleep(timeout))))
    }

    /// Whether the timeout has passed. If not, `cx` is woken when it does.
    pub(super) fn has_passed(&mut self, cx: &mut Context<'_>) -> bool {
        // A future that has ended is not polled again.
        self.0.as_mut().is_some_and(|sleep| sleep.is_elapsed() || sleep.as_mut().poll(cx).is_ready())
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
    /// Yields after this many documents.
    pub(super) fn new(documents: usize) -> Self {
        Self { documents, spent: 0 }
    }

    /// Spends `documents` documents. Returns whether the caller is to yield before them.
    pub(super) fn spend(&mut self, documents: usize) -> bool {
        let yields = self.spent > 0 && self.spent + documents > self.documents;
        self.spent = if yields { documents } else { self.spent + documents };
        yields
    }
}
