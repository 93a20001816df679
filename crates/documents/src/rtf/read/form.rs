//! Fields of forms: what was ticked, and what was chosen.

use super::word::Word;

/// `\ffres` where nothing was chosen, and `\ffdefres` counts.
const UNDEFINED: i32 = 25;

/// As many bytes of the items of a list as are kept.
const LONGEST_LIST: usize = 16 * 1024;

/// What `\formfield` says of a field.
#[derive(Debug, Default)]
pub(super) struct Form {
    result: Option<i32>,
    default: i32,
    /// The items of a list, each on a line.
    items: String,
    has_items: bool,
}

impl Form {
    /// A control word in `\formfield`.
    pub(super) fn word(&mut self, word: Word, number: Option<i32>) {
        match (word, number) {
            (Word::Ffres, Some(result)) if result != UNDEFINED => self.result = Some(result),
            (Word::Ffdefres, Some(default)) => self.default = default,
            (Word::Ffl, _) if self.items.len() >= LONGEST_LIST => {}
            (Word::Ffl, _) if self.has_items => self.items.push('\n'),
            (Word::Ffl, _) => self.has_items = true,
            _ => {}
        }
    }

    /// Part of an item of a list.
    pub(super) fn item(&mut self, text: &str) {
        if self.items.len() + text.len() <= LONGEST_LIST {
            self.items.extend(text.chars().map(|c| if c == '\n' { ' ' } else { c }));
        }
    }

    fn chosen(&self) -> i32 {
        self.result.unwrap_or(self.default)
    }

    /// What the field of that code shows, if it is one that has no other result.
    pub(super) fn value(&self, code: &str) -> Option<&str> {
        match code.split_whitespace().next()? {
            "FORMCHECKBOX" => Some(if self.chosen() > 0 { "☒" } else { "☐" }),
            "FORMDROPDOWN" => self.items.split('\n').nth(usize::try_from(self.chosen()).ok()?),
            _ => None,
        }
    }

    /// How much is remembered, in bytes, about.
    pub(super) fn held(&self) -> usize {
        self.items.len()
    }
}
