//! What is counted while tasks run. Each worker writes its own cache line; readers add them up.

mod away;
mod class;
mod counters;
mod histogram;
mod latency;

pub use class::ByClass;
pub use histogram::Histogram;

pub(crate) use class::Class;
pub(crate) use counters::{Phase, Totals, WorkerCounters, sums};
pub(crate) use latency::{Latencies, Summary, thread_index};
