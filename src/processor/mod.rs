//! The processor: documents in, converted documents out.

mod batch;
mod builder;
mod config;
mod convert;
mod dispatch;
mod error;
mod inline;
mod inner;
mod metrics;
mod reader;
mod request;
mod single;
mod stream;
mod yield_budget;

use std::sync::Arc;
use std::time::Duration;

pub use batch::Batch;
pub use builder::ProcessorBuilder;
pub use config::ProcessorConfig;
pub use dispatch::BatchProgress;
pub use error::{ProcessError, ReaderError};
pub use metrics::ProcessorMetrics;
#[cfg(any(feature = "prometheus", feature = "metrics"))]
pub(crate) use metrics::ProcessorReading;
pub use reader::ReaderResponse;
pub use request::{ConversionRequest, ConversionResponse};
pub use single::Processing;
pub use stream::ProcessStream;

#[cfg(feature = "tower")]
pub(crate) use {metrics::InFlight, request::Outcome, single::Checked};

use self::inner::Inner;
use crate::convert::Converter;
#[cfg(feature = "documents")]
use crate::convert::DocumentConverter;
use crate::error::{BuildError, or_panic};
use crate::memory::BufferPool;
use crate::metrics::Histogram;
use crate::pool::{AdaptiveThreadPool, PoolStatistics, ShutdownReport};

/// The default converter. Without the feature `documents` there is none, hence no value of it.
#[cfg(feature = "documents")]
pub(crate) type DefaultConverter = crate::convert::DocumentConverter;
#[cfg(not(feature = "documents"))]
pub(crate) type DefaultConverter = std::convert::Infallible;

/// Converts documents on an [`AdaptiveThreadPool`], or on the calling thread where that is faster.
///
/// A value of this type is a handle: a clone is another handle to the same processor. The converter
/// is `DocumentConverter` (feature `documents`) or any other [`Converter`].
///
/// | You have | Use | When there is no room |
/// |---|---|---|
/// | one document | [`process_single`](Self::process_single) | waits its turn |
/// | one document, and no time | [`try_process_single`](Self::try_process_single) | hands it back with the facts |
/// | many documents | [`process_batch`](Self::process_batch) | waits its turn |
/// | many documents, with their progress | [`batch`](Self::batch) | waits its turn |
/// | documents that come one after another | [`process_stream`](Self::process_stream) | pulls no more |
/// | a document that comes piece by piece, and is long | [`process_reader`](Self::process_reader) | reads no more |
///
/// A document longer than the chunk size is converted in parts at the same time, if the converter
/// can split it ([`Converter::split`]) and its options allow it (`parallel_chunks`). The result is
/// the same as that of the whole document; see the guide [documents](crate::guide::documents).
///
/// # Examples
/// ```
/// # #[cfg(feature = "documents")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use millpond::{ConcurrentProcessorV2, ConversionRequest, Format};
///
/// let processor = ConcurrentProcessorV2::new();
/// let requests = ["one", "two", "three"].map(|id| {
///     ConversionRequest::new(id, format!("# Document {id}")).with_to(Format::Html)
/// });
/// for response in processor.process_batch(requests.into()).await {
///     assert_eq!(response.result?, format!("<h1 id=\"document-{0}\">Document {0}</h1>\n", response.id));
/// }
/// assert_eq!(processor.get_metrics().total_processed, 3);
/// # Ok(()) }
/// # #[cfg(not(feature = "documents"))] fn main() {}
/// ```
pub struct ConcurrentProcessorV2<C = DefaultConverter> {
    pool: AdaptiveThreadPool,
    inner: Arc<Inner<C>>,
}

impl<C> Clone for ConcurrentProcessorV2<C> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), inner: Arc::clone(&self.inner) }
    }
}

impl<C> std::fmt::Debug for ConcurrentProcessorV2<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConcurrentProcessorV2")
            .field("pool", &self.pool)
            .field("config", &self.inner.config)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "documents")]
impl ConcurrentProcessorV2<DocumentConverter> {
    /// A processor to be configured step by step.
    pub fn builder() -> ProcessorBuilder {
        ProcessorBuilder::default()
    }

    /// A processor for RTF, Markdown and HTML with the default configuration and a pool of its own.
    ///
    /// # Panics
    /// Where [`try_new`](Self::try_new) returns an error.
    #[allow(clippy::new_without_default, reason = "it starts threads, which a default value should not")]
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        or_panic(Self::try_new())
    }

    /// A processor for RTF, Markdown and HTML with this configuration and a pool of its own.
    ///
    /// # Panics
    /// Where [`try_with_config`](Self::try_with_config) returns an error, with the error's text.
    #[must_use]
    #[track_caller]
    pub fn with_config(config: ProcessorConfig) -> Self {
        or_panic(Self::try_with_config(config))
    }

    /// As [`new`](Self::new).
    ///
    /// # Errors
    /// The operating system refused the first thread.
    pub fn try_new() -> Result<Self, BuildError> {
        Self::try_with_config(ProcessorConfig::default())
    }

    /// As [`with_config`](Self::with_config).
    ///
    /// # Errors
    /// A value is out of its range, or the operating system refused one of the first threads.
    pub fn try_with_config(config: ProcessorConfig) -> Result<Self, BuildError> {
        Self::try_with_converter(DocumentConverter::default(), config)
    }
}

