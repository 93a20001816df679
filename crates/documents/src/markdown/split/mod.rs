//! Markdown as a stream of events, with the limits on its nesting; of a whole document, or of a part.

mod cuts;
mod definitions;
mod fence;
mod html;
mod part;
mod search;
mod source;
mod stages;
mod window;

use pulldown_cmark::{Options, Parser};

pub(super) use self::cuts::begins_text;
use self::definitions::Lookup;
pub(crate) use self::part::Plan;
pub(crate) use self::search::split;
pub(crate) use self::source::{SILENT, Slugs, Source};
pub(crate) use self::stages::heading;
pub(crate) use self::window::{Windows, Written};
use super::complexity::{self, Limits};
use millpond_convert::{ConversionOptions, ConvertError, MarkdownExtensions};

/// What is always read beyond CommonMark.
const ALWAYS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS);

/// How text is read: what goes beyond CommonMark, and how deep it may nest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) extensions: MarkdownExtensions,
    max_depth: usize,
}

impl Reading {
    pub(crate) fn new(options: &ConversionOptions) -> Self {
        Self { extensions: options.extensions, max_depth: options.max_depth }
    }

    /// Whether headings may have ids.
    fn has_heading_ids(self) -> bool {
        self.extensions.heading_ids || self.extensions.heading_attributes
    }

    /// Whether a document may be taken apart: a definition may belong to a term far before it.
    fn may_be_cut(self) -> bool {
        !self.extensions.definition_lists
    }

    fn parser<'a>(self, text: &'a str, lookup: Option<Lookup<'a>>) -> Parser<'a, Lookup<'a>> {
        let extensions = self.extensions;
        let mut options = ALWAYS;
        options.set(Options::ENABLE_GFM, extensions.alerts);
        options.set(Options::ENABLE_MATH, extensions.math);
        options.set(Options::ENABLE_DEFINITION_LIST, extensions.definition_lists);
        options.set(Options::ENABLE_SUPERSCRIPT, extensions.superscript);
        options.set(Options::ENABLE_SUBSCRIPT, extensions.subscript);
        Parser::new_with_broken_link_callback(text, options, lookup)
    }

    /// Counts what parsing the text takes beyond what ordinary text does, added to `steps`.
    fn measure(self, text: &str, steps: usize, offset: usize) -> Result<usize, ConvertError> {
        complexity::measure(text, Limits { max_depth: self.max_depth, steps, offset })
    }
}
