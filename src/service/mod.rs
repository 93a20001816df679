//! The pool and the processor as services of [tower]: for axum, tonic, hyper, and whatever else speaks it. With the feature `tower`.
//!
//! | You have | You want | Use |
//! |---|---|---|
//! | a function that computes | a service of it | [`CpuService`] |
//! | handlers that compute between their `await`s | them off the runtime's threads | [`OffloadLayer`] |
//! | a [`ConcurrentProcessorV2`](crate::ConcurrentProcessorV2) | it as a service | [`ConversionService`] |
//!
//! All of them take the pool's places, and what becomes of a request for which there is none is a matter of [`Admission`]. Whose a
//! request is, how urgent and until when of use, they are told by a closure that makes [`TaskOptions`](crate::TaskOptions) of it. Their errors are one concrete type,
//! [`ServiceError`]. With the feature `axum` it is a response.
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
mod placed;

pub use admission::{Admission, Classify, Unclassified};
pub use conversion::{ConversionFuture, ConversionService};
pub use cpu::{CpuFuture, CpuService};
pub use error::ServiceError;
pub use offload::{Offload, OffloadFuture, OffloadLayer};
