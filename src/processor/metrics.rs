//! The processor's figures.

use std::ops::AddAssign;
use std::time::Duration;

use crate::metrics::Summary;

/// What a processor has done since it was built.
///
/// A latency is the time from the request to its answer, waiting included.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ProcessorMetrics {
    /// Documents that were answered, failures among them.
    pub total_processed: u64,
    /// Documents whose answer is an error.
    pub total_failed: u64,
    /// `total_failed` / `total_processed`; 0 before the first.
    pub error_rate: f64,
    /// The mean latency, in milliseconds.
    pub average_latency_ms: f64,
    /// The latency, in milliseconds, that half of the documents did not exceed.
    pub p50_latency_ms: f64,
    /// The same for 90 %.
    pub p90_latency_ms: f64,
    /// The same for 99 %.
    pub p99_latency_ms: f64,
    /// The same for 99.9 %.
    pub p999_latency_ms: f64,
    /// The longest latency, in milliseconds.
    pub max_latency_ms: f64,
    /// Buffers that the [memory pool](crate::ConcurrentProcessorV2::memory_pool) had, for whomever; its own
    /// [`statistics`](crate::memory::BufferPool::statistics) say more.
    pub memory_pool_hits: u64,
    /// Buffers that it did not have, and allocated.
    pub memory_pool_misses: u64,
    /// How often a request had to wait for room in the pool, or was refused; for all who share the
    /// pool.
    pub backpressure_events: u64,
    /// Documents converted on the caller's own thread.
    pub inlined: u64,
    /// Tasks in which several documents of a batch were converted.
    pub coalesced_tasks: u64,
    /// Documents converted in parts.
    pub chunked: u64,
    /// The parts of those.
    pub chunks: u64,
    /// Documents on which the converter panicked.
    pub panicked: u64,
    /// Documents that a batch's timeout cut off.
    pub timed_out: u64,
    /// Bytes of the documents that were converted.
    pub bytes_in: u64,
    /// Bytes that came out.
    pub bytes_out: u64,
    /// Requests and batches that are under way now.
    pub in_flight: usize,
}

/// What is counted with each document.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counters {
    pub(super) processed: u64,
    pub(super) failed: u64,
    pub(super) inlined: u64,
    pub(super) coalesced_tasks: u64,
    pub(super) chunked: u64,
    pub(super) chunks: u64,
    pub(super) panicked: u64,
    pub(super) timed_out: u64,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        self.processed += other.processed;
        self.failed += other.failed;
        self.inlined += other.inlined;
        self.coalesced_tasks += other.coalesced_tasks;
        self.chunked += other.chunked;
        self.chunks += other.chunks;
        self.panicked += other.panicked;
        self.timed_out += other.timed_out;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
    }
}

impl ProcessorMetrics {
    /// What the summary says; the rest is zero.
    pub(super) fn of(summary: &Summary<Counters>) -> Self {
        let Counters {
            processed,
            failed,
            inlined,
            coalesced_tasks,
            chunked,
            chunks,
            panicked,
            timed_out,
            bytes_in,
            bytes_out,
        } = summary.counters;
        Self {
            total_processed: processed,
            total_failed: failed,
            error_rate: if processed == 0 { 0.0 } else { failed as f64 / processed as f64 },
            average_latency_ms: ms(summary.mean),
            p50_latency_ms: ms(summary.quantile(0.5)),
            p90_latency_ms: ms(summary.quantile(0.9)),
            p99_latency_ms: ms(summary.quantile(0.99)),
            p999_latency_ms: ms(summary.quantile(0.999)),
            max_latency_ms: ms(summary.max()),
            inlined,
            coalesced_tasks,
            chunked,
            chunks,
            panicked,
            timed_out,
            bytes_in,
            bytes_out,
            ..Self::default()
        }
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
