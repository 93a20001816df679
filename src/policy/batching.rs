//! How many tasks a worker takes from the injector at a time.

/// A worker does not set aside more work than this, in nanoseconds.
const SET_ASIDE_NS: u64 = 50_000;
/// A larger batch saves nothing more.
const MOST: u64 = 32;

/// A task that takes less costs less than what is done around it. In nanoseconds.
pub(crate) const TINY_NS: u64 = 2_000;

/// The batch for tasks that lately took `task_ns` each. Tiny tasks are taken by the dozen, because
/// the head of the queue is what the workers contend for. Others are taken singly, and so are tasks
/// of which nothing is known (zero): what is set aside waits for the task that runs.
pub(crate) fn batch_size(task_ns: u64) -> usize {
    match task_ns {
        1..=TINY_NS => (SET_ASIDE_NS / task_ns).clamp(1, MOST) as usize,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::smooth;

    #[test]
    fn tiny_tasks_are_taken_by_the_dozen_and_others_singly() {
        assert_eq!(batch_size(0), 1, "nothing is known");
        assert_eq!(batch_size(1), 32);
        assert_eq!(batch_size(300), 32);
        assert_eq!(batch_size(2_000), 25);
        assert_eq!(batch_size(2_001), 1);
        assert_eq!(batch_size(u64::MAX), 1);
    }

    #[test]
    fn the_mean_follows_its_input() {
        let mut mean = 0;
        for _ in 0..100 {
            mean = smooth(mean, 8_000);
        }
        assert!((7_900..=8_000).contains(&mean), "{mean}");
    }
}
