//! To what submitted work belongs.

use std::sync::Arc;

use crate::pool::worker::Worker;
use crate::task::CancelNode;

/// To what submitted work belongs. If that is cancelled, so is the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pool) enum Owner {
    /// The task or request that submits the work. It awaits the work.
    Caller,
    /// The task whose subtask the work is. Work that is no subtask has no owner.
    Task,
    /// Nobody.
    Nobody,
}

impl Owner {
    /// Returns the node of the owner, for work that is submitted on the thread of `worker`, if it
    /// is one's.
    #[inline]
    pub(in crate::pool) fn node(self, worker: Option<&Worker>, subtask: bool) -> Option<Arc<CancelNode>> {
        match self {
            Self::Caller => worker?.cancel_node(),
            Self::Task if subtask => worker?.cancel_node(),
            Self::Task | Self::Nobody => None,
        }
    }
}
