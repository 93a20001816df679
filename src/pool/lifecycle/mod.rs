//! A pool from its build to its end, its statistics and its pressure state.

pub(super) mod builder;
pub(super) mod hooks;
pub(super) mod pressure;
pub(super) mod shutdown;
pub(super) mod statistics;
#[cfg(feature = "test-util")]
pub(super) mod tested_pool;
