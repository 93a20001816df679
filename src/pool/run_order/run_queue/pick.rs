//! Takes labelled tasks out of order, for a test that chooses the next task.

use crate::policy::scheduling::Grant;
use crate::pool::run_order::run_queue::RunQueue;
use crate::task::{Label, TaskRef};

impl RunQueue {
    /// Returns all waiting tasks in order of arrival.
    pub(in crate::pool) fn all(&self) -> Vec<TaskRef> {
        self.with(|state| state.order.all().into_iter().cloned().collect())
    }

    /// Takes out the task with this label as if it were the next.
    pub(in crate::pool) fn take(&self, label: &Label) -> Option<(TaskRef, Grant)> {
        self.with(|state| state.order.pop_this(label))
    }

    /// Returns the number of tenants with a waiting or a running task.
    pub(in crate::pool) fn busy_tenants(&self) -> usize {
        self.with(|state| state.order.busy_tenants())
    }
}
