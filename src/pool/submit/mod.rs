//! How work enters the pool.
//!
//! `Shared::submit` takes work with its options and a `Mode`, and admits it
//! (`pool/admit/place.rs`). It then puts the work into the injector or, if the work has options,
//! into the run order. Work that does not run leaves through `pool/admit/refuse.rs`.

pub(super) mod api;
pub(super) mod enter;
pub(super) mod handle;
pub(super) mod mode;
pub(super) mod owner;
pub(super) mod permit;
pub(super) mod run_future;
pub(super) mod task_builder;
mod turn;
