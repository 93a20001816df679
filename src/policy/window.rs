//! How large a window is through which a document is converted while it is read.
//!
//! A window never has more bytes than may be in memory. The usual window leaves room to grow: what is left of it and as much
//! again still fit, however many threads there are.

/// The size of a window in bytes, where nothing asks for a larger one: a chunk for each thread, at least `head`, and at most
/// half of `limit`, the bytes that may be in memory.
pub(crate) fn usual(chunk_size: usize, threads: usize, head: usize, limit: usize) -> usize {
    let wanted = chunk_size.saturating_mul(threads.max(1));
    // One byte over the limit shows that a document is too long.
    wanted.min(limit / 2).max(head).min(limit.saturating_add(1))
}

/// The size of the next window, of which `rest` bytes are there, beside `held` bytes that the converter remembers: at least
/// as much again as the rest, so that no byte is looked at very often. `None` if more does not fit into `limit` bytes.
pub(crate) fn next(rest: usize, held: usize, usual: usize, limit: usize) -> Option<usize> {
    let most = limit.checked_sub(held)?;
    (rest < most).then(|| usual.max(rest.saturating_mul(2)).min(most))
}

#[cfg(test)]
#[path = "../../tests/policy/window.rs"]
mod tests;
