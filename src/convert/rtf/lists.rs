//! Lists: what the tables at the head of the document say of them, and the numbers that their items have.

use std::collections::{HashMap, HashSet};

use super::state::Numbering;
use super::word::Word;
use crate::convert::model::Item;

/// Levels of a list, as many as the specification knows.
const LEVELS: usize = 9;

/// `\levelnfc` of a level with bullets.
const BULLET: i32 = 23;
/// `\levelnfc` of a level with no marker at all.
const NO_MARKER: i32 = 255;

/// One level of a list. Decimal numbers from 1, unless told otherwise.
#[derive(Debug, Clone, Copy)]
struct Level {
    format: i32,
    start: u32,
}

impl Level {
    const NEW: Self = Self { format: 0, start: 1 };
}

/// `\listoverride`: how a paragraph's `\ls` refers to a list.
#[derive(Debug, Clone, Default)]
struct Override {
    list: Option<usize>,
    /// By level, what replaces the list's own start.
    starts: Vec<Option<u32>>,
}

/// Whose count an item takes part in: all paragraphs of a list share it, unless an override starts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Counter {
    List(usize),
    Override(i32),
}

/// Everything known of lists.
#[derive(Debug, Clone, Default)]
pub(super) struct Lists {
    lists: Vec<Vec<Level>>,
    by_id: HashMap<i32, usize>,
    overrides: Vec<Override>,
    by_ls: HashMap<i32, usize>,
    counters: HashMap<Counter, u32>,
    /// The number that an item had last, by list and level; 0 where the next item is the first.
    counts: Vec<[Option<u32>; LEVELS]>,
    /// The counts that numbers were shown of.
    shown: HashSet<Counter>,
    /// The `\pn` lists that are open: indent, list, last number.
    old: Vec<(i32, u32, Option<u32>)>,
}

impl Lists {
    /// A control word in `\listtable`.
    pub(super) fn list_word(&mut self, word: Word, number: Option<i32>) {
        if word == Word::List {
            self.lists.push(Vec::new());
        }
        let Some(index) = self.lists.len().checked_sub(1) else { return };
        let Some(levels) = self.lists.last_mut() else { return };
        match (word, number) {
            (Word::Listlevel, _) if levels.len() < LEVELS => levels.push(Level::NEW),
            (Word::Listid, Some(id)) => _ = self.by_id.insert(id, index),
            (Word::Levelnfc | Word::Levelnfcn, Some(format)) => {
                if let Some(level) = levels.last_mut() {
                    level.format = format;
                }
            }
            (Word::Levelstartat, Some(start)) => {
                if let Some(level) = levels.last_mut() {
                    level.start = to_number(start);
                }
            }
            _ => {}
        }
    }

    /// A control word in `\listoverridetable`.
    pub(super) fn override_word(&mut self, word: Word, number: Option<i32>) {
        if word == Word::Listoverride {
            self.overrides.push(Override::default());
        }
        let Some(index) = self.overrides.len().checked_sub(1) else { return };
        let Some(entry) = self.overrides.last_mut() else { return };
        match (word, number) {
            (Word::Listid, Some(id)) => entry.list = self.by_id.get(&id).copied(),
            (Word::Ls, Some(ls)) => _ = self.by_ls.insert(ls, index),
            (Word::Lfolevel, _) if entry.starts.len() < LEVELS => entry.starts.push(None),
            (Word::Levelstartat, Some(start)) => {
                if let Some(level) = entry.starts.last_mut() {
                    *level = Some(to_number(start));
                }
            }
            _ => {}
        }
    }

    /// The item that a paragraph with `\ls` and `\ilvl` is, and counts it. `None` if its level has no marker. `hint` is
    /// what its marker looks like, for lists that the tables don't have.
    pub(super) fn item(&mut self, ls: i32, level: u8, hint: Option<Numbering>) -> Option<Item> {
        self.old.clear();
        let at = usize::from(level).min(LEVELS - 1);
        let entry = self.entry(ls);
        let list = entry.and_then(|entry| entry.list);
        let own_start = entry.and_then(|entry| entry.starts.get(at).copied().flatten());
        let defined = list.and_then(|list| self.lists.get(list)?.get(at).copied());
        let (is_bullet, start) = match (defined, hint) {
            (Some(Level { format: NO_MARKER, .. }), _) => return None,
            (Some(level), _) => (level.format == BULLET, own_start.unwrap_or(level.start)),
            (None, Some(Numbering::Number(number))) => (false, number),
            (None, _) => (true, 1),
        };
        let counter = self.counter(ls);
        if !is_bullet {
            self.shown.insert(counter);
        }
        let list = match self.counters.get(&counter) {
            Some(&list) => list,
            None => {
                let list = self.open_list();
                self.counters.insert(counter, list);
                list
            }
        };
        let number = self.count(list, at, start);
        Some(Item { list, level: at as u8, number: (!is_bullet).then_some(number) })
    }

    fn entry(&self, ls: i32) -> Option<&Override> {
        self.by_ls.get(&ls).and_then(|&index| self.overrides.get(index))
    }

    fn counter(&self, ls: i32) -> Counter {
        let entry = self.entry(ls);
        let restarts = entry.is_some_and(|entry| entry.starts.iter().any(Option::is_some));
        match entry.and_then(|entry| entry.list) {
            Some(list) if !restarts => Counter::List(list),
            _ => Counter::Override(ls),
        }
    }

    /// What counts the items with that `\ls`, if their numbers may show: those of a list that is all bullets don't.
    pub(super) fn shown_counter(&self, ls: i32) -> Option<Counter> {
        let list = self.entry(ls).and_then(|entry| entry.list).and_then(|list| self.lists.get(list));
        let is_silent = |level: &Level| matches!(level.format, BULLET | NO_MARKER);
        let is_silent = list.is_some_and(|levels| !levels.is_empty() && levels.iter().all(is_silent));
        (!is_silent).then(|| self.counter(ls))
    }

    /// Whether the head says how paragraphs refer to lists.
    pub(super) fn has_overrides(&self) -> bool {
        !self.overrides.is_empty()
    }

    /// The counts of which numbers were shown.
    pub(super) fn shown(&self) -> &HashSet<Counter> {
        &self.shown
    }

    /// The same lists, with nothing counted yet.
    pub(super) fn uncounted(&self) -> Self {
        let Self { lists, by_id, overrides, by_ls, .. } = self.clone();
        Self { lists, by_id, overrides, by_ls, ..Self::default() }
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
        self.counts.push([None; LEVELS]);
        u32::try_from(self.counts.len()).unwrap_or(u32::MAX)
    }

    /// The next number at that level of a list; deeper levels start again.
    fn count(&mut self, list: u32, level: usize, start: u32) -> u32 {
        let Some(counts) = self.counts.get_mut(list as usize - 1) else { return start };
        if let Some(deeper) = counts.get_mut(level + 1..) {
            deeper.fill(None);
        }
        let Some(last) = counts.get_mut(level) else { return start };
        let number = last.map_or(start, |n| n.saturating_add(1));
        *last = Some(number);
        number
    }
}

fn to_number(start: i32) -> u32 {
    u32::try_from(start).unwrap_or(0)
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
