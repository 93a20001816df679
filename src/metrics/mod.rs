//! What is counted while tasks run. Each worker writes its own cache line; readers add them up.

mod away;
mod counters;
mod latency;

pub(crate) use counters::{Totals, WorkerCounters};
pub(crate) use latency::{Latencies, Summary, thread_index};
