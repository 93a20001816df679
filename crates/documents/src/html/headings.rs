//! Ids of headings. An id is known at the end of its heading, and written at its beginning.

use bytes::BytesMut;
use pulldown_cmark::{CowStr, Event, TagEnd};

use super::escape;
use super::ids::Id;
use crate::markdown::split::{Slugs, heading};
use millpond_convert::MarkdownExtensions;

/// Gives each heading its id.
pub(super) struct Headings<'a> {
    /// Whether the text of a heading gives it an id, and whether the author may set one.
    by_text: bool,
    by_author: bool,
    /// The ids in use; `None`: the join makes them unique.
    slugs: Option<Slugs>,
    /// The start of this part in the output.
    start: usize,
    open: Option<Open<'a>>,
    /// The ids that the join must make unique.
    pub(super) ids: Vec<Id>,
    /// A reused buffer for slugs.
    spare: String,
}

/// An open heading.
struct Open<'a> {
    /// The start of the heading in the output, and the position for its attributes.
    at: usize,
    attributes: usize,
    slug: String,
    /// The previous event if it was text, which may end with attributes, and its start in the
    /// output.
    last: Option<(usize, CowStr<'a>)>,
}

impl<'a> Headings<'a> {
    pub(super) fn new(extensions: MarkdownExtensions, slugs: Option<Slugs>, start: usize) -> Self {
        Self {
            by_text: extensions.heading_ids,
            by_author: extensions.heading_attributes,
            slugs,
            start,
            open: None,
            ids: Vec::new(),
            spare: String::new(),
        }
    }

    /// Begins a heading.
    pub(super) fn begin(&mut self, at: usize, attributes: usize) {
        if self.by_text || self.by_author {
            let mut slug = std::mem::take(&mut self.spare);
            slug.clear();
            self.open = Some(Open { at, attributes, slug, last: None });
        }
    }

    /// Whether a heading is open, so that events must be [followed](Self::follow).
    #[inline(always)]
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Observes an event before it is written.
    #[inline(never)]
    pub(super) fn follow(&mut self, event: &Event<'a>, out: &mut BytesMut) {
        let Some(open) = &mut self.open else { return };
        let last = open.last.take();
        match event {
            Event::Text(text) => {
                if self.by_author && text.trim_end().ends_with('}') {
                    open.last = Some((out.len(), text.clone()));
                }
                if self.by_text {
                    heading::add(text, &mut open.slug);
                }
            }
            Event::Code(code) if self.by_text => heading::add(code, &mut open.slug),
            Event::SoftBreak | Event::HardBreak if self.by_text => open.slug.push('-'),
            Event::End(TagEnd::Heading(_)) => self.end(last, out),
            _ => {}
        }
    }

    /// Writes the id, and removes it from the end of the text if the author set it there.
    fn end(&mut self, last: Option<(usize, CowStr<'a>)>, out: &mut BytesMut) {
        let Some(open) = self.open.take() else { return };
        let given = last.and_then(|(at, mut text)| {
            let attributes = heading::take_attributes(&mut text)?;
            out.truncate(at);
            escape::text(out, &text);
            Some(attributes)
        });
        let content = out.len();
        out.extend_from_slice(b" id=\"");
        if let Some(given) = &given {
            escape::attribute(out, &given.id);
            for (at, class) in given.classes.iter().enumerate() {
                out.extend_from_slice(if at == 0 { b"\" class=\"" } else { b" " });
                escape::attribute(out, class);
            }
            if let Some(slugs) = &mut self.slugs {
                slugs.take(&given.id);
            }
        } else if !open.slug.is_empty() {
            let number = self.slugs.as_mut().map_or(0, |slugs| slugs.number(&open.slug));
            out.extend_from_slice(open.slug.as_bytes());
            if number > 0 {
                out.extend_from_slice(format!("-{number}").as_bytes());
            }
        }
        out.extend_from_slice(b"\"");
        let len = out.len() - content;
        let is_given = given.is_some();
        if !is_given && open.slug.is_empty() {
            out.truncate(content);
        } else if let Some(content) = out.get_mut(open.attributes..) {
            content.rotate_right(len);
            if self.slugs.is_none() {
                let slug = given.map_or_else(|| open.slug.clone(), |given| given.id);
                self.ids.push(Id { at: open.at - self.start, slug, is_given });
            }
        }
        self.spare = open.slug;
    }
}
