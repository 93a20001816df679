//! The extensions and limits with which Markdown is read.

use millpond_convert::{ConversionOptions, ConvertError, MarkdownExtensions};
use pulldown_cmark::{BrokenLinkCallback, Options, Parser};

use super::complexity::{self, Limits};

/// The extensions that are always read.
const ALWAYS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS);

/// The extensions and the depth limit with which text is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) extensions: MarkdownExtensions,
    pub(super) max_depth: usize,
}

impl Reading {
    pub(crate) fn new(options: &ConversionOptions) -> Self {
        Self { extensions: options.extensions, max_depth: options.max_depth }
    }

    /// Whether headings may have ids.
    pub(super) fn has_heading_ids(self) -> bool {
        self.extensions.heading_ids || self.extensions.heading_attributes
    }

    /// Whether a document may be split. It may not if terms have definitions, because a definition
    /// may belong to a term far before it.
    pub(super) fn may_be_cut(self) -> bool {
        !self.extensions.definition_lists
    }

    /// Returns a parser of `text`. `lookup` resolves references that the text does not define.
    pub(super) fn parser<'a, F: BrokenLinkCallback<'a>>(
        self,
        text: &'a str,
        lookup: Option<F>,
    ) -> Parser<'a, F> {
        let extensions = self.extensions;
        let mut options = ALWAYS;
        options.set(Options::ENABLE_GFM, extensions.alerts);
        options.set(Options::ENABLE_MATH, extensions.math);
        options.set(Options::ENABLE_DEFINITION_LIST, extensions.definition_lists);
        options.set(Options::ENABLE_SUPERSCRIPT, extensions.superscript);
        options.set(Options::ENABLE_SUBSCRIPT, extensions.subscript);
        Parser::new_with_broken_link_callback(text, options, lookup)
    }

    /// Counts the steps that parsing takes beyond those of ordinary text. Returns the sum with
    /// `steps`.
    pub(super) fn measure(self, text: &str, steps: usize, offset: usize) -> Result<usize, ConvertError> {
        complexity::measure(text, Limits { max_depth: self.max_depth, steps, offset })
    }
}
