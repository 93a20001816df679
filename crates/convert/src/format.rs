//! The formats, by name and by their looks.

use std::fmt;
use std::str::FromStr;

/// What a document is written in.
///
/// ```
/// # use millpond::convert::Format;
/// assert_eq!(Format::detect(br"{\rtf1 Hello}"), Format::Rtf);
/// assert_eq!("md".parse(), Ok(Format::Markdown));
/// assert_eq!(Format::Html.extension(), "html");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Format {
    /// Rich Text Format, up to version 1.9.1.
    Rtf,
    /// CommonMark with GitHub's tables, strikethrough, task lists and footnotes.
    Markdown,
    /// HTML, a fragment without `<html>` and `<body>`.
    Html,
}

impl Format {
    /// `input` after a UTF-8 byte order mark and ASCII white space, if any: where [`detect`](Self::detect) looks.
    #[must_use]
    pub fn skip_preamble(input: &[u8]) -> &[u8] {
        input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input).trim_ascii_start()
    }

    /// What `input` is, by its first bytes: RTF if it opens with `{\rtf`, a byte order mark and white space aside;
    /// Markdown otherwise, for which any text will do. HTML is never guessed: it is Markdown, too.
    #[must_use]
    pub fn detect(input: &[u8]) -> Self {
        if Self::skip_preamble(input).starts_with(b"{\\rtf") { Self::Rtf } else { Self::Markdown }
    }

    /// The usual ending of a file's name, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Rtf => "rtf",
            Self::Markdown => "md",
            Self::Html => "html",
        }
    }

    /// The media type, as registered.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Rtf => "application/rtf",
            Self::Markdown => "text/markdown",
            Self::Html => "text/html",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Rtf => "RTF",
            Self::Markdown => "Markdown",
            Self::Html => "HTML",
        })
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    /// Takes names and usual endings of file names, in any case, with a leading dot or without.
    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        match name.strip_prefix('.').unwrap_or(name).to_ascii_lowercase().as_str() {
            "rtf" => Ok(Self::Rtf),
            "markdown" | "md" | "mkd" | "mdown" => Ok(Self::Markdown),
            "html" | "htm" => Ok(Self::Html),
            _ => Err(UnknownFormat),
        }
    }
}

/// A name that no [`Format`] goes by: what [`Format::from_str`] fails with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown format (rtf, markdown and html are known)")]
pub struct UnknownFormat;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtf_is_known_by_its_magic() {
        assert_eq!(Format::detect(b"\xef\xbb\xbf \r\n{\\rtf1}"), Format::Rtf);
        assert_eq!(Format::detect(b"{\\rtf"), Format::Rtf);
        for other in [&b""[..], b"# Title", b"{ \\rtf1}", b"{\\rt", b"\xff\xfe\0"] {
            assert_eq!(Format::detect(other), Format::Markdown);
        }
    }

    #[test]
    fn every_name_and_extension_parses_back() {
        for format in [Format::Rtf, Format::Markdown, Format::Html] {
            assert_eq!(format.to_string().parse(), Ok(format));
            assert_eq!(format.extension().parse(), Ok(format));
            assert_eq!(format!(".{}", format.extension()).parse(), Ok(format));
        }
        assert_eq!("docx".parse::<Format>(), Err(UnknownFormat));
    }
}
