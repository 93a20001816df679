//! Markdown, written, and read as events: whole or in parts.

mod complexity;
pub(crate) mod split;
mod text;
pub(crate) mod write;

pub(crate) use self::complexity::MAX_TREE;
pub(crate) use self::text::Text;
