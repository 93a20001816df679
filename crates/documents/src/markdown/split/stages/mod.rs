//! Conversions of the parser's events: autolinks become links, headings get ids, and the content of
//! scripts is removed.

pub(super) mod autolink;
pub(crate) mod heading;
pub(super) mod hidden;
