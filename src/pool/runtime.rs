//! The Tokio runtime in which tasks run ([`RuntimeContext`]).

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::runtime::Handle;

use super::propagate::{CapturedContext, Propagate};
use crate::config::RuntimeContext;
use crate::sync::Mutex;

thread_local! {
    /// The pool that the thread last submitted to, and the epoch of its runtime then.
    static SEEN: Cell<(usize, u64)> = const { Cell::new((0, 0)) };
}

/// The runtime of a pool's workers, if they share one.
#[derive(Debug)]
pub(super) struct SharedRuntime {
    enabled: bool,
    /// Counts the changes of `handle`.
    epoch: AtomicU64,
    handle: Mutex<Option<Handle>>,
}

impl SharedRuntime {
    /// Starts with the runtime of the calling thread, if it is in one.
    pub(super) fn new(context: RuntimeContext) -> Self {
        let enabled = context == RuntimeContext::Shared;
        let handle = if enabled { Handle::try_current().ok() } else { None };
        Self { enabled, epoch: AtomicU64::new(1), handle: Mutex::new(handle) }
    }

    /// Counts the changes so far.
    #[inline]
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Returns the runtime, and the epoch in which it came.
    pub(super) fn current(&self) -> (u64, Option<Handle>) {
        let handle = self.handle.lock();
        (self.epoch(), handle.clone())
    }

    /// Called before a task is queued. The runtime of a thread that submits for the first time, or
    /// for the first time since the runtime has changed, becomes that of the workers.
    #[inline]
    pub(super) fn follow(&self) {
        let seen = (std::ptr::from_ref(self).addr(), self.epoch());
        if self.enabled && SEEN.get() != seen {
            self.adopt();
        }
    }

    #[cold]
    fn adopt(&self) {
        let mut known = self.handle.lock();
        if let Ok(handle) = Handle::try_current() {
            if known.as_ref().is_none_or(|known| known.id() != handle.id()) {
                *known = Some(handle);
                self.epoch.fetch_add(1, Ordering::Release);
            }
        }
        SEEN.set((std::ptr::from_ref(self).addr(), self.epoch()));
    }
}

/// Carries the submitter's runtime to its task.
pub(super) struct SubmittersRuntime;

impl Propagate for SubmittersRuntime {
    fn capture(&self) -> Option<Box<dyn CapturedContext>> {
        Handle::try_current().ok().map(|handle| Box::new(CapturedRuntime(handle)) as _)
    }
}

struct CapturedRuntime(Handle);

impl CapturedContext for CapturedRuntime {
    fn scope(self: Box<Self>, task: &mut dyn FnMut()) {
        let _entered = self.0.enter();
        task();
    }
}
