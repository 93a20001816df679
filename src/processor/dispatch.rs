//! Submits the documents of a batch, in groups.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::future::{MaybeDone, maybe_done};
use tokio::sync::{oneshot, watch};

use super::ConcurrentProcessorV2;
use super::group::{Answers, BatchProgress, Group};
use super::inner::{Inner, kind_of};
use super::request::{Job, task_for};
use super::yield_budget::{BatchTimer, YieldBudget};
use crate::contain::contain;
use crate::convert::Converter;
use crate::error::JoinError;
use crate::policy::coalescing::{self, Item};
use crate::policy::inlining::Kind;
use crate::policy::nanos;
use crate::pool::{AbortOnDrop, Mode};
use crate::sync::Mutex;
use crate::task::TaskOptions;

/// A submitted group.
pub(super) struct Started {
    /// The positions of its documents in the batch.
    pub(super) members: Vec<usize>,
    pub(super) answers: Arc<Mutex<Answers>>,
    task: MaybeDone<AbortOnDrop<()>>,
}

impl Started {
    /// Polls until the task is over.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.task).poll(cx)
    }

    /// Waits until the task is over. Returns why it did not run, if it did not.
    pub(super) async fn over(mut self) -> Option<JoinError> {
        (&mut self.task).await;
        Pin::new(&mut self.task).take_output()?.err()
    }

    fn cancel(&self) {
        if let MaybeDone::Future(task) = &self.task {
            task.cancel();
        }
    }
}

/// The groups of a batch. Dropping them cancels them.
#[derive(Default)]
pub(super) struct Groups {
    started: Vec<Started>,
    /// The number of groups, from the first on, that a waiting worker has seen the end of.
    over: usize,
}

impl Groups {
    /// Cancels groups that have not started, the last first. So a free place does not go to a group
    /// that is cancelled next.
    pub(super) fn cancel(&self) {
        self.started.iter().rev().for_each(Started::cancel);
    }

    /// Waits for the groups in their order, for a worker of the pool. If every worker waits, the
    /// poll runs a group (`pool/worker/waits.rs`). Returns true if it may have run one: the caller
    /// then checks the timeout and polls again.
    pub(super) fn poll_in_order(&mut self, cx: &mut Context<'_>) -> bool {
        while let Some(group) = self.started.get_mut(self.over) {
            let untouched = group.answers.lock().is_untouched();
            if group.poll_over(cx).is_pending() {
                return false;
            }
            self.over += 1;
            if untouched {
                return true;
            }
        }
        false
    }

    /// Takes the groups out.
    pub(super) fn take(&mut self) -> Vec<Started> {
        std::mem::take(&mut self.started)
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Divides a batch into groups and submits them. It examines each document once and moves it twice,
/// since the caller has nothing to await before this is done. The workers are woken when this
/// thread is about to wait or to yield. In a batch of up to a thousand documents that is when all
/// groups are queued: then its core is free for a worker. (When they were woken earlier, two
/// workers shared the other core for milliseconds.)
pub(super) struct Start<'b, C> {
    processor: &'b ConcurrentProcessorV2<C>,
    asked: Instant,
    progress: Option<Arc<watch::Sender<BatchProgress>>>,
    alive: Arc<oneshot::Sender<Infallible>>,
    classes: HashMap<TaskOptions, usize>,
    waiting: Vec<Option<Waiting>>,
    items: Vec<Item>,
}

struct Waiting {
    position: usize,
    job: Job,
    task: TaskOptions,
}

impl<'b, C: Converter> Start<'b, C> {
    /// For a batch of `documents` documents.
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

    /// Adds a document.
    pub(super) fn add(&mut self, position: usize, job: Job, task: TaskOptions) {
        let cost_ns = predict(&self.processor.inner, &job);
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
        self.waiting.push(Some(Waiting { position, job, task }));
    }

    /// Submits all documents. Returns whether the timeout passed before the last was submitted. It
    /// consumes `self`, so only the groups hold `alive`.
    pub(super) async fn submit(mut self, timer: &mut BatchTimer<'_>) -> (Groups, bool) {
        let target = self.processor.inner.config.coalesce_target;
        let target = nanos(target);
        let pool = &self.processor.pool;
        let plan = coalescing::groups(&self.items, target, pool.usable_threads());
        // Dropping the batch while it yields drops and cancels the groups.
        let mut groups = Groups { started: Vec::with_capacity(plan.len()), over: 0 };
        let (mut called, mut budget) = (0, YieldBudget::of_moves());
        for group in plan {
            if budget.spend(group.members.len()) {
                // This thread may be away for long.
                pool.call(groups.started.len() - called);
                called = groups.started.len();
                if timer.yield_now().await {
                    return (groups, true);
                }
            }
            let mut common = TaskOptions::new();
            let mut members = group.members;
            let mut jobs = Vec::with_capacity(members.len());
            for member in &mut members {
                if let Some(Waiting { position, job, task }) = self.waiting[*member].take() {
                    jobs.push((position, job));
                    *member = position;
                    common = task;
                }
            }
            let group = self.one(jobs, members, common);
            groups.started.push(group);
        }
        pool.call(groups.started.len() - called);
        (groups, false)
    }

    fn one(&self, jobs: Vec<(usize, Job)>, members: Vec<usize>, task: TaskOptions) -> Started {
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
        let answers = Arc::new(Mutex::new(Answers::Open(Vec::with_capacity(jobs.len()))));
        let group = Group {
            inner: Arc::clone(inner),
            jobs,
            answers: Arc::clone(&answers),
            asked: *asked,
            progress: progress.clone(),
            alive: Arc::clone(alive),
        };
        let work = move || group.run();
        // A subtask has the options of its task.
        let options = if pool.is_here() { TaskOptions::new() } else { task_for(task, pool, bytes) };
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

/// Predicts how long a document takes.
fn predict<C: Converter>(inner: &Inner<C>, job: &Job) -> u64 {
    match inner.resolve_here(job) {
        Some(formats) => inner.kind(kind_of(formats)).lock().predict_ns(job.content.len()),
        // Long documents are tasks of their own. A document that can't be resolved fails at once.
        None => Kind::default().predict_ns(job.content.len()),
    }
}
