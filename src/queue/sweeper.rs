//! What is known of the empty cells in the injector.

use crate::sync::Mutex;
use crate::sync::atomic::AtomicUsize;

/// How many empty cells there may be, and whether somebody sweeps.
#[derive(Debug, Default)]
pub(super) struct Sweeper {
    /// Tasks cancelled in the queues since the last sweep, less the empty cells that workers have met. An estimate: some
    /// are in the deques, which are not swept, and a cell may be met before it is counted. What matters is that a sweep
    /// sets it to zero: so the tasks that sweeps look at are never more than two for each cancellation.
    pub(super) empty: AtomicUsize,
    pub(super) busy: Mutex<()>,
}
