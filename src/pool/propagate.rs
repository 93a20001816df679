//! The context that a task takes from its submitter: always the `tracing` span, and task-locals on
//! request. With it go the spans of the task itself.

use std::sync::Arc;
use std::task::Waker;

use tokio::task::LocalKey;
use tracing::Span;
use tracing::level_filters::LevelFilter;

use crate::admission::ByteReservation;
use crate::contain::contain;
use crate::pool::spans::{Inside, Names, TaskSpans};
use crate::task::{Label, Place, TaskCell};

/// Carries a part of the submitter's context to the task; for
/// [`PoolBuilder::propagate`](crate::PoolBuilder::propagate).
///
/// Task-locals of Tokio implement it, if their value is `Clone`:
///
/// ```
/// tokio::task_local! { static USER: String; }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = millpond::AdaptiveThreadPool::builder().propagate(&USER).build()?;
/// let seen = USER.scope("ada".into(), pool.run(|| USER.with(String::clone))).await?;
/// assert_eq!(seen, "ada");
/// # Ok(()) }
/// ```
pub trait Propagate: Send + Sync + 'static {
    /// Captures the context where the task is submitted. Returns `None` if there is nothing to
    /// carry.
    fn capture(&self) -> Option<Box<dyn CapturedContext>>;
}

/// The context that [`Propagate::capture`] has captured.
pub trait CapturedContext: Send + 'static {
    /// Called on the worker. Sets up the context, calls `task` once, and removes the context.
    fn scope(self: Box<Self>, task: &mut dyn FnMut());
}

impl<T: Clone + Send + 'static> Propagate for &'static LocalKey<T> {
    fn capture(&self) -> Option<Box<dyn CapturedContext>> {
        let value = self.try_with(T::clone).ok()?;
        Some(Box::new(CarriedLocal { key: self, value }))
    }
}

struct CarriedLocal<T: 'static> {
    key: &'static LocalKey<T>,
    value: T,
}

impl<T: Send + 'static> CapturedContext for CarriedLocal<T> {
    fn scope(self: Box<Self>, task: &mut dyn FnMut()) {
        self.key.sync_scope(self.value, task);
    }
}

/// What a task carries. Most tasks carry nothing, and have one word.
pub(super) struct Captured(Option<Box<Packed>>);

struct Packed {
    /// The submitter's span.
    span: Span,
    /// The spans of the task itself, if it has any.
    spans: Option<TaskSpans>,
    carried: Vec<Box<dyn CapturedContext>>,
    /// The bytes are freed when the work is done, before its result is visible, or when it is
    /// dropped.
    bytes: ByteReservation,
}

impl Captured {
    /// Captures the context of the calling thread, for a task that has spans of these names.
    #[inline]
    pub(super) fn pack(propagate: &[Arc<dyn Propagate>], names: Option<Names>) -> Self {
        // Without a subscriber no span exists, and a look-up of the current one would cost as much
        // as the rest of a submission.
        if propagate.is_empty() && LevelFilter::current() == LevelFilter::OFF {
            return Self(None);
        }
        Self::pack_all(propagate, names)
    }

    fn pack_all(propagate: &[Arc<dyn Propagate>], names: Option<Names>) -> Self {
        let mut span = Span::none();
        contain(|| span = Span::current());
        let carried: Vec<_> = propagate.iter().filter_map(|p| p.capture()).collect();
        let empty = span.is_none() && carried.is_empty() && names.is_none();
        let spans = names.map(TaskSpans::new);
        Self((!empty).then(|| Box::new(Packed { span, spans, carried, bytes: None })))
    }

    /// Adds a reservation of bytes.
    pub(super) fn carry(&mut self, bytes: ByteReservation) {
        if bytes.is_some() {
            let nothing = Packed { span: Span::none(), spans: None, carried: Vec::new(), bytes: None };
            self.0.get_or_insert_with(|| Box::new(nothing)).bytes = bytes;
        }
    }

    /// Makes a task that runs `work` in this context.
    #[inline]
    pub(super) fn task<F, T>(
        mut self,
        work: F,
        place: Place,
        waker: Option<Waker>,
        label: Option<Box<Label>>,
    ) -> Arc<TaskCell<impl FnOnce() -> T + Send + 'static, T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        if let Some(Packed { span, spans: Some(spans), .. }) = self.0.as_deref_mut() {
            spans.queue(span);
        }
        TaskCell::new(move || self.unpack(work), place, waker, label)
    }

    #[inline]
    fn unpack<T>(self, work: impl FnOnce() -> T) -> T {
        match self.0 {
            None => work(),
            Some(packed) => packed.unpack(work),
        }
    }
}

impl Packed {
    fn unpack<T>(self, work: impl FnOnce() -> T) -> T {
        // Dropped at the end.
        let Self { span, spans, carried, bytes: _bytes } = self;
        let _inside = match spans {
            Some(spans) => spans.start(&span),
            None => Inside::enter(span),
        };
        if carried.is_empty() {
            return work();
        }
        let (mut work, mut result) = (Some(work), None);
        nest(carried.into_iter(), &mut || {
            if let Some(work) = work.take() {
                result = Some(work());
            }
        });
        match result {
            Some(result) => result,
            None => panic!("a `CapturedContext::scope` did not call the task it was given"),
        }
    }
}

fn nest(mut rest: std::vec::IntoIter<Box<dyn CapturedContext>>, task: &mut dyn FnMut()) {
    match rest.next() {
        None => task(),
        Some(carried) => {
            let mut rest = Some(rest);
            carried.scope(&mut || {
                if let Some(rest) = rest.take() {
                    nest(rest, task);
                }
            });
        }
    }
}
