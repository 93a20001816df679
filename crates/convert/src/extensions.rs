//! Extensions of Markdown, and the policy for the HTML that is written.

/// The extensions that a converter reads, beyond CommonMark and GitHub's tables, strikethrough,
/// task lists and footnotes, which it always reads.
///
/// By default these are GitHub's extensions, and `{#id}` after headings.
///
/// ```
/// use bytes::BytesMut;
/// use millpond::convert::{
///     ConversionOptions, Converter, DocumentConverter, Format, MarkdownExtensions,
/// };
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
    /// Addresses in the text are links: `https://...`, `http://...`, `ftp://...`, `www....`,
    /// `name@example.org`. On by default.
    pub autolinks: bool,
    /// A quote whose first line is `[!NOTE]`, `[!TIP]`, `[!IMPORTANT]`, `[!WARNING]` or
    /// `[!CAUTION]` is an alert. On by default.
    pub alerts: bool,
    /// Headings get ids derived from their text, by GitHub's rules, so that links within the
    /// document reach them. On by default.
    pub heading_ids: bool,
    /// `{#id}` at the end of a heading is its id, and `.class` is a class. Other braces are text.
    /// On by default.
    pub heading_attributes: bool,
    /// YAML between lines of `---`, or TOML between lines of `+++`, at the beginning of the
    /// document is skipped. On by default.
    pub front_matter: bool,
    /// `$...$` and `$$...$$` are formulas. They are copied unchanged, and markup in them is not
    /// read. On by default.
    pub math: bool,
    /// A paragraph before a line that begins with `:` is a term, and that line is its definition.
    /// Documents are then converted whole. Off by default.
    pub definition_lists: bool,
    /// `^...^` is superscript. Off by default.
    pub superscript: bool,
    /// `~...~` is subscript; otherwise it is strikethrough. Off by default.
    pub subscript: bool,
}

impl MarkdownExtensions {
    /// No extensions.
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

/// What the HTML output may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum HtmlPolicy {
    /// [`Safe`](Self::Safe) for RTF, [`Raw`](Self::Raw) for Markdown.
    #[default]
    Default,
    /// The output runs no code. It loads nothing except pictures from `http` or `https`, and links
    /// that a reader follows. Raw HTML is removed: its text stays, without scripts and styles, and
    /// so do formatting tags without attributes (`<b>`, `<sub>`, `<br>` and similar). Links and
    /// pictures may use `http`, `https`, `mailto`, `tel`, and addresses relative to the document.
    /// Of others only the text stays. Headings have no attributes other than ids and classes.
    Safe,
    /// Raw HTML in Markdown and all addresses are copied unchanged. For trusted documents, or in
    /// front of a sanitizer.
    Raw,
}
