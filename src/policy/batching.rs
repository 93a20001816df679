//! What a worker puts together: tasks from the injector, and the wake-ups of their callers.

/// A worker does not put aside more work for itself than this, since what it holds waits behind what it runs.
const SET_ASIDE_NS: u64 = 50_000;
/// Past this many, a batch saves nothing more.
const MOST: u64 = 32;

/// Callers are woken at the latest after so much work for others,
const HOLD_BACK_NS: u64 = 200_000;
/// and where the queue is long, and they are in no hurry, after this part of the work that waits behind them,
const PART: u64 = 32;
/// but never after more than this.
const MOST_HOLD_BACK_NS: u64 = 1_000_000;
/// Whose deadline is nearer is in a hurry.
pub(crate) const HURRY_NS: u64 = 20 * MOST_HOLD_BACK_NS;
/// What is done around a task takes about as long.
const AROUND_NS: u64 = 200;
/// So many tasks wait where callers come in crowds, not just two at a time by chance.
const CROWD: usize = 4;
/// Tasks that take less cost less than what is done around them.
pub(crate) const TINY_NS: u64 = 2_000;

/// The batch for tasks that lately took `task_ns` each. Tiny tasks are taken by the dozen, because the injector's head is
/// what the workers contend for; longer ones singly, because every one set aside would wait behind the others.
pub(crate) fn batch_size(task_ns: u64) -> usize {
    (SET_ASIDE_NS / task_ns.max(1)).clamp(1, MOST) as usize
}

/// For how many tiny tasks callers may be held back, until none is at hand. To sort tasks in takes their workers longer than callers
/// take to bring others: those of them who have cores of their own would have nothing to do if they were all told at the end.
pub(crate) fn most_tiny(sorted: bool, cores: usize) -> usize {
    if sorted && cores > 1 { MOST as usize } else { usize::MAX }
}

/// What is at hand while callers are held back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crowd {
    /// Tasks that wait.
    pub(crate) waiting: usize,
    /// Those who work on them.
    pub(crate) workers: usize,
    /// None of the callers is in a hurry.
    pub(crate) patient: bool,
    /// While one waits at the least, callers of so many tiny tasks may be held back.
    pub(crate) most_tiny: usize,
}

impl Crowd {
    /// How many are to wait at the least, when so many callers are held back already.
    fn least(self, held: usize, task_ns: u64) -> usize {
        match held {
            0 => CROWD,
            _ if task_ns < TINY_NS && held < self.most_tiny => 1,
            _ => CROWD.max(held + 1),
        }
    }

    /// For how long a caller may be held back. One that has come through a long queue does not feel a small part of what it has waited
    /// for, and the machine feels each wake-up: it stops a task in its midst.
    fn time(self, task_ns: u64) -> u64 {
        if !self.patient {
            return HOLD_BACK_NS;
        }
        let wait = task_ns.saturating_mul((self.waiting / self.workers.max(1)) as u64);
        (wait / PART).clamp(HOLD_BACK_NS, MOST_HOLD_BACK_NS)
    }
}

/// Whether a worker may hold back the wake-up of one more caller, when `held` tasks have ended since it held back the first, whoever
/// waits for those, and tasks lately took `task_ns` each. (The crowd is only looked at where it matters.)
///
/// Callers wait for as long as [`HOLD_BACK_NS`], longer only behind a long queue, and never for more tasks than still wait, so at most
/// twice as long as otherwise. So half of a crowd is told while the other half's tasks run, and the caller's threads and the workers have
/// something to do at the same time. Only those of tiny tasks are told together until none is at hand any more, or
/// [`most_tiny`] are held back: all of them run in the time of a few wake-ups. Where less than [`CROWD`] wait
/// nobody is held back, nor where nothing is known of the tasks yet.
pub(crate) fn may_hold_back(held: usize, task_ns: u64, crowd: impl FnOnce() -> Crowd) -> bool {
    let each = task_ns.saturating_add(AROUND_NS);
    // Until the next of them is done.
    let time = each.saturating_mul(held as u64 + 1);
    if task_ns == 0 || time >= MOST_HOLD_BACK_NS {
        return false;
    }
    let crowd = crowd();
    crowd.waiting >= crowd.least(held, task_ns) && time < crowd.time(each)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::smooth;

    #[test]
    fn tiny_tasks_are_taken_by_the_dozen_and_long_ones_singly() {
        assert_eq!(batch_size(0), 32);
        assert_eq!(batch_size(300), 32);
        assert_eq!(batch_size(10_000), 5);
        assert_eq!(batch_size(60_000), 1);
        assert_eq!(batch_size(u64::MAX), 1);
    }

    #[test]
    fn callers_are_held_back_for_a_bounded_time_and_only_while_others_wait() {
        let most = |task_ns, waiting| {
            let crowd = || Crowd { waiting, workers: 2, most_tiny: usize::MAX, patient: false };
            (0..).find(|&held| !may_hold_back(held, task_ns, crowd)).unwrap()
        };
        assert_eq!(most(0, 64), 0, "unknown");
        assert_eq!(most(300, 64), 399, "tiny");
        assert_eq!(most(300, 3), 0, "tiny, no crowd");
        assert_eq!(most(10_000, 1_000), 19);
        assert_eq!(most(10_000, 5), 5);
        assert_eq!(most(10_000, 3), 0, "no crowd");
        assert_eq!(most(10_000, 0), 0);
        assert_eq!(most(60_000, 1_000), 3);
        assert_eq!(most(200_000, 1_000), 0, "long");
        assert_eq!(most(u64::MAX, usize::MAX), 0);
    }

    #[test]
    fn callers_of_tiny_tasks_are_told_together_until_no_more_are_at_hand() {
        let crowd = |waiting| move || Crowd { waiting, workers: 2, most_tiny: usize::MAX, patient: true };
        assert!(may_hold_back(60, 300, crowd(1)));
        assert!(!may_hold_back(60, 300, crowd(0)));
        assert!(!may_hold_back(60, 3_000, crowd(1)));
    }

    #[test]
    fn callers_of_tiny_tasks_that_are_sorted_in_are_told_while_others_run() {
        let most = |sorted, cores| {
            let most_tiny = most_tiny(sorted, cores);
            let crowd = || Crowd { waiting: 1, workers: 2, most_tiny, patient: false };
            (0..).find(|&held| held > 0 && !may_hold_back(held, 300, crowd)).unwrap()
        };
        assert_eq!(most(true, 2), 32);
        assert_eq!(most(true, 1), 399, "nobody could do anything meanwhile");
        assert_eq!(most(false, 2), 399);
    }

    #[test]
    fn who_has_come_through_a_long_queue_may_be_held_back_for_a_small_part_of_that() {
        let most = |task_ns, waiting, patient| {
            let crowd = || Crowd { waiting, workers: 2, most_tiny: usize::MAX, patient };
            (0..).find(|&held| !may_hold_back(held, task_ns, crowd)).unwrap()
        };
        assert_eq!(most(100_000, 10, true), 1, "a short one");
        assert_eq!(most(100_000, 500, true), 7, "25 ms");
        assert_eq!(most(100_000, 1_000_000, true), 9, "a millisecond at most");
        assert_eq!(most(100_000, 1_000_000, false), 1, "in a hurry");
        assert_eq!(most(300_000, 1_000_000, true), 3);
        assert_eq!(most(1_000_000, 1_000_000, true), 0, "long");
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
