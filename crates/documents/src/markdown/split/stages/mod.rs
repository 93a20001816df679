//! What is done to events after the parser: addresses become links, headings get ids, the content of scripts is dropped.

pub(super) mod autolink;
pub(crate) mod heading;
pub(super) mod hidden;
