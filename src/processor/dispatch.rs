//! Divides a batch into groups of documents that share a task, submits and runs them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::time::Instant;

use futures_util::future::{MaybeDone, maybe_done};
use tokio::sync::{oneshot, watch};

use super::ConcurrentProcessorV2;
use super::inner::Inner;
use super::request::{Job, Outcome};
use super::yield_budget::{BatchTimer, MOVES, YieldBudget};
use crate::contain::contain;
use crate::convert::Converter;
use crate::error::JoinError;
use crate::policy::coalescing::{self, Item};
use crate::policy::inlining::Kind;
use crate::policy::nanos;
use crate::pool::{AbortOnDrop, Mode, TaskContext};
use crate::sync::Mutex;
use crate::task::TaskOptions;

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
    pub(super) fn count(&mut self, failed: bool, bytes: usize) {
        self.done += 1;
        self.failed += usize::from(failed);
        self.bytes += bytes as u64;
    }
}

/// The answers of a group so far, with their positions in the batch. Each is there as soon as its
/// document is done, so a timeout loses none. `None` once they were fetched: later answers are
/// dropped, and not counted again.
type Answers = Option<Vec<(usize, Outcome)>>;

/// Converts the documents of a group one after another, until it is cancelled.
fn convert_group<C: Converter>(
    inner: &Arc<Inner<C>>,
    jobs: Vec<(usize, Job)>,
    answers: &Mutex<Answers>,
    asked: Instant,
    progress: Option<&watch::Sender<BatchProgress>>,
) {
    let context = TaskContext::current();
    if jobs.len() > 1 {
        inner.tally.count_coalesced();
    }
    for (position, job) in jobs {
        if context.as_ref().is_some_and(TaskContext::is_cancelled) {
            break;
        }
        let bytes = job.content.len();
        let outcome = inner.convert(job, asked, Instant::now(), None);
        let failed = outcome.result.is_err();
        match &mut *answers.lock() {
            Some(answers) => {
                inner.tally.account(&outcome);
                answers.push((position, outcome));
            }
            None => break,
        }
        if let Some(progress) = progress {
            // This wakes the receivers: code of a user.
            contain(|| progress.send_modify(|progress| progress.count(failed, bytes)));
        }
    }
}

/// A submitted group.
pub(super) struct Started {
    /// The positions of its documents in the batch.
    pub(super) members: Vec<usize>,
    answers: Arc<Mutex<Answers>>,
    task: MaybeDone<AbortOnDrop<()>>,
}

impl Started {
    /// Takes the answers. None can be added any more.
    pub(super) fn fetch(&self) -> Vec<(usize, Outcome)> {
        self.answers.lock().take().unwrap_or_default()
    }

    /// Waits until the task is over. Returns why it did not run, if it did not.
    pub(super) async fn over(&mut self) -> Option<JoinError> {
        (&mut self.task).await;
        Pin::new(&mut self.task).take_output()?.err()
    }

    /// Cancels it if it has not started. Dropping it does so too.
    pub(super) fn cancel(&self) {
        if let MaybeDone::Future(task) = &self.task {
            task.cancel();
        }
    }
}

/// The groups of a batch. Dropping them cancels them.
pub(super) struct Groups(pub(super) Vec<Started>);

impl Groups {
    /// Cancels groups that have not started, the last first. So a free place does not go to a group
    /// that is cancelled next.
    pub(super) fn cancel(&self) {
        self.0.iter().rev().for_each(Started::cancel);
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Waits for groups in their order, for a worker of the pool. If every worker waits, the poll runs
/// a group (`pool/worker/waits.rs`). `over` is the number of groups whose end was seen. Returns
/// true if the poll may have run one: the caller then checks the timeout and polls again.
pub(super) fn poll_in_order(groups: &mut [Started], over: &mut usize, cx: &mut Context<'_>) -> bool {
    while let Some(group) = groups.get_mut(*over) {
        let untouched = group.answers.lock().as_ref().is_some_and(Vec::is_empty);
        if Pin::new(&mut group.task).poll(cx).is_pending() {
            return false;
        }
        *over += 1;
        if untouched {
            return true;
        }
    }
    false
}

/// Divides a batch into groups and submits them. It examines each document once and moves it twice,
/// since the caller has nothing to await before this is done. The workers are woken when this
/// thread is about to wait or to yield: then its core is free for one of them. (When they were
/// woken earlier, two workers shared the other core for milliseconds.)
pub(super) struct Start<'b, C> {
    processor: &'b ConcurrentProcessorV2<C>,
    asked: Instant,
    progress: Option<Arc<watch::Sender<BatchProgress>>>,
    /// The batch is over when each group has dropped this, whether it ran or was cancelled.
    alive: Arc<oneshot::Sender<Infallible>>,
    classes: HashMap<TaskOptions, usize>,
    /// The documents with their positions in the batch.
    waiting: Vec<Option<(usize, Job, TaskOptions)>>,
    items: Vec<Item>,
}

impl<'b, C: Converter> Start<'b, C> {
    pub(super) fn new(
        processor: &'b ConcurrentProcessorV2<C>,
        documents: usize,
        asked: Instant,
        progress: Option<Arc<watch::Sender<BatchProgress>>>,
        alive: oneshot::Sender<Infallible>,
    ) -> Self {
        Self {
            processor,
            asked,
            progress,
            alive: Arc::new(alive),
            classes: HashMap::new(),
            waiting: Vec::with_capacity(documents),
            items: Vec::with_capacity(documents),
        }
    }

