//! Lists: their definitions in the header of the document, and the numbers of their items.

use std::collections::HashMap;
use std::sync::Arc;

use super::labels::{self, Label, push_number};
use super::list_tables::{BULLET, Counter, LEVELS, Level, NO_MARKER, Override, Tables};
use super::state::Numbering;
use super::word::Word;
use crate::model::Item;

/// The items of a list so far.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    /// The list that the counter belongs to.
    list: u32,
    /// The last number of an item, for each level. `None`: the next item is the first.
    last: [Option<u32>; LEVELS],
    /// Whether any number was shown.
    is_shown: bool,
}

impl Count {
    /// Returns the next number at that level. Deeper levels restart, except those that continue.
    fn next(&mut self, level: usize, start: u32, is_shown: bool, goes_on: impl Fn(usize) -> bool) -> u32 {
        self.is_shown |= is_shown;
        for (deeper, last) in self.last.iter_mut().enumerate().skip(level + 1) {
            if last.is_some() && !goes_on(deeper) {
                *last = None;
            }
        }
        let Some(last) = self.last.get_mut(level) else { return start };
        let number = last.map_or(start, |n| n.saturating_add(1));
        *last = Some(number);
        number
    }
}

/// The state of all lists.
#[derive(Debug, Clone, Default)]
pub(super) struct Lists {
    /// The tables, shared by the parts of a document. They do not change after the header.
    tables: Arc<Tables>,
    counts: HashMap<Counter, Count>,
    /// The number of lists so far.
    opened: u32,
    /// The open `\pn` lists: indent, list, last number.
    old: Vec<(i32, u32, Option<u32>)>,
}

impl Lists {
    /// Executes a control word in `\listtable`.
    pub(super) fn list_word(&mut self, word: Word, number: Option<i32>) {
        Arc::make_mut(&mut self.tables).list_word(word, number);
    }

    /// Executes a control word in `\listoverridetable`.
    pub(super) fn override_word(&mut self, word: Word, number: Option<i32>) {
        Arc::make_mut(&mut self.tables).override_word(word, number);
    }

    pub(super) fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Adds a character of `\leveltext`.
    pub(super) fn level_char(&mut self, c: char) {
        Arc::make_mut(&mut self.tables).level_char(c);
    }

    /// Counts the item of a paragraph with `\ls` and `\ilvl`, and returns it. Appends its label to
    /// `label`. `None` if its level has no marker. `marker` is the text of its marker, used for
    /// lists without a definition and for unsupported number formats.
    pub(super) fn item(
        &mut self,
        ls: i32,
        level: u8,
        marker: Option<&str>,
        label: &mut String,
    ) -> Option<(Item, Label)> {
        self.old.clear();
        let at = usize::from(level).min(LEVELS - 1);
        let entry = self.tables.entry(ls);
        let defined = self.tables.level(entry, at);
        let own_start = entry.and_then(|entry| entry.start(at));
        let told = marker.map_or(Label::Bullet, Label::read);
        let (is_bullet, start) = match (defined, told) {
            (Some(Level { format: NO_MARKER, .. }), _) => return None,
            (Some(level), _) => (level.format == BULLET, own_start.unwrap_or(level.start)),
            (None, Label::Number(number)) => (false, number),
            (None, Label::Bullet) => (true, 1),
            (None, Label::Text) => (false, 1),
        };
        let count = self.counts.entry(Counter::of(entry, ls)).or_insert_with(|| {
            self.opened = self.opened.saturating_add(1);
            Count { list: self.opened, ..Count::default() }
        });
        let goes_on = |deeper| self.tables.level(entry, deeper).is_some_and(|level| level.goes_on);
        let number = count.next(at, start, !is_bullet, goes_on);
        let item = |number| Item { list: count.list, level: at as u8, number };
        let before = label.len();
        let is_known = match defined {
            _ if is_bullet => return Some((item(None), Label::Bullet)),
            Some(level) => match level.text() {
                Some(text) => {
                    let number = |at: usize| (number_at(&self.tables, entry, count, at), level.is_legal);
                    push_text(label, text, at, number)
                }
                None => {
                    let is_known = push_number(label, level.format, number);
                    label.push('.');
                    is_known
                }
            },
            None => false,
        };
        if let (false, Some(marker)) = (is_known, marker) {
            label.truncate(before);
            label.push_str(marker.trim());
        }
        match Label::read(label.get(before..).unwrap_or_default()) {
            _ if label.len() == before => None,
            // For a list without a definition, the first marker determines the number, and counting
            // continues from it.
            Label::Number(_) if defined.is_none() => Some((item(Some(number)), Label::Number(number))),
            Label::Number(number) => Some((item(Some(number)), Label::Number(number))),
            read => Some((item(None), read)),
        }
    }

