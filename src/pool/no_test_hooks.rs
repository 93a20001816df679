//! Replaces `test_hooks.rs` in a build without the feature `test-util`: no field, no branch.

use std::sync::{Arc, Weak};

use crate::error::RejectReason;
use crate::pool::propagate::Propagate;

#[derive(Debug, Clone, Default)]
pub(super) struct Plan {}

#[derive(Debug)]
pub(super) struct TestHooks;

const _: () = assert!(size_of::<TestHooks>() == 0 && size_of::<Plan>() == 0);

impl TestHooks {
    pub(super) fn new<P>(_: Plan, _: &Weak<P>) -> Self {
        Self
    }

    pub(super) fn propagates(&self) -> [Arc<dyn Propagate>; 0] {
        []
    }

    #[inline]
    pub(super) fn worker_woken(&self) {}

    #[inline]
    pub(super) fn state_changed(&self) {}

    #[inline]
    pub(super) fn refusal(&self) -> Option<RejectReason> {
        None
    }

    #[inline]
    pub(super) fn sends_wakes(&self) -> bool {
        false
    }

    #[inline]
    pub(super) fn hold_clock(&self) -> Option<()> {
        None
    }
}
