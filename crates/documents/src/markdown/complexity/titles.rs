//! Titles of links: `[text](address "title")`. For each line of a title the parser iterates over
//! its nodes from the beginning.

use memchr::{memchr3, memmem};

/// Titles with at most this many lines are free.
const FREE_LINES: usize = 8;

/// The links of a text, in order.
pub(super) struct Titles<'t> {
    text: &'t [u8],
    finder: memmem::Finder<'static>,
    next: usize,
    /// The start of the white space after the last address. Addresses that begin before it end
    /// there.
    address_end: usize,
    /// The start of the last title. Many addresses may precede the same title, which counts once.
    last: usize,
}

impl<'t> Titles<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        let mut titles = Self { text, finder: memmem::Finder::new("]("), next: 0, address_end: 0, last: 0 };
        titles.find(0);
        titles
    }

    /// The approximate start of the next link's address; `usize::MAX` if there is none.
    pub(super) fn next(&self) -> usize {
        self.next
    }

    fn find(&mut self, from: usize) {
        let found = self.finder.find(self.text.get(from..).unwrap_or_default());
        self.next = found.map_or(usize::MAX, |at| from + at);
    }

    /// Skips the next link. Returns the cost of its title.
    pub(super) fn pass(&mut self) -> usize {
        let at = self.next.saturating_add(2);
        self.find(at);
        let title = self.title_after(at).filter(|&title| title != self.last);
        self.last = title.unwrap_or(self.last);
        let steps = title.and_then(|title| cost(self.text.get(title..)?));
        steps.unwrap_or(0)
    }

    /// The start of the title of the link whose address is at `at`.
    fn title_after(&mut self, at: usize) -> Option<usize> {
        let at = self.skip_space(at);
        let end = if self.text.get(at) == Some(&b'<') {
            at + memchr3(b'>', b'<', b'\n', self.text.get(at + 1..)?)? + 2
        } else {
            if self.address_end < at {
                let rest = self.text.get(at..)?;
                self.address_end = at + rest.iter().position(|&b| b <= b' ').unwrap_or(rest.len());
            }
            self.address_end
        };
        let title = self.skip_space(end);
        matches!(self.text.get(title), Some(b'"' | b'\'' | b'(')).then_some(title)
    }

    /// Skips white space, and the markers of quotes at the beginnings of lines.
    fn skip_space(&self, at: usize) -> usize {
        let is_space = |b: &&u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b'>');
        // The parser accepts one line end only.
        at + self.text.iter().skip(at).take(1 << 10).take_while(is_space).count()
    }
}

/// The cost of a title that begins at the start of `text`: its number of lines times its length.
/// `None` if it is negligible.
///
/// The scan ends at the next mark of the same kind, so each byte is read only a few times.
fn cost(text: &[u8]) -> Option<usize> {
    let (open, close) = match text.first()? {
        b'(' => (b'(', b')'),
        quote => (*quote, *quote),
    };
    let (mut at, mut line_start, mut lines) = (1, 0, 0);
    while let Some(found) = memchr3(open, close, b'\n', text.get(at..).unwrap_or_default()) {
        let before = text.get(at..at + found).unwrap_or_default();
        at += found + 1;
        if text.get(at - 1) == Some(&b'\n') {
            // A blank line ends the block, and so does a line with only quote markers.
            let line = text.get(line_start..at).unwrap_or_default();
            if line.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b'>')) {
                break;
            }
            lines += 1;
            line_start = at;
        } else if before.iter().rev().take_while(|&&b| b == b'\\').count() % 2 == 0 {
            break;
        }
    }
    (lines > FREE_LINES).then(|| lines.saturating_mul(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(text: &str) -> Vec<usize> {
        let mut titles = Titles::new(text.as_bytes());
        let mut costs = Vec::new();
        while titles.next() < text.len() {
            costs.push(titles.pass());
        }
        costs
    }

    #[test]
    fn short_titles_cost_nothing() {
        assert_eq!(costs("[a](b) [c](d \"e\") [f](<g h> 'i\nj') [k](l (m))"), [0; 4]);
        assert_eq!(costs("[a](b \"c\n\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\n"), [0]);
    }

    #[test]
    fn long_titles_cost_their_lines_times_their_length() {
        let lines = "y\n".repeat(100);
        assert_eq!(costs(&format!("[x](b \"{lines}z\"")), [100 * 203]);
        assert_eq!(costs(&format!("[x](<b>\n'\\'{lines}")), [100 * 203]);
        assert_eq!(costs(&format!("> [x](b\n> ({lines}\n{lines}")), [100 * 202]);
        let lines = "\n b='".repeat(100);
        assert_eq!(costs(&format!("b[](b \"{lines}")), [100 * 497]);
        assert_eq!(costs(&format!("{}{lines}", "](".repeat(50))), [0; 50]);
        let many = costs(&format!("{}b \"{lines}", "](".repeat(50)));
        assert!(many.len() == 50 && many.iter().filter(|&&steps| steps > 0).count() == 1);
    }
}
