//! What the tests of the converters share.
#![allow(dead_code, reason = "each test uses some of it")]
#![allow(clippy::expect_used, reason = "a test fails where it can't go on")]

use bytes::BytesMut;
use millpond::convert::{ConversionOptions, ConvertError, Converter, DocumentConverter, Format};

/// Converts with the usual options, but to that format.
pub(crate) fn convert(input: &[u8], from: Format, to: Format) -> Result<String, ConvertError> {
    convert_with(input, ConversionOptions { from: Some(from), to: Some(to), ..Default::default() })
}

/// Converts with those options.
pub(crate) fn convert_with(input: &[u8], options: ConversionOptions) -> Result<String, ConvertError> {
    let mut out = BytesMut::new();
    DocumentConverter::new().convert(input, &options, &mut out)?;
    Ok(String::from_utf8(out.to_vec()).expect("what is written is UTF-8"))
}

/// The Markdown of a whole RTF document.
pub(crate) fn markdown(rtf: &str) -> String {
    convert(rtf.as_bytes(), Format::Rtf, Format::Markdown).expect("it converts")
}

/// The Markdown of the text of an RTF document, after a head with a few fonts, styles and lists.
///
/// Fonts: 0 is Latin, 1 Greek, 2 Cyrillic, 3 Japanese, 4 symbols. Lists: `\ls1` has bullets, `\ls2`
/// numbers from 1, `\ls3` numbers from 5.
pub(crate) fn body(text: &str) -> String {
    markdown(&format!("{HEAD}{text}}}"))
}

const HEAD: &str = r"{\rtf1\ansi\ansicpg1252\deff0\uc1
{\fonttbl{\f0\fswiss\fcharset0 Arial;}{\f1\fcharset161 Arial Greek;}{\f2\fcharset204 Arial CYR;}
{\f3\fcharset128 MS Mincho;}{\f4\fcharset2 Symbol;}}
{\colortbl;\red255\green0\blue0;}
{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}{\s2 heading 2;}{\s3 Quote;}{\s4 HTML Preformatted;}
{\*\cs5 Hyperlink;}{\*\cs6 HTML Code;}}
{\*\listtable
{\list{\listlevel\levelnfc23{\leveltext\'01\u8226?;}{\levelnumbers;}}{\listlevel\levelnfc23}\listid1}
{\list{\listlevel\levelnfc0\levelstartat1{\leveltext\'02\'00.;}{\levelnumbers\'01;}}{\listlevel\levelnfc4}\listid2}}
{\*\listoverridetable{\listoverride\listid1\listoverridecount0\ls1}{\listoverride\listid2\listoverridecount0\ls2}
{\listoverride\listid2\listoverridecount1{\lfolevel\listoverridestartat\levelstartat5}\ls3}}
";

/// The RTF of a Markdown document.
pub(crate) fn rtf(markdown: &str) -> String {
    convert(markdown.as_bytes(), Format::Markdown, Format::Rtf).expect("it converts")
}

/// Markdown by way of RTF.
pub(crate) fn there_and_back(source: &str) -> String {
    markdown(&rtf(source))
}

/// The HTML of a Markdown document.
pub(crate) fn html(markdown: &str) -> String {
    convert(markdown.as_bytes(), Format::Markdown, Format::Html).expect("it converts")
}

/// The text that a reader of this Markdown sees, with any white space between words as one space.
pub(crate) fn shown(markdown: &str) -> String {
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
    let extensions = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS;
    let mut text = String::new();
    for event in Parser::new_ext(markdown, extensions) {
        match event {
            Event::Text(part) | Event::Code(part) | Event::Html(part) => text.push_str(&part),
            Event::InlineHtml(tag) if &*tag != "<br>" => {}
            Event::Start(Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. })
            | Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link) => {}
            Event::FootnoteReference(_) => {}
            _ => text.push(' '),
        }
    }
    squeeze(&text)
}

/// White space as one space each.
pub(crate) fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
