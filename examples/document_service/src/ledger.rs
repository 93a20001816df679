//! What came and what became of it, for `/metrics` and for the report at the end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The paths that are told apart, so that a stranger's paths fill no memory.
const PATHS: [&str; 7] = ["/", "/convert", "/batch", "/stream", "/health", "/metrics", DASHBOARD];

/// What is below it counts as it.
const DASHBOARD: &str = "/dashboard";

/// The path as it is counted.
pub(crate) fn known(path: &str) -> &'static str {
    if path.strip_prefix(DASHBOARD).is_some_and(|rest| rest.starts_with('/')) {
        return DASHBOARD;
    }
    PATHS.into_iter().find(|known| *known == path).unwrap_or("other")
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    accepted: AtomicU64,
    answered: AtomicU64,
    given_up: AtomicU64,
    responses: Mutex<BTreeMap<(&'static str, u16), u64>>,
}

impl Ledger {
    /// A request with a document, or a batch, is the service's responsibility from here on: whole documents when they have been
    /// read, streams when they begin.
    pub(crate) fn accept(self: &Arc<Self>) -> Accepted {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        Accepted { ledger: Arc::clone(self), is_answered: false }
    }

    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Those whose client went before the answer was there.
    pub(crate) fn given_up(&self) -> u64 {
        self.given_up.load(Ordering::Relaxed)
    }

    /// Counts a response to a request for a [`known`] path.
    pub(crate) fn responded(&self, path: &'static str, status: u16) {
        *self.responses.lock().unwrap_or_else(PoisonError::into_inner).entry((path, status)).or_default() +=
            1;
    }

    /// How many responses there were, by path and status.
    pub(crate) fn responses(&self) -> BTreeMap<(&'static str, u16), u64> {
        self.responses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// An entry that is still open.
#[derive(Debug)]
pub(crate) struct Accepted {
    ledger: Arc<Ledger>,
    is_answered: bool,
}

impl Accepted {
    /// There is an answer, good or bad.
    pub(crate) fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Accepted {
    fn drop(&mut self) {
        let count = if self.is_answered { &self.ledger.answered } else { &self.ledger.given_up };
        count.fetch_add(1, Ordering::Relaxed);
    }
}
