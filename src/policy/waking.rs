//! When the callers of tasks that are done are woken: one by one, or some of them together.

use super::batching::TINY_NS;

/// Callers are woken at the latest after so much work for others,
const LEAST_LEEWAY_NS: u64 = 200_000;
/// and where they have waited for long, and are in no hurry, after this part of that,
const PART: u64 = 16;
/// but never after more than this,
pub(crate) const MOST_LEEWAY_NS: u64 = 4_000_000;
/// and where tasks take longer than this, after as much less: the longer they are, the less is a wake-up beside one.
const SHORT_NS: u64 = 200_000;
/// Whose deadline is nearer is in a hurry.
pub(crate) const HURRY_NS: u64 = 20 * MOST_LEEWAY_NS;
/// What is done around a task takes about as long.
const AROUND_NS: u64 = 200;
/// So many tasks wait where callers come in crowds, not just two at a time by chance.
const CROWD: usize = 8;
/// Once callers are held back, they are until fewer tasks than this wait.
const CROWD_LEFT: usize = 4;
/// Past this many, tiny tasks' callers are not kept from bringing others.
const MOST_SORTED: usize = 32;

/// For how many tiny tasks callers may be held back, until none is at hand. To sort tasks in takes their workers longer than callers
/// take to bring others: those of them who have cores of their own would have nothing to do if they were all told at the end.
pub(crate) fn most_tiny(sorted: bool, cores: usize) -> usize {
    if sorted && cores > 1 { MOST_SORTED } else { usize::MAX }
}

/// For how long a caller may be held back that has waited for so long, in nanoseconds. One that has come through a long queue does not
/// feel a small part of what it has waited for, and the machine feels each wake-up: it stops a task in its midst.
pub(crate) fn leeway(waited_ns: u64) -> u64 {
    (waited_ns / PART).clamp(LEAST_LEEWAY_NS, MOST_LEEWAY_NS)
}

/// The most for tasks that lately took `task_ns` each.
fn most(task_ns: u64) -> u64 {
    (MOST_LEEWAY_NS * SHORT_NS / task_ns.max(SHORT_NS)).max(LEAST_LEEWAY_NS)
}

/// How long the last of so many that wait will have waited, when so many workers take `task_ns` for each.
pub(crate) fn wait(waiting: usize, workers: usize, task_ns: u64) -> u64 {
    task_ns.saturating_mul((waiting / workers.max(1)) as u64)
}

/// The work of a task.
fn work(task_ns: u64) -> u64 {
    task_ns.saturating_add(AROUND_NS)
}

/// What is at hand while callers are held back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crowd {
    /// Tasks that wait.
    pub(crate) waiting: usize,
    /// Those who work on them.
    pub(crate) workers: usize,
    /// While one waits at the least, callers of so many tiny tasks may be held back.
    pub(crate) most_tiny: usize,
}

impl Crowd {
    /// How many are to wait at the least, when so many tasks have ended since the first caller was held back.
    fn least(self, tasks: usize, task_ns: u64) -> usize {
        match tasks {
            0 => CROWD,
            _ if task_ns < TINY_NS && tasks < self.most_tiny => 1,
            _ => CROWD_LEFT.max(tasks + 1),
        }
    }
}

/// Callers that one worker holds back, to wake them together.
///
/// They wait for as long as [`LEAST_LEEWAY_NS`], longer only where they have waited for long and
/// many wait behind them, and never for more tasks than still wait, so at most twice as long as
/// otherwise. So half of a crowd is told while the other half's tasks run, and the callers' threads
/// and the workers have something to do at the same time. Only those of tiny tasks are told
/// together until none is at hand any more, or [`most_tiny`] are held back: all of them run in the
/// time of a few wake-ups. Where fewer than [`CROWD`] wait nobody is held back, nor where nothing
/// is known of the tasks yet. Of tasks over [`SHORT_NS`] fewer are told together, and none from
/// about 0.6 ms on.
///
/// `now_ns` is when the last task ended, `task_ns` what one lately took. The crowd is only looked at where it matters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeldBack {
    /// Tasks that have ended since, that of the first of them included, whoever waits for those.
    tasks: usize,
    /// Since when, in nanoseconds, its own work included.
    since_ns: u64,
    /// So long after that they are to be told.
    leeway_ns: u64,
    /// One of them has no patience.
    impatient: bool,
}

