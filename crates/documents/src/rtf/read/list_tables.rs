//! What the tables at the head of a document say of lists.

use std::collections::HashMap;

use super::word::Word;

/// Levels of a list, as many as the specification knows.
pub(super) const LEVELS: usize = 9;

/// `\levelnfc` of a level with bullets.
pub(super) const BULLET: i32 = 23;
/// `\levelnfc` of a level with no marker at all.
pub(super) const NO_MARKER: i32 = 255;

/// One level of a list. Decimal numbers from 1, unless told otherwise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    pub(super) format: i32,
    pub(super) start: u32,
}

impl Level {
    const NEW: Self = Self { format: 0, start: 1 };
}

/// `\listoverride`: how a paragraph's `\ls` refers to a list.
#[derive(Debug, Clone, Default)]
pub(super) struct Override {
    list: Option<usize>,
    /// By level, what replaces the list's own start.
    starts: Vec<Option<u32>>,
}

impl Override {
    /// What replaces the start of a level.
    pub(super) fn start(&self, at: usize) -> Option<u32> {
        self.starts.get(at).copied().flatten()
    }

    fn restarts(&self) -> bool {
        self.starts.iter().any(Option::is_some)
    }
}

/// Whose count an item takes part in: all paragraphs of a list share it, unless an override starts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Counter {
    List(usize),
    Override(i32),
}

impl Counter {
    /// That of the items which refer to `entry` by `ls`.
    pub(super) fn of(entry: Option<&Override>, ls: i32) -> Self {
        match entry.and_then(|entry| entry.list) {
            Some(list) if !entry.is_some_and(Override::restarts) => Self::List(list),
            _ => Self::Override(ls),
        }
    }
}

/// `\listtable` and `\listoverridetable`.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    lists: Vec<Vec<Level>>,
    by_id: HashMap<i32, usize>,
    overrides: Vec<Override>,
    by_ls: HashMap<i32, usize>,
}

impl Tables {
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

    /// What `\ls` refers to.
    pub(super) fn entry(&self, ls: i32) -> Option<&Override> {
        self.by_ls.get(&ls).and_then(|&index| self.overrides.get(index))
    }

    /// A level of the list that is referred to, if it is defined.
    pub(super) fn level(&self, entry: Option<&Override>, at: usize) -> Option<Level> {
        self.lists.get(entry?.list?)?.get(at).copied()
    }

    /// What counts the items with that `\ls`, if their numbers may show: those of a list that is all bullets don't.
    pub(super) fn shown_counter(&self, ls: i32) -> Option<Counter> {
        let entry = self.entry(ls);
        let list = entry.and_then(|entry| entry.list).and_then(|list| self.lists.get(list));
        let is_silent = |level: &Level| matches!(level.format, BULLET | NO_MARKER);
        let is_silent = list.is_some_and(|levels| !levels.is_empty() && levels.iter().all(is_silent));
        (!is_silent).then(|| Counter::of(entry, ls))
    }

    /// How much they hold, in bytes, about: of each list no more than [`LEVELS`] are kept.
    pub(super) fn held(&self) -> usize {
        const EACH: usize = LEVELS * size_of::<Level>();
        (self.lists.len() + self.overrides.len()) * EACH + (self.by_id.len() + self.by_ls.len()) * 16
    }

    /// Whether they say how paragraphs refer to lists.
    pub(super) fn has_overrides(&self) -> bool {
        !self.overrides.is_empty()
    }
}

fn to_number(start: i32) -> u32 {
    u32::try_from(start).unwrap_or(0)
}
