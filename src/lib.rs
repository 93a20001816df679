#![cfg_attr(feature = "documents", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "documents"), doc = "CPU-bound work beside async code; see the README.")]
//!
//! # Cancel safety
//! Every future of this crate may be dropped at any point. Dropping [`AdaptiveThreadPool::run`] or a
//! [`processor`](ConcurrentProcessorV2)'s future cancels what has not started and frees its place at once; dropping a
//! [`JoinHandle`] detaches the task. Each async method says under this heading what dropping its future does.
//!
//! # Stability
//! Before 1.0 a minor version may change the interface; the changelog says what. Errors are `#[non_exhaustive]`; the
//! configuration structs are not, so that they can be written with `..Default::default()`, and may gain fields in a minor
//! version.

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
pub mod memory;

#[cfg(not(millpond_loom))]
pub mod pool;

#[cfg(all(feature = "test-util", not(millpond_loom)))]
pub mod test_util;

// The examples of the guides need all features.
#[cfg(all(
    doc,
    not(millpond_loom),
    any(
        not(doctest),
        all(feature = "axum", feature = "documents", feature = "forecast", feature = "test-util")
    )
))]
pub mod guide;

#[cfg(not(millpond_loom))]
pub mod convert;
#[cfg(not(millpond_loom))]
pub mod processor;

#[cfg(all(feature = "tower", not(millpond_loom)))]
pub mod service;

/// How many threads a pool has, and why: the controller as a state machine of its own, to be driven by a simulator or a
/// test as the pool drives it.
#[cfg(not(millpond_loom))]
pub mod scaling {
    pub use crate::policy::scaling::{Clocks, Controller, Decision, Limits, Reason, Sample};
    #[cfg(feature = "forecast")]
    pub use millpond_forecast::{Forecast, ForecastConfig, ForecastError, History, Observation};
}

/// Trying again after a refusal: when, and how often at most.
#[cfg(not(millpond_loom))]
pub mod retry {
    pub use crate::policy::retry::{Jitter, RetryPolicy};
    pub use crate::policy::retry_budget::RetryBudgetConfig;
    pub use crate::processor::retry::Retryable;
    pub use crate::processor::retry_budget::{BudgetedRetry, RetryBudget};
}

/// The crate of the byte types in this crate's signatures: [`Bytes`](bytes::Bytes) and [`BytesMut`](bytes::BytesMut).
#[cfg(not(millpond_loom))]
pub use bytes;

#[cfg(not(millpond_loom))]
pub use self::{
    config::{PoolConfig, Shedding},
    convert::{ConversionOptions, ConvertError, Converter, Format},
    error::{
        AcquireError, BuildError, ConfigError, JoinError, Panic, ParseError, RejectReason, Rejected,
        Rejection,
    },
    task::{Priority, TaskOptions},
};

#[cfg(not(millpond_loom))]
#[doc(inline)]
pub use self::{
    pool::{
        AbortHandle, AdaptiveThreadPool, JoinHandle, Permit, PoolBuilder, PoolStatistics, Pressure,
        ShutdownReport, TaskBuilder, TaskContext,
    },
    processor::{
        ConcurrentProcessorV2, ConversionRequest, ConversionResponse, ProcessError, ProcessorBuilder,
        ProcessorConfig, ProcessorMetrics,
    },
};

#[cfg(all(feature = "documents", not(millpond_loom)))]
pub use self::convert::DocumentConverter;
