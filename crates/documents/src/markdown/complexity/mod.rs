//! Estimates the cost of parsing a Markdown document before it is parsed.
//!
//! The parser (pulldown-cmark 0.13) takes linear time on ordinary text. Some inputs make it read
//! the same text repeatedly: lines below deeply nested containers, many containers on one line,
//! titles of links that span many lines, table rows that lack most of their cells, and text that is
//! nearly all markup. [`measure`] counts these repetitions in linear time. Ordinary documents have
//! a count near 0. A document with a count above [`MAX_STEPS`] is rejected.
//!
//! The count is local: between two lines at which all containers are closed it depends on nothing
//! else. So the parts of a document have the same total as the whole, and so has a document that is
//! read through windows.

mod containers;
mod tables;
mod titles;

use memchr::{memchr, memchr_iter};

use self::containers::Containers;
use self::tables::Rows;
use self::titles::Titles;
use super::lines::begins_text;
use crate::byte_table::byte_table;
use millpond_convert::ConvertError;

/// The maximum number of steps, beyond those of ordinary text, that parsing a document may take.
/// This is about a quarter of a second.
pub(crate) const MAX_STEPS: usize = 1 << 26;

/// A container depth that is always free. Documents written by people rarely nest deeper.
const FREE_DEPTH: usize = 16;

/// How often the parser iterates over the open containers for each line.
const PASSES: usize = 4;

/// The length up to which a stretch that can't be cut is free. Beyond it, its markup counts.
const FREE_STRETCH: usize = 128 << 10;

/// The steps charged for an excess node of the parser's tree, which takes about 100 bytes of
/// memory.
const NODE: usize = 64;

/// The maximum number of nodes in the parser's tree for a stretch that can't be cut, estimated from
/// its bytes: two for each byte of markup and each line end, one for each pipe of a table. A node
/// takes at most 144 bytes while the tree grows.
const MAX_NODES: usize = 1 << 21;

/// The maximum size in bytes of the parser's tree of a document.
pub(crate) const MAX_TREE: usize = MAX_NODES * 144;

/// The limits of a parse.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The maximum depth of containers.
    pub(crate) max_depth: usize,
    /// The steps counted before this text.
    pub(crate) steps: usize,
    /// The offset of the text in the document.
    pub(crate) offset: usize,
}

/// Counts the steps that parsing `text` takes beyond those of ordinary text. Returns the sum of
/// `limits.steps` and this count.
///
/// # Errors
///
/// [`ConvertError::TooDeep`] if containers nest deeper than both the limit and 1000 levels; a lower
/// limit is checked with the parser's events. [`ConvertError::TooComplex`] for more than
/// [`MAX_STEPS`].
pub(crate) fn measure(text: &str, limits: Limits) -> Result<usize, ConvertError> {
    let text = text.as_bytes();
    let mut meter = Meter {
        text,
        limits,
        steps: limits.steps,
        containers: Containers::default(),
        titles: Titles::new(text),
        rows: Rows::default(),
        stretch: 0,
        missing: 0,
    };
    let (mut at, mut after_blank) = (0, true);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let len = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        after_blank = meter.line(at, rest.get(..len).unwrap_or_default(), after_blank)?;
        at += len;
    }
    meter.end_stretch(at)?;
    Ok(meter.steps)
}

struct Meter<'t> {
    text: &'t [u8],
    limits: Limits,
    steps: usize,
    containers: Containers,
    titles: Titles<'t>,
    rows: Rows,
    /// The start of the stretch: the last line at which all containers were closed.
    stretch: usize,
    /// The missing cells in rows of the stretch, which the parser adds.
    missing: usize,
}

impl Meter<'_> {
    /// Counts a line. Returns whether it is blank.
    fn line(&mut self, at: usize, line: &[u8], after_blank: bool) -> Result<bool, ConvertError> {
        if after_blank && begins_text(line) {
            self.containers.clear();
            self.end_stretch(at)?;
        }
        let first = line.first().copied().unwrap_or(b'\n');
        let is_plain = self.containers.is_empty() && !MAY_MARK[usize::from(first)];
        let (content, is_blank) = if is_plain {
            (line, first == b'\n')
        } else {
            let passed = self.containers.pass(line, after_blank, self.limits.max_depth.max(1000));
            self.containers_on(at, line.len(), &passed)?;
            (line.get(passed.content..).unwrap_or_default(), passed.is_blank)
        };
        let missing = self.rows.missing(content, after_blank, is_blank);
        if missing > 0 {
            self.missing += missing;
            self.count(missing.saturating_mul(NODE), at)?;
        }
        if self.titles.next() < at + line.len() {
            self.titles_to(at + line.len())?;
        }
        Ok(is_blank)
    }

    /// Counts the cost of the containers of a line.
    fn containers_on(
        &mut self,
        at: usize,
        len: usize,
        passed: &containers::Passed,
    ) -> Result<(), ConvertError> {
        if let Some(too_deep_at) = passed.too_deep_at {
            let offset = self.limits.offset + at + too_deep_at;
            return Err(ConvertError::TooDeep { limit: self.limits.max_depth, offset });
        }
        let depth = self.containers.depth();
        if depth > FREE_DEPTH {
            self.count((depth - FREE_DEPTH).saturating_mul(PASSES), at)?;
            if passed.opened > FREE_DEPTH {
                // The parser scans the rest of the line for each marker.
                self.count((passed.opened - FREE_DEPTH).saturating_mul(len), at)?;
            }
        }
        Ok(())
    }

    fn titles_to(&mut self, end: usize) -> Result<(), ConvertError> {
        while self.titles.next() < end {
            let at = self.titles.next();
            let steps = self.titles.pass();
            self.count(steps, at)?;
        }
        Ok(())
    }

    /// Counts the markup of a long stretch that can't be cut, if it is more than three eighths of
    /// its bytes, and limits the size of its tree.
    fn end_stretch(&mut self, end: usize) -> Result<(), ConvertError> {
        let (start, missing) = (self.stretch, std::mem::take(&mut self.missing));
        self.stretch = end;
        self.rows.end();
        let len = end - start;
        if len < FREE_STRETCH {
            return Ok(());
        }
        let text = self.text.get(start..end).unwrap_or_default();
        let markup = text.iter().filter(|&&b| IS_MARKUP[usize::from(b)]).count();
        let lines = memchr_iter(b'\n', text).count();
        let bars = memchr_iter(b'|', text).count();
        if 2 * (markup + lines) + bars + missing > MAX_NODES {
            // The parser never builds a tree of that size.
            self.steps = self.steps.saturating_add(MAX_STEPS + 1);
        }
        let nodes = missing + markup;
        self.count(nodes.saturating_sub(len / 8 * 3).saturating_mul(NODE), start)
    }

    fn count(&mut self, steps: usize, at: usize) -> Result<(), ConvertError> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps <= MAX_STEPS {
            return Ok(());
        }
        Err(ConvertError::TooComplex { limit: MAX_STEPS, offset: self.limits.offset + at })
    }
}

