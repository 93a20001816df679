//! Tables whose rows lack cells. The parser adds them, so a row of two bytes may lack any number.

use memchr::memchr_iter;

/// After adding this many cells to a table, the parser ends it.
const MOST_ADDED: usize = 1 << 18;

/// The current table, if any.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The number of columns; 0 without a table.
    columns: usize,
    added: usize,
}

impl Rows {
    pub(super) fn end(&mut self) {
        *self = Self::default();
    }

    /// The number of cells that this line lacks, if it is a row.
    pub(super) fn missing(&mut self, line: &[u8], after_blank: bool, is_blank: bool) -> usize {
        if is_blank || after_blank {
            self.end();
            return 0;
        }
        let first = line.iter().copied().find(|b| !matches!(b, b' ' | b'\t'));
        if matches!(first, Some(b'|' | b'-' | b':')) {
            if let Some(columns) = columns(line) {
                *self = Self { columns, added: 0 };
                return 0;
            }
        }
        if self.columns == 0 {
            return 0;
        }
        let missing = self.columns.saturating_sub(cells(line.trim_ascii())).min(MOST_ADDED - self.added);
        self.added += missing;
        missing
    }
}

/// The columns in the delimiter row of a table; `None` if the line is not one.
fn columns(line: &[u8]) -> Option<usize> {
    let line = line.trim_ascii();
    if !line.iter().all(|b| matches!(b, b'|' | b'-' | b':' | b' ')) || !line.contains(&b'-') {
        return None;
    }
    line.contains(&b'|').then(|| cells(line))
}

/// The number of cells of a row. A pipe at its beginning or end opens no cell. Escaped pipes count
/// as well.
fn cells(line: &[u8]) -> usize {
    let around = usize::from(line.starts_with(b"|")) + usize::from(line.len() > 1 && line.ends_with(b"|"));
    (memchr_iter(b'|', line).count() + 1).saturating_sub(around)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(text: &str) -> usize {
        let (mut rows, mut after_blank) = (Rows::default(), true);
        let mut missing = 0;
        for line in text.lines() {
            missing += rows.missing(line.as_bytes(), after_blank, line.is_empty());
            after_blank = line.is_empty();
        }
        missing
    }

    #[test]
    fn cells_that_rows_lack_are_counted() {
        assert_eq!(missing("|a|b|c|\n|-|-|-|\n|d|e|f|\n|d\nd\n\ne\n"), 4);
        assert_eq!(missing("a|b|c|d\n-|-|-|-\ne|f|g|h\ne|f\n"), 2);
        assert_eq!(missing("a\n---\nb\n\n|-|-|\nc\n"), 0);
    }

    #[test]
    fn a_table_has_no_more_added_than_the_parser_adds() {
        let text = format!("{}\n{}\n{}", "a|".repeat(4096), "-|".repeat(4096), "b\n".repeat(100));
        assert_eq!(missing(&text), MOST_ADDED);
    }
}
