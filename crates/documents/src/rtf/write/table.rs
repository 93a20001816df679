//! Writes tables: rows of cells with equal widths across the page.

use bytes::BytesMut;
use pulldown_cmark::Alignment;

/// The width of the text area, in twentieths of a point: 6.5 inches.
const PAGE_WIDTH: usize = 9360;

/// The open table.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// The definition of a row, repeated in each row.
    row: Vec<u8>,
    aligns: Vec<Alignment>,
    column: usize,
    pub(super) is_head: bool,
}

impl Table {
    pub(super) fn new(aligns: Vec<Alignment>) -> Self {
        let columns = aligns.len().max(1);
        let mut row = b"\\trgaph108\\trleft0".to_vec();
        for column in 1..=columns {
            row.extend_from_slice(b"\\clbrdrt\\brdrs\\clbrdrl\\brdrs\\clbrdrb\\brdrs\\clbrdrr\\brdrs");
            row.extend_from_slice(format!("\\cellx{}", PAGE_WIDTH * column / columns).as_bytes());
        }
        row.push(b'\n');
        Self { row, aligns, column: 0, is_head: false }
    }

    pub(super) fn begin_row(&mut self, out: &mut BytesMut, is_head: bool) {
        self.column = 0;
        self.is_head = is_head;
        out.extend_from_slice(if is_head { b"\\trowd\\trhdr" } else { b"\\trowd" });
        out.extend_from_slice(&self.row);
    }

    pub(super) fn begin_cell(&mut self, out: &mut BytesMut) {
        out.extend_from_slice(b"\\pard\\plain\\intbl");
        out.extend_from_slice(match self.aligns.get(self.column) {
            Some(Alignment::Left) => b"\\ql",
            Some(Alignment::Center) => b"\\qc",
            Some(Alignment::Right) => b"\\qr",
            _ => b"",
        });
        out.extend_from_slice(if self.is_head { b"\\f0\\fs22\\b " } else { b"\\f0\\fs22 " });
        self.column += 1;
    }

    pub(super) fn end_cell(out: &mut BytesMut) {
        out.extend_from_slice(b"\\cell\n");
    }

    pub(super) fn end_row(out: &mut BytesMut) {
        out.extend_from_slice(b"\\row\n");
    }
}
