//! What one tenant has waiting, in the order in which it is due.
//!
//! Tasks of one class come, nearly always, in the order in which they are due. So each class has a lane, to which such tasks are only
//! appended. What has a deadline, or comes late, is sorted in beside the lanes.

use std::cmp::Reverse;

use super::lane::{Lane, Sorted};
use crate::task::Priority;

/// Where a task stands among its tenant's: by the time it is due, then in the order of arrival.
pub(super) type Standing = (u64, u64);

/// A task that waits.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    pub(super) item: T,
    pub(super) priority: Priority,
    pub(super) arrival: u64,
    /// It is of no use after it is due.
    pub(super) expires: bool,
    /// It holds a place in the queue, and may have to give way to more urgent tasks.
    pub(super) placed: bool,
    /// How long it takes on a worker, as far as was known when it came.
    pub(super) time: u64,
}

#[derive(Debug)]
pub(super) struct Queue<T> {
    lanes: [Lane<Waiting<T>>; 3],
    sorted: Sorted<Waiting<T>>,
    len: usize,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self { lanes: [Lane::new(), Lane::new(), Lane::new()], sorted: Sorted::new(), len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Says whether it may be the first one now. Inlined, so that the task is written where it stays.
    #[inline(always)]
    pub(super) fn insert(&mut self, standing: Standing, waiting: Waiting<T>) -> bool {
        self.len += 1;
        let lane = &mut self.lanes[lane_of(waiting.priority)];
        let last = lane.last().map(|(last, _)| last);
        if waiting.expires || last.is_some_and(|last| last > standing) {
            let first = self.sorted.first().is_none_or(|(first, _)| first > standing);
            self.sorted.insert(standing, waiting);
            return first;
        }
        lane.push(standing, waiting);
        last.is_none()
    }

    /// The task that is due first.
    pub(super) fn first(&self) -> Option<(Standing, &Waiting<T>)> {
        let mut first = self.sorted.first();
        for lane in &self.lanes {
            if let Some(own) = lane.first() {
                first = first.filter(|(at, _)| *at < own.0).or(Some(own));
            }
        }
        first
    }

    /// The newest task of the most urgent class there is. What is sorted counts as of the class by whose slack from `now` on it is due.
    pub(super) fn newest(&self, now: u64) -> Option<Standing> {
        let newest = |priority: Priority| {
            let due = now.saturating_add(priority.slack_ns());
            let sorted = self.sorted.last_until((due, u64::MAX));
            self.lanes[lane_of(priority)].last().map(|(at, _)| at).max(sorted)
        };
        newest(Priority::Interactive)
            .or_else(|| newest(Priority::Standard))
            .or_else(|| newest(Priority::Bulk))
            .or_else(|| self.sorted.last_until((u64::MAX, u64::MAX)))
    }

    /// Of the tasks that are due last, `most` of each lane: the least urgent one `that` is asked for.
    pub(super) fn last(
        &self,
        most: usize,
        that: impl Fn(&Waiting<T>) -> bool,
    ) -> Option<(Standing, &Waiting<T>)> {
        let of_lanes = self.lanes.iter().map(|lane| lane.last_of(most, &that));
        of_lanes
            .chain(self.sorted.last_of(most, &that))
            .flatten()
            .max_by_key(|(at, waiting)| (Reverse(waiting.priority), *at))
    }

    /// Takes out the task that is due first, if `that` is said of it.
    pub(super) fn pop_first(&mut self, that: impl Fn(&Waiting<T>) -> bool) -> Option<(Standing, Waiting<T>)> {
        let (standing, first) = self.first()?;
        if !that(first) {
            return None;
        }
        let lane = &mut self.lanes[lane_of(first.priority)];
        let taken = lane.take_first(standing).or_else(|| self.sorted.remove(standing))?;
        self.len -= 1;
        Some((standing, taken))
    }

    pub(super) fn remove(&mut self, standing: Standing) -> Option<Waiting<T>> {
        let lanes = &mut self.lanes;
        let taken = lanes.iter_mut().find_map(|lane| lane.take_first(standing));
        let taken = taken.or_else(|| self.sorted.remove(standing));
        let taken = taken.or_else(|| lanes.iter_mut().find_map(|lane| lane.take(standing)))?;
        self.len -= 1;
        Some(taken)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Standing, &Waiting<T>)> {
        self.lanes.iter().flat_map(Lane::iter).chain(self.sorted.iter())
    }
}

fn lane_of(priority: Priority) -> usize {
    match priority {
        Priority::Interactive => 0,
        Priority::Standard => 1,
        Priority::Bulk => 2,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn waiting(number: u64, priority: Priority, expires: bool) -> Waiting<u64> {
        Waiting { item: number, priority, arrival: 0, expires, placed: true, time: 0 }
    }

    proptest! {
        /// Whatever comes and goes, in any order: the same task is first as in a sorted map, and nothing is lost or kept.
        #[test]
        fn it_is_in_order_whatever_comes_and_goes(
            steps in proptest::collection::vec((0_u64..50, 0_usize..3, any::<bool>(), any::<prop::sample::Index>()), 1..300),
            leaves in 1_usize..5,
        ) {
            let (mut queue, mut model) = (Queue::new(), BTreeMap::new());
            for (number, (due, class, expires, which)) in (1..).zip(steps) {
                let priority = [Priority::Interactive, Priority::Standard, Priority::Bulk][class];
                // Mostly in order, and late now and then.
                let standing = (due + number * 10, number);
                let may_be_first = queue.insert(standing, waiting(number, priority, expires && due % 4 == 0));
                model.insert(standing, number);
                prop_assert!(may_be_first || model.keys().next() != Some(&standing));
                if number % leaves as u64 == 0 {
                    let &gone = model.keys().nth(which.index(model.len())).unwrap();
                    prop_assert_eq!(queue.remove(gone).map(|w| w.item), model.remove(&gone));
                    prop_assert!(queue.remove(gone).is_none());
                }
                prop_assert_eq!(queue.len(), model.len());
                prop_assert_eq!(queue.first().map(|(at, _)| at), model.keys().next().copied());
            }
            prop_assert_eq!(queue.iter().count(), model.len());
            while let Some((at, _)) = queue.first() {
                let next = queue.pop_first(|waiting| waiting.item % 2 == 0).map(|(_, waiting)| waiting.item);
                let next = next.or_else(|| queue.remove(at).map(|waiting| waiting.item));
                prop_assert_eq!(next, model.pop_first().map(|(_, number)| number));
            }
            prop_assert!(queue.is_empty() && model.is_empty());
            prop_assert!(queue.lanes.iter().all(Lane::is_empty) && queue.sorted.is_empty());
        }
    }

    #[test]
    fn the_newest_is_of_the_most_urgent_class_and_the_last_of_the_least() {
        let mut queue = Queue::new();
        for (number, priority) in (1..).zip([Priority::Bulk, Priority::Standard, Priority::Standard]) {
            queue.insert((number + priority.slack_ns(), number), waiting(number, priority, false));
        }
        let standard = Priority::Standard.slack_ns();
        assert_eq!(queue.newest(3), Some((3 + standard, 3)));
        assert_eq!(queue.last(8, |_| true).map(|(at, _)| at.1), Some(1));
        assert_eq!(queue.last(8, |waiting| waiting.priority > Priority::Bulk).map(|(at, _)| at.1), Some(3));
        assert!(queue.last(8, |_| false).is_none());
    }
}
