//! The documents of a batch on their way into the pool, in groups.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{oneshot, watch};

use super::ConcurrentProcessorV2;
use super::batch::BatchProgress;
use super::group::{Answers, Group};
use super::inner::{Inner, kind_of};
use super::request::{Job, task_for};
use super::yield_budget::{BatchTimer, YieldBudget};
use crate::contain::contain;
use crate::convert::Converter;
use crate::policy::coalescing::{self, Item};
use crate::policy::inlining::Kind;
use crate::policy::nanos;
use crate::pool::Deferred;
use crate::sync::Mutex;
use crate::task::TaskOptions;

/// A group under way.
pub(super) struct Started {
    /// The positions of its documents in the batch.
    pub(super) members: Vec<usize>,
    pub(super) answers: Arc<Mutex<Answers>>,
    pub(super) deferred: Deferred<()>,
}

/// The groups of a batch. Dropping them cancels them.
#[derive(Default)]
pub(super) struct Groups {
    started: Vec<Started>,
    /// So many of them, from the first on, need no look by a worker that waits: others have begun them, or it has helped.
    looked_at: usize,
}

impl Groups {
    /// Cancels what has not begun; the last first, so that a place that comes free does not go to
    /// one that is about to be cancelled itself.
    pub(super) fn cancel(&self) {
        self.started.iter().rev().for_each(|group| group.deferred.cancel());
    }

    /// A worker that waits runs a group that nobody has begun: there may be no other worker. One at a time, so that it can
    /// look up in between. False if there is none left.
    pub(super) fn help(&mut self) -> bool {
        while let Some(group) = self.started.get(self.looked_at) {
            self.looked_at += 1;
            // A group that somebody else has just begun is taken for one that was run here: one look in vain.
            if group.answers.lock().is_untouched() {
                group.deferred.help();
                return true;
            }
        }
        false
    }

    /// The groups, one by one.
    pub(super) fn take(&mut self) -> Vec<Started> {
        std::mem::take(&mut self.started)
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Cuts a batch into groups and submits them. Whoever awaits the batch has nothing to await before this is done, so it
/// goes over the documents once and moves each of them twice. The workers are called when this thread is about to wait or
/// to pause, which in a batch of up to a thousand is when all groups are in the queue: then its core is free for one of
/// them. (Called earlier, two of them were seen to share the other core for milliseconds.)
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
    /// For a batch of so many documents.
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

    /// One more document.
    pub(super) fn add(&mut self, position: usize, job: Job, task: TaskOptions) {
        let cost_ns = predict(&self.processor.inner, &job);
        let class = if task == TaskOptions::new() {
            0
        } else if let Some(&class) = self.classes.get(&task) {
            class
        } else {
            // The first class is that of those who say nothing.
            let class = self.classes.len() + 1;
            self.classes.insert(task.clone(), class);
            class
        };
        self.items.push(Item { cost_ns, class });
        self.waiting.push(Some(Waiting { position, job, task }));
    }

    /// Submits all of them. `self` is consumed, so that what is left alive are the groups. True if the time was over before
    /// the last was submitted.
    pub(super) async fn submit(mut self, timer: &mut BatchTimer<'_>) -> (Groups, bool) {
        let target = self.processor.inner.config.coalesce_target;
        let target = nanos(target);
        let pool = &self.processor.pool;
        let plan = coalescing::groups(&self.items, target, pool.usable_threads());
        // If the batch is dropped while it yields, so are they, which cancels them.
        let mut groups = Groups { started: Vec::with_capacity(plan.len()), looked_at: 0 };
        let (mut called, mut budget) = (0, YieldBudget::of_moves());
        for group in plan {
            if budget.spend(group.members.len()) {
                // Nobody knows when this thread will come back to it.
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
        // Its documents are converted one after the other, but all of them are there.
        let mut bytes = jobs
            .iter()
            .fold(0_usize, |sum, (_, job)| sum.saturating_add(inner.weight(&job.content, &job.options)));
        if jobs.len() > 1 {
            // What fits one by one must not be refused because it is together.
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
        let deferred = match task_for(task, pool, bytes) {
            Some(task) if !pool.is_here() => task.enqueue(work),
            _ => pool.enqueue_untold(work),
        };
        Started { members, answers, deferred }
    }
}

impl<C> Drop for Start<'_, C> {
    fn drop(&mut self) {
        // What was not submitted, because the time was over or nobody waits any more. It may be a user's own memory, with a
        // drop of its own.
        self.waiting.drain(..).flatten().for_each(|waiting| contain(|| drop(waiting)));
    }
}

/// How long a document is predicted to take.
fn predict<C: Converter>(inner: &Inner<C>, job: &Job) -> u64 {
    match inner.resolve_here(job) {
        Some(formats) => inner.kind(kind_of(formats)).lock().predict_ns(job.content.len()),
        // Long ones are tasks of their own; what can't be resolved fails at once, wherever it is.
        None => Kind::default().predict_ns(job.content.len()),
    }
}
