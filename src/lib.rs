//! CPU-bound work beside async code: an adaptive work-stealing pool for Tokio with honest backpressure.

#![forbid(unsafe_code)]
// Models compile the protocols and nothing around them.
#![cfg_attr(millpond_loom, allow(dead_code, unused_imports, unreachable_pub, missing_docs))]

#[cfg(not(millpond_loom))]
mod config;
mod contain;
mod error;
mod sync;

mod park;
mod task;

#[cfg(not(millpond_loom))]
mod metrics;
#[cfg(not(millpond_loom))]
mod queue;
#[cfg(not(millpond_loom))]
mod topology;

#[cfg(not(millpond_loom))]
mod policy;

mod admission;

#[cfg(not(millpond_loom))]
mod pool;

#[cfg(not(millpond_loom))]
pub mod convert;
#[cfg(not(millpond_loom))]
mod processor;

#[cfg(not(millpond_loom))]
pub use self::{
    admission::{RejectReason, Rejected, Rejection},
    config::PoolConfig,
    convert::{ConversionOptions, ConvertError, Converter, Format},
    error::{BuildError, ConfigError, JoinError, Panic},
    policy::retry::{Jitter, RetryPolicy},
    pool::{
        AbortHandle, Acquire, AdaptiveThreadPool, Carried, Closed, JoinHandle, Permit, PoolBuilder,
        PoolStatistics, Pressure, Propagate, Run, ShutdownReport, SpawnHandler, TaskContext,
    },
    processor::{
        Batch, BatchProgress, ConcurrentProcessorV2, ConversionRequest, ConversionResponse, ProcessError,
        Processing, ProcessorConfig, ProcessorMetrics, Retryable,
    },
};

#[cfg(all(feature = "documents", not(millpond_loom)))]
pub use self::convert::DocumentConverter;
