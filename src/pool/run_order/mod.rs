//! The run order of a pool: tasks with a class, a tenant or a deadline wait here.
//!
//! The run queue holds the tasks, and all threads share it. A worker's charges settle what its
//! tasks have cost. The rule of the order is in `policy/scheduling`.

mod charge;
pub(super) mod charges;
pub(super) mod run_queue;
