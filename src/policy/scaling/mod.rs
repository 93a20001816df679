//! How many threads a pool has.
//!
//! There are two rules. [`burst`] answers at once, when a task is submitted: if work waits and no
//! worker is free, it starts a thread. It knows only the census and an allowance. The
//! [`Controller`] sets that allowance a few times a second, from measurements: a thread above the
//! usable cores is of use only as far as others are blocked.

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
