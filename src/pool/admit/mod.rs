//! Which work may enter the queue, and how work that does not run leaves the pool.

pub(super) mod bytes;
pub(super) mod outside;
pub(super) mod place;
pub(super) mod refuse;
