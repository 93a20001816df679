//! Markdown: the reader, which produces events of a document or of a part, and the writer.

mod complexity;
mod lines;
mod reading;
pub(crate) mod split;
mod text;
pub(crate) mod write;

pub(crate) use self::complexity::MAX_TREE;
pub(crate) use self::reading::Reading;
pub(crate) use self::text::Text;
