//! Labelled work out of turn; for a test that chooses who is next.

use super::Ranks;
use crate::policy::scheduling::Turn;
use crate::task::{Label, TaskRef};

impl Ranks {
    /// All that waits, in the order in which it came.
    pub(in crate::pool) fn all(&self) -> Vec<TaskRef> {
        self.with(|state| state.order.all().into_iter().cloned().collect())
    }

    /// The task with this label, as if it were its turn.
    pub(in crate::pool) fn take(&self, label: &Label) -> Option<(TaskRef, Turn)> {
        self.with(|state| state.order.pop_this(label))
    }

    /// How many tenants have something that waits or runs.
    pub(in crate::pool) fn busy_tenants(&self) -> usize {
        self.with(|state| state.order.busy_tenants())
    }
}
