//! Markdown to HTML.

mod document;
mod escape;
mod headings;
mod ids;
mod incremental;
mod parts;
mod safe;
mod writer;

pub(crate) use self::document::{from_markdown, options_from_rtf};
pub(crate) use self::incremental::{FromMarkdown, FromRtf};
pub(crate) use self::parts::{Plan, from_part, join};
