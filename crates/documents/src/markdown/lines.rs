//! Lines that begin a block, whatever containers are open before them.

/// Whether the line certainly begins a paragraph or a heading with text.
pub(super) fn begins_text(line: &[u8]) -> bool {
    let is_text = |b: &u8| b.is_ascii_alphabetic() || !b.is_ascii();
    if line.first().is_some_and(is_text) {
        return true;
    }
    let marks = line.iter().take_while(|&&b| b == b'#').count();
    (1..=6).contains(&marks) && line.get(marks) == Some(&b' ') && line.get(marks + 1).is_some_and(is_text)
}
