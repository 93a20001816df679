//! The processor's configuration.

use std::collections::HashMap;
use std::time::Duration;

use crate::config::{PoolConfig, check};
use crate::convert::Format;
use crate::error::ConfigError;
use crate::memory::BufferPoolConfig;
use crate::task::Priority;

/// The configuration of a processor, and of the pool that it builds.
///
/// ```
/// use millpond::{PoolConfig, ProcessorConfig};
///
/// let config = ProcessorConfig {
///     max_document_size: 1 << 20,
///     max_concurrent_per_tenant: 4,
///     pool: PoolConfig { max_queue_size: 500, ..PoolConfig::default() },
///     ..ProcessorConfig::default()
/// };
/// assert!(config.validate().is_ok());
///
/// let error = ProcessorConfig { max_concurrent_per_tenant: 0, ..config }.validate().unwrap_err();
/// assert_eq!(error.field, "max_concurrent_per_tenant");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct ProcessorConfig {
    /// The longest document that is accepted, in bytes. Default 64 MiB; accepted 1 to 2^40.
    pub max_document_size: usize,
    /// Documents longer than this, in bytes, are converted in parts of at most about this length,
    /// if the converter can split them and their request allows it (`parallel_chunks`). A request
    /// may name its own. Default 256 KiB; accepted 1 KiB to 1 GiB.
    pub chunk_size: usize,
    /// The time for a batch, from the first poll. Then its answers are complete, with
    /// [`TimedOut`](crate::ProcessError::TimedOut) for each document that is not done. Default 60
    /// s; accepted 1 ms or more; `Duration::MAX` is no limit.
    ///
    /// It uses Tokio's clock. A test that pauses that clock should set `Duration::MAX`: while the
    /// pool works the runtime is idle, so its clock advances to the timeout.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub batch_timeout: Duration,
    /// How many tasks of one tenant may run at a time; further ones wait in the pool's queue. It is
    /// the short form of [`pool.max_running_per_tenant`](PoolConfig::max_running_per_tenant): if
    /// both are set, the smaller one holds. If the processor shares a pool
    /// ([`on_pool`](crate::ConcurrentProcessorV2::on_pool)), a limit smaller than the pool's own is
    /// an error. Default `usize::MAX`, which is no limit; accepted 1 or more.
    ///
    /// A document is a task; so are the documents of a batch that share one. Requests without a
    /// tenant are not limited, nor is what a task of the pool submits to its own pool. How many
    /// tasks of a tenant may *wait* is [`tenant_queue_share`](PoolConfig::tenant_queue_share).
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "is_unlimited"))]
    pub max_concurrent_per_tenant: usize,
    /// The class of documents by format, for requests that name none; [`Priority::Standard`] for
    /// other formats. The format is the one that the request names, or else the detected one.
    /// Default: empty.
    pub priorities: HashMap<Format, Priority>,
    /// A document that is predicted to take no longer than this is converted on the caller's own
    /// thread, because dispatch would cost more. Default 20 us; accepted 0 (never) to 1 ms.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub inline_budget: Duration,
    /// Small documents of a batch share tasks that are predicted to take about this long: up to
    /// four times as long while much of the batch is left, down to a quarter at its end. Default
    /// 100 us; accepted 0 (each document is a task) to 1 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub coalesce_target: Duration,
    /// The buffers that documents are converted into.
    pub memory: BufferPoolConfig,
    /// The pool that [`with_converter`](crate::ConcurrentProcessorV2::with_converter) builds.
    pub pool: PoolConfig,
}

/// A file has no number for it, so the field is left out.
#[cfg(feature = "serde")]
fn is_unlimited(limit: &usize) -> bool {
    *limit == usize::MAX
}

impl Default for ProcessorConfig {
    fn default() -> Self {
        Self {
            max_document_size: 64 << 20,
            chunk_size: 256 << 10,
            batch_timeout: Duration::from_secs(60),
            max_concurrent_per_tenant: usize::MAX,
            priorities: HashMap::new(),
            inline_budget: Duration::from_micros(20),
            coalesce_target: Duration::from_micros(100),
            memory: BufferPoolConfig::default(),
            pool: PoolConfig::default(),
        }
    }
}

impl ProcessorConfig {
    /// Checks every field, those of both pools among them.
    ///
    /// # Errors
    /// The first field that is out of its range, with the value and what is accepted.
    pub fn validate(&self) -> Result<(), ConfigError> {
        const KIB: usize = 1 << 10;
        const LONGEST: u64 = 1 << 40;
        check(self.max_document_size as u64, "max_document_size", 1, LONGEST)?;
        check(self.chunk_size, "chunk_size", KIB, KIB * KIB * KIB)?;
        check(self.batch_timeout, "batch_timeout", Duration::from_millis(1), Duration::MAX)?;
        check(self.max_concurrent_per_tenant, "max_concurrent_per_tenant", 1, usize::MAX)?;
        check(self.inline_budget, "inline_budget", Duration::ZERO, Duration::from_millis(1))?;
        check(self.coalesce_target, "coalesce_target", Duration::ZERO, Duration::from_secs(1))?;
        self.memory.validate()?;
        self.pool.validate()
    }

    /// How many tasks of one tenant may run at a time on a pool with this configuration;
    /// `usize::MAX` without a limit.
    pub(super) fn tenant_limit(&self, pool: &PoolConfig) -> usize {
        self.max_concurrent_per_tenant.min(pool.max_running_per_tenant.unwrap_or(usize::MAX))
    }

    /// The configuration of the processor's own pool, with the smaller limit. A limit that the
    /// threads can't exceed is left out: it would slow down the run order.
    pub(super) fn own_pool(&self) -> PoolConfig {
        let mut pool = self.pool.clone();
        if self.max_concurrent_per_tenant < pool.max_threads {
            pool.max_running_per_tenant = Some(self.tenant_limit(&pool));
        }
        pool
    }

    /// Whether a pool with this configuration keeps the tenants' limit.
    pub(super) fn check_pool(&self, pool: &PoolConfig) -> Result<(), ConfigError> {
        let kept = pool.max_running_per_tenant.unwrap_or(usize::MAX).min(pool.max_threads);
        if self.max_concurrent_per_tenant >= kept {
            return Ok(());
        }
        let accepted =
            format!("{kept} or more, which is what the shared pool keeps (max_running_per_tenant)");
        Err(ConfigError::new("max_concurrent_per_tenant", self.max_concurrent_per_tenant, accepted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid_and_the_pool_is_checked_too() {
        ProcessorConfig::default().validate().unwrap();
        let pool = PoolConfig { max_queue_size: 0, ..PoolConfig::default() };
        let error = ProcessorConfig { pool, ..ProcessorConfig::default() }.validate().unwrap_err();
        assert_eq!(error.field, "max_queue_size");
        let memory = BufferPoolConfig { small_size: 1, ..BufferPoolConfig::default() };
        let error = ProcessorConfig { memory, ..ProcessorConfig::default() }.validate().unwrap_err();
        assert_eq!(error.field, "small_size");
        let error = ProcessorConfig { chunk_size: 1, ..ProcessorConfig::default() }.validate().unwrap_err();
        assert_eq!(error.to_string(), "chunk_size is 1, but must be 1024 to 1073741824");
        let error = ProcessorConfig { inline_budget: Duration::from_secs(1), ..ProcessorConfig::default() };
        assert_eq!(error.validate().unwrap_err().to_string(), "inline_budget is 1s, but must be 0ns to 1ms");
    }
}
