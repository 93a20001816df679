//! Whether a document is converted on the calling thread.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use tokio::task;

use super::inner::{Inner, kind_of};
use super::request::Job;
use crate::convert::{Converter, Format};
use crate::policy::inlining::{Share, Turn};

thread_local! {
    /// One a thread, whichever processors its callers use: it is the thread that is to be spared. Callers are told apart
    /// by their Tokio task.
    static SHARE: Account = Account { since: Instant::now(), share: RefCell::default() };
}

struct Account {
    /// What its times count from.
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
    /// The runtime comes first: the caller is to yield to it before.
    pub(super) yields: bool,
}

/// Whether the document is converted here; `None` if it is to be shipped.
pub(super) fn turn<C: Converter>(inner: &Inner<C>, job: &Job, asked: Instant) -> Option<Here> {
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
    // A thread that is about to end has lost its locals: nobody knows what it has done, so it does no more.
    match SHARE.try_with(ask).unwrap_or(Turn::Ship) {
        Turn::Inline => Some(Here { formats, yields: false }),
        Turn::YieldFirst => Some(Here { formats, yields: true }),
        Turn::Ship => None,
    }
}

/// The calling thread was busy with a document.
pub(super) fn spent(start: Instant, end: Instant) {
    // A thread that is about to end has lost its locals; nobody will ask it any more.
    let _ = SHARE.try_with(|account| {
        account.share.borrow_mut().spend(account.time(start), account.time(end));
    });
}
