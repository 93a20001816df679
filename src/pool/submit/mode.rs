//! How work enters the pool.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::pool::submit::permit::Permit;

/// How work enters the pool, and what happens if the queue is full.
#[derive(Debug)]
pub(crate) enum Mode {
    /// The work is refused if there is no permit now.
    Try,
    /// As `Try`, for a caller who goes on to wait: that there is no room is neither counted nor
    /// told.
    TryUncounted,
    /// If there is no permit now, the work waits in the queue beyond the limit, with a ticket.
    Wait,
    /// As `Wait`. If the work waits for its bytes first and then finds a permit, it notifies.
    WaitAndTell(Arc<Notify>),
    /// As `Wait`, but no worker is notified: the caller must call
    /// [`call`](crate::AdaptiveThreadPool::call) afterwards.
    WaitUncalled,
    /// The caller has a permit for the work. If the byte budget is spent or the tenant has its
    /// share of the queue, the work gives the permit back and waits.
    Permit(Permit),
    /// The work continues work that was admitted before. It takes a permit if there is one, so that
    /// the permits show how full the queue is. It is refused only if the pool is closed.
    Step,
}

impl Mode {
    /// Whether plain work needs nothing but a free permit.
    #[inline]
    pub(in crate::pool) fn takes_free_permit(&self) -> bool {
        matches!(self, Self::Try | Self::TryUncounted | Self::Wait | Self::WaitUncalled)
    }

    /// Whether a worker is notified.
    #[inline]
    pub(in crate::pool) fn calls(&self) -> bool {
        !matches!(self, Self::WaitUncalled)
    }
}
