//! What the tasks of a processor share: the converter, what is learnt, and what is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use crossbeam_utils::CachePadded;

use super::config::ProcessorConfig;
use super::metrics::Counters;
use super::request::{Job, Outcome};
use super::{ConversionRequest, ProcessError, ReaderError};
use crate::contain::contain;
use crate::convert::{ConversionOptions, Converter, Format};
use crate::error::ConfigError;
use crate::memory::{BufferPool, PooledBuf};
use crate::metrics::Latencies;
use crate::policy::inlining::Kind;
use crate::policy::nanos;
use crate::pool::AdaptiveThreadPool;
use crate::sync::Mutex;
use crate::task::TaskOptions;

/// The number of formats.
const FORMATS: usize = 3;

/// Longer documents, in bytes, are not examined on the caller's thread: detection may read all of
/// them.
const MAX_DETECTED: usize = 64 << 10;

/// The part of a processor that its tasks share. It does not hold the pool: a task must not keep
/// its own pool alive.
pub(super) struct Inner<C> {
    pub(super) converter: C,
    pub(super) config: ProcessorConfig,
    pub(super) memory: BufferPool,
    pub(super) latencies: Latencies<Counters>,
    /// Requests and batches in flight.
    pub(super) in_flight: Arc<CachePadded<AtomicUsize>>,
    /// Documents of one tenant that may be converted on callers' threads at a time: what its limit
    /// leaves beside the workers.
    max_inlined: usize,
    kinds: [CachePadded<Mutex<Kind>>; FORMATS * FORMATS],
}

/// Where a document is converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Location {
    /// On a worker of the pool.
    Worker,
    /// On the caller's thread, which knows the formats.
    Caller((Format, Format)),
}

/// Names a kind of document.
pub(super) fn kind_of((from, to): (Format, Format)) -> usize {
    from as usize * FORMATS + to as usize
}

impl<C: Converter> Inner<C> {
    /// Of a processor on a pool with this configuration.
    pub(super) fn new(
        converter: C,
        config: ProcessorConfig,
        pool: &AdaptiveThreadPool,
    ) -> Result<Self, ConfigError> {
        let memory = pool.buffer_pool(config.memory.clone())?;
        let pool = pool.config();
        let max_inlined = match config.tenant_limit(pool) {
            usize::MAX => usize::MAX,
            limit => limit.saturating_sub(pool.max_threads),
        };
        Ok(Self {
            converter,
            config,
            memory,
            latencies: Latencies::new(),
            in_flight: Arc::default(),
            max_inlined,
            kinds: std::array::from_fn(|_| CachePadded::new(Mutex::new(Kind::default()))),
        })
    }

    /// What was learnt about a kind of document.
    pub(super) fn kind(&self, kind: usize) -> &Mutex<Kind> {
        &self.kinds[kind]
    }

    pub(super) fn inline_budget_ns(&self) -> u64 {
        nanos(self.config.inline_budget)
    }

    /// Finds the formats of a document, for the caller's thread. Returns `None` if they are
    /// unknown, if it would take long, or if the converter panics. Then a worker finds out.
    pub(super) fn resolve_here(&self, job: &Job) -> Option<(Format, Format)> {
        self.detect(&job.content, &job.options)
    }

    fn detect(&self, content: &[u8], options: &ConversionOptions) -> Option<(Format, Format)> {
        if content.len() > MAX_DETECTED {
            return None;
        }
        let mut formats = None;
        contain(|| formats = self.converter.resolve(content, options).ok());
        formats
    }

    /// The options of a request's task: with the class that documents of its format have, unless it
    /// names one. `head` is the document, or its beginning.
    pub(super) fn task_options(&self, request: &ConversionRequest, head: &[u8]) -> TaskOptions {
        let ConversionRequest { options, task, .. } = request;
        let priority = task.priority.or_else(|| {
            if self.config.priorities.is_empty() {
                return None;
            }
            let format = options.from.or_else(|| Some(self.detect(head, options)?.0))?;
            self.config.priorities.get(&format).copied()
        });
        TaskOptions { priority, bytes: 0, ..task.clone() }
    }

    /// Returns the bytes of a document in the byte budget.
    pub(super) fn weight(&self, content: &[u8], options: &ConversionOptions) -> usize {
        let mut bytes = content.len();
        contain(|| bytes = self.converter.memory(content, options));
        bytes
    }

    /// Returns the size of the parts of a document.
    pub(super) fn chunk_size(&self, options: &ConversionOptions) -> usize {
        options.chunk_size.unwrap_or(self.config.chunk_size).max(1)
    }

