//! The processor's metrics.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use crossbeam_utils::CachePadded;

use super::request::Outcome;
use super::{ProcessError, ReaderError};
use crate::contain::contain;
use crate::metrics::{Latencies, Summary, sums};

/// The metrics of a processor since it was built.
///
/// A latency is the time from the request to its answer, including waiting.
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
    /// The latency, in milliseconds, that 90 % of the documents did not exceed.
    pub p90_latency_ms: f64,
    /// The latency, in milliseconds, that 99 % of the documents did not exceed.
    pub p99_latency_ms: f64,
    /// The latency, in milliseconds, that 99.9 % of the documents did not exceed.
    pub p999_latency_ms: f64,
    /// The longest latency, in milliseconds.
    pub max_latency_ms: f64,
    /// Buffers that the [memory pool](crate::ConcurrentProcessorV2::memory_pool) had; its own
    /// [`statistics`](crate::memory::BufferPool::statistics) have details.
    pub memory_pool_hits: u64,
    /// Buffers that it did not have, and allocated.
    pub memory_pool_misses: u64,
    /// How often a request waited for room in the pool, or was refused; for all users of the pool.
    pub backpressure_events: u64,
    /// Documents converted on the caller's own thread.
    pub inlined: u64,
    /// Tasks in which several documents of a batch were converted.
    pub coalesced_tasks: u64,
    /// Documents converted in parts.
    pub chunked: u64,
    /// The parts of these documents.
    pub chunks: u64,
    /// Documents on which the converter panicked.
    pub panicked: u64,
    /// Documents that were not done at the timeout of their batch.
    pub timed_out: u64,
    /// Bytes of the documents that were converted.
    pub bytes_in: u64,
    /// Bytes of the results.
    pub bytes_out: u64,
    /// Requests and batches in flight.
    pub in_flight: usize,
}

/// The figures that exporters read.
#[cfg(any(feature = "prometheus", feature = "metrics"))]
pub(crate) struct ProcessorReading {
    /// Those of the documents. The figures of the memory and the pool are zero.
    pub(crate) metrics: ProcessorMetrics,
    pub(crate) latency: crate::metrics::Histogram,
    pub(crate) memory: crate::memory::BufferPoolStatistics,
}

sums! {
    /// The counters of documents.
    Counters {
        processed, failed, inlined, coalesced_tasks, chunked, chunks, panicked, timed_out, bytes_in, bytes_out,
    }
}

impl Counters {
    fn add_converted(&mut self, bytes_in: u64, bytes_out: u64) {
        self.processed += 1;
        self.bytes_in += bytes_in;
        self.bytes_out += bytes_out;
    }

    fn add_failed(&mut self, why: Option<&ProcessError>) {
        self.processed += 1;
        self.failed += 1;
        self.panicked += u64::from(matches!(why, Some(ProcessError::Panicked(_))));
        self.timed_out += u64::from(matches!(why, Some(ProcessError::TimedOut { .. })));
    }
}

/// What a processor counts.
#[derive(Debug)]
pub(super) struct Tally {
    latencies: Latencies<Counters>,
    /// Requests and batches in flight.
    in_flight: CachePadded<AtomicUsize>,
}

/// A request or batch in flight, until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Tally>);

impl Tally {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { latencies: Latencies::new(), in_flight: CachePadded::default() })
    }

    /// Counts a request or batch in flight, until the guard is dropped.
    pub(super) fn enter(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn summary(&self) -> Summary<Counters> {
        self.latencies.summary()
    }

    /// Counts the answer to a document that was converted, or that the converter refused.
    pub(super) fn account(&self, outcome: &Outcome) {
        self.latencies.record(Some(outcome.queued + outcome.took), |counters| {
            counters.inlined += u64::from(outcome.inlined);
            if outcome.chunks > 1 {
                counters.chunked += 1;
                counters.chunks += outcome.chunks as u64;
            }
            match &outcome.result {
                Ok(bytes) => counters.add_converted(outcome.bytes_in as u64, bytes.len() as u64),
                Err(error) => counters.add_failed(Some(error)),
            }
        });
    }

    /// Counts a document that was converted while it was read. Its time is not counted: it depends
    /// on the reader and the writer.
    pub(super) fn account_read<T>(&self, done: &Result<T, ReaderError>, bytes_in: u64, bytes_out: u64) {
        self.latencies.record(None, |counters| match done {
            Ok(_) => counters.add_converted(bytes_in, bytes_out),
            Err(ReaderError::Process { source, .. }) => counters.add_failed(Some(source)),
            Err(_) => counters.add_failed(None),
        });
    }

    /// Counts a task of several documents.
    pub(super) fn count_coalesced(&self) {
        self.latencies.record(None, |counters| counters.coalesced_tasks += 1);
    }

    /// Returns the answer for a document that was not converted, and counts it. Its time is not
    /// counted: it would distort the percentiles.
    pub(super) fn unconverted(&self, error: ProcessError, asked: Instant) -> Outcome {
        self.latencies.record(None, |counters| counters.add_failed(Some(&error)));
        Outcome::unconverted(error, asked.elapsed())
    }

    /// As [`unconverted`](Self::unconverted), for a document that is refused at once.
    pub(super) fn refused(&self, error: ProcessError, content: Bytes, asked: Instant) -> Outcome {
        // It may be a user's own memory, with a drop of its own.
        contain(|| drop(content));
        self.unconverted(error, asked)
    }
}

