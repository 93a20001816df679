//! What is counted while tasks run. Each worker writes its own cache line; readers add them up.

mod counters;

pub(crate) use counters::{Totals, WorkerCounters};
