//! Whether a document is converted on the calling thread.

use std::cell::RefCell;
use std::time::Instant;

use tokio::task;

use super::inner::Inner;
use super::request::Job;
use crate::convert::{Converter, Format};
use crate::policy::inlining::{Choice, Share};
use crate::policy::nanos;

thread_local! {
    /// One for each thread, over all processors, because it limits the load of the thread. Callers
    /// are identified by their Tokio task. Times count from the moment beside it.
    static SHARE: (Instant, RefCell<Share<Option<task::Id>>>) = (Instant::now(), RefCell::default());
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
    let budget = nanos(inner.config.inline_budget);
    if budget == 0 {
        return None;
    }
    let formats = inner.detect(&job.content, &job.options)?;
    if !inner.kind(formats).lock().admit(job.content.len(), budget) {
        return None;
    }
    let alone = inner.tally.in_flight() <= 1;
    let choice = SHARE.try_with(|(since, share)| {
        let asked = asked.saturating_duration_since(*since);
        share.borrow_mut().ask(asked, task::try_id(), alone)
    });
    // A thread that is about to end has lost its locals. Its share is unknown, so it converts
    // nothing.
    match choice.unwrap_or(Choice::Submit) {
        Choice::Inline => Some(Here { formats, yields: false }),
        Choice::YieldFirst => Some(Here { formats, yields: true }),
        Choice::Submit => None,
    }
}

/// Records that the calling thread converted a document.
pub(super) fn spent(start: Instant, end: Instant) {
    // A thread that is about to end has lost its locals, and converts nothing any more.
    let _ = SHARE.try_with(|(since, share)| {
        let time = |at: Instant| at.saturating_duration_since(*since);
        share.borrow_mut().spend(time(start), time(end));
    });
}
