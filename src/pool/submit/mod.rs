//! The one way of work into the pool.
//!
//! [`Shared::submit`] takes work with its options and a [`Mode`], finds a place for it
//! (`admit.rs`), and puts it into the injector or, if it has options, into the run order. Work that
//! does not run leaves by one way as well (`refuse.rs`).

pub(super) mod api;
pub(super) mod enter;
pub(super) mod handle;
pub(super) mod mode;
pub(super) mod permit;
pub(super) mod run_future;
pub(super) mod task_builder;
