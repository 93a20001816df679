//! The errors of building a pool, of submitting to it and of awaiting a task.
//!
//! An error names its cause in its own message or as its [`source`](std::error::Error::source),
//! never in both.

mod build;
mod join;
mod parse;
mod rejection;

pub(crate) use self::build::or_panic;
pub(crate) use self::parse::names;
pub use self::{
    build::{BuildError, ConfigError},
    join::{AcquireError, JoinError, Panic},
    parse::ParseError,
    rejection::{RejectReason, Rejected, Rejection},
};

/// The text of every error about a pool that takes no more work.
pub(crate) const SHUTTING_DOWN: &str = "the pool is shutting down";
/// The text of every error about work whose deadline passed too early.
pub(crate) const EXPIRED: &str = "the deadline passed";
/// The text of every error about work that was cancelled before it started.
pub(crate) const CANCELLED: &str = "the task was cancelled before it started";
