//! The list tables in the header of a document.

use std::collections::HashMap;

use super::word::Word;

/// The number of list levels in the specification.
pub(super) const LEVELS: usize = 9;

/// `\levelnfc` for bullets.
pub(super) const BULLET: i32 = 23;
/// `\levelnfc` for no marker.
pub(super) const NO_MARKER: i32 = 255;

/// The maximum length of a level's text in bytes, without its last character.
const LONGEST_TEXT: usize = 64;

/// One level of a list. By default it has decimal numbers from 1.
#[derive(Debug, Clone)]
pub(super) struct Level {
    pub(super) format: i32,
    pub(super) start: u32,
    /// `\levellegal`: the numbers of all levels are decimal in this text.
    pub(super) is_legal: bool,
    /// `\levelnorestart`: the numbering continues after an item of a higher level.
    pub(super) goes_on: bool,
    /// `\leveltext`: the text before an item. U+0000 to U+0008 stand for the numbers of the levels.
    /// `\levelnumbers` only repeats their positions.
    text: Option<String>,
    /// Whether the terminating semicolon was at the expected position.
    is_text_over: bool,
}

impl Level {
    const NEW: Self =
        Self { format: 0, start: 1, is_legal: false, goes_on: false, text: None, is_text_over: false };

    fn set(&mut self, word: Word, number: Option<i32>) {
        match (word, number) {
            (Word::Levelnfc | Word::Levelnfcn, Some(format)) => self.format = format,
            (Word::Levelstartat, Some(start)) => self.start = to_number(start),
            (Word::Levellegal, _) => self.is_legal = number != Some(0),
            (Word::Levelnorestart, _) => self.goes_on = number != Some(0),
            (Word::Leveltext, _) => {
                self.text = Some(String::new());
                self.is_text_over = false;
            }
            _ => {}
        }
    }

    /// The text before an item, if the level has one.
    pub(super) fn text(&self) -> Option<&str> {
        let text = self.text.as_deref()?;
        let text = if self.is_text_over { text } else { text.strip_suffix(';').unwrap_or(text) };
        Some(text.trim())
    }

    /// Whether its items show no number.
    fn is_silent(&self) -> bool {
        matches!(self.format, BULLET | NO_MARKER)
    }
}

/// `\listoverride`: how a paragraph's `\ls` refers to a list.
#[derive(Debug, Clone, Default)]
pub(super) struct Override {
    list: Option<usize>,
    /// For each level, the replaced start number.
    starts: Vec<Option<u32>>,
    /// For each level, the replaced level.
    levels: Vec<Option<Level>>,
}

impl Override {
    /// Returns the replaced start number of a level.
    pub(super) fn start(&self, at: usize) -> Option<u32> {
        self.starts.get(at).copied().flatten()
    }

    fn restarts(&self) -> bool {
        self.starts.iter().any(Option::is_some)
    }
}

/// Identifies a counter of items. All paragraphs of a list share it, unless an override restarts
/// the numbering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Counter {
    List(usize),
    Override(i32),
}

impl Counter {
    /// The counter of items that refer to `entry` by `ls`.
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
    /// The number of characters in the text of a level before its semicolon, from its first
    /// character. `None`: the next character is the first.
    text_left: Option<i32>,
    /// Whether the text is that of a level of an override.
    is_text_of_override: bool,
    /// The size of the texts of levels, in bytes.
    texts: usize,
}

impl Tables {
    /// Executes a control word in `\listtable`.
    pub(super) fn list_word(&mut self, word: Word, number: Option<i32>) {
        if word == Word::List {
            self.lists.push(Vec::new());
        }
        let Some(index) = self.lists.len().checked_sub(1) else { return };
        let Some(levels) = self.lists.last_mut() else { return };
        match (word, number) {
            (Word::Listlevel, _) if levels.len() < LEVELS => levels.push(Level::NEW),
            (Word::Listid, Some(id)) => _ = self.by_id.insert(id, index),
            _ => {
                if let Some(level) = levels.last_mut() {
                    level.set(word, number);
                }
            }
        }
        self.begin_text(word, false);
    }

