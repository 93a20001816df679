//! The waiting tasks of one tenant, sorted by due time.
//!
//! Tasks of one class arrive almost always in order. So each class has a lane, to which such tasks
//! are appended: an append takes a few nanoseconds. A sorted map holds tasks with a deadline and
//! tasks that arrive late.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use crate::task::Priority;

/// The position of a task among those of its tenant: its due time, then its sequence number.
pub(super) type Key = (u64, u64);

/// The classes, least urgent first. `class as usize` is the index of a class's lane.
const CLASSES: [Priority; 3] = [Priority::Bulk, Priority::Standard, Priority::Interactive];

/// A waiting task.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    pub(super) item: T,
    pub(super) priority: Priority,
    pub(super) arrival: u64,
    /// Whether the due time is a deadline.
    pub(super) expires: bool,
    /// Whether the task holds a permit, so that a more urgent task may evict it.
    pub(super) placed: bool,
    /// The worker time that the task is expected to take, in nanoseconds.
    pub(super) time: u64,
}

/// The number of gaps that a lane may have in any case.
const MIN_GAPS: usize = 32;
/// The capacity that an empty lane keeps.
const KEPT: usize = 64;

/// Tasks of one class that have arrived in order. A task that leaves the middle leaves a gap. There
/// is no gap at either end.
#[derive(Debug)]
struct Lane<T> {
    tasks: VecDeque<(Key, Option<Waiting<T>>)>,
    gaps: usize,
}

impl<T> Lane<T> {
    fn first(&self) -> Option<(Key, &Waiting<T>)> {
        self.tasks.front().and_then(present)
    }

    fn last(&self) -> Option<Key> {
        self.tasks.back().map(|(key, _)| *key)
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = (Key, &Waiting<T>)> {
        self.tasks.iter().filter_map(present)
    }

    fn pop_first(&mut self) -> Option<(Key, Waiting<T>)> {
        let (key, first) = self.tasks.pop_front()?;
        self.trim();
        Some((key, first?))
    }

    fn remove(&mut self, key: Key) -> Option<Waiting<T>> {
        let index = self.tasks.binary_search_by_key(&key, |(at, _)| *at).ok()?;
        let removed = self.tasks.get_mut(index)?.1.take()?;
        self.gaps += 1;
        self.trim();
        if self.gaps > MIN_GAPS && self.gaps > self.tasks.len() / 2 {
            self.tasks.retain(|(_, task)| task.is_some());
            self.gaps = 0;
        }
        Some(removed)
    }

    /// Removes the gaps at both ends.
    fn trim(&mut self) {
        while self.tasks.front().is_some_and(|(_, task)| task.is_none()) {
            self.tasks.pop_front();
            self.gaps -= 1;
        }
        while self.tasks.back().is_some_and(|(_, task)| task.is_none()) {
            self.tasks.pop_back();
            self.gaps -= 1;
        }
        if self.tasks.is_empty() && self.tasks.capacity() > KEPT {
            self.tasks.shrink_to(KEPT);
        }
    }
}

fn present<T>((key, task): &(Key, Option<Waiting<T>>)) -> Option<(Key, &Waiting<T>)> {
    task.as_ref().map(|task| (*key, task))
}

#[derive(Debug)]
pub(super) struct Queue<T> {
    lanes: [Lane<T>; CLASSES.len()],
    /// Tasks with a deadline, and tasks that arrived too late for their lane.
    sorted: BTreeMap<Key, Waiting<T>>,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        let lanes = [(); CLASSES.len()].map(|()| Lane { tasks: VecDeque::new(), gaps: 0 });
        Self { lanes, sorted: BTreeMap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len() + self.lanes.iter().map(|lane| lane.tasks.len() - lane.gaps).sum::<usize>()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first().is_none()
    }

    /// Inserts a task. Returns whether the task is now the first.
    #[inline]
    pub(super) fn insert(&mut self, key: Key, waiting: Waiting<T>) -> bool {
        let is_first = self.first().is_none_or(|(first, _)| key < first);
        let lane = &mut self.lanes[waiting.priority as usize];
        if waiting.expires || lane.last().is_some_and(|last| key < last) {
            self.sorted.insert(key, waiting);
        } else {
            lane.tasks.push_back((key, Some(waiting)));
        }
        is_first
    }

