//! The run order of a pool: tasks with a class, a tenant or a deadline wait here. The rule of the
//! order is in `policy/scheduling`.

mod charge;
pub(super) mod charges;
pub(super) mod run_queue;
