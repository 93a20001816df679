//! Documents of a batch that share a task.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{oneshot, watch};

use super::batch::BatchProgress;
use super::inner::{Inner, Location};
use super::request::{Job, Outcome};
use crate::contain::contain;
use crate::convert::Converter;
use crate::pool::TaskContext;
use crate::sync::Mutex;

/// The answers of a group so far, with their positions in the batch. They are there as soon as each document is done, so
/// that a timeout loses none.
pub(super) enum Answers {
    Open(Vec<(usize, Outcome)>),
    /// They were fetched: what comes later is for nobody, and not counted again.
    Fetched,
}

impl Answers {
    /// Whether no document of the group is done yet.
    pub(super) fn is_untouched(&self) -> bool {
        matches!(self, Self::Open(answers) if answers.is_empty())
    }

    /// What there is; nothing can be added any more.
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
    /// When the last group has dropped its own, whether it ran or was cancelled, the batch is over.
    pub(super) alive: Arc<oneshot::Sender<Infallible>>,
}

impl<C: Converter> Group<C> {
    /// Converts one document after the other, until somebody says that they are no longer wanted.
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
                // Whoever watches is woken by this: code of a user.
                contain(|| progress.send_modify(|progress| progress.count(failed, bytes)));
            }
        }
        drop(alive);
    }
}
