//! The size of the windows through which a document is converted while it is read.
//!
//! A window never has more bytes than may be in memory. The usual window leaves room to grow: its
//! rest and as many bytes again still fit, with any number of threads.

/// Returns the usual size of a window in bytes: a chunk for each thread, at least `head`, and at
/// most half of `limit`, the bytes that may be in memory.
pub(crate) fn usual(chunk_size: usize, threads: usize, head: usize, limit: usize) -> usize {
    let wanted = chunk_size.saturating_mul(threads.max(1));
    // One byte over the limit shows that a document is too long.
    wanted.min(limit / 2).max(head).min(limit.saturating_add(1))
}

/// Returns the size of the next window. `rest` bytes of it are there, and the converter remembers
/// `held` bytes. The window is at least twice the rest, so no byte is examined very often. Returns
/// `None` if no more fits into `limit` bytes.
pub(crate) fn next(rest: usize, held: usize, usual: usize, limit: usize) -> Option<usize> {
    let most = limit.checked_sub(held)?;
    (rest < most).then(|| usual.max(rest.saturating_mul(2)).min(most))
}

#[cfg(test)]
mod tests;