    /// Refuses a document that is too long.
    pub(super) fn check_size(&self, content: &[u8]) -> Result<(), ProcessError> {
        let (size, limit) = (content.len(), self.config.max_document_size);
        if size > limit { Err(ProcessError::TooLarge { size, limit }) } else { Ok(()) }
    }

    /// Takes a buffer for the expected output of `bytes` bytes.
    pub(super) fn buffer(&self, formats: (Format, Format), bytes: usize) -> PooledBuf {
        let room = self.kind(kind_of(formats)).lock().room(bytes);
        self.memory.take(room)
    }

    pub(super) fn learn(&self, outcome: &Outcome, location: Location) {
        let Some(formats) = outcome.formats else { return };
        let (bytes, ns) = (outcome.bytes_in, nanos(outcome.took));
        let mut kind = self.kind(kind_of(formats)).lock();
        match &outcome.result {
            Ok(out) => kind.learn_room(bytes, out.len()),
            // A document that is refused early says nothing about others.
            Err(_) if ns <= kind.predict_ns(bytes) => return,
            Err(_) => {}
        }
        if outcome.chunks > 1 {
            // The time that several threads took says nothing about one.
            return;
        }
        match location {
            Location::Worker => kind.learn(bytes, ns),
            Location::Caller(_) => kind.learn_inlined(bytes, ns, self.inline_budget_ns()),
        }
    }

    /// Counts the answer to a document that was converted, or not accepted.
    pub(super) fn account(&self, outcome: &Outcome) {
        self.latencies.record(Some(outcome.queued + outcome.took), |counters| {
            counters.processed += 1;
            counters.inlined += u64::from(outcome.inlined);
            if outcome.chunks > 1 {
                counters.chunked += 1;
                counters.chunks += outcome.chunks as u64;
            }
            match &outcome.result {
                Ok(bytes) => {
                    counters.bytes_in += outcome.bytes_in as u64;
                    counters.bytes_out += bytes.len() as u64;
                }
                Err(error) => {
                    counters.failed += 1;
                    counters.panicked += u64::from(matches!(error, ProcessError::Panicked(_)));
                }
            }
        });
    }

    /// Counts a document that was converted while it was read. Its time is not counted: it depends
    /// on the reader and the writer.
    pub(super) fn account_read<T>(&self, done: &Result<T, ReaderError>, bytes_in: u64, bytes_out: u64) {
        self.latencies.record(None, |counters| {
            counters.processed += 1;
            match done {
                Ok(_) => {
                    counters.bytes_in += bytes_in;
                    counters.bytes_out += bytes_out;
                }
                Err(error) => {
                    counters.failed += 1;
                    let source =
                        if let ReaderError::Process { source, .. } = error { Some(source) } else { None };
                    counters.panicked += u64::from(matches!(source, Some(ProcessError::Panicked(_))));
                }
            }
        });
    }

    /// Returns the answer for a document that was not converted, and counts it. Its time is not
    /// counted: it would distort the percentiles.
    pub(super) fn unconverted(&self, error: ProcessError, asked: Instant) -> Outcome {
        self.latencies.record(None, |counters| {
            counters.processed += 1;
            counters.failed += 1;
            counters.timed_out += u64::from(matches!(error, ProcessError::TimedOut { .. }));
        });
        Outcome::unconverted(error, asked.elapsed())
    }

    /// As [`unconverted`](Self::unconverted), for a document that is refused at once.
    pub(super) fn refused(&self, error: ProcessError, content: Bytes, asked: Instant) -> Outcome {
        // It may be a user's own memory, with a drop of its own.
        contain(|| drop(content));
        self.unconverted(error, asked)
    }

    /// Counts a request or batch in flight, until the guard is dropped.
    pub(super) fn enter(&self) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(&self.in_flight))
    }

    /// Returns whether documents of a task with these options may be converted on callers' threads:
    /// few enough that their tenant's limit holds. The caller has [entered](Self::enter), so of two
    /// concurrent callers at least one sees the other.
    pub(super) fn may_inline(&self, task: &TaskOptions) -> bool {
        task.tenant.is_none() || self.in_flight.load(Ordering::Relaxed) <= self.max_inlined
    }

    /// Returns whether the calling request is the only one in flight.
    pub(super) fn is_alone(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) <= 1
    }
}

/// A request or batch in flight.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<CachePadded<AtomicUsize>>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
