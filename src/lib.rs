//! CPU-bound work beside async code: a work-stealing thread pool for Tokio, and a processor that
//! converts documents on it.
//!
//! A future that computes between two awaits delays every other task of its runtime thread.
//! [`AdaptiveThreadPool::run`] moves the computation to a thread of the pool and awaits the result.
//! The pool's queue is bounded, so `run` waits while it is full: that is the backpressure. Dropping
//! the future cancels work that has not started. [`ConcurrentProcessorV2`] converts documents on
//! such a pool, one at a time, in batches, or as streams.
//!
//! # When to use it, and when not
//! Figures are medians on two virtual cores; [`guide::performance`] has all of them, and those
//! where peers are better.
//!
//! | Your program | millpond |
//! |---|---|
//! | computes in async handlers, and must answer others meanwhile | Yes. Beside a saturated pool a handler was 23.8 us late at p99; beside the best peer it was 2,223 us late. |
//! | gets more work than it can do | Yes. At three times the capacity, work with deadlines got 104 % of what bare threads get done in time. `spawn_blocking` with its 512 threads got 12 %. |
//! | has users who must not delay each other | Yes: see [`AdaptiveThreadPool::task`] and [`guide::scheduling`]. |
//! | converts many documents | Yes. 1,000 of 10 KB took 42.7 ms, on one thread 88.8 ms. |
//! | has tasks below 1 us | No. One costs 0.27 to 0.38 us among 64 callers, 9 us with a wake-up. |
//! | splits one computation over all cores, as `par_iter` does | No: that is what rayon does. |
//! | mostly waits for disks or locks in blocking calls | Rarely. The pool adds threads as far as tasks block, up to `max_threads`. `spawn_blocking` suits it as well. |
//! | shares its cores with other programs that compute | Yes. Beside two such programs on two cores it got 0.83 cores of work done, where 1.0 is fair. With [`PoolConfig::worker_niceness`] the workers give way to those programs. |
//!
//! # In a handler
//! With the feature `axum` the pool's errors are responses: a refusal is a 503 with `Retry-After`.
//!
#![cfg_attr(feature = "axum", doc = "```no_run")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use axum::{Router, extract::State, routing::post};
//! use millpond::{AdaptiveThreadPool, service::ServiceError};
//!
//! async fn words(State(pool): State<AdaptiveThreadPool>, text: String) -> Result<String, ServiceError> {
//!     let words = pool.run(move || text.split_whitespace().count()).await?;
//!     Ok(words.to_string())
//! }
//!
//! # #[tokio::main] async fn main() -> std::io::Result<()> {
//! let pool = AdaptiveThreadPool::new();
//! let app: Router = Router::new().route("/words", post(words)).with_state(pool);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, app).await
//! # }
//! ```
//!
//! To move whole handlers to the pool, put [`OffloadLayer`](service::OffloadLayer) around the
//! router. [`guide::integration`] has recipes for axum, tonic, hyper and plain Tokio.
//!
//! # A batch of documents
//! The answers come in the order of the requests. A document that fails is one answer among the
//! others.
//!
#![cfg_attr(feature = "documents", doc = "```")]
#![cfg_attr(not(feature = "documents"), doc = "```ignore")]
//! use millpond::{ConcurrentProcessorV2, ConversionRequest, Format};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let processor = ConcurrentProcessorV2::new();
//! let request = |id: &str, text: &str| ConversionRequest::new(id, text.to_owned()).with_to(Format::Html);
//! let answers = processor.process_batch(vec![request("a", "*one*"), request("b", "two")]).await;
//! assert_eq!(answers[0].result.as_ref().ok().unwrap(), "<p><em>one</em></p>\n");
//! assert_eq!(answers[1].id, "b");
//! # }
//! ```
//!
//! # A test
//! With the feature `test-util` a test runs each task by hand, so nothing in it depends on time.
//!
#![cfg_attr(feature = "test-util", doc = "```")]
#![cfg_attr(not(feature = "test-util"), doc = "```ignore")]
//! use std::time::Duration;
//!
//! use millpond::test_util;
//! use tokio::time::timeout;
//!
//! // In a test of yours: #[tokio::test(start_paused = true)]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! let (pool, stepper) = test_util::manual();
//!
//! // No step: the task does not run, and the timeout is first.
//! assert!(timeout(Duration::from_secs(1), pool.run(|| 6 * 7)).await.is_err());
//!
//! // One step: the task has run before the timeout is looked at.
//! let task = pool.try_spawn(|| 6 * 7).unwrap();
//! assert!(stepper.step());
//! assert_eq!(timeout(Duration::from_secs(1), task).await.unwrap().unwrap(), 42);
//! test_util::assert_no_leaks(&pool);
//! # }
//! ```
//!
//! # Features
//! | Feature | Default | |
//! |---|---|---|
//! | `axum` | no | for axum, with `tower`: refusals as responses with problem details, the tenant of a request ([`service::axum`]) |
//! | `dashboard` | no | a page that shows what a pool does now, served by the application ([`Dashboard`], [`guide::dashboard`]) |
//! | `documents` | yes | [`DocumentConverter`]: RTF to Markdown, Markdown to RTF, Markdown to HTML ([`guide::converters`]) |
//! | `forecast` | no | starts threads ahead of load that is foreseen ([`PoolBuilder::forecast`]) |
//! | `metrics` | no | reports figures to the recorder of the facade `metrics` ([`telemetry`]) |
//! | `numa` | no | places workers, tasks and memory by NUMA node, on Linux ([`guide::numa`]) |
//! | `prometheus` | no | figures as collectors for a registry of `prometheus-client` ([`telemetry`]) |
//! | `serde` | no | configurations are read and written, statistics and decisions are written; durations are strings such as `100ms` |
//! | `test-util` | no | for tests: pools stepped by hand, run at once, or real beside a paused clock; failures on request ([`test_util`]) |
//! | `tower` | no | the pool and the processor as services, and a layer that polls handlers on the pool ([`service`]) |
//!
//! # Guides
//! - [`guide::moving_from`]: from `spawn_blocking`, rayon, a second runtime, or a semaphore.
//! - [`guide::integration`]: axum, tonic, hyper, plain Tokio, and a test.
//! - [`guide::testing`]: tests that step the pool by hand, or pause the clock.
//! - [`guide::processor`] and [`guide::documents`]: requests, batches, streams, long documents,
//!   memory.
//! - [`guide::converters`]: what RTF, Markdown and HTML keep of each other.
//! - [`guide::scheduling`]: tenants, priorities, deadlines, overload.
//! - [`guide::scaling`]: how many threads there are, and why.
//! - [`guide::numa`]: workers, tasks and memory by NUMA node.
//! - [`guide::dashboard`]: a page that shows what a pool does now.
//! - [`guide::metrics`]: what is measured, under which name, at what cost.
//! - [`guide::events`]: what a pool tells through `tracing`: events, spans, traces.
//! - [`guide::service`]: the example `document_service`, a whole HTTP service.
//! - [`guide::performance`]: all figures, the good and the bad.
//! - [`guide::architecture`] and [`guide::decisions`]: how it is built, and what was chosen.
//!
//! # Cancel safety
//! Every future of this crate may be dropped at any point. Dropping [`AdaptiveThreadPool::run`] or
//! a [`processor`](ConcurrentProcessorV2)'s future cancels what has not started and frees its place
//! at once; dropping a [`JoinHandle`] detaches the task. What runs can ask
//! [`TaskContext::is_cancelled`], and so can what it awaits and what it spawns. Each async method
//! says under this heading what dropping its future does.
//!
//! # Stability
//! Before 1.0 a minor version may change the interface; the changelog says what. Errors are
//! `#[non_exhaustive]`; the configuration structs are not, so that they can be written with
//! `..Default::default()`, and may gain fields in a minor version. The library needs Rust 1.85; a
//! minor version may raise that.

