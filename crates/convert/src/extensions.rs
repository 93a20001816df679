//! What is read of Markdown beyond CommonMark, and what HTML may hold.

/// What a converter reads of Markdown beyond CommonMark and GitHub's tables, strikethrough, task lists and footnotes, which it
/// always reads.
///
/// The defaults are what GitHub reads, and `{#id}` after headings.
///
/// ```
/// use bytes::BytesMut;
/// use millpond::convert::{ConversionOptions, Converter, DocumentConverter, Format, MarkdownExtensions};
///
/// let extensions = MarkdownExtensions { autolinks: false, ..Default::default() };
/// let options = ConversionOptions { to: Some(Format::Html), extensions, ..Default::default() };
/// let mut html = BytesMut::new();
/// DocumentConverter::new().convert(b"See www.example.org.", &options, &mut html)?;
/// assert_eq!(html, "<p>See www.example.org.</p>\n");
/// # Ok::<(), millpond::convert::ConvertError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct MarkdownExtensions {
    /// Addresses in the text are links: `https://...`, `http://...`, `ftp://...`, `www....`, `name@example.org`. On.
    pub autolinks: bool,
    /// A quote whose first line is `[!NOTE]`, `[!TIP]`, `[!IMPORTANT]`, `[!WARNING]` or `[!CAUTION]` is an alert. On.
    pub alerts: bool,
    /// Headings get ids by their text, as GitHub makes them, so that links within the document lead to them. On.
    pub heading_ids: bool,
    /// `{#id}` at the end of a heading is its id, with `.class` for classes. On. Other braces are text.
    pub heading_attributes: bool,
    /// YAML between lines of `---`, or TOML between lines of `+++`, at the beginning of the document is skipped. On.
    pub front_matter: bool,
    /// `$...$` and `$$...$$` are formulas: they stay as they are, with no markup in them. On.
    pub math: bool,
    /// A paragraph before a line that begins with `:` is a term, and that its definition. Off. Documents are converted whole then.
    pub definition_lists: bool,
    /// `^...^` is superscript. Off.
    pub superscript: bool,
    /// `~...~` is subscript; it is struck through otherwise. Off.
    pub subscript: bool,
}

impl MarkdownExtensions {
    /// None of them.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            autolinks: false,
            alerts: false,
            heading_ids: false,
            heading_attributes: false,
            front_matter: false,
            math: false,
            definition_lists: false,
            superscript: false,
            subscript: false,
        }
    }
}

impl Default for MarkdownExtensions {
    fn default() -> Self {
        Self {
            autolinks: true,
            alerts: true,
            heading_ids: true,
            heading_attributes: true,
            front_matter: true,
            math: true,
            ..Self::none()
        }
    }
}

/// What HTML that is written may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum HtmlPolicy {
    /// [`Safe`](Self::Safe) from RTF, [`Raw`](Self::Raw) from Markdown.
    #[default]
    Default,
    /// Nothing that can run or load anything but by a link that is followed, or a picture from `http` or `https`. Raw HTML is
    /// not passed on: its text is, without scripts and styles, and so are bare tags for the looks of text (`<b>`, `<sub>`, `<br>`
    /// and the like). Links and pictures may lead to `http`, `https`, `mailto`, `tel`, and to places relative to the document;
    /// of others the text stays. Headings have no attributes but ids and classes.
    Safe,
    /// Raw HTML in Markdown is passed on as it is, and so is every address: for documents that are trusted, or a sanitizer.
    Raw,
}
