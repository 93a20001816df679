//! The reactive rule: one thread more, at once, or one less.

/// What bounds a pool's size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Threads that are always there.
    pub(crate) min: usize,
    /// Threads that are never exceeded.
    pub(crate) max: usize,
    /// Threads that can run at once on this machine.
    pub(crate) usable: usize,
}

/// The workers when the question is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workers {
    /// All of them.
    pub(crate) total: usize,
    /// Those that sleep, or are already looking for work.
    pub(crate) free: usize,
}

/// Whether to start one more thread, now that work waits: nobody is free to take it, and there may be up to `limit` threads.
pub(crate) fn should_start(workers: Workers, limit: usize) -> bool {
    workers.free == 0 && workers.total < limit
}

/// Whether a worker that has slept for the whole idle timeout may leave.
pub(crate) fn may_leave(total: usize, least: usize) -> bool {
    total > least
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_size_stays_within_its_bounds(
            min in 1_usize..40, extra in 0_usize..40, usable in 1_usize..80,
            steps in proptest::collection::vec((any::<bool>(), 0_usize..3), 0..200),
        ) {
            let bounds = Bounds { min, max: min + extra, usable };
            let mut total = min;
            for (grow, free) in steps {
                if grow && should_start(Workers { total, free }, usable.clamp(bounds.min, bounds.max)) {
                    total += 1;
                } else if !grow && may_leave(total, bounds.min) {
                    total -= 1;
                }
                prop_assert!((bounds.min..=bounds.max).contains(&total));
                prop_assert!(total <= usable.max(min));
            }
        }
    }

    #[test]
    fn nobody_is_started_while_somebody_is_free() {
        assert!(should_start(Workers { total: 3, free: 0 }, 4));
        assert!(!should_start(Workers { total: 3, free: 1 }, 4));
        assert!(!should_start(Workers { total: 4, free: 0 }, 4));
    }
}