impl HeldBack {
    /// A caller with that leeway is the first, if it may be held back. One that came early need not have waited for long where many wait
    /// behind it, and nobody is held back for longer than befits those.
    #[inline]
    pub(crate) fn begin(
        leeway_ns: u64,
        (now_ns, task_ns): (u64, u64),
        crowd: impl FnOnce() -> Crowd,
    ) -> Option<Self> {
        // Its own and another: else it would be told at once all the same.
        let next = work(task_ns).saturating_mul(2);
        let leeway_ns = leeway_ns.min(most(task_ns));
        if task_ns == 0 || next >= leeway_ns {
            return None;
        }
        let crowd = crowd();
        let leeway_ns = leeway_ns.min(leeway(wait(crowd.waiting, crowd.workers, task_ns)));
        let impatient = leeway_ns <= LEAST_LEEWAY_NS;
        let since_ns = now_ns.saturating_sub(work(task_ns));
        let held = Self { tasks: 0, since_ns, leeway_ns, impatient };
        (crowd.waiting >= crowd.least(0, task_ns) && next < leeway_ns).then_some(held)
    }

    /// And another, unless it is to be told at once: who has no patience would notice that it is told after those who have.
    #[inline]
    pub(crate) fn join(self, leeway_ns: u64, (now_ns, task_ns): (u64, u64)) -> Option<Self> {
        let impatient = leeway_ns <= LEAST_LEEWAY_NS;
        if impatient && !self.impatient && task_ns >= TINY_NS {
            return None;
        }
        let until = now_ns.saturating_sub(self.since_ns).saturating_add(leeway_ns);
        let leeway_ns = self.leeway_ns.min(until);
        Some(Self { leeway_ns, impatient: self.impatient || impatient, ..self })
    }

