//! How work enters the pool.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::pool::submit::permit::Permit;

/// How work enters the pool.
#[derive(Debug)]
pub(crate) enum Mode {
    /// It is refused if there is no place now.
    Try,
    /// It waits in the queue, beyond the limit, if there is no place now.
    Wait,
    /// As `Wait`. Tells when the work has a permit, if it waits for its bytes first.
    WaitAndTell(Arc<Notify>),
    /// As `Wait`. No worker is called: [`call`](super::AdaptiveThreadPool::call) has to follow.
    WaitUncalled,
    /// It has its place. It gives the place back and waits if the byte budget is spent or its tenant
    /// has its share of the queue.
    Permit(Permit),
    /// It continues work that was let in before. It takes a permit if there is one, so that others
    /// see how full the queue is; it is not refused while the pool is open.
    Step,
}