    /// Returns the task with the earliest due time.
    pub(super) fn first(&self) -> Option<(Key, &Waiting<T>)> {
        let sorted = self.sorted.first_key_value().map(|(&key, waiting)| (key, waiting));
        self.lanes.iter().filter_map(Lane::first).chain(sorted).min_by_key(|(key, _)| *key)
    }

    /// Returns the newest task of the most urgent class. A task in the sorted map belongs to the
    /// class whose slack, counted from `now`, reaches its due time.
    pub(super) fn newest(&self, now: u64) -> Option<Key> {
        let newest = |class: Priority| {
            let end = (now.saturating_add(class.slack_ns()), u64::MAX);
            let sorted = self.sorted.range(..=end).next_back().map(|(&key, _)| key);
            self.lanes[class as usize].last().max(sorted)
        };
        CLASSES.into_iter().rev().find_map(newest).or_else(|| self.sorted.keys().next_back().copied())
    }

    /// Returns the task to evict for one of class `than`: the last one with a permit, of the least
    /// urgent class that has one. Examines at most `most` tasks of each class, and as many in the
    /// sorted map.
    pub(super) fn victim(&self, than: Priority, most: usize) -> Option<(Priority, Key)> {
        let in_lanes = CLASSES.into_iter().take_while(|class| *class < than).filter_map(|class| {
            let mut last = self.lanes[class as usize].iter().rev().take(most);
            last.find(|(_, waiting)| waiting.placed).map(|(key, _)| (class, key))
        });
        let last = self.sorted.iter().rev().take(most);
        let evictable = last.filter(|(_, task)| task.placed && !task.expires && task.priority < than);
        let in_sorted = evictable.map(|(&key, task)| (task.priority, key));
        in_lanes.chain(in_sorted).max_by_key(|&(class, key)| (Reverse(class), key))
    }

