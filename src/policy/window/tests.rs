use proptest::prelude::*;

use super::*;

const HEAD: usize = 64;

/// Converts `document` bytes; of each window all but the last `open` bytes are done with.
fn windows(document: usize, open: usize, chunk_size: usize, threads: usize, limit: usize) -> Option<usize> {
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
