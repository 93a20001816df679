//! The state of the sizing that all threads see.

use std::sync::atomic::AtomicBool;

use crate::policy::scaling::burst::Bounds;
use crate::policy::scaling::{Decision, Limits};
use crate::pool::observe::counts::DecisionCounters;
use crate::pool::scaling::foresight::Foresight;
use crate::pool::threads::allowance::Allowance;
use crate::sync::Mutex;
use crate::task::{Label, TaskRef};

/// The part of the sizing that all threads see.
#[derive(Debug)]
pub(in crate::pool) struct Scaling {
    pub(in crate::pool) allowance: Allowance,
    pub(in crate::pool) foresight: Foresight,
    /// The timer thread checks, or has been called to check.
    pub(in crate::pool) watched: AtomicBool,
    pub(in crate::pool) last: Mutex<Option<Decision>>,
    pub(in crate::pool) decisions: DecisionCounters,
    pub(in crate::pool) named: Named,
}

impl Scaling {
    pub(in crate::pool) fn new(bounds: Bounds, slots: usize, foresight: Foresight) -> Self {
        let limits = Limits { min: bounds.min, max: bounds.max };
        Self {
            allowance: Allowance::new(limits, bounds.usable),
            foresight,
            watched: AtomicBool::new(false),
            last: Mutex::new(None),
            decisions: DecisionCounters::default(),
            named: Named((0..slots).map(|_| Mutex::new(None)).collect()),
        }
    }

    /// Returns the controller's last decision.
    pub(in crate::pool) fn last(&self) -> Option<Decision> {
        *self.last.lock()
    }
}

/// The tasks with a name that the workers run, by slot.
pub(in crate::pool) struct Named(Box<[Mutex<Option<TaskRef>>]>);

impl Named {
    /// Notes that the worker of `slot` runs `task`, which has a name.
    pub(in crate::pool) fn begin(&self, slot: usize, task: &TaskRef) {
        *self.0[slot].lock() = Some(TaskRef::clone(task));
    }

    /// Returns the task of [`begin`](Self::begin), which has ended. The caller drops it.
    pub(in crate::pool) fn end(&self, slot: usize) -> Option<TaskRef> {
        self.0[slot].lock().take()
    }

    /// Returns the names of the tasks.
    pub(in crate::pool) fn names(&self) -> Vec<String> {
        (0..self.0.len()).filter_map(|slot| self.name_of(slot)).collect()
    }

    /// Returns the name of the task that the worker of `slot` runs, if it has one.
    pub(in crate::pool) fn name_of(&self, slot: usize) -> Option<String> {
        let task = self.0[slot].lock();
        task.as_ref().and_then(|task| task.label()).and_then(Label::name).map(String::from)
    }
}

impl std::fmt::Debug for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
