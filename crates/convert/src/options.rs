//! What a conversion is asked to do.

use super::{Format, HtmlPolicy, MarkdownExtensions};

/// What a conversion is asked to do, and how far it may go.
///
/// ```
/// # use millpond::convert::{ConversionOptions, Format};
/// let to_html = ConversionOptions { to: Some(Format::Html), ..Default::default() };
/// assert_eq!(to_html.resolve(b"# Title"), (Format::Markdown, Format::Html));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct ConversionOptions {
    /// What the document is written in. `None`: what [`Format::detect`] says.
    pub from: Option<Format>,
    /// What to write. `None`: RTF from Markdown, Markdown from anything else.
    pub to: Option<Format>,
    /// Whether parts of one document may be converted at the same time, where the converter can split it. What comes out is
    /// the same. On by default: it costs next to nothing where no other thread has time.
    pub parallel_chunks: bool,
    /// How large the parts should be, in bytes of input. `None`: the processor's choice.
    pub chunk_size: Option<usize>,
    /// How deep lists, quotes and emphasis of Markdown may nest in all. Deeper documents are
    /// [`TooDeep`](super::ConvertError::TooDeep).
    pub max_depth: usize,
    /// How deep groups of RTF may nest. Deeper documents are
    /// [`TooDeep`](super::ConvertError::TooDeep). Programs that write mail leave thousands of
    /// groups open, and a group costs some bytes, no stack: this bounds memory, not recursion.
    pub max_groups: usize,
    /// Whether RTF is read though it has lost its head, `{\rtf1\ansi`, or braces at its end, or has
    /// too many of them; a document that looks like RTF without its head is then taken for that, if
    /// `from` says nothing else. Off by default: such documents are
    /// [`Malformed`](super::ConvertError::Malformed).
    ///
    /// What is assumed: without a head, that there are no tables and that bytes are in the code
    /// page 1252; at the end, that the groups that are open end there; a brace too many is no end,
    /// and all that follows it is read.
    pub lenient: bool,
    /// The most bytes that one document may become. Larger ones are
    /// [`OutputTooLarge`](super::ConvertError::OutputTooLarge).
    pub max_output: usize,
    /// What HTML that is written may hold.
    pub html: HtmlPolicy,
    /// What is read of Markdown beyond CommonMark. Not of that which is made of RTF on the way to HTML.
    pub extensions: MarkdownExtensions,
}

impl ConversionOptions {
    /// The formats that `input` is converted from and to.
    #[must_use]
    pub fn resolve(&self, input: &[u8]) -> (Format, Format) {
        let from = self.from.unwrap_or_else(|| Format::detect(input));
        let to = self.to.unwrap_or(match from {
            Format::Markdown => Format::Rtf,
            Format::Rtf | Format::Html => Format::Markdown,
        });
        (from, to)
    }
}

impl Default for ConversionOptions {
    /// Detected format, its usual counterpart, parts in parallel, whole documents only, at most
    /// 1000 levels deep, or 100,000 groups of RTF, and 1 GiB large.
    fn default() -> Self {
        Self {
            from: None,
            to: None,
            parallel_chunks: true,
            chunk_size: None,
            max_depth: 1000,
            max_groups: 100_000,
            lenient: false,
            max_output: 1 << 30,
            html: HtmlPolicy::default(),
            extensions: MarkdownExtensions::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_has_a_usual_counterpart() {
        let options = ConversionOptions::default();
        assert_eq!(options.resolve(b"{\\rtf1}"), (Format::Rtf, Format::Markdown));
        assert_eq!(options.resolve(b"text"), (Format::Markdown, Format::Rtf));
    }

    #[test]
    fn what_is_asked_for_beats_what_is_detected() {
        let options = ConversionOptions { from: Some(Format::Markdown), ..Default::default() };
        assert_eq!(options.resolve(b"{\\rtf1}").0, Format::Markdown);
    }
}
