//! Paragraphs to Markdown: CommonMark 0.31 with GitHub's tables, strikethrough, task lists and
//! footnotes.

mod blocks;
mod emphasis;
mod escape;
mod inline;
mod items;
mod segment;
mod table;

pub(crate) use self::blocks::Blocks;
