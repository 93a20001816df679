//! The context that a task takes from its submitter: always the `tracing` span, task-locals on
//! request, and the task or request to which it belongs. With it go the spans of the task itself.

use std::sync::Arc;
use std::task::Waker;

use tokio::task::LocalKey;
use tracing::Span;
use tracing::level_filters::LevelFilter;

use crate::admission::ByteReservation;
use crate::contain::{self, contain};
use crate::pool::spans::{Inside, Names, TaskSpans};
use crate::task::{BoxedWork, CancelNode, Join, Label, Place, TaskCell, TaskRef, is_large};

/// Carries a part of the submitter's context to the task; for
/// [`PoolBuilder::propagate`](crate::PoolBuilder::propagate).
///
/// Task-locals of Tokio implement it, if their value is `Clone`:
///
/// ```
/// tokio::task_local! { static USER: String; }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = millpond::AdaptiveThreadPool::builder().propagate(&USER).build()?;
/// let seen = USER.scope("ada".into(), pool.run(|| USER.with(String::clone))).await?;
/// assert_eq!(seen, "ada");
/// # Ok(()) }
/// ```
pub trait Propagate: Send + Sync + 'static {
    /// Captures the context where the task is submitted; `None` if there is nothing to carry.
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

/// A task that was just made, as the queue and as the caller see it.
pub(super) struct Made<T> {
    pub(super) run: TaskRef,
    pub(super) join: Arc<dyn Join<T>>,
}

/// What a task carries. Most tasks carry nothing.
pub(super) struct Captured {
    packed: Option<Box<Packed>>,
    owner: Option<Arc<CancelNode>>,
}

struct Packed {
    /// The submitter's span.
    span: Span,
    /// The spans of the task itself, if it has any.
    spans: Option<TaskSpans>,
    carried: Carried,
    /// The bytes are freed when the work is done, before its result is visible, or when it is
    /// dropped.
    bytes: ByteReservation,
}

/// Contexts, which are a user's values. If the drop of one panics, the panic goes no further.
struct Carried(Vec<Box<dyn CapturedContext>>);

impl Drop for Carried {
    fn drop(&mut self) {
        self.0.drain(..).for_each(contain::discard);
    }
}

impl Captured {
    /// Captures the context of the calling thread, for a task that has spans of these names.
    #[inline(always)]
    pub(super) fn pack(propagate: &[Arc<dyn Propagate>], names: Option<Names>) -> Self {
        // Without a subscriber no span exists, and a look-up of the current one would cost as much
        // as the rest of a submission.
        if propagate.is_empty() && LevelFilter::current() == LevelFilter::OFF {
            return Self { packed: None, owner: None };
        }
        Self::pack_all(propagate, names)
    }

    #[inline(never)]
    fn pack_all(propagate: &[Arc<dyn Propagate>], names: Option<Names>) -> Self {
        let mut span = Span::none();
        contain(|| span = Span::current());
        let mut carried = Carried(Vec::new());
        carried.0.extend(propagate.iter().filter_map(|p| p.capture()));
        let empty = span.is_none() && carried.0.is_empty() && names.is_none();
        let spans = names.map(TaskSpans::new);
        let packed = (!empty).then(|| Box::new(Packed { span, spans, carried, bytes: None }));
        Self { packed, owner: None }
    }

    /// Adds the task or request to which the work belongs.
    #[inline(always)]
    pub(super) fn owned_by(self, owner: Option<Arc<CancelNode>>) -> Self {
        Self { owner, ..self }
    }

    /// Adds a reservation of bytes.
    pub(super) fn carry(&mut self, bytes: ByteReservation) {
        if bytes.is_some() {
            let carried = Carried(Vec::new());
            let nothing = Packed { span: Span::none(), spans: None, carried, bytes: None };
            self.packed.get_or_insert_with(|| Box::new(nothing)).bytes = bytes;
        }
    }

    /// Makes a task that runs `work` in this context. A large closure or result is boxed.
    #[inline(always)]
    pub(super) fn task<F, T>(
        self,
        work: F,
        place: Place,
        waker: Option<Waker>,
        label: Option<Box<Label>>,
    ) -> Made<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        if const { is_large::<F>() } {
            let work: BoxedWork<T> = Box::new(work);
            return self.task(work, place, waker, label);
        }
        if const { is_large::<T>() } {
            let cell = self.cell(move || Box::new(work()), place, waker, label);
            return Made { run: Arc::clone(&cell) as TaskRef, join: cell };
        }
        let cell = self.cell(work, place, waker, label);
        Made { run: Arc::clone(&cell) as TaskRef, join: cell }
    }

    #[inline(always)]
    fn cell<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
        place: Place,
        waker: Option<Waker>,
        label: Option<Box<Label>>,
    ) -> Arc<TaskCell<impl FnOnce() -> T + Send + 'static, T>> {
        let Self { mut packed, owner } = self;
        if let Some(Packed { span, spans: Some(spans), .. }) = packed.as_deref_mut() {
            spans.queue(span);
        }
        let work = move || match packed {
            None => work(),
            Some(packed) => packed.unpack(work),
        };
        TaskCell::owned(owner, work, place, waker, label)
    }
}

impl Packed {
    fn unpack<T>(self, work: impl FnOnce() -> T) -> T {
        // Dropped at the end.
        let Self { span, spans, mut carried, bytes: _bytes } = self;
        let _inside = match spans {
            Some(spans) => spans.start(&span),
            None => Inside::enter(span),
        };
        if carried.0.is_empty() {
            return work();
        }
        let (mut work, mut result) = (Some(work), None);
        // The first is the outermost.
        carried.0.reverse();
        nest(carried, &mut || {
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

/// Calls `task` within the contexts, the last one outermost.
fn nest(mut contexts: Carried, task: &mut dyn FnMut()) {
    let Some(outermost) = contexts.0.pop() else { return task() };
    // A scope that calls its task twice must not run it without the contexts within.
    let mut rest = Some(contexts);
    outermost.scope(&mut || {
        if let Some(rest) = rest.take() {
            nest(rest, task);
        }
    });
}
