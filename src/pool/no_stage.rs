//! What a test can make of a pool ([`stage`](super), with the feature `test-util`): without it, nothing, at no cost.

use std::sync::Arc;

use super::propagate::Propagate;
use super::shared::Shared;
use super::worker::Worker;
use crate::error::RejectReason;

/// What a builder was told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Plan;

/// What becomes of it.
#[derive(Debug)]
pub(super) struct Stage;

impl Stage {
    pub(super) fn new(_: Plan) -> Self {
        Self
    }

    pub(super) fn set(&self, _: &Arc<Shared>) {}

    pub(super) fn propagates(&self) -> Option<Arc<dyn Propagate>> {
        None
    }

    #[inline]
    pub(super) fn called(&self, _: &Arc<Shared>) {}

    #[inline]
    pub(super) fn at_rest(&self) {}

    #[inline]
    pub(super) fn look(&self) {}

    #[inline]
    pub(super) fn sending(&self, send: impl FnOnce()) {
        send();
    }

    #[inline]
    pub(super) fn passes_on(&self) -> bool {
        true
    }

    #[inline]
    pub(super) fn refusal(&self, _: &Arc<Shared>) -> Option<RejectReason> {
        None
    }

    #[inline]
    pub(super) fn let_go(&self) {}
}

impl Worker {
    /// All that it does.
    #[inline]
    pub(super) fn perform(&self) {
        self.work();
    }
}