/// Bytes with which a container's marker may begin, and blanks other than a line feed.
const MAY_MARK: [bool; 256] = byte_table(b" \t\r>-+*[:0123456789");

/// Bytes for which the parser creates nodes, except the line ends and pipes that are frequent in
/// long tables.
const IS_MARKUP: [bool; 256] = byte_table(b"*_~^[]<`&\\$");

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Result<usize, ConvertError> {
        measure(text, Limits { max_depth: 1000, steps: 0, offset: 0 })
    }

    #[test]
    fn ordinary_text_counts_nothing() {
        for text in [
            "Text, *marked*, and [linked](a \"title\").\n\n# Heading\n\n- a\n  - b\n    - c\n",
            "> > a\n> b\nc\n\n1. d\n2. e\n",
            "| a | b |\n|---|---|\n| c | d |\n",
            "* * * * * * * * * * * * * * * * * * * * * * * * *\n",
            "- - - - - - - - - - - - - - - - - - - - - - - - -\n\na\n",
        ] {
            assert_eq!(steps(text).unwrap(), 0, "{text}");
        }
    }

    #[test]
    fn shapes_that_take_quadratic_time_are_refused() {
        let n = 40_000;
        for text in [
            format!("[x](b \"{}", "y\n".repeat(n)),
            format!("{}x\n{}", "> ".repeat(500), "y\n".repeat(n)),
            format!("{}```\n{}", "- ".repeat(500), "\n".repeat(n)),
            format!("{}|\n{}|\n{}", "|a".repeat(512), "|-".repeat(512), "a\n".repeat(512)).repeat(40),
            "*a* ".repeat(n * 60),
            "[".repeat(n * 60),
        ] {
            let error = steps(&text).unwrap_err();
            assert!(matches!(error, ConvertError::TooComplex { limit: MAX_STEPS, .. }), "{error}");
        }
    }

    #[test]
    fn a_stretch_whose_tree_would_be_too_large_is_refused() {
        // A list, a table and text of a line each: as long as they are, nothing in them can be cut.
        let row = "| some | cells | of | a | table |\n";
        for (piece, most) in [("- a\n", 1 << 20), ("x\n", 1 << 20), (row, MAX_NODES / 8)] {
            assert!(steps(&piece.repeat(most + most / 10)).is_err(), "{piece}");
            assert!(steps(&piece.repeat(most - most / 10)).is_ok(), "{piece}");
            // Where it can be cut, it may be longer.
            let half = format!("{}\n# Heading\n\n", piece.repeat(most / 2));
            assert!(steps(&half.repeat(4)).is_ok(), "{piece}");
        }
    }

    #[test]
    fn the_depth_is_seen_before_the_parse() {
        let error = steps(&format!("a\n\n{}b", "> ".repeat(1001))).unwrap_err();
        assert!(matches!(error, ConvertError::TooDeep { limit: 1000, offset: 2003 }), "{error:?}");
        assert!(steps(&format!("a\n\n{}b", "> ".repeat(1000))).is_ok());
        // Each list has an item.
        assert!(matches!(steps(&format!("{}a", "- ".repeat(502))), Err(ConvertError::TooDeep { .. })));
        assert!(steps(&(0..600).map(|at| format!("{}- a\n", "  ".repeat(at))).collect::<String>()).is_err());
    }

    #[test]
    fn a_text_counts_what_its_stretches_do() {
        let deep = format!("{}x\ny\nz\n\n", "> ".repeat(100));
        let one = steps(&format!("a\n\n{deep}")).unwrap();
        assert!(one > 0);
        assert_eq!(steps(&format!("a\n\n{deep}b\n\n{deep}")).unwrap(), 2 * one);
        let limits = Limits { max_depth: 1000, steps: MAX_STEPS - one, offset: 7 };
        assert_eq!(measure(&format!("a\n\n{deep}"), limits).unwrap(), MAX_STEPS);
        let error = measure(&format!("a\n\n{deep}{deep}"), limits).unwrap_err();
        assert!(matches!(error, ConvertError::TooComplex { offset, .. } if offset >= 7 + 3 + deep.len()));
    }
}
