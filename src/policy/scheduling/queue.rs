//! The waiting tasks of one tenant, sorted by due time.
//!
//! A queue has one sorted map per class and one for tasks with a deadline. So the last task of a
//! class is at the end of a map: eviction and newest-first order need no search.

use std::collections::BTreeMap;

use crate::task::Priority;

/// The position of a task among those of its tenant: its due time, then its sequence number.
pub(super) type Key = (u64, u64);

/// The classes, least urgent first. `class as usize` is the index of a class's map.
const CLASSES: [Priority; 3] = [Priority::Bulk, Priority::Standard, Priority::Interactive];
/// The index of the map of tasks with a deadline.
const DEADLINES: usize = CLASSES.len();

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

#[derive(Debug)]
pub(super) struct Queue<T> {
    maps: [BTreeMap<Key, Waiting<T>>; CLASSES.len() + 1],
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self { maps: [const { BTreeMap::new() }; CLASSES.len() + 1] }
    }

    pub(super) fn len(&self) -> usize {
        self.maps.iter().map(BTreeMap::len).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.maps.iter().all(BTreeMap::is_empty)
    }

    /// Inserts a task. Returns whether the task is now the first.
    pub(super) fn insert(&mut self, key: Key, waiting: Waiting<T>) -> bool {
        let is_first = self.first().is_none_or(|(first, _)| key < first);
        self.maps[map_of(&waiting)].insert(key, waiting);
        is_first
    }

    /// Returns the task with the earliest due time.
    pub(super) fn first(&self) -> Option<(Key, &Waiting<T>)> {
        let firsts = self.maps.iter().filter_map(BTreeMap::first_key_value);
        firsts.min_by_key(|(key, _)| **key).map(|(&key, waiting)| (key, waiting))
    }

    /// Returns the newest task of the most urgent class. A task with a deadline belongs to the
    /// class whose slack, counted from `now`, reaches the deadline.
    pub(super) fn newest(&self, now: u64) -> Option<Key> {
        let deadlines = &self.maps[DEADLINES];
        let newest = |class: Priority| {
            let end = (now.saturating_add(class.slack_ns()), u64::MAX);
            let own = self.maps[class as usize].keys().next_back();
            own.max(deadlines.range(..=end).next_back().map(|(key, _)| key)).copied()
        };
        CLASSES.into_iter().rev().find_map(newest).or_else(|| deadlines.keys().next_back().copied())
    }

    /// Returns the task to evict for one of class `than`: the last one with a permit, of the least
    /// urgent class that has one. Examines at most `most` tasks of each class.
    pub(super) fn victim(&self, than: Priority, most: usize) -> Option<(Priority, Key)> {
        CLASSES.into_iter().take_while(|class| *class < than).find_map(|class| {
            let mut last = self.maps[class as usize].iter().rev().take(most);
            last.find(|(_, waiting)| waiting.placed).map(|(&key, _)| (class, key))
        })
    }

    /// Removes the first task if it satisfies `pred`.
    pub(super) fn pop_first(&mut self, pred: impl Fn(&Waiting<T>) -> bool) -> Option<(Key, Waiting<T>)> {
        let (_, first) = self.first().filter(|(_, first)| pred(first))?;
        let map = map_of(first);
        self.maps[map].pop_first()
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Waiting<T>> {
        self.maps.iter_mut().find_map(|map| map.remove(&key))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &Waiting<T>)> {
        self.maps.iter().flatten().map(|(&key, waiting)| (key, waiting))
    }
}

fn map_of<T>(waiting: &Waiting<T>) -> usize {
    if waiting.expires { DEADLINES } else { waiting.priority as usize }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn waiting(number: u64, priority: Priority, expires: bool) -> Waiting<u64> {
        Waiting { item: number, priority, arrival: 0, expires, placed: number % 3 > 0, time: 0 }
    }

    /// What the newest task of the most urgent class is, by its definition.
    fn newest(model: &BTreeMap<Key, (Priority, bool)>, now: u64) -> Option<Key> {
        let newest = |class: Priority| {
            let of_class = |(key, task): &(&Key, &(Priority, bool))| match **task {
                (_, true) => key.0 <= now + class.slack_ns(),
                (own, false) => own == class,
            };
            model.iter().rev().find(of_class).map(|(&key, _)| key)
        };
        CLASSES.into_iter().rev().find_map(newest).or_else(|| model.keys().next_back().copied())
    }

    /// Which task is to be evicted, by its definition.
    fn victim(model: &BTreeMap<Key, (Priority, bool)>, than: Priority) -> Option<(Priority, Key)> {
        let mut tasks: Vec<(Priority, Key)> = model.iter().map(|(&key, task)| (task.0, key)).collect();
        tasks.retain(|&(class, key)| class < than && key.1 % 3 > 0 && !model[&key].1);
        let least = tasks.iter().map(|task| task.0).min();
        tasks.into_iter().filter(|task| Some(task.0) == least).max()
    }

    proptest! {
        /// Whatever comes and goes, in any order, the queue answers as one sorted map would.
        #[test]
        fn it_answers_as_a_sorted_map_would(
            steps in proptest::collection::vec(
                (0_u64..12, 0_usize..3, any::<bool>(), any::<prop::sample::Index>()), 1..300,
            ),
            leaves in 1_u64..5,
        ) {
            const SECOND: u64 = 1_000_000_000;
            let (mut queue, mut model) = (Queue::new(), BTreeMap::new());
            for (number, (due, class, expires, which)) in (1..).zip(steps) {
                let (key, class) = ((due * SECOND + number % 7, number), CLASSES[class]);
                let is_first = queue.insert(key, waiting(number, class, expires));
                model.insert(key, (class, expires));
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
        }
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
