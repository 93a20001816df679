//! How workers go to sleep and are woken: one `Parker` a worker, one [`Idle`] a pool.
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
