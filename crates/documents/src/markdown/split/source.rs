//! The events of a Markdown document or of a part: those of the parser, with the limit on nesting,
//! autolinks, ids of headings, and formulas as text.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

use pulldown_cmark::{CowStr, Event, LinkType, OffsetIter, Parser, Tag, TagEnd};

use super::super::reading::Reading;
use super::super::text::Text;
use super::bounds::Bounds;
use super::definitions::Lookup;
use super::stages::autolink::{self, Triggers};
use super::stages::heading::{self, Slugs};
use super::stages::hidden::HiddenContent;
use millpond_convert::{ConvertError, Loss, Report};

/// A shorter document can't be too complex: the square of its length, times the cost of the most
/// expensive step, is below the limit, and so is its number of containers.
const SHORT: usize = 1000;

/// The parser's events, with their ranges if the bounds of a part need them. Events are large, so
/// they are not moved unless necessary.
enum Events<'a> {
    Plain(Parser<'a, Lookup<'a>>),
    Ranged(OffsetIter<'a, Lookup<'a>>, Bounds<'a>),
}

/// The events of a Markdown document. The iterator ends early at the depth limit;
/// [`finish`](Self::finish) reports that.
pub(crate) struct Source<'a> {
    events: Events<'a>,
    text: &'a str,
    reading: Reading,
    /// The number of bytes before the text: a byte order mark, front matter.
    skipped: usize,
    depth: usize,
    is_too_deep: bool,
    /// An event that was peeked at.
    next: Option<Event<'a>>,
    /// Events that precede it.
    queue: VecDeque<Event<'a>>,
    /// A spare queue, kept for its memory.
    spare: VecDeque<Event<'a>>,
    triggers: Triggers,
    /// The number of open links, images and blocks of code or HTML. No autolinks are detected in
    /// them.
    literal: usize,
    /// The filter for content of hidden HTML elements, if it is to be removed.
    hidden: Option<HiddenContent>,
    /// The number of removed tags of raw HTML.
    dropped_tags: usize,
    /// Whether headings get ids here.
    has_ids: bool,
    /// The ids of headings in use; `None`: they are made unique later.
    slugs: Option<Slugs>,
    is_id_given: bool,
    /// Whether no event is queued, so that an event of the parser may be returned directly.
    is_idle: bool,
    /// Whether the parser has returned its last event.
    is_over: bool,
}