impl InFlight {
    /// Returns the answer for its document, which was not converted, and counts it.
    pub(crate) fn unconverted(&self, error: ProcessError, asked: Instant) -> Outcome {
        self.0.unconverted(error, asked)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl ProcessorMetrics {
    /// What has changed since `earlier`, older metrics of the same processor. Counts are those
    /// since then, and the error rate is of these documents. The latencies and `in_flight` are as
    /// they are now: latencies of an interval are the difference of two
    /// [`latencies`](crate::ConcurrentProcessorV2::latencies).
    #[must_use]
    pub fn diff(&self, earlier: &Self) -> Self {
        let since = |count: fn(&Self) -> u64| count(self).saturating_sub(count(earlier));
        let (total_processed, total_failed) = (since(|m| m.total_processed), since(|m| m.total_failed));
        Self {
            total_processed,
            total_failed,
            error_rate: error_rate(total_failed, total_processed),
            memory_pool_hits: since(|m| m.memory_pool_hits),
            memory_pool_misses: since(|m| m.memory_pool_misses),
            backpressure_events: since(|m| m.backpressure_events),
            inlined: since(|m| m.inlined),
            coalesced_tasks: since(|m| m.coalesced_tasks),
            chunked: since(|m| m.chunked),
            chunks: since(|m| m.chunks),
            panicked: since(|m| m.panicked),
            timed_out: since(|m| m.timed_out),
            bytes_in: since(|m| m.bytes_in),
            bytes_out: since(|m| m.bytes_out),
            ..self.clone()
        }
    }

    /// The metrics of the summary; the rest is zero.
    pub(super) fn of(summary: &Summary<Counters>) -> Self {
        let counters = &summary.counters;
        let (processed, failed) = (counters.processed, counters.failed);
        Self {
            total_processed: processed,
            total_failed: failed,
            error_rate: error_rate(failed, processed),
            average_latency_ms: ms(summary.mean),
            p50_latency_ms: ms(summary.quantile(0.5)),
            p90_latency_ms: ms(summary.quantile(0.9)),
            p99_latency_ms: ms(summary.quantile(0.99)),
            p999_latency_ms: ms(summary.quantile(0.999)),
            max_latency_ms: ms(summary.max()),
            inlined: counters.inlined,
            coalesced_tasks: counters.coalesced_tasks,
            chunked: counters.chunked,
            chunks: counters.chunks,
            panicked: counters.panicked,
            timed_out: counters.timed_out,
            bytes_in: counters.bytes_in,
            bytes_out: counters.bytes_out,
            ..Self::default()
        }
    }
}

/// One line: the documents, then their latencies.
impl fmt::Display for ProcessorMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "documents {} ({} failed, {} panicked, {} timed out), in flight {}, bytes {} in, {} out; \
             latency ms: mean {:.3}, p50 {:.3}, p99 {:.3}, max {:.3}",
            self.total_processed,
            self.total_failed,
            self.panicked,
            self.timed_out,
            self.in_flight,
            self.bytes_in,
            self.bytes_out,
            self.average_latency_ms,
            self.p50_latency_ms,
            self.p99_latency_ms,
            self.max_latency_ms,
        )
    }
}

fn error_rate(failed: u64, processed: u64) -> f64 {
    if processed == 0 { 0.0 } else { failed as f64 / processed as f64 }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