    /// A task has ended. `None`: they are to be told before another.
    #[inline]
    pub(crate) fn ended(self, (now_ns, task_ns): (u64, u64), crowd: impl FnOnce() -> Crowd) -> Option<Self> {
        // When the next is done.
        let next = now_ns.saturating_add(work(task_ns)).saturating_sub(self.since_ns);
        if next >= self.leeway_ns.min(most(task_ns)) {
            return None;
        }
        let (tasks, crowd) = (self.tasks + 1, crowd());
        (crowd.waiting >= crowd.least(tasks, task_ns)).then_some(Self { tasks, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const NOW: u64 = 1_000 * MS;

    fn crowd(waiting: usize) -> Crowd {
        Crowd { waiting, workers: 2, most_tiny: usize::MAX }
    }

    fn begin(waited_ns: u64, task_ns: u64, crowd: Crowd) -> Option<HeldBack> {
        HeldBack::begin(leeway(waited_ns), (NOW, task_ns), || crowd)
    }

    /// How many tasks end before callers are told, the first of them now, at `now_ns`.
    fn most_from(now_ns: u64, held: Option<HeldBack>, task_ns: u64, crowd: Crowd) -> usize {
        let mut now_ns = now_ns;
        std::iter::successors(held, |held| {
            let more = held.ended((now_ns, task_ns), || crowd);
            now_ns += work(task_ns);
            more
        })
        .count()
    }

    /// The same where they have just been held back.
    fn most(begun: Option<HeldBack>, task_ns: u64, crowd: Crowd) -> usize {
        most_from(NOW, begun, task_ns, crowd)
    }

    #[test]
    fn callers_are_held_back_for_a_bounded_time_and_only_while_others_wait() {
        let most = |task_ns, waiting| most(begin(0, task_ns, crowd(waiting)), task_ns, crowd(waiting));
        assert_eq!(most(0, 64), 0, "unknown");
        assert_eq!(most(300, 64), 399, "tiny");
        assert_eq!(most(300, 7), 0, "tiny, no crowd");
        assert_eq!(most(10_000, 1_000), 19);
        assert_eq!(most(10_000, 8), 8);
        assert_eq!(most(10_000, 7), 0, "no crowd");
        assert_eq!(most(10_000, 0), 0);
        assert_eq!(most(60_000, 1_000), 3);
        assert_eq!(most(200_000, 1_000), 0, "long");
        assert_eq!(most(u64::MAX, usize::MAX), 0);
    }

    #[test]
    fn callers_of_tiny_tasks_are_told_together_until_no_more_are_at_hand() {
        let held = |task_ns| HeldBack { tasks: 60, ..begin(0, task_ns, crowd(64)).unwrap() };
        assert!(held(300).ended((NOW, 300), || crowd(1)).is_some());
        assert!(held(300).ended((NOW, 300), || crowd(0)).is_none());
        assert!(held(3_000).ended((NOW, 3_000), || crowd(1)).is_none());
    }

    #[test]
    fn callers_of_tiny_tasks_that_are_sorted_in_are_told_while_others_run() {
        let most = |sorted, cores| {
            let crowd = |waiting| Crowd { most_tiny: most_tiny(sorted, cores), ..crowd(waiting) };
            most(begin(0, 300, crowd(64)), 300, crowd(1))
        };
        assert_eq!(most(true, 2), 32);
        assert_eq!(most(true, 1), 399, "nobody could do anything meanwhile");
        assert_eq!(most(false, 2), 399);
    }

    #[test]
    fn who_has_come_through_a_long_queue_may_be_held_back_for_a_small_part_of_that() {
        let most = |waited_ms: u64, task_ns, waiting| {
            most(begin(waited_ms * MS, task_ns, crowd(waiting)), task_ns, crowd(waiting))
        };
        assert_eq!(most(1_000, 50_000, 10), 3, "a short one behind it");
        assert_eq!(most(1_000, 100_000, 500), 15, "25 ms");
        assert_eq!(most(1_000, 100_000, 1_000_000), 39, "four milliseconds at most");
        assert_eq!(most(16, 100_000, 1_000_000), 9, "it has not waited for longer");
        assert_eq!(most(0, 50_000, 1_000_000), 3, "or is in a hurry");
        assert_eq!(most(1_000, 300_000, 1_000_000), 8, "the longer the tasks, the less");
        assert_eq!(most(1_000, 600_000, 1_000_000), 2);
        assert_eq!(most(1_000, 700_000, 1_000_000), 0, "long");
    }

    #[test]
    fn who_is_not_held_back_for_the_next_task_is_not_held_back_at_all() {
        for task_ns in (1_000..1_000_000).step_by(1_000) {
            for waited in [0, 10 * MS, 100 * MS] {
                let held = most(begin(waited, task_ns, crowd(1_000_000)), task_ns, crowd(1_000_000));
                assert!(held != 1, "{task_ns} ns, {waited}");
            }
        }
    }

    #[test]
    fn tasks_that_turn_out_long_are_not_taken_for_short_ones() {
        let patient = begin(1_000 * MS, 75_000, crowd(1_000_000));
        let later = NOW + 3_800_000;
        assert_eq!(most_from(later, patient, 2_300, crowd(1_000_000)), 50, "some time has passed");
        assert_eq!(most_from(NOW + 5 * MS, patient, 75_000, crowd(1_000_000)), 1, "too much");
        assert_eq!(most_from(NOW + MS, patient, 400_000, crowd(1_000_000)), 3, "it is less for long ones");
    }

    #[test]
    fn who_joins_others_is_held_back_for_no_longer_than_befits_itself() {
        let patient = begin(1_000 * MS, 100_000, crowd(1_000_000)).unwrap();
        let now = NOW + 500_000;
        let most = |waited_ms: u64| {
            let joined = patient.join(leeway(waited_ms * MS), (now, 100_000));
            most_from(now, joined, 100_000, crowd(1_000_000))
        };
        assert_eq!(most_from(now, Some(patient), 100_000, crowd(1_000_000)), 34);
        assert_eq!(most(16), 10, "one of 1 ms");
        assert_eq!(most(1_000), 34, "of 4 ms");
    }

    #[test]
    fn who_is_in_a_hurry_is_told_after_others_only_if_they_are_too_or_all_is_done_in_no_time() {
        let patient = begin(1_000 * MS, 100_000, crowd(1_000_000)).unwrap();
        let (short, tiny) = ((NOW, 100_000), (NOW, 300));
        assert!(patient.join(leeway(0), short).is_none());
        assert!(patient.join(leeway(3_200_000), short).is_none(), "nor who had hardly to wait");
        assert!(patient.join(leeway(3_300_000), short).is_some());
        let hurried = begin(0, 50_000, crowd(1_000_000)).unwrap();
        assert!(hurried.join(leeway(0), short).is_some());
        let both = patient.join(leeway(0), tiny).unwrap();
        assert!(both.join(leeway(0), short).is_some(), "there is one in a hurry now");
    }
}