impl<'a> Source<'a> {
    /// Reads a whole document.
    ///
    /// # Errors
    ///
    /// [`ConvertError::TooComplex`]; and [`ConvertError::TooDeep`] if this is known before parsing.
    pub(crate) fn new(text: &'a Text<'_>, reading: Reading) -> Result<Self, ConvertError> {
        if text.get().len() >= SHORT {
            reading.measure(text.get(), 0, text.offset)?;
        }
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
            events: Events::Plain(parser),
            text,
            reading,
            skipped,
            depth: 0,
            is_too_deep: false,
            next: None,
            queue: VecDeque::new(),
            spare: VecDeque::new(),
            triggers: if reading.extensions.autolinks { Triggers::of(text) } else { Triggers::none() },
            literal: 0,
            hidden: None,
            dropped_tags: 0,
            has_ids: reading.has_heading_ids(),
            slugs: None,
            is_id_given: false,
            is_idle: true,
            is_over: false,
        }
    }

    /// Removes the content of scripts and other hidden elements.
    pub(crate) fn without_hidden(self) -> Self {
        Self { hidden: Some(HiddenContent::default()), ..self }
    }

    /// Leaves the ids of headings to the writer of the events; `None`: they are made unique later.
    pub(crate) fn take_slugs(&mut self) -> Option<Slugs> {
        self.has_ids = false;
        self.slugs.take()
    }

    /// Reports the removed tags of hidden elements.
    pub(crate) fn count_dropped(&self, report: &mut Report) {
        (0..self.dropped_tags).for_each(|_| report.add(Loss::RawHtml));
    }

    /// Restricts the events to the bounds.
    pub(super) fn within(self, bounds: Bounds<'a>) -> Self {
        let events = match self.events {
            Events::Plain(parser) => Events::Ranged(parser.into_offset_iter(), bounds),
            ranged @ Events::Ranged(..) => ranged,
        };
        Self { events, ..self }
    }

    /// Sets the ids of the preceding headings.
    pub(super) fn after(self, slugs: Slugs) -> Self {
        Self { slugs: Some(slugs), ..self }
    }

    /// Whether the id of the last heading must still be made unique: the author did not set it.
    pub(crate) fn is_id_open(&self) -> bool {
        self.slugs.is_none() && !self.is_id_given
    }

    /// Returns an error if the events ended at the depth limit, or if the part can't be converted
    /// separately.
    pub(crate) fn finish(&self) -> Result<(), ConvertError> {
        if self.is_too_deep {
            let limit = self.reading.max_depth;
            return Err(ConvertError::TooDeep { limit, offset: self.skipped + self.too_deep_at() });
        }
        match &self.events {
            Events::Ranged(_, bounds) => bounds.finish(),
            Events::Plain(_) => Ok(()),
        }
    }

    /// The position at which the text exceeds the depth limit. The text is parsed again to find it,
    /// only for the error.
    fn too_deep_at(&self) -> usize {
        let mut depth = 0_usize;
        let too_deep =
            self.reading.parser(self.text, None::<Lookup<'_>>).into_offset_iter().find(|(event, _)| {
                match event {
                    Event::Start(_) => depth += 1,
                    Event::End(_) => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth > self.reading.max_depth
            });
        too_deep.map_or(0, |(_, at)| at.start)
    }

    /// Updates the depth. Returns whether it is within the limit.
    #[inline]
    fn count(&mut self, event: &Event<'_>) -> bool {
        // Without branches: the kind of the next event can't be predicted.
        self.depth += usize::from(matches!(event, Event::Start(_)));
        self.depth = self.depth.saturating_sub(usize::from(matches!(event, Event::End(_))));
        self.is_too_deep = self.depth > self.reading.max_depth;
        !self.is_too_deep
    }

    /// The next event of the parser within the document or the part.
    #[inline]
    fn pull(&mut self) -> Option<Event<'a>> {
        if self.is_over {
            return None;
        }
        let event = match &mut self.events {
            Events::Plain(parser) => parser.next(),
            Events::Ranged(events, bounds) => {
                let next = events.next();
                let depth = self.depth;
                let next = next.filter(|(event, at)| bounds.admits(event, at, depth));
                next.map(|(event, _)| event)
            }
        };
        self.is_over = !event.as_ref().is_some_and(|event| self.count(event));
        if self.is_over { None } else { event }
    }

    /// The peeked event, or the next event of the parser.
    fn take(&mut self) -> Option<Event<'a>> {
        if self.next.is_some() { self.next.take() } else { self.pull() }
    }

    /// The next event, with autolinks as links and formulas as text.
    fn step(&mut self) -> Option<Event<'a>> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            let event = self.take()?;
            if let Some(event) = self.changed(event) {
                return Some(event);
            }
        }
    }

    /// Whether the event may be returned unchanged.
    #[inline(always)]
    fn is_ready(&mut self, event: &Event<'a>) -> bool {
        if self.hidden.as_ref().is_some_and(|hidden| !hidden.ignores(event)) {
            return false;
        }
        let is_heading = matches!(event, Event::Start(Tag::Heading { .. }));
        if matches!(event, Event::InlineMath(_) | Event::DisplayMath(_)) || (self.has_ids && is_heading) {
            return false;
        }
        if self.triggers.are_none() {
            return true;
        }
        if let Event::Text(text) = event {
            return self.literal > 0 || !self.has_trigger(text);
        }
        self.follow(event);
        true
    }

    /// Converts an event. Returns the first resulting event and queues the others.
    fn changed(&mut self, event: Event<'a>) -> Option<Event<'a>> {
        if self.hidden.as_mut().is_some_and(|hidden| hidden.drops(&event)) {
            self.dropped_tags += usize::from(matches!(event, Event::InlineHtml(_)));
            return None;
        }
        Some(match event {
            Event::Text(text) if self.literal == 0 && self.has_trigger(&text) => self.linked(text),
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
        let begins = matches!(
            event,
            Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::CodeBlock(_) | Tag::HtmlBlock)
        );
        let ends =
            matches!(event, Event::End(TagEnd::Link | TagEnd::Image | TagEnd::CodeBlock | TagEnd::HtmlBlock));
        self.literal = (self.literal + usize::from(begins)).saturating_sub(usize::from(ends));
    }

    /// Whether an autolink may begin in this piece of text.
    #[inline(always)]
    fn has_trigger(&mut self, piece: &CowStr<'_>) -> bool {
        match self.place(piece) {
            Some(at) => self.triggers.are_within(self.text, at..at + piece.len()),
            None => Triggers::are_in(piece),
        }
    }

    /// Converts text with autolinks. Returns the first resulting event and queues the others.
    fn linked(&mut self, text: CowStr<'a>) -> Event<'a> {
        let start = self.place(&text).unwrap_or(0);
        let before = self.text.get(..start).and_then(|before| before.chars().next_back());
        let text = self.joined(text);
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

    /// The position of a piece in the text.
    fn place(&self, piece: &CowStr<'_>) -> Option<usize> {
        let CowStr::Borrowed(piece) = piece else { return None };
        let at = (piece.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        (at + piece.len() <= self.text.len()).then_some(at)
    }

    /// Joins the text with directly following pieces: the parser splits text at characters that may
    /// be markup.
    fn joined(&mut self, text: CowStr<'a>) -> Cow<'a, str> {
        let place = self.place(&text);
        let mut end = place.map(|start| start + text.len());
        let mut joined = text_cow(text);
        while let Some(event) = self.take() {
            let next = match &event {
                Event::Text(text) => end.and_then(|end| self.end_of_next(text, end)),
                _ => None,
            };
            let (Event::Text(text), Some(next)) = (&event, next) else {
                self.next = Some(event);
                break;
            };
            let whole = place.and_then(|start| self.text.get(start..next));
            match whole.filter(|whole| whole.len() == joined.len() + text.len() && whole.ends_with(&**text)) {
                Some(whole) if matches!(joined, Cow::Borrowed(_)) => joined = Cow::Borrowed(whole),
                _ => joined.to_mut().push_str(text),
            }
            end = Some(next);
        }
        joined
    }

    /// The end of the next piece of text if it follows at `end`. It may be a character reference.
    fn end_of_next(&self, text: &CowStr<'a>, end: usize) -> Option<usize> {
        if let Some(start) = self.place(text) {
            return (start == end).then_some(end + text.len());
        }
        let reference = self.text.get(end..)?.strip_prefix('&')?;
        // The longest name has 31 letters.
        let len = reference.bytes().take(40).position(|b| b == b';')?;
        Some(end + len + 2)
    }

    /// The next event in the general case, with conversions.
    #[inline(never)]
    fn next_changed(&mut self) -> Option<Event<'a>> {
        let event = match self.step()? {
            Event::Start(tag @ Tag::Heading { .. }) if self.has_ids => self.heading(tag),
            event => event,
        };
        self.is_idle = self.next.is_none() && self.queue.is_empty() && !self.is_over;
        Some(event)
    }

    /// Returns the start of a heading with its id, and queues the content of the heading.
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

impl<'a> Source<'a> {
    /// Passes all events to `take` until it returns `false`. Each event is passed by reference to
    /// where the parser wrote it: it is large, and a move right after the write stalls the
    /// processor.
    #[inline(always)]
    pub(crate) fn each(&mut self, mut take: impl FnMut(&mut Event<'a>) -> bool) {
        loop {
            if self.is_idle && !self.each_ready(&mut take) {
                return;
            }
            let Some(event) = &mut self.next() else { return };
            if !take(event) {
                return;
            }
        }
    }
}

impl<'a> Source<'a> {
    /// Passes events of the parser that need no conversion. Returns `false` after the last event,
    /// or if `take` returned `false`.
    #[inline(always)]
    fn each_ready(&mut self, take: &mut impl FnMut(&mut Event<'a>) -> bool) -> bool {
        loop {
            match &mut self.events {
                Events::Plain(parser) => {
                    let mut next = parser.next();
                    let Some(event) = &mut next else { return false };
                    match self.hand_on(event, take) {
                        Handed::On { is_plain: true } => std::mem::forget(next),
                        Handed::On { .. } => {}
                        Handed::Back => {
                            (self.next, self.is_idle) = (next, false);
                            return true;
                        }
                        Handed::Last => return false,
                    }
                }
                Events::Ranged(events, bounds) => {
                    let mut next = events.next();
                    let Some((event, at)) = &mut next else { return false };
                    if !bounds.admits(event, at, self.depth) {
                        return false;
                    }
                    match self.hand_on(event, take) {
                        Handed::On { is_plain: true } => std::mem::forget(next),
                        Handed::On { .. } => {}
                        Handed::Back => {
                            (self.next, self.is_idle) = (next.map(|(event, _)| event), false);
                            return true;
                        }
                        Handed::Last => return false,
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn hand_on(&mut self, event: &mut Event<'a>, take: &mut impl FnMut(&mut Event<'a>) -> bool) -> Handed {
        if !self.count(event) {
            Handed::Last
        } else if !self.is_ready(event) {
            Handed::Back
        } else if take(event) {
            Handed::On { is_plain: is_plain(event) }
        } else {
            Handed::Last
        }
    }
}

/// The result of passing on an event.
enum Handed {
    /// It was passed on. A plain event need not be dropped.
    On { is_plain: bool },
    /// It needs a conversion first.
    Back,
    /// The events end here.
    Last,
}

/// Whether the event owns no memory. This is checked without branches, for the most frequent
/// events.
#[inline(always)]
fn is_plain(event: &Event<'_>) -> bool {
    matches!(
        event,
        Event::Text(CowStr::Borrowed(_))
            | Event::Code(CowStr::Borrowed(_))
            | Event::End(_)
            | Event::SoftBreak
            | Event::HardBreak
            | Event::Start(
                Tag::Paragraph
                    | Tag::Item
                    | Tag::List(_)
                    | Tag::Emphasis
                    | Tag::Strong
                    | Tag::TableRow
                    | Tag::TableCell
            )
    )
}

/// A range of a text, borrowed if the text is.
fn piece<'a>(text: &Cow<'a, str>, range: Range<usize>) -> CowStr<'a> {
    match text {
        Cow::Borrowed(text) => CowStr::Borrowed(text.get(range).unwrap_or_default()),
        Cow::Owned(text) => text.get(range).unwrap_or_default().to_owned().into(),
    }
}

fn text_cow(text: CowStr<'_>) -> Cow<'_, str> {
    match text {
        CowStr::Borrowed(text) => Cow::Borrowed(text),
        text => Cow::Owned(text.into_string()),
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

    // Inlined into the writer of the events: events are large, and a move costs a tenth of the
    // conversion.
    #[inline(always)]
    fn next(&mut self) -> Option<Event<'a>> {
        if self.is_idle {
            let event = match &mut self.events {
                Events::Plain(parser) => parser.next(),
                Events::Ranged(events, bounds) => match events.next() {
                    Some((event, at)) if bounds.admits(&event, &at, self.depth) => Some(event),
                    _ => None,
                },
            };
            if event.as_ref().is_some_and(|event| self.count(event) && self.is_ready(event)) {
                return event;
            }
            if event.is_none() || self.is_too_deep {
                (self.is_idle, self.is_over) = (false, true);
                return None;
            }
            self.next = event;
        }
        self.next_changed()
    }
}
