//! Futures of a service, polled on the pool.

mod future;
mod layer;
mod service;
mod work;

pub use future::OffloadFuture;
pub use layer::OffloadLayer;
pub use service::Offload;
