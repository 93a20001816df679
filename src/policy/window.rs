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
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: usize = 64;

    /// Converts `document` bytes; of each window all but the last `open` bytes are done with.
    fn windows(
        document: usize,
        open: usize,
        chunk_size: usize,
        threads: usize,
        limit: usize,
    ) -> Option<usize> {
        let usual = usual(chunk_size, threads, HEAD, limit);
        let (mut start, mut target, mut count) = (0, usual, 0);
        loop {
            let window = target.min(document - start);
            assert!(window <= limit);
            count += 1;
            if start + window == document {
                return Some(count);
            }
            let done = window.saturating_sub(open);
            start += done;
            target = next(window - done, 0, usual, limit)?;
        }
    }

    #[test]
    fn a_long_document_goes_through_with_every_number_of_threads() {
        const MIB: usize = 1 << 20;
        for threads in 1..=1024 {
            for limit in [512 << 10, 8 * MIB, 64 * MIB] {
                let count = windows(20 * MIB, 1_000, 256 << 10, threads, limit);
                assert!(
                    count.is_some_and(|count| count <= 20 * MIB / (200 << 10)),
                    "{threads} {limit} {count:?}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn what_fits_goes_through(
            document in 0_usize..100_000,
            open in 0_usize..1_000,
            chunk_size in 1_usize..10_000,
            threads in 1_usize..2_000,
            more in 1_usize..100_000,
        ) {
            prop_assert!(windows(document, open, chunk_size, threads, HEAD + open + more).is_some());
        }

        #[test]
        fn a_window_grows_within_the_limit(rest: usize, held: usize, usual: usize, limit: usize) {
            if let Some(next) = next(rest, held, usual, limit) {
                prop_assert!(next > rest && next.checked_add(held).is_some_and(|all| all <= limit));
            } else {
                prop_assert!(rest.checked_add(held).is_none_or(|all| all >= limit));
            }
        }
    }
}