    pub(super) fn add(&mut self, position: usize, job: Job, task: TaskOptions) {
        let inner = &self.processor.inner;
        let cost_ns = match inner.detect(&job.content, &job.options) {
            Some(formats) => inner.kind(formats).lock().predict_ns(job.content.len()),
            // Long documents are tasks of their own. A document that can't be resolved fails at
            // once.
            None => Kind::default().predict_ns(job.content.len()),
        };
        let class = if task == TaskOptions::new() {
            0
        } else if let Some(&class) = self.classes.get(&task) {
            class
        } else {
            // Class 0 is that of documents without options.
            let class = self.classes.len() + 1;
            self.classes.insert(task.clone(), class);
            class
        };
        self.items.push(Item { cost_ns, class });
        self.waiting.push(Some((position, job, task)));
    }

    /// Submits all documents. Returns whether the timeout passed before the last was submitted. It
    /// consumes `self`, so only the groups hold `alive`.
    pub(super) async fn submit(mut self, timer: &mut BatchTimer) -> (Groups, bool) {
        let target = nanos(self.processor.inner.config.coalesce_target);
        let pool = &self.processor.pool;
        let plan = coalescing::groups(&self.items, target, pool.usable_threads());
        // Dropping the batch while it yields drops and cancels the groups.
        let mut groups = Groups(Vec::with_capacity(plan.len()));
        let (mut called, mut budget) = (0, YieldBudget::new(MOVES));
        for group in plan {
            if budget.spend(group.members.len()) {
                // This thread may be away for long.
                pool.call(groups.0.len() - called);
                called = groups.0.len();
                if timer.yield_now().await {
                    return (groups, true);
                }
            }
            let mut common = TaskOptions::new();
            let mut members = group.members;
            let mut jobs = Vec::with_capacity(members.len());
            for member in &mut members {
                if let Some((position, job, task)) = self.waiting[*member].take() {
                    jobs.push((position, job));
                    *member = position;
                    common = task;
                }
            }
            groups.0.push(self.start(jobs, members, common));
        }
        pool.call(groups.0.len() - called);
        (groups, false)
    }

    fn start(&self, jobs: Vec<(usize, Job)>, members: Vec<usize>, task: TaskOptions) -> Started {
        let Self { processor, asked, progress, alive, .. } = self;
        let (inner, pool) = (&processor.inner, &processor.pool);
        // Its documents are converted one after another, but all of them are in memory.
        let mut bytes = jobs
            .iter()
            .fold(0_usize, |sum, (_, job)| sum.saturating_add(inner.weight(&job.content, &job.options)));
        if jobs.len() > 1 {
            // Documents that fit one by one must not be refused together.
            bytes = bytes.min(pool.config().byte_budget.unwrap_or(bytes));
        }
        let answers = Arc::new(Mutex::new(Some(Vec::with_capacity(jobs.len()))));
        let work = {
            let (inner, answers, asked) = (Arc::clone(inner), Arc::clone(&answers), *asked);
            let (progress, alive) = (progress.clone(), Arc::clone(alive));
            move || {
                convert_group(&inner, jobs, &answers, asked, progress.as_deref());
                drop(alive);
            }
        };
        // A subtask has the options of its task.
        let options = if pool.is_here() { TaskOptions::new() } else { TaskOptions { bytes, ..task } };
        let task = maybe_done(pool.enqueue(options, Mode::WaitUncalled, work));
        Started { members, answers, task }
    }
}

impl<C> Drop for Start<'_, C> {
    fn drop(&mut self) {
        // Documents that were not submitted. They may be a user's own memory, with a drop of its
        // own.
        self.waiting.drain(..).flatten().for_each(|waiting| contain(|| drop(waiting)));
    }
}
