//! How workers sleep and are woken: one `Parker` for each worker, one [`Idle`] for each pool.
#![doc = include_str!("README.md")]

mod census;
mod idle;
#[cfg(all(test, millpond_loom))]
mod loom_models;
mod parker;
mod ready;

pub(crate) use census::Census;
pub(crate) use idle::{Idle, Notify};
pub(crate) use ready::Ready;
