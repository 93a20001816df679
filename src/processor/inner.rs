//! What turns a document into an answer, on whatever thread: the converter with all that is learnt
//! and counted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use crossbeam_utils::CachePadded;

use super::config::ProcessorConfig;
use super::metrics::Counters;
use super::request::{Job, Outcome};
use super::{ConversionRequest, ProcessError, ReaderError};
use super::{chunks, inline};
use crate::config::PoolConfig;
use crate::contain::contain;
use crate::convert::{ConversionOptions, Converter, Format, Report};
use crate::error::{ConfigError, Panic};
use crate::memory::{BufferPool, PooledBuf};
use crate::metrics::Latencies;
use crate::policy::inlining::Kind;
use crate::policy::nanos;
use crate::sync::Mutex;
use crate::task::TaskOptions;

const FORMATS: usize = 3;

/// Longer documents are not looked at on the caller's thread: to find out what they are may mean to
/// read them.
const LONGEST_LOOK: usize = 64 << 10;

/// The part of a processor that its tasks share. It does not hold the pool: a task must not keep
/// its own pool alive.
pub(super) struct Inner<C> {
    pub(super) converter: C,
    pub(super) config: ProcessorConfig,
    pub(super) memory: BufferPool,
    pub(super) latencies: Latencies<Counters>,
    /// Requests and batches under way.
    pub(super) in_flight: Arc<CachePadded<AtomicUsize>>,
    /// Documents of one tenant that may be converted on callers' threads at a time: what its limit
    /// leaves beside the workers.
    most_inlined: usize,
    kinds: [CachePadded<Mutex<Kind>>; FORMATS * FORMATS],
}

/// Where a document is converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Location {
    /// On a worker of the pool.
    Worker,
    /// On the caller's thread, which has found out what the document is.
    Caller((Format, Format)),
}

/// Names a kind of document.
pub(super) fn kind_of((from, to): (Format, Format)) -> usize {
    from as usize * FORMATS + to as usize
}

impl<C: Converter> Inner<C> {
    /// Of a processor on a pool with this configuration.
    pub(super) fn new(converter: C, config: ProcessorConfig, pool: &PoolConfig) -> Result<Self, ConfigError> {
        let memory = BufferPool::with_config(config.memory.clone())?;
        let most_inlined = match config.tenant_limit(pool) {
            usize::MAX => usize::MAX,
            limit => limit.saturating_sub(pool.max_threads),
        };
        Ok(Self {
            converter,
            config,
            memory,
            latencies: Latencies::new(),
            in_flight: Arc::default(),
            most_inlined,
            kinds: std::array::from_fn(|_| CachePadded::new(Mutex::new(Kind::default()))),
        })
    }

    /// What is known of a kind of document.
    pub(super) fn kind(&self, kind: usize) -> &Mutex<Kind> {
        &self.kinds[kind]
    }

    pub(super) fn inline_budget_ns(&self) -> u64 {
        nanos(self.config.inline_budget)
    }

    /// What a document is and is to become, for the caller's thread: `None` if that can't be told,
    /// or would take long, or the converter panics over it. A worker will find out then.
    pub(super) fn resolve_here(&self, job: &Job) -> Option<(Format, Format)> {
        self.look(&job.content, &job.options)
    }