    /// Removes the first task if it satisfies `pred`.
    pub(super) fn pop_first(&mut self, pred: impl Fn(&Waiting<T>) -> bool) -> Option<(Key, Waiting<T>)> {
        let (key, first) = self.first().filter(|(_, first)| pred(first))?;
        let lane = &mut self.lanes[first.priority as usize];
        if lane.first().is_some_and(|(first, _)| first == key) {
            lane.pop_first()
        } else {
            self.sorted.pop_first()
        }
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Waiting<T>> {
        let of_lane = |lane: &mut Lane<T>| match lane.first() {
            Some((first, _)) if first == key => lane.pop_first().map(|(_, task)| task),
            _ => lane.remove(key),
        };
        self.lanes.iter_mut().find_map(of_lane).or_else(|| self.sorted.remove(&key))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &Waiting<T>)> {
        let sorted = self.sorted.iter().map(|(&key, waiting)| (key, waiting));
        self.lanes.iter().flat_map(Lane::iter).chain(sorted)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn waiting(number: u64, priority: Priority, expires: bool) -> Waiting<u64> {
        Waiting { item: number, priority, arrival: 0, expires, placed: number % 3 > 0, time: 0 }
    }

    /// What the newest task of the most urgent class is, by its definition. The flags: whether a
    /// task is in the sorted map, and whether it has a deadline.
    fn newest(model: &BTreeMap<Key, (Priority, bool, bool)>, now: u64) -> Option<Key> {
        let newest = |class: Priority| {
            let of_class = |(key, task): &(&Key, &(Priority, bool, bool))| match **task {
                (_, true, _) => key.0 <= now + class.slack_ns(),
                (own, false, _) => own == class,
            };
            model.iter().rev().find(of_class).map(|(&key, _)| key)
        };
        CLASSES.into_iter().rev().find_map(newest).or_else(|| model.keys().next_back().copied())
    }

    /// Which task is to be evicted, by its definition.
    fn victim(model: &BTreeMap<Key, (Priority, bool, bool)>, than: Priority) -> Option<(Priority, Key)> {
        let mut tasks: Vec<(Priority, Key)> = model.iter().map(|(&key, task)| (task.0, key)).collect();
        tasks.retain(|&(class, key)| class < than && key.1 % 3 > 0 && !model[&key].2);
        let least = tasks.iter().map(|task| task.0).min();
        tasks.into_iter().filter(|task| Some(task.0) == least).max()
    }

    proptest! {
        /// Whatever comes and goes, in any order, the queue answers as one sorted map would.
        #[test]
        fn it_answers_as_a_sorted_map_would(
            steps in proptest::collection::vec(
                (0_u64..300, 0_usize..3, any::<bool>(), any::<prop::sample::Index>()), 1..300,
            ),
            leaves in 1_u64..5,
        ) {
            const SECOND: u64 = 1_000_000_000;
            let (mut queue, mut model) = (Queue::new(), BTreeMap::new());
            for (number, (due, class, expires, which)) in (1..).zip(steps) {
                let due = if due % 4 == 0 { due / 25 } else { number / 25 };
                let (key, class) = ((due * SECOND + number % 7, number), CLASSES[class]);
                let late = queue.lanes[class as usize].last().is_some_and(|last| key < last);
                let is_first = queue.insert(key, waiting(number, class, expires));
                model.insert(key, (class, late || expires, expires));
                prop_assert_eq!(is_first, model.keys().next() == Some(&key));
                if number % leaves == 0 {
                    let &gone = model.keys().nth(which.index(model.len())).unwrap();
                    model.remove(&gone);
                    prop_assert_eq!(queue.remove(gone).map(|task| task.item), Some(gone.1));
                    prop_assert!(queue.remove(gone).is_none());
                }
                prop_assert_eq!(queue.len(), model.len());
                prop_assert_eq!(queue.first().map(|(key, _)| key), model.keys().next().copied());
                let now = which.index(12) as u64 * SECOND;
                prop_assert_eq!(queue.newest(now), newest(&model, now));
                for than in CLASSES {
                    prop_assert_eq!(queue.victim(than, usize::MAX), victim(&model, than));
                }
            }
            prop_assert_eq!(queue.iter().map(|(key, _)| key).max(), model.keys().next_back().copied());
            prop_assert_eq!(queue.iter().count(), model.len());
            while let Some((key, _)) = queue.first() {
                let popped = queue.pop_first(|task| task.item % 2 == 0).map(|(key, _)| key);
                prop_assert_eq!(popped, Some(key).filter(|key| key.1 % 2 == 0));
                let next = popped.or_else(|| queue.remove(key).map(|_| key));
                prop_assert_eq!(next, model.pop_first().map(|(key, _)| key));
            }
            prop_assert!(queue.is_empty() && model.is_empty());
            prop_assert!(queue.lanes.iter().all(|lane| lane.tasks.is_empty() && lane.gaps == 0));
        }
    }

    #[test]
    fn gaps_do_not_accumulate_and_an_empty_lane_keeps_little() {
        let mut queue = Queue::new();
        (0..10_000).for_each(|n| _ = queue.insert((n, n), waiting(n, Priority::Standard, false)));
        (1..9_999).for_each(|n| assert!(queue.remove((n, n)).is_some()));
        let lane = &queue.lanes[Priority::Standard as usize];
        assert!(queue.len() == 2 && lane.tasks.len() <= 2 + MIN_GAPS);
        [0, 9_999].iter().for_each(|&n| assert!(queue.remove((n, n)).is_some()));
        assert!(queue.is_empty() && queue.lanes[Priority::Standard as usize].tasks.capacity() < 10 * KEPT);
    }

    #[test]
    fn the_newest_is_of_the_most_urgent_class_and_the_victim_of_the_least() {
        let mut queue = Queue::new();
        for (number, priority) in (1..).zip([Priority::Bulk, Priority::Standard, Priority::Standard]) {
            let task = Waiting { placed: true, ..waiting(number, priority, false) };
            queue.insert((number + priority.slack_ns(), number), task);
        }
        let (standard, bulk) = (Priority::Standard.slack_ns(), Priority::Bulk.slack_ns());
        assert_eq!(queue.newest(3), Some((3 + standard, 3)));
        assert_eq!(queue.victim(Priority::Interactive, 8), Some((Priority::Bulk, (1 + bulk, 1))));
        queue.remove((1 + bulk, 1));
        assert_eq!(queue.victim(Priority::Interactive, 8).map(|(_, key)| key.1), Some(3));
        assert_eq!(queue.victim(Priority::Standard, 8), None);
    }

    #[test]
    fn no_more_tasks_are_examined_for_a_victim_than_allowed() {
        let mut queue = Queue::new();
        for number in 1..=3 {
            let task = Waiting { placed: number == 1, ..waiting(number, Priority::Bulk, false) };
            queue.insert((number, number), task);
        }
        assert_eq!(queue.victim(Priority::Standard, 2), None);
        assert_eq!(queue.victim(Priority::Standard, 3), Some((Priority::Bulk, (1, 1))));
    }
}
