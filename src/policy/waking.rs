//! When the callers of tasks that are done are woken: at once, or several together.
//!
//! A worker defers wake-ups where many tasks wait, and their callers come in crowds. It wakes a
//! group when as many tasks have ended as still wait: half of the crowd is awake while the other
//! half's tasks run, and neither the callers' threads nor the workers run out of work.

use super::batching::TINY_NS;

/// A caller may wait this long for others, however briefly it has waited.
const MIN_DELAY_NS: u64 = 200_000;
/// A caller that has waited for long may wait this part of that time more: one sixteenth.
const WAITED_PART: u64 = 16;
/// Above this task length the bound shrinks in proportion: a wake-up costs less relative to the
/// task.
const SHORT_NS: u64 = 200_000;
/// Work whose deadline is nearer than this many times the bound is urgent.
const URGENT: u64 = 20;
/// What a worker does around a task takes about as long.
const OVERHEAD_NS: u64 = 200;
/// A group begins where at least this many tasks wait: fewer are no crowd.
const MIN_BACKLOG: usize = 8;
/// A group goes on while at least this many tasks wait.
const MIN_BACKLOG_LEFT: usize = 4;
/// The most tiny tasks in a group where labelled work is sorted in beside the callers. Sorting
/// takes the workers longer than new tasks take the callers. Callers with cores of their own would
/// idle if all were woken at the end of the crowd.
const MAX_SORTED: usize = 32;

/// How long the last of `waiting` tasks will have waited.
pub(crate) fn wait_ns(waiting: usize, workers: usize, task_ns: u64) -> u64 {
    task_ns.saturating_mul((waiting / workers.max(1)) as u64)
}

/// The speed of a worker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// When its last task ended.
    pub(crate) now_ns: u64,
    /// The mean length of its tasks; 0 if it is not known yet.
    pub(crate) task_ns: u64,
}

impl Pace {
    fn work_ns(self) -> u64 {
        self.task_ns.saturating_add(OVERHEAD_NS)
    }
}

/// The tasks that wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backlog {
    pub(crate) waiting: usize,
    pub(crate) workers: usize,
}

/// How long wake-ups may be deferred: at most `bound_ns`. Nothing is deferred if that is 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WakeDelay {
    pub(crate) bound_ns: u64,
}

impl WakeDelay {
    /// Work whose deadline is nearer is urgent.
    pub(crate) fn urgent_ns(self) -> u64 {
        self.bound_ns.saturating_mul(URGENT)
    }

    /// The delay for a caller that has waited for `waited_ns`: short enough not to be noticed after
    /// that.
    pub(crate) fn of(self, waited_ns: u64, pace: Pace) -> u64 {
        let bound_ns = self.bound_ns.saturating_mul(SHORT_NS) / pace.task_ns.max(SHORT_NS);
        (waited_ns / WAITED_PART).min(bound_ns).max(MIN_DELAY_NS).min(self.bound_ns)
    }

    /// A group of one caller; `None` if it is woken at once. The delay befits the tasks that wait,
    /// too: a caller that came early may have many behind it that wait for less.
    #[inline]
    pub(crate) fn begin(
        self,
        waited_ns: u64,
        pace: Pace,
        backlog: impl FnOnce() -> Backlog,
    ) -> Option<WakeGroup> {
        // The caller's own task and one more: the group would end before that otherwise.
        let least_ns = pace.work_ns().saturating_mul(2);
        if pace.task_ns == 0 || least_ns >= self.of(waited_ns, pace) {
            return None;
        }
        let Backlog { waiting, workers } = backlog();
        let delay_ns = self.of(waited_ns.min(wait_ns(waiting, workers, pace.task_ns)), pace);
        // The task itself counts as delay.
        let until_ns = pace.now_ns.saturating_sub(pace.work_ns()).saturating_add(delay_ns);
        (waiting >= MIN_BACKLOG && least_ns < delay_ns).then_some(WakeGroup { tasks: 0, until_ns })
    }
}