    /// The counters of list items, and whether their numbers were shown.
    pub(super) fn counters(&self) -> Vec<(Counter, bool)> {
        self.counts.iter().map(|(&counter, count)| (counter, count.is_shown)).collect()
    }

    /// Returns the same lists without counters.
    pub(super) fn uncounted(&self) -> Self {
        Self { tables: Arc::clone(&self.tables), ..Self::default() }
    }

    /// Whether no `\pn` list is open.
    pub(super) fn is_reset(&self) -> bool {
        self.old.is_empty()
    }

    /// The item of a paragraph numbered by `\pn`. Its indent determines its depth.
    pub(super) fn old_item(&mut self, indent: i32, numbering: Numbering) -> Option<Item> {
        let first = match numbering {
            Numbering::None => return None,
            Numbering::Bullet => None,
            Numbering::Number(start, _) => Some(start),
        };
        while self.old.last().is_some_and(|open| open.0 > indent) {
            self.old.pop();
        }
        let beside = self.old.last().copied().filter(|open| open.0 == indent);
        if beside.is_some() {
            self.old.pop();
        }
        let (list, number) = match beside {
            Some((_, list, last)) if last.is_some() == first.is_some() => {
                (list, last.map(|n| n.saturating_add(1)))
            }
            _ => (self.open_list(), first),
        };
        if self.old.len() >= LEVELS {
            self.old.pop();
        }
        let level = self.old.len() as u8;
        self.old.push((indent, list, number));
        Some(Item { list, level, number })
    }

    /// As [`old_item`](Self::old_item); also appends the label to `label`. `marker` is the text of
    /// its marker. It determines the format of the number, and whether there is one if nothing else
    /// does.
    pub(super) fn old_labelled(
        &mut self,
        indent: i32,
        numbering: Numbering,
        marker: Option<&str>,
        label: &mut String,
    ) -> Option<(Item, Label)> {
        let told = marker.map(Label::read);
        let numbering = match (numbering, told) {
            (Numbering::None, Some(Label::Bullet)) => Numbering::Bullet,
            (Numbering::None, Some(Label::Number(number))) => Numbering::Number(number, labels::DECIMAL),
            (Numbering::None, Some(Label::Text)) => Numbering::Number(1, labels::DECIMAL),
            (numbering, _) => numbering,
        };
        let item = self.old_item(indent, numbering)?;
        match (numbering, told, item.number) {
            (Numbering::Number(..), Some(Label::Text), _) => {
                label.push_str(marker.unwrap_or_default().trim())
            }
            (Numbering::Number(_, format), None, Some(number)) if format != labels::DECIMAL => {
                push_number(label, format, number);
                label.push('.');
            }
            _ => return Some((item, Label::Bullet)),
        }
        Some((item, Label::read(label)))
    }

    /// Ends the `\pn` lists, at a paragraph that is not an item.
    pub(super) fn interrupt(&mut self) {
        self.old.clear();
    }

    fn open_list(&mut self) -> u32 {
        self.opened = self.opened.saturating_add(1);
        self.opened
    }

    /// The approximate number of retained bytes.
    pub(super) fn held(&self) -> usize {
        self.counts.len() * size_of::<(Counter, Count)>() + self.tables.held()
    }
}

