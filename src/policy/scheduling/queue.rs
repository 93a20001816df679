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
    pub(super) facts: Facts,
}

/// What the order knows of a waiting task.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    pub(super) priority: Priority,
    pub(super) arrival: u64,
    /// Whether the due time is a deadline.
    pub(super) expires: bool,
    /// Whether the task has a place in the queue, or waits for one.
    pub(super) placed: bool,
    /// Whether a more urgent task may evict it.
    pub(super) gives_way: bool,
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

    fn remove(&mut self, key: Key) -> Option<Waiting<T>> {
        let is_first = self.tasks.front()?.0 == key;
        let index = if is_first { 0 } else { self.tasks.binary_search_by_key(&key, |(at, _)| *at).ok()? };
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
    /// The number of tasks that are `placed`.
    placed: usize,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        let lanes = [(); CLASSES.len()].map(|()| Lane { tasks: VecDeque::new(), gaps: 0 });
        Self { lanes, sorted: BTreeMap::new(), placed: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len() + self.lanes.iter().map(|lane| lane.tasks.len() - lane.gaps).sum::<usize>()
    }

    /// Returns the number of tasks that have a place in the queue, or wait for one.
    pub(super) fn placed(&self) -> usize {
        self.placed
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first().is_none()
    }

    /// Inserts a task. Returns whether the task is now the first.
    #[inline]
    pub(super) fn insert(&mut self, key: Key, waiting: Waiting<T>) -> bool {
        let is_first = self.first().is_none_or(|(first, _)| key < first);
        self.placed += usize::from(waiting.facts.placed);
        let lane = &mut self.lanes[waiting.facts.priority as usize];
        if waiting.facts.expires || lane.last().is_some_and(|last| key < last) {
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

    /// Returns the task to evict for one of class `than`: the last one that gives way, of the least
    /// urgent class that has one. Examines at most `most` tasks of each class, and as many in the
    /// sorted map.
    pub(super) fn victim(&self, than: Priority, most: usize) -> Option<(Priority, Key)> {
        let in_lanes = CLASSES.into_iter().take_while(|class| *class < than).filter_map(|class| {
            let mut last = self.lanes[class as usize].iter().rev().take(most);
            last.find(|(_, task)| task.facts.gives_way).map(|(key, _)| (class, key))
        });
        let last = self.sorted.iter().rev().take(most).map(|(&key, task)| (task.facts, key));
        let evictable = last.filter(|(task, _)| task.gives_way && !task.expires && task.priority < than);
        let in_sorted = evictable.map(|(task, key)| (task.priority, key));
        in_lanes.chain(in_sorted).max_by_key(|&(class, key)| (Reverse(class), key))
    }

    /// Removes the first task if it satisfies `pred`.
    pub(super) fn pop_first(&mut self, pred: impl Fn(&Waiting<T>) -> bool) -> Option<(Key, Waiting<T>)> {
        let (key, first) = self.first().filter(|(_, first)| pred(first))?;
        let lane = &mut self.lanes[first.facts.priority as usize];
        let popped = lane.remove(key).or_else(|| self.sorted.remove(&key))?;
        self.placed -= usize::from(popped.facts.placed);
        Some((key, popped))
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Waiting<T>> {
        let removed = self.lanes.iter_mut().find_map(|lane| lane.remove(key));
        let removed = removed.or_else(|| self.sorted.remove(&key))?;
        self.placed -= usize::from(removed.facts.placed);
        Some(removed)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &Waiting<T>)> {
        let sorted = self.sorted.iter().map(|(&key, waiting)| (key, waiting));
        self.lanes.iter().flat_map(Lane::iter).chain(sorted)
    }
}

#[cfg(test)]
mod tests;
