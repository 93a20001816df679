//! The state of sweeps: how many empty cells the injector may have.

use crate::sync::Mutex;
use crate::sync::atomic::AtomicUsize;

/// The number of empty cells, and whether a thread sweeps.
#[derive(Debug, Default)]
pub(super) struct Sweeper {
    /// Tasks cancelled in the queues since the last sweep, less the empty cells that workers have
    /// taken. It is an estimate: some of the tasks are in the deques, which are not swept, and a
    /// cell may be taken before it is counted. A sweep sets it to zero, so sweeps check at most two
    /// tasks for each cancellation.
    pub(super) empty: AtomicUsize,
    pub(super) busy: Mutex<()>,
}