/// Callers of one worker that are woken together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WakeGroup {
    /// Tasks that have ended since it began, whether a caller waited for them or not.
    tasks: usize,
    /// When it is woken at the latest.
    pub(crate) until_ns: u64,
}

impl WakeGroup {
    /// The same group with another caller, that may wait for `delay_ns`.
    pub(crate) fn join(self, delay_ns: u64, pace: Pace) -> Self {
        Self { until_ns: self.until_ns.min(pace.now_ns.saturating_add(delay_ns)), ..self }
    }

    /// A task has ended. `None`: the group is to be woken before the next. `sorted_beside`:
    /// labelled work is sorted in, and callers may have cores of their own. `wait` returns whether
    /// at least that many tasks wait.
    #[inline]
    pub(crate) fn after_task(
        self,
        pace: Pace,
        sorted_beside: bool,
        wait: impl FnOnce(usize) -> bool,
    ) -> Option<Self> {
        if pace.now_ns.saturating_add(pace.work_ns()) >= self.until_ns {
            return None;
        }
        let tasks = self.tasks + 1;
        // Tiny tasks are all done in the time of a few wake-ups: their group may wait for the last
        // of them, unless the sorting of others would make it long.
        let tiny = pace.task_ns < TINY_NS && (tasks < MAX_SORTED || !sorted_beside);
        wait(if tiny { 1 } else { MIN_BACKLOG_LEFT.max(tasks + 1) }).then_some(Self { tasks, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const NOW: u64 = 1_000 * MS;
    const MANY: usize = 1_000_000;
    const DELAY: WakeDelay = WakeDelay { bound_ns: 4 * MS };

    fn backlog(waiting: usize) -> Backlog {
        Backlog { waiting, workers: 2 }
    }

    fn pace(now_ns: u64, task_ns: u64) -> Pace {
        Pace { now_ns, task_ns }
    }

    fn begin(waited_ns: u64, task_ns: u64, waiting: usize) -> Option<WakeGroup> {
        DELAY.begin(waited_ns, pace(NOW, task_ns), || backlog(waiting))
    }

    /// How many tasks end, the first of them at `now_ns`, before the group is woken.
    fn tasks_from(now_ns: u64, group: Option<WakeGroup>, task_ns: u64, waiting: usize) -> usize {
        tasks_beside(false, now_ns, group, task_ns, waiting)
    }

    /// As [`tasks_from`], with labelled work that may be sorted in beside the callers.
    fn tasks_beside(
        sorted_beside: bool,
        now_ns: u64,
        group: Option<WakeGroup>,
        task_ns: u64,
        waiting: usize,
    ) -> usize {
        let mut pace = pace(now_ns, task_ns);
        std::iter::successors(group, |group| {
            let more = group.after_task(pace, sorted_beside, |least| waiting >= least);
            pace.now_ns += pace.work_ns();
            more
        })
        .count()
    }

    fn tasks(waited_ns: u64, task_ns: u64, waiting: usize) -> usize {
        tasks_from(NOW, begin(waited_ns, task_ns, waiting), task_ns, waiting)
    }

    #[test]
    fn wake_ups_are_deferred_for_a_bounded_time_and_only_while_others_wait() {
        assert_eq!(tasks(0, 0, 64), 0, "unknown");
        assert_eq!(tasks(0, 300, 64), 399, "tiny");
        assert_eq!(tasks(0, 300, 7), 0, "tiny, no crowd");
        assert_eq!(tasks(0, 10_000, 1_000), 19);
        assert_eq!(tasks(0, 10_000, 8), 8);
        assert_eq!(tasks(0, 10_000, 7), 0, "no crowd");
        assert_eq!(tasks(0, 10_000, 0), 0);
        assert_eq!(tasks(0, 60_000, 1_000), 3);
        assert_eq!(tasks(0, 200_000, 1_000), 0, "long");
        assert_eq!(tasks(0, u64::MAX, usize::MAX), 0);
    }

    #[test]
    fn callers_of_tiny_tasks_are_woken_together_until_no_more_wait() {
        let goes_on = |task_ns, waiting| {
            let group = WakeGroup { tasks: 60, ..begin(0, task_ns, 64).unwrap() };
            group.after_task(pace(NOW, task_ns), false, |least| waiting >= least).is_some()
        };
        assert!(goes_on(300, 1));
        assert!(!goes_on(300, 0));
        assert!(!goes_on(3_000, 1));
    }

    #[test]
    fn callers_of_tiny_tasks_that_are_sorted_in_are_woken_while_others_run() {
        let tasks = |beside| tasks_beside(beside, NOW, begin(0, 300, 64), 300, 1);
        assert_eq!(tasks(true), 32);
        assert_eq!(tasks(false), 399);
    }

    #[test]
    fn a_caller_that_has_waited_for_long_may_wait_a_small_part_of_that_more() {
        assert_eq!(tasks(1_000 * MS, 50_000, 10), 3, "few behind it");
        assert_eq!(tasks(1_000 * MS, 100_000, 500), 15, "25 ms");
        assert_eq!(tasks(1_000 * MS, 100_000, MANY), 39, "the bound");
        assert_eq!(tasks(16 * MS, 100_000, MANY), 9, "it has not waited longer");
        assert_eq!(tasks(0, 50_000, MANY), 3);
        assert_eq!(tasks(1_000 * MS, 300_000, MANY), 8, "the longer the tasks, the less");
        assert_eq!(tasks(1_000 * MS, 600_000, MANY), 2);
        assert_eq!(tasks(1_000 * MS, 700_000, MANY), 0, "long");
    }

    #[test]
    fn no_delay_exceeds_the_bound() {
        for bound_ns in [0, 1, 1_000, MIN_DELAY_NS, 4 * MS, 100 * MS] {
            for task_ns in [300, 100_000, 10 * MS] {
                let delay = WakeDelay { bound_ns };
                assert!(delay.of(u64::MAX, pace(NOW, task_ns)) <= bound_ns);
                let group = delay.begin(u64::MAX, pace(NOW, task_ns), || backlog(MANY));
                assert!(group.is_none_or(|group| group.until_ns <= NOW + bound_ns));
            }
        }
    }

    #[test]
    fn a_group_that_would_not_wait_for_the_next_task_does_not_begin() {
        for task_ns in (1_000..1_000_000).step_by(1_000) {
            for waited in [0, 10 * MS, 100 * MS] {
                assert!(tasks(waited, task_ns, MANY) != 1, "{task_ns} ns, {waited}");
            }
        }
    }

    #[test]
    fn tasks_that_turn_out_long_end_a_group_sooner() {
        let patient = begin(1_000 * MS, 75_000, MANY);
        let tasks_from = |now_ns, task_ns| tasks_from(now_ns, patient, task_ns, MANY);
        assert_eq!(tasks_from(NOW + 3_800_000, 2_300), 50, "some time has passed");
        assert_eq!(tasks_from(NOW + 5 * MS, 75_000), 1, "too much");
        assert_eq!(tasks_from(NOW + MS, 400_000), 8);
    }

    #[test]
    fn a_caller_that_joins_waits_for_no_longer_than_befits_it() {
        let patient = begin(1_000 * MS, 100_000, MANY).unwrap();
        let now = NOW + 500_000;
        let tasks = |waited_ms: u64| {
            let pace = pace(now, 100_000);
            let joined = patient.join(DELAY.of(waited_ms * MS, pace), pace);
            tasks_from(now, Some(joined), 100_000, MANY)
        };
        assert_eq!(tasks_from(now, Some(patient), 100_000, MANY), 34);
        assert_eq!(tasks(16), 10, "one of 1 ms");
        assert_eq!(tasks(1_000), 34, "of 4 ms");
        assert_eq!(tasks(0), 2, "of 0.2 ms");
    }
}
