//! What the page is told, as JSON.
//!
//! The format belongs to the page: it may change in any version. Times are seconds, except in the
//! statistics of pool and processor, which are written as they are. Counters count from the
//! building of the pool; the page takes the differences of two frames.

use serde::Serialize;

use crate::memory::BufferPoolStatistics;
use crate::policy::scaling::Decision;
use crate::pool::PoolStatistics;
use crate::processor::ProcessorMetrics;

/// One frame.
#[derive(Debug, Serialize)]
pub(super) struct Frame {
    /// This crate's version.
    pub(super) version: &'static str,
    /// The name of the pool's threads.
    pub(super) name: String,
    /// The age of the dashboard.
    pub(super) at: f64,
    /// The time between two frames.
    pub(super) every: f64,
    /// Whether the pool takes no more work.
    pub(super) closed: bool,
    pub(super) limits: Limits,
    pub(super) pool: PoolStatistics,
    /// The last decision on the number of threads.
    pub(super) decision: Option<Decision>,
    pub(super) latencies: Latencies,
    /// The threads that there are, at most 256.
    pub(super) workers: Vec<Worker>,
    /// How many there are beside these.
    pub(super) more_workers: usize,
    /// The busiest tenants, and then all others together.
    pub(super) tenants: Vec<Tenant>,
    /// Recent refusals, slow tasks and panics, the newest last.
    pub(super) events: Vec<Event>,
    /// With a processor.
    pub(super) documents: Option<ProcessorMetrics>,
    /// With a processor: its memory pool.
    pub(super) memory: Option<BufferPoolStatistics>,
}

/// What the figures are compared with.
#[derive(Debug, Serialize)]
pub(super) struct Limits {
    pub(super) min_threads: usize,
    pub(super) max_threads: usize,
    pub(super) max_queue_size: usize,
    pub(super) backpressure_threshold: f64,
}

/// Histograms by class of tasks.
#[derive(Debug, Serialize)]
pub(super) struct Latencies {
    /// The upper bounds of the buckets. A histogram has one more bucket, without a bound.
    pub(super) bounds: Vec<f64>,
    /// From the submission of a task to its start.
    pub(super) queue_delay: Classes,
    /// From its start to its end.
    pub(super) run_time: Classes,
}

/// The number of tasks in each bucket.
#[derive(Debug, Serialize)]
pub(super) struct Classes {
    pub(super) plain: Vec<u64>,
    pub(super) interactive: Vec<u64>,
    pub(super) standard: Vec<u64>,
    pub(super) bulk: Vec<u64>,
}

/// A thread of the pool.
#[derive(Debug, Serialize)]
pub(super) struct Worker {
    pub(super) index: usize,
    /// `running`, `searching`, `parked` or `blocked`.
    pub(super) state: &'static str,
    /// The name of the task that it runs.
    pub(super) task: Option<String>,
    /// How long it runs that task.
    pub(super) running_for: Option<f64>,
    /// Time in tasks.
    pub(super) busy: f64,
    pub(super) completed: u64,
    pub(super) stolen: u64,
    pub(super) parks: u64,
}

/// A tenant, or the sum of those that are not listed.
#[derive(Debug, Serialize)]
pub(super) struct Tenant {
    /// `None` for the sum, empty for tasks that name no tenant.
    pub(super) name: Option<String>,
    pub(super) waiting: usize,
    pub(super) running: usize,
    /// Tasks that workers took to run them.
    pub(super) started: u64,
    /// Processor time.
    pub(super) time: f64,
}

/// Something that went wrong.
#[derive(Debug, Serialize)]
pub(super) struct Event {
    /// How long ago it was.
    pub(super) ago: f64,
    /// Its kind, as `slow_task`.
    pub(super) kind: &'static str,
    pub(super) task: Option<String>,
    pub(super) tenant: Option<String>,
    pub(super) detail: String,
    /// Events of this kind that were not kept before this one.
    pub(super) skipped: u64,
}
