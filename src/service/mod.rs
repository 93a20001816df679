//! The pool and the processor as services of [tower]: for axum, tonic, hyper and others. With the
//! feature `tower`.
//!
//! | You have | You want | Use |
//! |---|---|---|
//! | a function that computes | a service of it | [`CpuService`] |
//! | handlers that compute between their `await`s | them off the runtime's threads | [`OffloadLayer`] |
//! | a [`ConcurrentProcessorV2`](crate::ConcurrentProcessorV2) | it as a service | [`ConversionService`] |
//!
//! All of them use the pool's places. [`Admission`] says what happens to a request while there is
//! none. A closure returns the tenant, class and deadline of a request as
//! [`TaskOptions`](crate::TaskOptions). All errors have one concrete type, [`ServiceError`]. With
//! the feature `axum` it is a response.
//!
//! Recipes are in the guide [integration](crate::guide::integration).
//!
//! [tower]: https://docs.rs/tower

mod admission;
#[cfg(feature = "axum")]
pub mod axum;
mod conversion;
mod cpu;
mod entrance;
mod error;
mod offload;

pub use admission::{Admission, Classify, Unclassified};
pub use conversion::{ConversionFuture, ConversionService};
pub use cpu::{CpuFuture, CpuService};
pub use error::ServiceError;
pub use offload::{Offload, OffloadFuture, OffloadLayer};
