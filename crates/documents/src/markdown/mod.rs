//! Markdown, written, and read as events: whole or in parts.

mod complexity;
mod lines;
mod reading;
pub(crate) mod split;
mod text;
pub(crate) mod write;

pub(crate) use self::complexity::MAX_TREE;
pub(crate) use self::reading::Reading;
pub(crate) use self::text::Text;
