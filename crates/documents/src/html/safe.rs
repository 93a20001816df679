//! HTML that can't run anything, whatever the Markdown holds: [`HtmlPolicy::Safe`](millpond_convert::HtmlPolicy).

use std::collections::VecDeque;

use pulldown_cmark::{CowStr, Event, Tag, TagEnd};

use crate::rtf::write::html_block::{self, Piece};

/// The schemes that links and pictures may have.
const SCHEMES: [&str; 5] = ["http", "https", "mailto", "tel", "ftp"];

/// Tags that are passed on, without any attributes.
const LOOKS: [&str; 11] = ["b", "strong", "i", "em", "s", "del", "u", "ins", "sup", "sub", "br"];

/// Makes events safe.
pub(super) struct Safe<I> {
    events: I,
    queue: VecDeque<Event<'static>>,
    /// For each link and picture that is open, whether it is passed on.
    links: Vec<bool>,
    /// Tags of raw HTML that are open; they are closed with their block.
    open: Vec<&'static str>,
    /// The block of HTML under way.
    block: Option<String>,
}

impl<'a, I: Iterator<Item = Event<'a>>> Safe<I> {
    pub(super) fn new(events: I) -> Self {
        Self { events, queue: VecDeque::new(), links: Vec::new(), open: Vec::new(), block: None }
    }

    /// What to pass on of the event; the queue comes first.
    fn pass(&mut self, event: Event<'a>) -> Option<Event<'a>> {
        match event {
            Event::Html(html) | Event::Text(html) if self.block.is_some() => {
                self.block.get_or_insert_default().push_str(&html);
                None
            }
            Event::Start(Tag::HtmlBlock) => {
                self.block = Some(String::new());
                None
            }
            Event::End(TagEnd::HtmlBlock) => {
                self.html_block();
                None
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                self.tag(&html);
                None
            }
            Event::Start(Tag::Link { ref dest_url, .. } | Tag::Image { ref dest_url, .. }) => {
                let is_safe = is_safe(dest_url);
                self.links.push(is_safe);
                is_safe.then_some(event)
            }
            Event::End(TagEnd::Link | TagEnd::Image) => self.links.pop().unwrap_or_default().then_some(event),
            Event::Start(Tag::Heading { level, id, classes, .. }) => {
                Some(Event::Start(Tag::Heading { level, id, classes, attrs: Vec::new() }))
            }
            Event::End(end) if !self.open.is_empty() && ends_block(end) => {
                self.close_all();
                self.queue.push_back(Event::End(end));
                None
            }
            event => Some(event),
        }
    }

    /// Passes a tag on, if it is one for the looks of text.
    fn tag(&mut self, html: &str) {
        let inner = html.trim_start_matches('<');
        let (inner, is_end) = inner.strip_prefix('/').map_or((inner, false), |inner| (inner, true));
        let name = inner.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or_default();
        let Some(name) = LOOKS.into_iter().find(|known| known.eq_ignore_ascii_case(name)) else { return };
        if name == "br" {
            self.queue.push_back(Event::InlineHtml(CowStr::Borrowed("<br />")));
        } else if !is_end {
            self.open.push(name);
            self.queue.push_back(Event::InlineHtml(format!("<{name}>").into()));
        } else if self.open.last() == Some(&name) {
            self.open.pop();
            self.queue.push_back(Event::InlineHtml(format!("</{name}>").into()));
        }
    }

    fn close_all(&mut self) {
        while let Some(name) = self.open.pop() {
            self.queue.push_back(Event::InlineHtml(format!("</{name}>").into()));
        }
    }

    /// The text of a block of HTML, as paragraphs.
    fn html_block(&mut self) {
        let Some(html) = self.block.take() else { return };
        let mut is_open = false;
        html_block::read(&html, |piece| match piece {
            Piece::Text(text) if is_open => self.queue.push_back(Event::Text(text.into())),
            Piece::Text(text) if text.trim().is_empty() => {}
            Piece::Text(text) => {
                is_open = true;
                self.queue.push_back(Event::Start(Tag::Paragraph));
                self.queue.push_back(Event::Text(text.trim_start().to_owned().into()));
            }
            Piece::Tag(tag) if is_open => self.tag(tag),
            Piece::Tag(_) => {}
            Piece::Break => self.end_paragraph(&mut is_open),
        });
        self.end_paragraph(&mut is_open);
    }

    fn end_paragraph(&mut self, is_open: &mut bool) {
        if std::mem::take(is_open) {
            self.close_all();
            self.queue.push_back(Event::End(TagEnd::Paragraph));
        }
    }
}

impl<'a, I: Iterator<Item = Event<'a>>> Iterator for Safe<I> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            let event = self.events.next()?;
            if let Some(event) = self.pass(event) {
                return Some(event);
            }
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

/// Whether an address has one of the schemes, or none. As browsers do, this takes no notice of control characters and white space.
pub(super) fn is_safe(address: &str) -> bool {
    let mut scheme = String::new();
    for c in address.chars() {
        match c {
            ':' => return SCHEMES.contains(&scheme.as_str()),
            '/' | '?' | '#' => return true,
            c if c.is_control() || c.is_whitespace() || is_invisible(c) => {}
            c => scheme.extend(c.to_lowercase()),
        }
    }
    true
}

/// Characters that are not seen, and that a reader of the address may leave out.
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
