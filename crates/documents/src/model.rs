//! What a reader hands to a writer, a paragraph at a time.
//!
//! Nothing here nests: runs of text carry their whole style, and paragraphs say where they stand. So no input, however
//! deep, makes a deep structure.

/// The looks of a run that Markdown can say; a set.
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
    /// Text that is not shown. Never gets as far as a run.
    pub(crate) const HIDDEN: Self = Self(1 << 7);
    /// Text that was deleted while changes were tracked. Never gets as far as a run.
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
    /// Which of the document's links the run is part of, counted from 1; 0 is none.
    pub(crate) link: u32,
    /// The footnote that is referred to here, counted from 1; 0 is none. Such a run has no text.
    pub(crate) note: u32,
}

/// A stretch of a paragraph in one style: from the end of the run before it, or 0, to `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) end: usize,
    pub(crate) style: Style,
}

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Link {
    pub(crate) url: String,
    pub(crate) title: String,
}

/// The text of a paragraph or a table's cell. `\n` in it is a line break.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) text: String,
    pub(crate) runs: Vec<Run>,
}

impl Content {
    /// Ends a stretch of text in `style`: whatever text was added since the last call.
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

    /// Where the last line begins.
    fn line_start(&self) -> usize {
        self.text.rfind('\n').map_or(0, |at| at + 1)
    }

    /// Whether the last line has no text yet.
    pub(crate) fn is_line_blank(&self) -> bool {
        self.text.get(self.line_start()..).is_none_or(|line| line.trim().is_empty())
    }

    /// Puts `mark` before the last line. All runs must be closed, and the line must have one.
    pub(crate) fn mark_line(&mut self, mark: &str) {
        let start = self.line_start();
        self.text.insert_str(start, mark);
        for run in self.runs.iter_mut().rev().take_while(|run| run.end > start) {
            run.end += mark.len();
        }
    }

    /// Puts `label` before the text, in no style. All runs must be closed.
    pub(crate) fn begin_with(&mut self, label: &str) {
        self.text.insert_str(0, label);
        for run in &mut self.runs {
            run.end += label.len();
        }
        if self.runs.first().is_none_or(|run| run.style != Style::default()) {
            self.runs.insert(0, Run { end: label.len(), style: Style::default() });
        }
    }

    /// Whether nothing would be seen of it.
    pub(crate) fn is_blank(&self) -> bool {
        self.runs.iter().all(|run| run.style.note == 0) && self.text.trim().is_empty()
    }

    /// Takes a flag away that all the text has; what is the same everywhere says nothing.
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

/// What a paragraph is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Body,
    /// 1 to 6.
    Heading(u8),
    /// Lines of code. Paragraphs that follow each other are one block.
    Code,
    /// An item of a list.
    Item(Item),
    /// As an item of a list, but its text begins with its label, which Markdown has no marker for.
    Labelled(Item),
    /// A line across the page.
    Rule,
}

/// An item of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item {
    /// Items of the same list have the same number.
    pub(crate) list: u32,
    /// How far it is nested, from 0.
    pub(crate) level: u8,
    /// Its number, unless it has a bullet.
    pub(crate) number: Option<u32>,
}

/// Where a paragraph stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    /// How many block quotes it is in.
    pub(crate) quote: u8,
    /// Its indent from the left, in twentieths of a point: tells whether it continues an item of a list.
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