// Links of the front page and the guides to items of features that are off. `make doc` builds them
// with all features and denies warnings.
#![cfg_attr(
    not(all(
        feature = "axum",
        feature = "dashboard",
        feature = "documents",
        feature = "forecast",
        feature = "metrics",
        feature = "prometheus",
        feature = "test-util"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]
#![forbid(unsafe_code)]
// docs.rs: badges with the feature that an item needs.
#![cfg_attr(docsrs, feature(doc_cfg), doc(auto_cfg(hide(millpond_loom))))]
// Models compile the protocols and nothing around them.
#![cfg_attr(millpond_loom, allow(dead_code, unused_imports, unreachable_pub, unnameable_types, missing_docs))]

#[cfg(not(millpond_loom))]
mod config;
mod contain;
#[cfg(test)]
mod counted_wakes;
mod error;
mod sync;

mod park;
mod task;

#[cfg(not(millpond_loom))]
mod metrics;
#[cfg(not(millpond_loom))]
mod queue;
#[cfg(not(millpond_loom))]
pub mod topology;

#[cfg(not(millpond_loom))]
mod policy;

mod admission;
#[cfg(not(millpond_loom))]
pub mod memory;
#[cfg(not(millpond_loom))]
pub mod retry;

// The part of the pool that has models.
#[cfg(all(test, millpond_loom))]
mod pool {
    mod worker {
        mod loom_models;
        mod waits;
    }
}
#[cfg(not(millpond_loom))]
pub mod pool;

#[cfg(all(feature = "test-util", not(millpond_loom)))]
pub mod test_util;

/// The examples of the README.
#[cfg(all(doctest, feature = "axum", feature = "documents"))]
#[doc = include_str!("../README.md")]
struct Readme;

// The examples of the guides need all features.
#[cfg(all(
    doc,
    not(millpond_loom),
    any(
        not(doctest),
        all(
            feature = "axum",
            feature = "dashboard",
            feature = "documents",
            feature = "forecast",
            feature = "metrics",
            feature = "prometheus",
            feature = "test-util"
        )
    )
))]
#[cfg_attr(docsrs, doc(auto_cfg = false))]
pub mod guide;

