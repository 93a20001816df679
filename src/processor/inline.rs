//! Whether a document is converted on the calling thread.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use tokio::task;

use super::inner::{Inner, kind_of};
use super::request::Job;
use crate::convert::{Converter, Format};
use crate::policy::inlining::{Choice, Share};

thread_local! {
    /// One for each thread, over all processors, because it limits the load of the thread. Callers
    /// are identified by their Tokio task.
    static SHARE: Account = Account { since: Instant::now(), share: RefCell::default() };
}

struct Account {
    /// The moment from which its times count.
    since: Instant,
    share: RefCell<Share<Option<task::Id>>>,
}

impl Account {
    fn time(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.since)
    }
}

/// A document that is converted on the calling thread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Here {
    pub(super) formats: (Format, Format),
    /// Whether the caller yields to the runtime first.
    pub(super) yields: bool,
}

/// Decides whether a document is converted here; `None` if it is submitted.
pub(super) fn choose<C: Converter>(inner: &Inner<C>, job: &Job, asked: Instant) -> Option<Here> {
    let budget = inner.inline_budget_ns();
    let bytes = job.content.len();
    if budget == 0 {
        return None;
    }
    let formats = inner.resolve_here(job)?;
    if !inner.kind(kind_of(formats)).lock().admit(bytes, budget) {
        return None;
    }
    let alone = inner.is_alone();
    let ask = |account: &Account| account.share.borrow_mut().ask(account.time(asked), task::try_id(), alone);
    // A thread that is about to end has lost its locals. Its share is unknown, so it converts
    // nothing.
    match SHARE.try_with(ask).unwrap_or(Choice::Submit) {
        Choice::Inline => Some(Here { formats, yields: false }),
        Choice::YieldFirst => Some(Here { formats, yields: true }),
        Choice::Submit => None,
    }
}

/// Records that the calling thread converted a document.
pub(super) fn spent(start: Instant, end: Instant) {
    // A thread that is about to end has lost its locals, and converts nothing any more.
    let _ = SHARE.try_with(|account| {
        account.share.borrow_mut().spend(account.time(start), account.time(end));
    });
}
