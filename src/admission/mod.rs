//! Who may put work into the queue: permits, the line for them, and what a refused caller is told.

// Nobody weighs work yet.
#[cfg(not(millpond_loom))]
#[allow(dead_code)]
mod bytes;
mod call;
mod permits;
mod reservations;
#[cfg(not(millpond_loom))]
mod row;
#[cfg(not(millpond_loom))]
mod tenant;

#[cfg(all(test, millpond_loom))]
mod loom_models;

pub(crate) use call::{Call, Poll as CallPoll, Withdrawn};
pub(crate) use permits::{Full, Joined, Permits, Waiter};
pub(crate) use reservations::{ReservationId, Reservations};
#[cfg(not(millpond_loom))]
pub(crate) use tenant::{Slot, Start, Tenants};
