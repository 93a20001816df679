//! The threads of a pool: their slots, their start, and how many there may be.

pub(super) mod allowance;
pub(super) mod bindings;
pub(super) mod slots;
pub(super) mod spawn;
