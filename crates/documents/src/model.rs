//! The interface between reader and writer: one paragraph at a time.
//!
//! The types do not nest: runs of text carry their complete style, and paragraphs their position.
//! So no input, however deep, creates a deep structure.

/// The styles of a run that Markdown has; a set of flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Flags(pub(crate) u16);

impl Flags {
    pub(crate) const BOLD: Self = Self(1);
    pub(crate) const ITALIC: Self = Self(1 << 1);
    pub(crate) const STRIKE: Self = Self(1 << 2);
    pub(crate) const UNDERLINE: Self = Self(1 << 3);
    pub(crate) const SUPERSCRIPT: Self = Self(1 << 4);
    pub(crate) const SUBSCRIPT: Self = Self(1 << 5);
    pub(crate) const CODE: Self = Self(1 << 6);
    /// Text that is not shown. A run never has this flag.
    pub(crate) const HIDDEN: Self = Self(1 << 7);
    /// Text that was deleted while changes were tracked. A run never has this flag.
    pub(crate) const DELETED: Self = Self(1 << 8);

    pub(crate) fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }

    pub(crate) fn set(&mut self, flag: Self, on: bool) {
        if on { self.0 |= flag.0 } else { self.0 &= !flag.0 }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn without(self, flag: Self) -> Self {
        Self(self.0 & !flag.0)
    }
}

/// The style of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Style {
    pub(crate) flags: Flags,
    /// The link that contains the run, counted from 1 in the document; 0 without a link.
    pub(crate) link: u32,
    /// The footnote that the run refers to, counted from 1; 0 for none. Such a run has no text.
    pub(crate) note: u32,
}

/// A range of a paragraph in one style: from the end of the previous run, or 0, to `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) end: usize,
    pub(crate) style: Style,
}

/// The target of a link.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Link {
    pub(crate) url: String,
    pub(crate) title: String,
}

/// The text of a paragraph or of a table cell. `\n` in it is a line break.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) text: String,
    pub(crate) runs: Vec<Run>,
}

impl Content {
    /// Ends a run in `style`: all text that was added since the last call.
    pub(crate) fn close_run(&mut self, style: Style) {
        let end = self.text.len();
        if style.note == 0 && end == self.runs.last().map_or(0, |run| run.end) {
            return;
        }
        match self.runs.last_mut() {
            Some(run) if run.style == style && style.note == 0 => run.end = end,
            _ => self.runs.push(Run { end, style }),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.runs.clear();
    }

    /// The start of the last line.
    fn line_start(&self) -> usize {
        self.text.rfind('\n').map_or(0, |at| at + 1)
    }

    /// Whether the last line has no text yet.
    pub(crate) fn is_line_blank(&self) -> bool {
        self.text.get(self.line_start()..).is_none_or(|line| line.trim().is_empty())
    }

    /// Inserts `mark` before the last line. All runs must be closed, and the line must not be
    /// empty.
    pub(crate) fn mark_line(&mut self, mark: &str) {
        let start = self.line_start();
        self.text.insert_str(start, mark);
        for run in self.runs.iter_mut().rev().take_while(|run| run.end > start) {
            run.end += mark.len();
        }
    }

    /// Inserts `label` before the text, without style. All runs must be closed.
    pub(crate) fn begin_with(&mut self, label: &str) {
        self.text.insert_str(0, label);
        for run in &mut self.runs {
            run.end += label.len();
        }
        if self.runs.first().is_none_or(|run| run.style != Style::default()) {
            self.runs.insert(0, Run { end: label.len(), style: Style::default() });
        }
    }

    /// Whether nothing of it is visible.
    pub(crate) fn is_blank(&self) -> bool {
        self.runs.iter().all(|run| run.style.note == 0) && self.text.trim().is_empty()
    }

    /// Removes a flag if all of the text has it, because then it marks no difference.
    pub(crate) fn drop_uniform(&mut self, flag: Flags) {
        let mut start = 0;
        let everywhere = self.runs.iter().all(|run| {
            let text = self.text.get(start..run.end).unwrap_or_default();
            start = run.end;
            run.style.flags.has(flag) || text.trim().is_empty()
        });
        if everywhere {
            for run in &mut self.runs {
                run.style.flags = run.style.flags.without(flag);
            }
        }
    }
}

/// The kind of a paragraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Body,
    /// A heading of level 1 to 6.
    Heading(u8),
    /// A line of code. Consecutive lines are one block.
    Code,
    /// An item of a list.
    Item(Item),
    /// A list item whose text begins with its label, because Markdown has no marker for that label.
    Labelled(Item),
    /// A horizontal rule.
    Rule,
}

/// An item of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item {
    /// Items of the same list have the same number.
    pub(crate) list: u32,
    /// Its nesting depth, from 0.
    pub(crate) level: u8,
    /// Its number; `None` for a bullet.
    pub(crate) number: Option<u32>,
}

/// The kind of a paragraph, and its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    /// The number of surrounding block quotes.
    pub(crate) quote: u8,
    /// Its indent in twentieths of a point. It determines whether the paragraph continues a list
    /// item.
    pub(crate) indent: i32,
}

/// How a cell of a table is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Align {
    #[default]
    None,
    Center,
    Right,
}
