//! Which work and which callers may enter the queue: permits and their line, reservations, bytes.

#[cfg(not(millpond_loom))]
mod bytes;
mod permits;
mod reservations;
#[cfg(not(millpond_loom))]
mod row;

#[cfg(all(test, millpond_loom))]
mod loom_models;

#[cfg(not(millpond_loom))]
pub(crate) use bytes::{Arrival, ByteBudget, ByteReservation, NeverFits, PendingStart, Refused};
pub(crate) use permits::{Full, Joined, Permits};
pub(crate) use reservations::{Call, Poll as CallPoll, ReservationId, Reservations, Withdrawn};
