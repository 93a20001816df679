//! How many threads a pool has.
//!
//! Two rules share the work. [`burst`] answers at once, on the way of a task into the pool: work waits, nobody is free; one
//! thread more? It knows the census and an allowance, and nothing else. The [`Controller`] sets that allowance a few times
//! a second, from what was measured meanwhile: a thread above the usable cores is of use exactly as far as others are
//! blocked.

pub(crate) mod burst;
mod climb;
mod controller;
mod decision;
mod demand;
mod gain;
mod sample;
mod smoothing;
mod waits;

pub use controller::{Controller, Limits};
pub use decision::{Decision, Reason};
pub use sample::{Clocks, Sample};
pub(crate) use waits::Waits;