/// The number of a level, and its format. It is the last number counted, or the start number.
fn number_at(tables: &Tables, entry: Option<&Override>, count: &Count, at: usize) -> (u32, i32) {
    let level = tables.level(entry, at);
    let start = entry.and_then(|entry| entry.start(at)).or(level.map(|level| level.start));
    let number = count.last.get(at).copied().flatten().or(start).unwrap_or(1);
    (number, level.map_or(labels::DECIMAL, |level| level.format))
}

/// Appends the text of the level `at` with its numbers. `number` returns the number and format of
/// each level, and whether all are decimal. Returns `false` if a format is not supported.
fn push_text(
    label: &mut String,
    text: &str,
    at: usize,
    number: impl Fn(usize) -> ((u32, i32), bool),
) -> bool {
    let mut is_known = true;
    for c in text.chars() {
        match c {
            '\0'..='\u{8}' if c as usize > at => {}
            '\0'..='\u{8}' => {
                let ((value, format), is_legal) = number(c as usize);
                is_known &= push_number(label, if is_legal { labels::DECIMAL } else { format }, value);
            }
            _ => label.push(c),
        }
    }
    is_known
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list 7 with numbers from 3 and bullets below, `\ls1`; `\ls2` is the same list from 5.
    fn lists() -> Lists {
        let mut lists = Lists::default();
        for (word, number) in [
            (Word::List, None),
            (Word::Listlevel, None),
            (Word::Levelstartat, Some(3)),
            (Word::Listlevel, None),
            (Word::Levelnfc, Some(BULLET)),
            (Word::Listlevel, None),
            (Word::Levelnfc, Some(NO_MARKER)),
            (Word::Listid, Some(7)),
        ] {
            lists.list_word(word, number);
        }
        for (word, number) in [
            (Word::Listoverride, None),
            (Word::Listid, Some(7)),
            (Word::Ls, Some(1)),
            (Word::Listoverride, None),
            (Word::Listid, Some(7)),
            (Word::Lfolevel, None),
            (Word::Levelstartat, Some(5)),
            (Word::Ls, Some(2)),
        ] {
            lists.override_word(word, number);
        }
        lists
    }

    fn item(lists: &mut Lists, ls: i32, level: u8, marker: Option<&str>) -> Option<Item> {
        lists.item(ls, level, marker, &mut String::new()).map(|(item, _)| item)
    }

    fn number(item: Option<Item>) -> Option<u32> {
        item.unwrap().number
    }

    #[test]
    fn items_are_numbered_from_the_start_of_their_level() {
        let mut lists = lists();
        assert_eq!(number(item(&mut lists, 1, 0, None)), Some(3));
        assert_eq!(number(item(&mut lists, 1, 1, None)), None);
        assert_eq!(number(item(&mut lists, 1, 0, None)), Some(4));
        assert!(item(&mut lists, 1, 2, None).is_none());
    }

    #[test]
    fn an_override_with_a_start_is_another_list() {
        let mut lists = lists();
        let one = item(&mut lists, 1, 0, None).unwrap();
        let other = item(&mut lists, 2, 0, None).unwrap();
        assert_ne!(one.list, other.list);
        assert_eq!(other.number, Some(5));
    }

    #[test]
    fn a_list_that_is_not_in_the_tables_goes_by_its_markers() {
        let mut lists = Lists::default();
        assert_eq!(number(item(&mut lists, 9, 0, Some("4.\t"))), Some(4));
        assert_eq!(number(item(&mut lists, 8, 0, Some("\u{b7}"))), None);
    }

    #[test]
    fn old_lists_nest_by_their_indent() {
        let mut lists = Lists::default();
        let outer = lists.old_item(360, Numbering::Number(1, labels::DECIMAL)).unwrap();
        let inner = lists.old_item(720, Numbering::Bullet).unwrap();
        let again = lists.old_item(360, Numbering::Number(1, labels::DECIMAL)).unwrap();
        assert_eq!((outer.level, inner.level, again.level), (0, 1, 0));
        assert_eq!((again.list, again.number), (outer.list, Some(2)));
        lists.interrupt();
        assert_ne!(lists.old_item(360, Numbering::Number(1, labels::DECIMAL)).unwrap().list, outer.list);
    }
}
