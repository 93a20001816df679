//! What the tasks of a processor share: the converter, what is learnt, and what is counted.

use std::sync::Arc;

use crossbeam_utils::CachePadded;

use super::config::ProcessorConfig;
use super::metrics::Tally;
use super::request::Outcome;
use super::{ConversionRequest, ProcessError};
use crate::contain::contain;
use crate::convert::{ConversionOptions, Converter, Format};
use crate::error::ConfigError;
use crate::memory::{BufferPool, PooledBuf};
use crate::policy::inlining::Kind;
use crate::policy::nanos;
use crate::pool::AdaptiveThreadPool;
use crate::sync::Mutex;
use crate::task::TaskOptions;

/// The target of a processor's events.
pub(super) const TARGET: &str = "millpond::processor";

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
    pub(super) tally: Arc<Tally>,
    /// Documents of one tenant that may be converted on callers' threads at a time: what its limit
    /// leaves beside the workers.
    max_inlined: usize,
    /// Whether the pool has a byte budget. Otherwise the bytes of a document do not count.
    has_budget: bool,
    kinds: [CachePadded<Mutex<Kind>>; FORMATS * FORMATS],
}

impl<C: Converter> Inner<C> {
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
            tally: Tally::new(),
            max_inlined,
            has_budget: pool.byte_budget.is_some(),
            kinds: std::array::from_fn(|_| CachePadded::new(Mutex::new(Kind::default()))),
        })
    }

    /// What was learnt about documents of these formats.
    pub(super) fn kind(&self, (from, to): (Format, Format)) -> &Mutex<Kind> {
        &self.kinds[from as usize * FORMATS + to as usize]
    }

    /// Finds the formats of a document, for the caller's thread. Returns `None` if they are
    /// unknown, if it would take long, or if the converter panics. Then a worker finds out.
    pub(super) fn detect(&self, content: &[u8], options: &ConversionOptions) -> Option<(Format, Format)> {
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

    /// Returns the bytes of a document in the byte budget; 0 without one.
    pub(super) fn weight(&self, content: &[u8], options: &ConversionOptions) -> usize {
        if !self.has_budget {
            return 0;
        }
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
        let room = self.kind(formats).lock().room(bytes);
        self.memory.take(room)
    }

    /// Learns from a document that was converted, or that the converter refused.
    pub(super) fn learn(&self, outcome: &Outcome) {
        let Some(formats) = outcome.formats else { return };
        let (bytes, ns) = (outcome.bytes_in, nanos(outcome.took));
        let mut kind = self.kind(formats).lock();
        match &outcome.result {
            Ok(out) => kind.learn_room(bytes, out.len()),
            // A document that is refused early says nothing about others.
            Err(_) if ns <= kind.predict_ns(bytes) => return,
            Err(_) => {}
        }
        if outcome.inlined {
            kind.learn_inlined(bytes, ns, nanos(self.config.inline_budget));
        } else if outcome.chunks <= 1 {
            // The time that several threads took says nothing about one.
            kind.learn(bytes, ns);
        }
    }

    /// Returns whether documents of a task with these options may be converted on callers' threads:
    /// few enough that their tenant's limit holds. The caller is in flight itself, so of two
    /// concurrent callers at least one sees the other.
    pub(super) fn may_inline(&self, task: &TaskOptions) -> bool {
        task.tenant.is_none() || self.tally.in_flight() <= self.max_inlined
    }
}
