//! The options of a conversion.

use super::{Format, HtmlPolicy, MarkdownExtensions};

/// The formats, limits and extensions of a conversion.
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
    /// The format of the document. `None`: [`Format::detect`] decides.
    pub from: Option<Format>,
    /// The format of the output. `None`: RTF from Markdown, Markdown from any other format.
    pub to: Option<Format>,
    /// Whether parts of one document may be converted in parallel, if the converter can split it.
    /// The output is the same. On by default: it costs almost nothing while all other threads are
    /// busy.
    pub parallel_chunks: bool,
    /// The size of the parts, in bytes of input. `None`: the processor decides.
    pub chunk_size: Option<usize>,
    /// The maximum nesting depth of lists, quotes and emphasis in Markdown, counted together.
    /// Deeper documents fail with [`TooDeep`](super::ConvertError::TooDeep).
    pub max_depth: usize,
    /// The maximum nesting depth of groups in RTF. Deeper documents fail with
    /// [`TooDeep`](super::ConvertError::TooDeep). Mail programs leave thousands of groups open. An
    /// open group costs some bytes and no stack, so this limits memory, not recursion.
    pub max_groups: usize,
    /// Whether RTF is accepted without its header, `{\rtf1\ansi`, without closing braces at its
    /// end, or with superfluous closing braces. A document that is probably RTF without its header
    /// is then read as RTF, unless `from` names another format. Off by default: such documents fail
    /// with [`Malformed`](super::ConvertError::Malformed).
    ///
    /// Without a header, the reader assumes code page 1252 and no tables. At the end, it closes all
    /// open groups. It ignores a superfluous closing brace and reads what follows.
    pub lenient: bool,
    /// The maximum size of the output, in bytes. Larger outputs fail with
    /// [`OutputTooLarge`](super::ConvertError::OutputTooLarge).
    pub max_output: usize,
    /// What the HTML output may contain.
    pub html: HtmlPolicy,
    /// The extensions of Markdown that are read. They do not apply to the intermediate Markdown of
    /// a conversion from RTF to HTML.
    pub extensions: MarkdownExtensions,
}

impl ConversionOptions {
    /// Returns the source and target formats for `input`.
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