    fn begin_text(&mut self, word: Word, of_override: bool) {
        if word == Word::Leveltext {
            self.text_left = None;
            self.is_text_of_override = of_override;
        }
    }

    /// Adds a character of `\leveltext`. The first is the number of characters that follow.
    pub(super) fn level_char(&mut self, c: char) {
        let Some(left) = self.text_left else {
            self.text_left = Some(u32::from(c).min(255) as i32);
            return;
        };
        let level = if self.is_text_of_override {
            self.overrides.last_mut().and_then(|entry| entry.levels.last_mut()?.as_mut())
        } else {
            self.lists.last_mut().and_then(|levels| levels.last_mut())
        };
        self.text_left = Some(left.saturating_sub(1));
        let Some(level) = level else { return };
        // The text ends at its stated length, or at the end of the group if that is wrong.
        level.is_text_over |= left == 0 && c == ';';
        match &mut level.text {
            // The number of a level never stands for another character.
            Some(text)
                if !level.is_text_over && text.len() < LONGEST_TEXT && (!c.is_control() || c <= '\u{8}') =>
            {
                text.push(c);
                self.texts += c.len_utf8();
            }
            _ => {}
        }
    }

    /// Executes a control word in `\listoverridetable`.
    pub(super) fn override_word(&mut self, word: Word, number: Option<i32>) {
        if word == Word::Listoverride {
            self.overrides.push(Override::default());
        }
        let Some(index) = self.overrides.len().checked_sub(1) else { return };
        let Some(entry) = self.overrides.last_mut() else { return };
        match (word, number) {
            (Word::Listid, Some(id)) => entry.list = self.by_id.get(&id).copied(),
            (Word::Ls, Some(ls)) => _ = self.by_ls.insert(ls, index),
            (Word::Lfolevel, _) if entry.starts.len() < LEVELS => {
                entry.starts.push(None);
                entry.levels.push(None);
            }
            (Word::Listlevel, _) => {
                if let Some(level) = entry.levels.last_mut() {
                    *level = Some(Level::NEW);
                }
            }
            _ => {
                if let (Word::Levelstartat, Some(start), Some(own)) = (word, number, entry.starts.last_mut())
                {
                    *own = Some(to_number(start));
                }
                if let Some(Some(level)) = entry.levels.last_mut() {
                    level.set(word, number);
                }
            }
        }
        self.begin_text(word, true);
    }

    /// Returns the override with the number `\ls`.
    pub(super) fn entry(&self, ls: i32) -> Option<&Override> {
        self.by_ls.get(&ls).and_then(|&index| self.overrides.get(index))
    }

    /// Returns a level of the list to which the override refers, if it is defined.
    pub(super) fn level<'a>(&'a self, entry: Option<&'a Override>, at: usize) -> Option<&'a Level> {
        let entry = entry?;
        let own = entry.levels.get(at).and_then(Option::as_ref);
        own.or_else(|| self.lists.get(entry.list?)?.get(at))
    }

    /// Returns the counter of items with that `\ls`, if their numbers may be visible. It is `None`
    /// for a list that has only bullets.
    pub(super) fn shown_counter(&self, ls: i32) -> Option<Counter> {
        let entry = self.entry(ls);
        let list = entry.and_then(|entry| entry.list).and_then(|list| self.lists.get(list));
        let has_own = entry.is_some_and(|entry| entry.levels.iter().any(Option::is_some));
        let is_silent =
            !has_own && list.is_some_and(|levels| !levels.is_empty() && levels.iter().all(Level::is_silent));
        (!is_silent).then(|| Counter::of(entry, ls))
    }

    /// The approximate number of retained bytes. At most [`LEVELS`] levels of each list are kept.
    pub(super) fn held(&self) -> usize {
        const EACH: usize = LEVELS * size_of::<Level>();
        self.texts
            + (self.lists.len() + self.overrides.len()) * EACH
            + (self.by_id.len() + self.by_ls.len()) * 16
    }

    /// Whether there are overrides.
    pub(super) fn has_overrides(&self) -> bool {
        !self.overrides.is_empty()
    }
}

fn to_number(start: i32) -> u32 {
    u32::try_from(start).unwrap_or(0)
}
