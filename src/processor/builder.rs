//! Building a processor.

use std::time::Duration;

use super::{ConcurrentProcessorV2, ProcessorConfig};
use crate::config::{PoolConfig, setters};
#[cfg(feature = "documents")]
use crate::convert::DocumentConverter;
use crate::convert::{Converter, Format};
use crate::error::BuildError;
use crate::memory::BufferPoolConfig;
use crate::pool::AdaptiveThreadPool;
use crate::task::Priority;

/// Configures a processor step by step: every field of [`ProcessorConfig`].
///
/// ```
/// # #[cfg(feature = "documents")] {
/// use std::time::Duration;
/// use millpond::ConcurrentProcessorV2;
///
/// let processor = ConcurrentProcessorV2::builder()
///     .max_document_size(1 << 20)
///     .max_concurrent_per_tenant(4)
///     .batch_timeout(Duration::from_secs(5))
///     .build()?;
/// # }
/// # Ok::<(), millpond::BuildError>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until one of its `build` methods is called"]
pub struct ProcessorBuilder {
    config: ProcessorConfig,
}

impl From<ProcessorConfig> for ProcessorBuilder {
    fn from(config: ProcessorConfig) -> Self {
        Self { config }
    }
}

impl ProcessorBuilder {
    setters! {
        ProcessorConfig;
        values {
            max_document_size: usize,
            chunk_size: usize,
            batch_timeout: Duration,
            max_concurrent_per_tenant: usize,
            inline_budget: Duration,
            coalesce_target: Duration,
            memory: BufferPoolConfig,
            pool: PoolConfig,
        }
        options {}
    }

    /// Sets the class of a format in [`ProcessorConfig::priorities`]; `None` unsets it.
    pub fn priority(mut self, format: Format, priority: impl Into<Option<Priority>>) -> Self {
        match priority.into() {
            Some(priority) => self.config.priorities.insert(format, priority),
            None => self.config.priorities.remove(&format),
        };
        self
    }

    /// Builds a processor for RTF, Markdown and HTML with a pool of its own.
    ///
    /// # Errors
    /// As [`build_with`](Self::build_with).
    #[cfg(feature = "documents")]
    pub fn build(self) -> Result<ConcurrentProcessorV2<DocumentConverter>, BuildError> {
        self.build_with(DocumentConverter::default())
    }

    /// Builds a processor with another converter and a pool of its own.
    ///
    /// # Errors
    /// A value is out of its range, or the operating system refused the first threads.
    pub fn build_with<C: Converter>(self, converter: C) -> Result<ConcurrentProcessorV2<C>, BuildError> {
        ConcurrentProcessorV2::try_with_converter(converter, self.config)
    }

    /// Builds a processor on a pool that others use, too; the pool's configuration here does not
    /// count.
    ///
    /// # Errors
    /// A value is out of its range, or the pool does not keep `max_concurrent_per_tenant`.
    pub fn build_on<C: Converter>(
        self,
        pool: AdaptiveThreadPool,
        converter: C,
    ) -> Result<ConcurrentProcessorV2<C>, BuildError> {
        ConcurrentProcessorV2::try_on_pool(pool, converter, self.config)
    }
}