    fn look(&self, content: &[u8], options: &ConversionOptions) -> Option<(Format, Format)> {
        if content.len() > LONGEST_LOOK {
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
            let format = options.from.or_else(|| Some(self.look(head, options)?.0))?;
            self.config.priorities.get(&format).copied()
        });
        TaskOptions { priority, bytes: 0, ..task.clone() }
    }

    /// How many bytes a document counts for in the byte budget.
    pub(super) fn weight(&self, content: &[u8], options: &ConversionOptions) -> usize {
        let mut bytes = content.len();
        contain(|| bytes = self.converter.memory(content, options));
        bytes
    }

    /// How large the parts of a document are to be.
    pub(super) fn chunk_size(&self, options: &ConversionOptions) -> usize {
        options.chunk_size.unwrap_or(self.config.chunk_size).max(1)
    }

    /// Refuses a document that is too long.
    pub(super) fn check_size(&self, content: &[u8]) -> Result<(), ProcessError> {
        let (size, limit) = (content.len(), self.config.max_document_size);
        if size > limit { Err(ProcessError::TooLarge { size, limit }) } else { Ok(()) }
    }

    /// Converts a document that was asked for at `asked`, from `start`. Does not panic.
    pub(super) fn convert(
        self: &Arc<Self>,
        job: Job,
        asked: Instant,
        start: Instant,
        location: Location,
    ) -> Outcome {
        let caught = catch_unwind(AssertUnwindSafe(|| self.try_convert(&job, location)));
        let end = Instant::now();
        let inlined = matches!(location, Location::Caller(_));
        if inlined {
            inline::spent(start, end);
        }
        let (result, formats) = match caught {
            Ok((converted, formats)) => (converted, formats),
            Err(payload) => (Err(ProcessError::Panicked(Box::new(Panic::new(payload)))), None),
        };
        let (result, chunks, report) = match result {
            Ok(Converted { out, chunks, report }) => (Ok(out.into_bytes()), chunks, report),
            Err(error) => (Err(error), 0, Report::default()),
        };
        let outcome = Outcome {
            result,
            formats,
            bytes_in: job.content.len(),
            queued: start.saturating_duration_since(asked),
            took: end.saturating_duration_since(start),
            inlined,
            chunks,
            report,
        };
        self.learn(&outcome, location);
        // The document may be a user's own memory, with a drop of its own.
        contain(|| drop(job));
        outcome
    }

    fn try_convert(
        self: &Arc<Self>,
        job: &Job,
        location: Location,
    ) -> (Result<Converted, ProcessError>, Option<(Format, Format)>) {
        let (formats, parts) = match location {
            Location::Caller(formats) => (formats, None),
            Location::Worker => match self.converter.resolve(&job.content, &job.options) {
                Ok(formats) => (formats, chunks::convert(self, job, formats)),
                Err(error) => return (Err(error.into()), None),
            },
        };
        let result = parts.unwrap_or_else(|| {
            let mut out = self.buffer(formats, job.content.len());
            let report = self.converter.convert(&job.content, &job.options, &mut out)?;
            Ok(Converted { out, chunks: 1, report })
        });
        (result, Some(formats))
    }

    /// A buffer for what will most likely become of so many bytes.
    pub(super) fn buffer(&self, formats: (Format, Format), bytes: usize) -> PooledBuf {
        let room = self.kind(kind_of(formats)).lock().room(bytes);
        self.memory.take(room)
    }

    fn learn(&self, outcome: &Outcome, location: Location) {
        let Some(formats) = outcome.formats else { return };
        let (bytes, ns) = (outcome.bytes_in, nanos(outcome.took));
        let mut kind = self.kind(kind_of(formats)).lock();
        match &outcome.result {
            Ok(out) => kind.learn_room(bytes, out.len()),
            // A document that is refused early says nothing of those that are not.
            Err(_) if ns <= kind.predict_ns(bytes) => return,
            Err(_) => {}
        }
        if outcome.chunks > 1 {
            // How long it took several threads says nothing of one.
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

    /// Counts a document that was converted while it was read. Its time is not counted: that is the
    /// reader's and the writer's.
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

    /// The answer for a document that was not converted, counted. Its time is not: it would only
    /// blur the percentiles.
    pub(super) fn unconverted(&self, error: ProcessError, asked: Instant) -> Outcome {
        self.latencies.record(None, |counters| {
            counters.processed += 1;
            counters.failed += 1;
            counters.timed_out += u64::from(matches!(error, ProcessError::TimedOut { .. }));
        });
        Outcome::unconverted(error, asked.elapsed())
    }

    /// The same for a document that is refused before it goes anywhere.
    pub(super) fn refused(&self, error: ProcessError, content: Bytes, asked: Instant) -> Outcome {
        // It may be a user's own memory, with a drop of its own.
        contain(|| drop(content));
        self.unconverted(error, asked)
    }

    /// One more request or batch under way, until the guard is dropped.
    pub(super) fn enter(&self) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(&self.in_flight))
    }

    /// Whether documents of a task with these options may be converted on callers' threads: few
    /// enough that their tenant's limit holds. The caller has [entered](Self::enter), so that one of two
    /// who ask at a time sees the other.
    pub(super) fn may_inline(&self, task: &TaskOptions) -> bool {
        task.tenant.is_none() || self.in_flight.load(Ordering::Relaxed) <= self.most_inlined
    }

    /// Whether the one request that asks is the only one under way.
    pub(super) fn is_alone(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) <= 1
    }
}

/// A converted document.
pub(super) struct Converted {
    pub(super) out: PooledBuf,
    pub(super) chunks: usize,
    pub(super) report: Report,
}

/// A request or batch under way.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<CachePadded<AtomicUsize>>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