#[cfg(not(millpond_loom))]
pub mod convert;
#[cfg(not(millpond_loom))]
pub mod processor;

#[cfg(all(feature = "tower", not(millpond_loom)))]
pub mod service;
#[cfg(all(any(feature = "prometheus", feature = "metrics"), not(millpond_loom)))]
pub mod telemetry;

#[cfg(all(feature = "dashboard", not(millpond_loom)))]
mod dashboard;

/// How many threads a pool has, and why: the controller as a state machine, which a simulator or a
/// test can drive as the pool does.
#[cfg(not(millpond_loom))]
pub mod scaling {
    pub use crate::policy::scaling::{Clocks, Controller, Decision, Limits, Reason, Sample};
    #[cfg(feature = "forecast")]
    pub use millpond_forecast::{Forecast, ForecastConfig, ForecastError, History, Observation};
}

/// The time slice that Linux gives a thread, since 6.12.
///
/// The kernel runs a woken thread with a short slice sooner where another thread computes. The pool
/// gives its workers a long slice ([`PoolConfig::worker_slice`]). A runtime whose handlers must run
/// in time beside tasks of several milliseconds gives its own threads a short one:
///
/// ```
/// use millpond::time_slice;
///
/// let runtime = tokio::runtime::Builder::new_multi_thread()
///     .enable_all()
///     // An error (an older kernel, another system, a sandbox that forbids it) leaves the slice as it is.
///     .on_thread_start(|| drop(time_slice::set(time_slice::SHORTEST)))
///     .build()?;
/// # drop(runtime);
/// # Ok::<_, std::io::Error>(())
/// ```
#[cfg(not(millpond_loom))]
pub mod time_slice {
    pub use millpond_slice::{LONGEST, SHORTEST, get, set};
}

/// The crate of the byte types in this crate's signatures: [`Bytes`](bytes::Bytes) and
/// [`BytesMut`](bytes::BytesMut).
#[cfg(not(millpond_loom))]
pub use bytes;

#[cfg(not(millpond_loom))]
pub use self::{
    config::{PoolConfig, RuntimeContext, Shedding, WorkerPinning, WorkerPlacement},
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
        AbortHandle, AdaptiveThreadPool, JoinHandle, Permit, PoolBuilder, PoolLatencies, PoolStatistics,
        Pressure, RecentEvent, RecentKind, ShutdownReport, TaskBuilder, TaskContext, TenantStatistics,
        WorkerState, WorkerStatistics,
    },
    processor::{
        ConcurrentProcessorV2, ConversionRequest, ConversionResponse, ProcessError, ProcessorBuilder,
        ProcessorConfig, ProcessorMetrics,
    },
};

#[cfg(all(feature = "documents", not(millpond_loom)))]
pub use self::convert::DocumentConverter;
#[cfg(all(feature = "dashboard", not(millpond_loom)))]
pub use self::dashboard::Dashboard;
