//! Implements [`HtmlPolicy::Safe`](millpond_convert::HtmlPolicy): the output runs no code, whatever
//! the Markdown contains.

use pulldown_cmark::{CowStr, Event, Tag, TagEnd};

use super::writer::Writer;
use crate::rtf::write::html_block::{self, Piece};
use millpond_convert::{Loss, Report};

/// The allowed schemes of links and pictures.
const SCHEMES: [&str; 5] = ["http", "https", "mailto", "tel", "ftp"];

/// The allowed tags, which are written without attributes.
const LOOKS: [&str; 11] = ["b", "strong", "i", "em", "s", "del", "u", "ins", "sup", "sub", "br"];

/// Filters unsafe events, and counts what it removes.
#[derive(Default)]
pub(super) struct Safe {
    /// For each open link and picture: whether it is written.
    links: Vec<bool>,
    /// The open tags of raw HTML. They are closed at the end of their block.
    open: Vec<&'static str>,
    /// The text of the open block of HTML.
    block: Option<String>,
    pub(super) report: Report,
}

impl Safe {
    /// Whether the event is handled here. If so, its replacement has already been written.
    #[inline(always)]
    pub(super) fn takes(&mut self, event: &Event<'_>, writer: &mut Writer<'_, '_>) -> bool {
        let is_at_rest = self.block.is_none() && self.open.is_empty();
        let is_markup = matches!(
            event,
            Event::Html(_)
                | Event::InlineHtml(_)
                | Event::Start(Tag::HtmlBlock | Tag::Link { .. } | Tag::Image { .. })
                | Event::End(TagEnd::HtmlBlock | TagEnd::Link | TagEnd::Image)
        );
        (is_markup || !is_at_rest) && self.takes_any(event, writer)
    }

    #[inline(never)]
    fn takes_any(&mut self, event: &Event<'_>, writer: &mut Writer<'_, '_>) -> bool {
        match event {
            Event::Html(html) | Event::Text(html) if self.block.is_some() => {
                self.block.get_or_insert_default().push_str(html);
            }
            Event::Start(Tag::HtmlBlock) => self.block = Some(String::new()),
            Event::End(TagEnd::HtmlBlock) => self.html_block(writer),
            Event::Html(html) | Event::InlineHtml(html) => {
                if !self.tag(html, writer) {
                    self.report.add(Loss::RawHtml);
                }
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                let is_safe = is_safe(dest_url);
                self.links.push(is_safe);
                if !is_safe {
                    self.report.add(Loss::LinkTarget);
                }
                return !is_safe;
            }
            Event::End(TagEnd::Link | TagEnd::Image) => return !self.links.pop().unwrap_or_default(),
            Event::End(end) => {
                if ends_block(*end) {
                    self.close_all(writer);
                }
                return false;
            }
            _ => return false,
        }
        true
    }

    /// Writes a tag if it is an allowed formatting tag. Returns whether it is.
    fn tag(&mut self, html: &str, writer: &mut Writer<'_, '_>) -> bool {
        let inner = html.trim_start_matches('<');
        let (inner, is_end) = inner.strip_prefix('/').map_or((inner, false), |inner| (inner, true));
        let name = inner.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or_default();
        let Some(name) = LOOKS.into_iter().find(|known| known.eq_ignore_ascii_case(name)) else {
            return false;
        };
        if name == "br" {
            writer.made(Event::InlineHtml(CowStr::Borrowed("<br />")));
        } else if !is_end {
            self.open.push(name);
            writer.made(Event::InlineHtml(format!("<{name}>").into()));
        } else if self.open.last() == Some(&name) {
            self.open.pop();
            writer.made(Event::InlineHtml(format!("</{name}>").into()));
        } else {
            return false;
        }
        true
    }

    fn close_all(&mut self, writer: &mut Writer<'_, '_>) {
        while let Some(name) = self.open.pop() {
            writer.made(Event::InlineHtml(format!("</{name}>").into()));
        }
    }

    /// Writes the text of a block of HTML as paragraphs.
    fn html_block(&mut self, writer: &mut Writer<'_, '_>) {
        let Some(html) = self.block.take() else { return };
        self.report.add(Loss::RawHtml);
        let mut is_open = false;
        html_block::read(&html, |piece| match piece {
            Piece::Text(text) if is_open => writer.made(Event::Text(text.into())),
            Piece::Text(text) if text.trim().is_empty() => {}
            Piece::Text(text) => {
                is_open = true;
                writer.made(Event::Start(Tag::Paragraph));
                writer.made(Event::Text(text.trim_start().to_owned().into()));
            }
            Piece::Tag(tag) if is_open => {
                self.tag(tag, writer);
            }
            Piece::Tag(_) => {}
            Piece::Break => self.end_paragraph(&mut is_open, writer),
        });
        self.end_paragraph(&mut is_open, writer);
    }

    fn end_paragraph(&mut self, is_open: &mut bool, writer: &mut Writer<'_, '_>) {
        if std::mem::take(is_open) {
            self.close_all(writer);
            writer.made(Event::End(TagEnd::Paragraph));
        }
    }
}

fn ends_block(end: TagEnd) -> bool {
    matches!(
        end,
        TagEnd::Paragraph
            | TagEnd::Heading(_)
            | TagEnd::Item
            | TagEnd::TableCell
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::FootnoteDefinition
            | TagEnd::BlockQuote(_)
    )
}

/// Whether an address has an allowed scheme, or none. Control characters and white space are
/// ignored, as in browsers.
pub(super) fn is_safe(address: &str) -> bool {
    let end = address.bytes().position(|b| matches!(b, b':' | b'/' | b'?' | b'#'));
    let Some((scheme, rest)) = end.and_then(|end| address.split_at_checked(end)) else { return true };
    if !rest.starts_with(':') || SCHEMES.contains(&scheme) {
        return true;
    }
    let is_seen = |c: &char| !c.is_control() && !c.is_whitespace() && !is_invisible(*c);
    let scheme: String = scheme.chars().filter(is_seen).flat_map(char::to_lowercase).collect();
    SCHEMES.contains(&scheme.as_str())
}

/// Invisible characters that a program may ignore in an address.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_known_by_their_schemes() {
        for address in [
            "http://a",
            "HTTPS://a",
            "mailto:a@b",
            "tel:+1",
            "ftp://a",
            "a/b:c",
            "#javascript:a",
            "?a=b:c",
            "//a/b",
            "a",
            "",
            "./a:b",
            "\u{feff}https://a",
        ] {
            assert!(is_safe(address), "{address}");
        }
        for address in [
            "javascript:a",
            "JavaScript:a",
            " javascript:a",
            "java\nscript:a",
            "\u{1}javascript:a",
            "java\u{ad}script:a",
            "data:text/html,a",
            "vbscript:a",
            "file:///a",
            "blob:a",
            "view-source:a",
            "x:a",
            ":a",
            "java\tscript\n:a",
            "javascript\u{200b}:a",
            "ſcript:a",
        ] {
            assert!(!is_safe(address), "{address}");
        }
    }
}
