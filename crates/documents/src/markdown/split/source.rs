//! The events of a Markdown document, whole or a part, with the limits on its nesting and what goes beyond the parser.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

use pulldown_cmark::{CowStr, Event, LinkType, OffsetIter, Parser, Tag, TagEnd};

use super::super::text::Text;
use super::Reading;
use super::definitions::Lookup;
use super::part::Bounds;
use super::stages::autolink::{self, Triggers};
use super::stages::{heading, silent::Silence};
pub(crate) use super::stages::{heading::Slugs, silent::SILENT};
use millpond_convert::ConvertError;

/// The events of a Markdown document. Ends early where it nests too deep; [`finish`](Self::finish) tells.
pub(crate) struct Source<'a> {
    events: OffsetIter<'a, Lookup<'a>>,
    text: &'a str,
    reading: Reading,
    /// Bytes of the input before the text: a byte order mark.
    skipped: usize,
    depth: usize,
    too_deep_at: Option<usize>,
    /// Where the part ends, if it is one.
    bounds: Option<Bounds<'a>>,
    /// An event that was looked at.
    next: Option<(Event<'a>, Range<usize>)>,
    /// Events that come before it.
    queue: VecDeque<Event<'a>>,
    /// The memory of a queue that was used up.
    spare: VecDeque<Event<'a>>,
    triggers: Triggers,
    /// How many links, images and blocks of code or HTML are open: no addresses are looked for there.
    literal: usize,
    /// What raw HTML hides, if that is to be left out.
    silence: Option<Silence>,
    /// The ids of headings; `None`: they are made unique later.
    slugs: Option<Slugs>,
    is_id_given: bool,
    /// The last event of the parser was taken.
    is_over: bool,
}

impl<'a> Source<'a> {
    /// Reads a whole document.
    ///
    /// # Errors
    ///
    /// [`ConvertError::TooComplex`], and [`ConvertError::TooDeep`] where that shows before it is parsed.
    pub(crate) fn new(text: &'a Text<'_>, reading: Reading) -> Result<Self, ConvertError> {
        reading.measure(text.get(), 0, text.offset)?;
        let source = Self::of(reading.parser(text.get(), None), text.get(), text.offset, reading);
        Ok(Self { slugs: Some(Slugs::default()), ..source })
    }

    pub(super) fn of(
        parser: Parser<'a, Lookup<'a>>,
        text: &'a str,
        skipped: usize,
        reading: Reading,
    ) -> Self {
        Self {
            events: parser.into_offset_iter(),
            text,
            reading,
            skipped,
            depth: 0,
            too_deep_at: None,
            bounds: None,
            next: None,
            queue: VecDeque::new(),
            spare: VecDeque::new(),
            triggers: if reading.extensions.autolinks { Triggers::of(text) } else { Triggers::none() },
            literal: 0,
            silence: None,
            slugs: None,
            is_id_given: false,
            is_over: false,
        }
    }

    /// Leaves out what is between the tags of scripts and the like.
    pub(crate) fn without_silent(self) -> Self {
        Self { silence: Some(Silence::default()), ..self }
    }

    /// Only what is within the bounds.
    pub(super) fn within(self, bounds: Bounds<'a>) -> Self {
        Self { bounds: Some(bounds), ..self }
    }

    /// The ids of headings that come before are these.
    pub(super) fn after(self, slugs: Slugs) -> Self {
        Self { slugs: Some(slugs), ..self }
    }

    /// Whether the id of the last heading is to be made unique yet, and isn't its author's.
    pub(crate) fn is_id_open(&self) -> bool {
        self.slugs.is_none() && !self.is_id_given
    }

    /// An error if the events ended because of the nesting, or if the part can't stand alone.
    pub(crate) fn finish(&self) -> Result<(), ConvertError> {
        match (self.too_deep_at, &self.bounds) {
            (Some(offset), _) => Err(ConvertError::TooDeep { limit: self.reading.max_depth, offset }),
            (None, Some(bounds)) => bounds.finish(),
            (None, None) => Ok(()),
        }
    }