impl<C: Converter> ConcurrentProcessorV2<C> {
    /// A processor with this converter and a pool of its own.
    ///
    /// # Panics
    /// Where [`try_with_converter`](Self::try_with_converter) returns an error, with its text.
    #[must_use]
    #[track_caller]
    pub fn with_converter(converter: C, config: ProcessorConfig) -> Self {
        or_panic(Self::try_with_converter(converter, config))
    }

    /// A processor on a pool that others use, too; `config.pool` does not count.
    ///
    /// # Panics
    /// Where [`try_on_pool`](Self::try_on_pool) returns an error, with its text.
    #[must_use]
    #[track_caller]
    pub fn on_pool(pool: AdaptiveThreadPool, converter: C, config: ProcessorConfig) -> Self {
        or_panic(Self::try_on_pool(pool, converter, config))
    }

    /// As [`with_converter`](Self::with_converter).
    ///
    /// # Errors
    /// A value is out of its range, or the operating system refused one of the first threads.
    pub fn try_with_converter(converter: C, config: ProcessorConfig) -> Result<Self, BuildError> {
        config.validate()?;
        let pool = AdaptiveThreadPool::try_with_config(config.own_pool())?;
        Self::try_on_pool(pool, converter, config)
    }

    /// As [`on_pool`](Self::on_pool).
    ///
    /// # Errors
    /// A value is out of its range, or the pool does not keep `max_concurrent_per_tenant`.
    pub fn try_on_pool(
        pool: AdaptiveThreadPool,
        converter: C,
        config: ProcessorConfig,
    ) -> Result<Self, BuildError> {
        config.validate()?;
        config.check_pool(pool.config())?;
        let inner = Inner::new(converter, config, &pool)?;
        // A buffer of each size for each foreseen thread.
        pool.on_foreseen(inner.memory.preparer());
        Ok(Self { pool, inner: Arc::new(inner) })
    }

    /// The pool of the processor.
    #[must_use]
    pub fn pool(&self) -> &AdaptiveThreadPool {
        &self.pool
    }

    /// The configuration that it was built with.
    #[must_use]
    pub fn config(&self) -> &ProcessorConfig {
        &self.inner.config
    }

    /// The converter.
    #[must_use]
    pub fn converter(&self) -> &C {
        &self.inner.converter
    }

    /// The pool of the memory of its answers, to which the memory returns when they are dropped.
    /// Documents that are read into its buffers ([`BufferPool::take`],
    /// [`PooledBuf::freeze`](crate::memory::PooledBuf::freeze)) need no other memory.
    #[must_use]
    pub fn memory_pool(&self) -> &BufferPool {
        &self.inner.memory
    }

    /// Its metrics so far. Takes some 100 us, since the latencies of all threads are added up.
    #[must_use]
    pub fn get_metrics(&self) -> ProcessorMetrics {
        let memory = self.inner.memory.statistics();
        ProcessorMetrics {
            memory_pool_hits: memory.hits(),
            memory_pool_misses: memory.misses(),
            backpressure_events: self.pool.statistics().backpressure_events,
            in_flight: self.inner.tally.in_flight(),
            ..ProcessorMetrics::of(&self.inner.tally.summary())
        }
    }

    /// The latencies that are in [`get_metrics`](Self::get_metrics), as a histogram. Takes some
    /// 100 us.
    #[must_use]
    pub fn latencies(&self) -> Histogram {
        self.inner.tally.summary().latencies()
    }

    /// Returns a function that reads the figures of the processor and does not keep its pool open.
    #[cfg(any(feature = "prometheus", feature = "metrics"))]
    pub(crate) fn reader(&self) -> impl Fn() -> ProcessorReading + Send + Sync + use<C> {
        let inner = Arc::clone(&self.inner);
        move || {
            let (memory, summary) = (inner.memory.statistics(), inner.tally.summary());
            let metrics =
                ProcessorMetrics { in_flight: inner.tally.in_flight(), ..ProcessorMetrics::of(&summary) };
            ProcessorReading { metrics, latency: summary.latencies(), memory }
        }
    }

    /// The statistics of its pool; see [`AdaptiveThreadPool::statistics`].
    #[must_use]
    pub fn get_pool_statistics(&self) -> PoolStatistics {
        self.pool.statistics()
    }

    /// Shuts its pool down, for all users of the pool; see [`AdaptiveThreadPool::shutdown`]. Later
    /// requests are answered with [`ProcessError::Closed`], and so are requests that wait for room
    /// or for their bytes. Documents in the run order are converted until `drain` has passed, and
    /// then answered with [`ProcessError::Cancelled`].
    ///
    /// # Cancel safety
    /// As for the pool.
    pub async fn shutdown(&self, drain: Duration) -> ShutdownReport {
        self.pool.shutdown(drain).await
    }
}
