//! The formats, by name and by content.

use std::fmt;
use std::str::FromStr;

/// The format of a document.
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
    /// Returns `input` without a UTF-8 byte order mark and ASCII white space at its start. This is
    /// the text that [`detect`](Self::detect) examines.
    #[must_use]
    pub fn skip_preamble(input: &[u8]) -> &[u8] {
        input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input).trim_ascii_start()
    }

    /// Detects the format of `input` from its first bytes. It is RTF if it begins with `{\rtf`,
    /// after an optional byte order mark and white space. Otherwise it is Markdown, which any text
    /// is. HTML is never detected, because HTML is valid Markdown.
    #[must_use]
    pub fn detect(input: &[u8]) -> Self {
        if Self::skip_preamble(input).starts_with(b"{\\rtf") { Self::Rtf } else { Self::Markdown }
    }

    /// Whether `input` is probably RTF without its header, `{\rtf1`. It begins with a group that
    /// few texts other than RTF begin with, such as `{\pard`, `{\*\generator` or `{\fs24`, or it
    /// lacks only the first brace. [`detect`](Self::detect) returns Markdown for it. If no format
    /// is named, a converter should report an error.
    ///
    /// ```
    /// # use millpond::convert::Format;
    /// assert!(Format::is_rtf_without_head(br"{\pard\plain Text\par}"));
    /// assert!(!Format::is_rtf_without_head(br"{\bf Text}"));
    /// ```
    #[must_use]
    pub fn is_rtf_without_head(input: &[u8]) -> bool {
        let document = Self::skip_preamble(input);
        let (is_group, text) = match document.strip_prefix(b"{") {
            Some(rest) => (true, rest.trim_ascii_start()),
            None => (false, document),
        };
        let (is_star, text) = match text.strip_prefix(b"\\*") {
            Some(rest) if is_group => (true, rest),
            _ => (false, text),
        };
        let Some(word) = text.strip_prefix(b"\\") else { return false };
        // Longer names are none of those below.
        let letters = word.iter().take(32).take_while(|b| b.is_ascii_alphabetic()).count();
        let (name, rest) = word.split_at(letters);
        let has_number = rest.first().is_some_and(u8::is_ascii_digit);
        match name {
            // With its brace and at once, that is a head.
            b"rtf" => has_number && !document.starts_with(b"{\\rtf"),
            _ if !is_group || name.is_empty() => false,
            _ => is_star || RTF_WORDS.contains(&name) || (has_number && RTF_NUMBERS.contains(&name)),
        }
    }

    /// The usual file name extension, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Rtf => "rtf",
            Self::Markdown => "md",
            Self::Html => "html",
        }
    }

    /// The registered media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Rtf => "application/rtf",
            Self::Markdown => "text/markdown",
            Self::Html => "text/html",
        }
    }
}

/// Control words that may begin a part of an RTF document and that TeX does not have.
const RTF_WORDS: &[&[u8]] = &[
    b"ansi",
    b"ansicpg",
    b"colortbl",
    b"field",
    b"fonttbl",
    b"footer",
    b"header",
    b"info",
    b"listtable",
    b"ltrch",
    b"ltrpar",
    b"ltrrow",
    b"pard",
    b"pict",
    b"plain",
    b"qc",
    b"qj",
    b"ql",
    b"qr",
    b"rtlch",
    b"rtlpar",
    b"sectd",
    b"stylesheet",
    b"trowd",
];

/// Control words that count only if a number follows, which is impossible in TeX.
const RTF_NUMBERS: &[&[u8]] = &[
    b"cb",
    b"cf",
    b"cs",
    b"deff",
    b"deflang",
    b"f",
    b"fi",
    b"fs",
    b"lang",
    b"li",
    b"lin",
    b"margl",
    b"paperw",
    b"ri",
    b"s",
    b"sa",
    b"sb",
    b"sl",
    b"uc",
    b"viewkind",
];

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

    /// Accepts names and usual file name extensions, in any case, with or without a leading dot.
    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        match name.strip_prefix('.').unwrap_or(name).to_ascii_lowercase().as_str() {
            "rtf" => Ok(Self::Rtf),
            "markdown" | "md" | "mkd" | "mdown" => Ok(Self::Markdown),
            "html" | "htm" => Ok(Self::Html),
            _ => Err(UnknownFormat { name: name.chars().take(64).collect() }),
        }
    }
}

/// The error of [`Format::from_str`]: the name is not the name of a [`Format`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown format {name:?}, but it must be one of rtf, markdown, html")]
#[non_exhaustive]
pub struct UnknownFormat {
    /// The given name, truncated to 64 characters.
    pub name: String,
}

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
    fn rtf_without_its_head_is_known_by_its_first_word() {
        for rtf in [
            &b"{\\pard \\ql \\f0 a\\par}"[..],
            b"\xef\xbb\xbf\r\n{\\pard",
            b"{\\*\\generator a;}",
            b"{\\fonttbl{\\f0 A;}}",
            b"{\r\n\\fs24 a",
            b"{ \\rtf1 a}",
            b"\\rtf1\\ansi a}",
        ] {
            assert!(Format::is_rtf_without_head(rtf), "{}", String::from_utf8_lossy(rtf));
        }
        for other in [
            &b""[..],
            b"{",
            b"{\\",
            b"{\\*",
            b"{\\*not marked\\*}",
            b"{\\rtf1 a}",
            b"{\\bf a}",
            b"{\\par a}",
            b"{\\f a}",
            b"{\\em a} \\pard",
            b"{\\pardoned}",
            b"{a}",
            b"\\pard a",
            b"\\fs24 a",
            b"# {\\pard",
            b"{{\\pard}}",
        ] {
            assert!(!Format::is_rtf_without_head(other), "{}", String::from_utf8_lossy(other));
        }
    }

    #[test]
    fn every_name_and_extension_parses_back() {
        for format in [Format::Rtf, Format::Markdown, Format::Html] {
            assert_eq!(format.to_string().parse(), Ok(format));
            assert_eq!(format.extension().parse(), Ok(format));
            assert_eq!(format!(".{}", format.extension()).parse(), Ok(format));
        }
        assert_eq!("docx".parse::<Format>(), Err(UnknownFormat { name: "docx".into() }));
    }
}