    #[inline]
    fn count(&mut self, event: &Event<'_>, at: &Range<usize>) -> bool {
        match event {
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth > self.reading.max_depth {
            self.too_deep_at = Some(at.start + self.skipped);
        }
        self.too_deep_at.is_none()
    }

    /// The next event of the parser that belongs to the document, or to the part.
    fn pull(&mut self) -> Option<(Event<'a>, Range<usize>)> {
        if self.next.is_some() {
            return self.next.take();
        }
        if self.is_over {
            return None;
        }
        let next = self.events.next();
        self.is_over = !next.as_ref().is_some_and(|(event, at)| self.admits(event, at));
        if self.is_over { None } else { next }
    }

    /// Whether the event belongs to the document, or to the part, and does not nest too deep.
    #[inline]
    fn admits(&mut self, event: &Event<'_>, at: &Range<usize>) -> bool {
        let depth = self.depth;
        self.bounds.as_mut().is_none_or(|bounds| bounds.admits(event, at, depth)) && self.count(event, at)
    }

    /// The next event, addresses as links and formulas as text, one at a time where something waits.
    fn step(&mut self) -> Option<Event<'a>> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            let (event, at) = self.pull()?;
            if let Some(event) = self.changed(event, at) {
                return Some(event);
            }
        }
    }

    /// Whether the event may be handed on as it is.
    #[inline]
    fn is_ready(&mut self, event: &Event<'a>) -> bool {
        let is_ready = match event {
            Event::Text(text) => self.literal > 0 || !self.triggers.are_in(text),
            Event::InlineMath(_) | Event::DisplayMath(_) => false,
            Event::Start(Tag::Heading { .. }) => !self.reading.has_heading_ids(),
            _ => true,
        };
        is_ready && self.silence.is_none()
    }

    /// What becomes of an event; the first of several, the others in the queue.
    fn changed(&mut self, event: Event<'a>, at: Range<usize>) -> Option<Event<'a>> {
        if self.silence.as_mut().is_some_and(|silence| silence.drops(&event)) {
            return None;
        }
        Some(match event {
            Event::Text(text) if self.literal == 0 && self.triggers.are_in(&text) => self.linked(text, at),
            Event::InlineMath(formula) => Event::Text(format!("${formula}$").into()),
            Event::DisplayMath(formula) => Event::Text(format!("$${formula}$$").into()),
            event => {
                self.follow(&event);
                event
            }
        })
    }

    fn follow(&mut self, event: &Event<'_>) {
        if self.triggers.are_none() {
            return;
        }
        match event {
            Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::CodeBlock(_) | Tag::HtmlBlock) => {
                self.literal += 1;
            }
            Event::End(TagEnd::Link | TagEnd::Image | TagEnd::CodeBlock | TagEnd::HtmlBlock) => {
                self.literal = self.literal.saturating_sub(1);
            }
            _ => {}
        }
    }

    /// Text with its addresses as links: the first event of these, the others in the queue.
    fn linked(&mut self, text: CowStr<'a>, at: Range<usize>) -> Event<'a> {
        let before = self.text.get(..at.start).and_then(|before| before.chars().next_back());
        let text = self.joined(text, at);
        let mut start = 0;
        while let Some(link) = autolink::find(&text, start, before) {
            let address = piece(&text, link.range.clone());
            if link.range.start > start {
                self.queue.push_back(Event::Text(piece(&text, start..link.range.start)));
            }
            let dest_url = if link.prefix.is_empty() {
                address.clone()
            } else {
                format!("{}{address}", link.prefix).into()
            };
            let (title, id) = (CowStr::Borrowed(""), CowStr::Borrowed(""));
            let link_type = LinkType::Autolink;
            self.queue.push_back(Event::Start(Tag::Link { link_type, dest_url, title, id }));
            self.queue.push_back(Event::Text(address));
            self.queue.push_back(Event::End(TagEnd::Link));
            start = link.range.end;
        }
        if start == 0 {
            return Event::Text(text_of(text));
        }
        if start < text.len() {
            self.queue.push_back(Event::Text(piece(&text, start..text.len())));
        }
        self.queue.pop_front().unwrap_or(Event::Text(CowStr::Borrowed("")))
    }

    /// The text with that which follows without anything in between: the parser cuts it at characters that may be markup.
    fn joined(&mut self, text: CowStr<'a>, at: Range<usize>) -> Cow<'a, str> {
        let is_source = |part: &str, at: &Range<usize>| part.len() == at.len();
        let (mut end, mut is_plain) = (at.end, is_source(&text, &at));
        let mut joined = match text {
            CowStr::Borrowed(text) => Cow::Borrowed(text),
            text => Cow::Owned(text.into_string()),
        };
        while let Some((event, next)) = self.pull() {
            let Event::Text(text) = event else {
                self.next = Some((event, next));
                break;
            };
            if next.start != end {
                self.next = Some((Event::Text(text), next));
                break;
            }
            is_plain &= is_source(&text, &next);
            end = next.end;
            match self.text.get(at.start..end).filter(|_| is_plain) {
                Some(source) => joined = Cow::Borrowed(source),
                None => joined.to_mut().push_str(&text),
            }
        }
        joined
    }

    /// The beginning of a heading, with its id; what is in the heading is in the queue.
    fn heading(&mut self, start: Tag<'a>) -> Event<'a> {
        let mut events = std::mem::take(&mut self.spare);
        while let Some(event) = self.step() {
            let is_end = matches!(event, Event::End(TagEnd::Heading(_)));
            events.push_back(event);
            if is_end {
                break;
            }
        }
        let Tag::Heading { level, mut id, mut classes, attrs } = start else { return Event::Start(start) };
        let last = events.len().checked_sub(2).and_then(|last| events.get_mut(last));
        self.is_id_given = false;
        if self.reading.extensions.heading_attributes {
            if let Some(attributes) = last.and_then(|event| match event {
                Event::Text(text) => heading::take_attributes(text),
                _ => None,
            }) {
                self.is_id_given = true;
                if let Some(slugs) = &mut self.slugs {
                    slugs.take(&attributes.id);
                }
                id = Some(attributes.id.into());
                classes.extend(attributes.classes.into_iter().map(CowStr::from));
            }
        }
        if id.is_none() && self.reading.extensions.heading_ids {
            let slug = heading::slug(events.iter());
            if !slug.is_empty() {
                let number = self.slugs.as_mut().map_or(0, |slugs| slugs.number(&slug));
                id = Some(heading::numbered(&slug, number).into());
            }
        }
        self.spare = std::mem::replace(&mut self.queue, events);
        Event::Start(Tag::Heading { level, id, classes, attrs })
    }
}

/// A piece of a text, of the source if the text is.
fn piece<'a>(text: &Cow<'a, str>, range: Range<usize>) -> CowStr<'a> {
    match text {
        Cow::Borrowed(text) => CowStr::Borrowed(text.get(range).unwrap_or_default()),
        Cow::Owned(text) => text.get(range).unwrap_or_default().to_owned().into(),
    }
}

fn text_of(text: Cow<'_, str>) -> CowStr<'_> {
    match text {
        Cow::Borrowed(text) => CowStr::Borrowed(text),
        Cow::Owned(text) => text.into(),
    }
}

impl<'a> Iterator for Source<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        // Most events are handed on as they are: an event is large, so it is not moved more often than need be.
        if self.queue.is_empty() && self.next.is_none() && !self.is_over {
            let next = self.events.next();
            let Some((event, at)) = &next else { return None };
            if !self.admits(event, at) {
                self.is_over = true;
                return None;
            }
            if self.is_ready(event) {
                self.follow(event);
                return next.map(|(event, _)| event);
            }
            self.next = next;
        }
        match self.step()? {
            Event::Start(tag @ Tag::Heading { .. }) if self.reading.has_heading_ids() => {
                Some(self.heading(tag))
            }
            event => Some(event),
        }
    }
}
