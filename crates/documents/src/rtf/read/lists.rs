//! Lists: what the tables at the head of the document say of them, and the numbers that their items have.

use std::collections::HashMap;
use std::sync::Arc;

use super::list_tables::{BULLET, Counter, LEVELS, Level, NO_MARKER, Tables};
use super::state::Numbering;
use super::word::Word;
use crate::model::Item;

/// The items of a list so far.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    /// What the list goes by.
    list: u32,
    /// The number that an item had last, by level. `None`: the next item is the first.
    last: [Option<u32>; LEVELS],
    /// Any of them showed.
    is_shown: bool,
}

impl Count {
    /// The next number at that level; deeper levels start again.
    fn next(&mut self, level: usize, start: u32, is_shown: bool) -> u32 {
        self.is_shown |= is_shown;
        if let Some(deeper) = self.last.get_mut(level + 1..) {
            deeper.fill(None);
        }
        let Some(last) = self.last.get_mut(level) else { return start };
        let number = last.map_or(start, |n| n.saturating_add(1));
        *last = Some(number);
        number
    }
}

/// Everything known of lists.
#[derive(Debug, Clone, Default)]
pub(super) struct Lists {
    /// Shared by the parts of a document; nothing changes there after the head.
    tables: Arc<Tables>,
    counts: HashMap<Counter, Count>,
    /// How many lists there have been.
    opened: u32,
    /// The `\pn` lists that are open: indent, list, last number.
    old: Vec<(i32, u32, Option<u32>)>,
}

impl Lists {
    /// A control word in `\listtable`.
    pub(super) fn list_word(&mut self, word: Word, number: Option<i32>) {
        Arc::make_mut(&mut self.tables).list_word(word, number);
    }

    /// A control word in `\listoverridetable`.
    pub(super) fn override_word(&mut self, word: Word, number: Option<i32>) {
        Arc::make_mut(&mut self.tables).override_word(word, number);
    }

    pub(super) fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The item that a paragraph with `\ls` and `\ilvl` is, and counts it. `None` if its level has no marker. `hint` is
    /// what its marker looks like, for lists that the tables don't have.
    pub(super) fn item(&mut self, ls: i32, level: u8, hint: Option<Numbering>) -> Option<Item> {
        self.old.clear();
        let at = usize::from(level).min(LEVELS - 1);
        let entry = self.tables.entry(ls);
        let defined = self.tables.level(entry, at);
        let own_start = entry.and_then(|entry| entry.start(at));
        let (is_bullet, start) = match (defined, hint) {
            (Some(Level { format: NO_MARKER, .. }), _) => return None,
            (Some(level), _) => (level.format == BULLET, own_start.unwrap_or(level.start)),
            (None, Some(Numbering::Number(number))) => (false, number),
            (None, _) => (true, 1),
        };
        let count = self.counts.entry(Counter::of(entry, ls)).or_insert_with(|| {
            self.opened = self.opened.saturating_add(1);
            Count { list: self.opened, ..Count::default() }
        });
        let (list, number) = (count.list, count.next(at, start, !is_bullet));
        Some(Item { list, level: at as u8, number: (!is_bullet).then_some(number) })
    }

    /// What has counted items, and whether their numbers showed.
    pub(super) fn counters(&self) -> Vec<(Counter, bool)> {
        self.counts.iter().map(|(&counter, count)| (counter, count.is_shown)).collect()
    }

    /// The same lists, with nothing counted yet.
    pub(super) fn uncounted(&self) -> Self {
        Self { tables: Arc::clone(&self.tables), ..Self::default() }
    }

    /// Whether no list numbered by `\pn` is open.
    pub(super) fn is_at_rest(&self) -> bool {
        self.old.is_empty()
    }

    /// The item that a paragraph numbered by `\pn` is; how far it is nested shows in its indent.
    pub(super) fn old_item(&mut self, indent: i32, numbering: Numbering) -> Option<Item> {
        let first = match numbering {
            Numbering::None => return None,
            Numbering::Bullet => None,
            Numbering::Number(start) => Some(start),
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

    /// A paragraph that is no item ends the lists numbered by `\pn`.
    pub(super) fn interrupt(&mut self) {
        self.old.clear();
    }

    fn open_list(&mut self) -> u32 {
        self.opened = self.opened.saturating_add(1);
        self.opened
    }

    /// How much is remembered, in bytes, about.
    pub(super) fn held(&self) -> usize {
        self.counts.len() * size_of::<(Counter, Count)>() + self.tables.held()
    }
}

/// What the text of a marker says: a number, a letter or Roman numeral, or else a bullet.
pub(super) fn read_marker(text: &str) -> Numbering {
    let text = text.trim().trim_start_matches('(');
    let Some(label) = text.strip_suffix(['.', ')']) else { return Numbering::Bullet };
    let last = label.rsplit('.').next().unwrap_or(label);
    match last.parse() {
        Ok(number) => Numbering::Number(number),
        Err(_) if !last.is_empty() && last.chars().all(char::is_alphabetic) => Numbering::Number(1),
        Err(_) => Numbering::Bullet,
    }
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

    fn number(item: Option<Item>) -> Option<u32> {
        item.unwrap().number
    }

    #[test]
    fn items_are_numbered_from_the_start_of_their_level() {
        let mut lists = lists();
        assert_eq!(number(lists.item(1, 0, None)), Some(3));
        assert_eq!(number(lists.item(1, 1, None)), None);
        assert_eq!(number(lists.item(1, 0, None)), Some(4));
        assert!(lists.item(1, 2, None).is_none());
    }

    #[test]
    fn an_override_with_a_start_is_another_list() {
        let mut lists = lists();
        let one = lists.item(1, 0, None).unwrap();
        let other = lists.item(2, 0, None).unwrap();
        assert_ne!(one.list, other.list);
        assert_eq!(other.number, Some(5));
    }

    #[test]
    fn a_list_that_is_not_in_the_tables_goes_by_its_markers() {
        let mut lists = Lists::default();
        assert_eq!(number(lists.item(9, 0, Some(read_marker("4.\t")))), Some(4));
        assert_eq!(number(lists.item(8, 0, Some(read_marker("\u{b7}")))), None);
    }

    #[test]
    fn old_lists_nest_by_their_indent() {
        let mut lists = Lists::default();
        let outer = lists.old_item(360, Numbering::Number(1)).unwrap();
        let inner = lists.old_item(720, Numbering::Bullet).unwrap();
        let again = lists.old_item(360, Numbering::Number(1)).unwrap();
        assert_eq!((outer.level, inner.level, again.level), (0, 1, 0));
        assert_eq!((again.list, again.number), (outer.list, Some(2)));
        lists.interrupt();
        assert_ne!(lists.old_item(360, Numbering::Number(1)).unwrap().list, outer.list);
    }

    #[test]
    fn markers_are_told_apart() {
        assert_eq!(read_marker("12)\t"), Numbering::Number(12));
        assert_eq!(read_marker("(a)"), Numbering::Number(1));
        assert_eq!(read_marker("1.2."), Numbering::Number(2));
        assert_eq!(read_marker("\u{2022}\t"), Numbering::Bullet);
        assert_eq!(read_marker("-"), Numbering::Bullet);
    }
}
