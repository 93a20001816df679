//! The spans of a task: `submit`, `queued` and `run`, for `tracing`.
//!
//! All three are children of the span in which the task was submitted. `submit` lasts as long as
//! the call that submits, `queued` until the task starts or will never start, `run` as long as the
//! task runs, on its worker. Tasks with a name have them; plain tasks have them if
//! [`task_spans`](crate::PoolConfig::task_spans) is set. While nobody listens they cost one load.
//!
//! A subscriber is a user's code. Its panic ends no task.

use std::borrow::Cow;
use std::sync::Arc;
use std::thread;

use tracing::level_filters::LevelFilter;
use tracing::span::EnteredSpan;
use tracing::{Level, Span, dispatcher, field, info_span};

use crate::contain::contain;
use crate::task::TaskOptions;

/// The target of the spans, as of the events about a task.
const TASK: &str = "millpond::task";

/// Returns the current span; none while nobody listens. A look-up costs as much as a submission.
#[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "services ask for it"))]
pub(crate) fn current() -> Span {
    if LevelFilter::current() == LevelFilter::OFF { Span::none() } else { Span::current() }
}

/// What the spans of a task are called.
#[derive(Debug, Clone)]
pub(in crate::pool) struct Names {
    task: Option<Cow<'static, str>>,
    tenant: Option<Arc<str>>,
}

impl Names {
    /// Returns the names of a task that has spans. Plain tasks have them if `plain`.
    #[inline]
    pub(in crate::pool) fn of(options: Option<&TaskOptions>, plain: bool) -> Option<Self> {
        let named = options.is_some_and(|options| options.name.is_some());
        ((named || plain) && Level::INFO <= LevelFilter::current()).then(|| Self {
            task: options.and_then(|options| options.name.clone()),
            tenant: options.and_then(|options| options.tenant.clone()),
        })
    }

    /// Enters the span of the call that submits.
    pub(in crate::pool) fn submit(&self) -> Inside {
        let (task, tenant) = (self.task.as_deref(), self.tenant.as_deref());
        Inside::make(|| info_span!(target: TASK, "submit", task, tenant))
    }

    fn queued(&self, parent: &Span) -> Span {
        let (task, tenant) = (self.task.as_deref(), self.tenant.as_deref());
        info_span!(target: TASK, parent: parent, "queued", task, tenant)
    }

    fn run(&self, parent: &Span) -> Span {
        let (task, tenant) = (self.task.as_deref(), self.tenant.as_deref());
        info_span!(target: TASK, parent: parent, "run", task, tenant, panicked = field::Empty)
    }
}

/// The spans of a task on its way to a worker.
#[derive(Debug)]
pub(in crate::pool) struct TaskSpans {
    names: Names,
    queued: Span,
}

impl TaskSpans {
    pub(in crate::pool) fn new(names: Names) -> Self {
        Self { names, queued: Span::none() }
    }

    /// The task is in its queue.
    pub(in crate::pool) fn queue(&mut self, parent: &Span) {
        contain(|| self.queued = self.names.queued(parent));
    }

    /// The task starts on this thread. The value is the time in which it runs.
    pub(in crate::pool) fn start(self, parent: &Span) -> Inside {
        let Self { names, queued } = self;
        let inside = Inside::make(|| {
            // A subscriber that only the submitter's thread has is the one of the run, too.
            match queued.with_subscriber(|(_, subscriber)| subscriber.clone()) {
                Some(subscriber) => dispatcher::with_default(&subscriber, || names.run(parent)),
                None => names.run(parent),
            }
        });
        contain(|| drop(queued));
        inside
    }
}

/// Enters the span of the run of a document on its caller's thread.
pub(crate) fn run_here(options: &TaskOptions) -> Inside {
    match Names::of(Some(options), false) {
        Some(names) => Inside::make(|| names.run(&Span::current())),
        None => Inside(None),
    }
}

/// The time within a span. A panic of the subscriber goes no further.
#[must_use = "it leaves the span when it is dropped"]
pub(crate) struct Inside(Option<EnteredSpan>);

impl Inside {
    pub(crate) fn enter(span: Span) -> Self {
        if span.is_none() { Self(None) } else { Self::make(|| span) }
    }

    fn make(span: impl FnOnce() -> Span) -> Self {
        let mut entered = None;
        contain(|| entered = Some(span().entered()));
        Self(entered)
    }
}

impl Drop for Inside {
    /// Leaves the span, also while the task panics.
    fn drop(&mut self) {
        let Some(entered) = self.0.take() else { return };
        contain(move || {
            if thread::panicking() {
                entered.record("panicked", true);
            }
            drop(entered);
        });
    }
}
