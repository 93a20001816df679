//! Fences around code, tracked line by line.

/// The open fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fence {
    mark: u8,
    len: usize,
}

impl Fence {
    /// The fence that the line opens. A preceding list marker and any indent are skipped: fences
    /// delimit code in lists, too.
    pub(super) fn open(line: &[u8]) -> Option<Self> {
        let mut rest = line.trim_ascii_start();
        loop {
            let mark = *rest.first()?;
            let len = run(rest, mark);
            if matches!(mark, b'`' | b'~') && len >= 3 {
                let info = rest.get(len..).unwrap_or_default();
                return (mark == b'~' || !info.contains(&b'`')).then_some(Self { mark, len });
            }
            rest = after_marker(rest)?.trim_ascii_start();
        }
    }

    /// Whether the line closes it.
    pub(super) fn is_closed_by(self, line: &[u8]) -> bool {
        let line = line.trim_ascii();
        let len = run(line, self.mark);
        len >= self.len && len == line.len()
    }
}

/// The text after the marker of a list item.
fn after_marker(line: &[u8]) -> Option<&[u8]> {
    let digits = line.iter().take(9).take_while(|b| b.is_ascii_digit()).count();
    let rest = match (digits, line.get(digits)?) {
        (0, b'-' | b'+' | b'*') => line.get(1..)?,
        (1.., b'.' | b')') => line.get(digits + 1..)?,
        _ => return None,
    };
    rest.first().is_some_and(u8::is_ascii_whitespace).then_some(rest)
}

fn run(line: &[u8], mark: u8) -> usize {
    line.iter().take_while(|&&b| b == mark).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_three_marks_or_more() {
        for open in ["```", "   ~~~~ rust `x`", "````text", "- ```", "  12. * ~~~"] {
            assert!(Fence::open(open.as_bytes()).is_some(), "{open}");
        }
        for other in ["``", "``` a`b", "text ```", "-```", "> ```", "1234567890. ```", ""] {
            assert!(Fence::open(other.as_bytes()).is_none(), "{other}");
        }
    }

    #[test]
    fn it_is_closed_by_as_many_of_the_same() {
        let fence = Fence::open(b"````rust").unwrap();
        assert!(fence.is_closed_by(b"  ````` \r"));
        for other in ["```", "~~~~", "```` rust", ""] {
            assert!(!fence.is_closed_by(other.as_bytes()), "{other}");
        }
    }
}
