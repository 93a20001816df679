//! Documents of a batch that share a task.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{oneshot, watch};

use super::inner::{Inner, Location};
use super::request::{Job, Outcome};
use crate::contain::contain;
use crate::convert::Converter;
use crate::pool::TaskContext;
use crate::sync::Mutex;

/// The progress of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BatchProgress {
    /// Finished documents, failed ones included.
    pub done: usize,
    /// The number of failed documents.
    pub failed: usize,
    /// Documents in the batch.
    pub total: usize,
    /// Bytes of the finished documents.
    pub bytes: u64,
}

impl BatchProgress {
    /// Counts one document.
    pub(super) fn count(&mut self, failed: bool, bytes: usize) {
        self.done += 1;
        self.failed += usize::from(failed);
        self.bytes += bytes as u64;
    }
}

/// The answers of a group so far, with their positions in the batch. Each is there as soon as its
/// document is done, so a timeout loses none.
pub(super) enum Answers {
    Open(Vec<(usize, Outcome)>),
    /// They were fetched. Later answers are dropped, and not counted again.
    Fetched,
}

impl Answers {
    /// Returns whether no document of the group is done yet.
    pub(super) fn is_untouched(&self) -> bool {
        matches!(self, Self::Open(answers) if answers.is_empty())
    }

    /// Takes the answers. None can be added any more.
    pub(super) fn fetch(&mut self) -> Vec<(usize, Outcome)> {
        match std::mem::replace(self, Self::Fetched) {
            Self::Open(answers) => answers,
            Self::Fetched => Vec::new(),
        }
    }
}

/// The work of a group.
pub(super) struct Group<C> {
    pub(super) inner: Arc<Inner<C>>,
    pub(super) jobs: Vec<(usize, Job)>,
    pub(super) answers: Arc<Mutex<Answers>>,
    pub(super) asked: Instant,
    pub(super) progress: Option<Arc<watch::Sender<BatchProgress>>>,
    /// The batch is over when each group has dropped this, whether it ran or was cancelled.
    pub(super) alive: Arc<oneshot::Sender<Infallible>>,
}

impl<C: Converter> Group<C> {
    /// Converts one document after another, until the group is cancelled.
    pub(super) fn run(self) {
        let Self { inner, jobs, answers, asked, progress, alive } = self;
        let context = TaskContext::current();
        if jobs.len() > 1 {
            inner.latencies.record(None, |counters| counters.coalesced_tasks += 1);
        }
        for (position, job) in jobs {
            if context.as_ref().is_some_and(TaskContext::is_cancelled) {
                break;
            }
            let bytes = job.content.len();
            let outcome = inner.convert(job, asked, Instant::now(), Location::Worker);
            let failed = outcome.result.is_err();
            match &mut *answers.lock() {
                Answers::Open(answers) => {
                    inner.account(&outcome);
                    answers.push((position, outcome));
                }
                Answers::Fetched => break,
            }
            if let Some(progress) = &progress {
                // This wakes the receivers: code of a user.
                contain(|| progress.send_modify(|progress| progress.count(failed, bytes)));
            }
        }
        drop(alive);
    }
}
