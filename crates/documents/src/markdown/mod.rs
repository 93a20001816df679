//! Markdown, written, and read as events: whole or in parts.

pub(crate) mod split;
pub(crate) mod write;
