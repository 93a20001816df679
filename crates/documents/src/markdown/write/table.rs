//! Writes tables. The cells are buffered until the width of the table is known.

use bytes::BytesMut;

use super::emphasis::Scratch;
use super::escape::Context;
use super::inline;
use crate::model::{Align, Content, Flags, Link};

/// The open table.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// The cells as Markdown, concatenated.
    text: BytesMut,
    /// The end of each cell in it.
    cells: Vec<usize>,
    /// The number of cells up to the end of each row.
    rows: Vec<usize>,
    /// The alignments of the cells of the first row.
    aligns: Vec<Align>,
}

impl Table {
    pub(super) fn cell(
        &mut self,
        content: &mut Content,
        align: Align,
        links: &[Link],
        scratch: &mut Scratch,
    ) {
        if self.rows.is_empty() {
            // The first row is the header, which is always bold.
            content.drop_uniform(Flags::BOLD);
            self.aligns.push(align);
        }
        inline::write(&mut self.text, content, 0, links, Context::Cell, b"", scratch);
        self.cells.push(self.text.len());
    }

    pub(super) fn row(&mut self) {
        self.rows.push(self.cells.len());
    }

    pub(super) fn is_blank(&self) -> bool {
        self.text.is_empty()
    }

    /// The size in bytes so far.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.cells.clear();
        self.rows.clear();
        self.aligns.clear();
    }

    /// Appends the table to `out`. Lines after the first begin with `prefix`.
    ///
    /// The header has as many cells as the longest row. Other rows may have fewer, which is valid.
    pub(super) fn write(&self, out: &mut BytesMut, prefix: &[u8]) {
        let mut first = 0;
        let columns =
            self.rows.iter().map(|&end| end - std::mem::replace(&mut first, end)).max().unwrap_or(0);
        let (mut first, mut start) = (0, 0);
        for (row, &end) in self.rows.iter().enumerate() {
            if row > 0 {
                out.extend_from_slice(prefix);
            }
            out.extend_from_slice(b"|");
            for &cell_end in self.cells.get(first..end).unwrap_or_default() {
                out.extend_from_slice(b" ");
                out.extend_from_slice(self.text.get(start..cell_end).unwrap_or_default());
                out.extend_from_slice(b" |");
                start = cell_end;
            }
            if row == 0 {
                for _ in end..columns {
                    out.extend_from_slice(b"  |");
                }
                self.delimiters(columns, out, prefix);
            } else if end == first {
                out.extend_from_slice(b"  |");
            }
            out.extend_from_slice(b"\n");
            first = end;
        }
    }

    fn delimiters(&self, columns: usize, out: &mut BytesMut, prefix: &[u8]) {
        out.extend_from_slice(b"\n");
        out.extend_from_slice(prefix);
        out.extend_from_slice(b"|");
        for column in 0..columns {
            out.extend_from_slice(match self.aligns.get(column) {
                Some(Align::Center) => b" :-: |",
                Some(Align::Right) => b" --: |",
                _ => b" --- |",
            });
        }
    }
}
