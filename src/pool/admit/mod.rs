//! Who may enter the queue, and how work leaves it without having run.

pub(super) mod bytes;
pub(super) mod outside;
pub(super) mod place;
pub(super) mod refuse;
