//! What the tables at the head of a document say of lists.

use std::collections::HashMap;

use super::word::Word;

/// Levels of a list, as many as the specification knows.
pub(super) const LEVELS: usize = 9;

/// `\levelnfc` of a level with bullets.
pub(super) const BULLET: i32 = 23;
/// `\levelnfc` of a level with no marker at all.
pub(super) const NO_MARKER: i32 = 255;

/// The longest text of a level that is kept, in bytes, but for its last character.
const LONGEST_TEXT: usize = 64;

/// One level of a list. Decimal numbers from 1, unless told otherwise.
#[derive(Debug, Clone)]
pub(super) struct Level {
    pub(super) format: i32,
    pub(super) start: u32,
    /// `\levellegal`: the numbers of all levels are decimal here.
    pub(super) is_legal: bool,
    /// `\levelnorestart`: it goes on counting when a level above has counted.
    pub(super) goes_on: bool,
    /// `\leveltext`: what stands before an item. U+0000 to U+0008 are the numbers of the levels;
    /// the positions that `\levelnumbers` lists say no more than that.
    text: Option<String>,
    /// The semicolon after it was there where it was to be.
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

    /// What stands before an item, if the level says so.
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
    /// By level, what replaces the list's own start.
    starts: Vec<Option<u32>>,
    /// By level, what replaces the list's own level.
    levels: Vec<Option<Level>>,
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
    /// How many characters of the text of a level are still to come before its semicolon, by what
    /// it says itself. `None`: what comes next says it.
    text_left: Option<i32>,
    /// The text is that of a level of an override.
    is_text_of_override: bool,
    /// How much the texts of levels hold, in bytes.
    texts: usize,
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

    /// A character of `\leveltext`; the first says how many follow.
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
        // Where it says that it is over, or at its end if that is wrong.
        level.is_text_over |= left == 0 && c == ';';
        match &mut level.text {
            // A number of a level is no other character.
            Some(text)
                if !level.is_text_over && text.len() < LONGEST_TEXT && (!c.is_control() || c <= '\u{8}') =>
            {
                text.push(c);
                self.texts += c.len_utf8();
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

    /// What `\ls` refers to.
    pub(super) fn entry(&self, ls: i32) -> Option<&Override> {
        self.by_ls.get(&ls).and_then(|&index| self.overrides.get(index))
    }

    /// A level of the list that is referred to, if it is defined.
    pub(super) fn level<'a>(&'a self, entry: Option<&'a Override>, at: usize) -> Option<&'a Level> {
        let entry = entry?;
        let own = entry.levels.get(at).and_then(Option::as_ref);
        own.or_else(|| self.lists.get(entry.list?)?.get(at))
    }

    /// What counts the items with that `\ls`, if their numbers may show: those of a list that is all bullets don't.
    pub(super) fn shown_counter(&self, ls: i32) -> Option<Counter> {
        let entry = self.entry(ls);
        let list = entry.and_then(|entry| entry.list).and_then(|list| self.lists.get(list));
        let has_own = entry.is_some_and(|entry| entry.levels.iter().any(Option::is_some));
        let is_silent =
            !has_own && list.is_some_and(|levels| !levels.is_empty() && levels.iter().all(Level::is_silent));
        (!is_silent).then(|| Counter::of(entry, ls))
    }

    /// How much they hold, in bytes, about: of each list no more than [`LEVELS`] are kept.
    pub(super) fn held(&self) -> usize {
        const EACH: usize = LEVELS * size_of::<Level>();
        self.texts
            + (self.lists.len() + self.overrides.len()) * EACH
            + (self.by_id.len() + self.by_ls.len()) * 16
    }

    /// Whether they say how paragraphs refer to lists.
    pub(super) fn has_overrides(&self) -> bool {
        !self.overrides.is_empty()
    }
}

fn to_number(start: i32) -> u32 {
    u32::try_from(start).unwrap_or(0)
}
