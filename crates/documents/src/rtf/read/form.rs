//! Form fields: check boxes and selected list items.

use super::word::Word;

/// The value of `\ffres` for no selection, in which case `\ffdefres` applies.
const UNDEFINED: i32 = 25;

/// The maximum number of bytes kept of the items of a list.
const LONGEST_LIST: usize = 16 * 1024;

/// The properties in `\formfield`.
#[derive(Debug, Default)]
pub(super) struct Form {
    result: Option<i32>,
    default: i32,
    /// The items of a list, one on each line.
    items: String,
    has_items: bool,
}

impl Form {
    /// Executes a control word in `\formfield`.
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

    /// Adds text to an item of a list.
    pub(super) fn item(&mut self, text: &str) {
        if self.items.len() + text.len() <= LONGEST_LIST {
            self.items.extend(text.chars().map(|c| if c == '\n' { ' ' } else { c }));
        }
    }

    fn chosen(&self) -> i32 {
        self.result.unwrap_or(self.default)
    }

    /// The text of a field with that code, if its result is stored in the form only.
    pub(super) fn value(&self, code: &str) -> Option<&str> {
        match code.split_whitespace().next()? {
            "FORMCHECKBOX" => Some(if self.chosen() > 0 { "☒" } else { "☐" }),
            "FORMDROPDOWN" => self.items.split('\n').nth(usize::try_from(self.chosen()).ok()?),
            _ => None,
        }
    }

    /// The approximate number of retained bytes.
    pub(super) fn held(&self) -> usize {
        self.items.len()
    }
}
