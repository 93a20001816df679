//! What comes, nearly always, in its order, kept in that order: an item is appended, or else sorted in. To append takes a few
//! nanoseconds.

use std::collections::{BTreeMap, VecDeque};

use super::queue::Standing;

/// A lane with so many gaps is closed up once they are more than half of it,
const MANY_GAPS: usize = 32;
/// or so many of them lie side by side: whoever looks for the last ones passes them over one by one. (So of a lane of n, as many leaving
/// side by side, each moves n / 256 others at the most.)
const LONG_GAP: usize = if cfg!(test) { 4 } else { 256 };
/// An empty lane keeps room for so many.
const KEPT: usize = 64;

/// Items that come in their order. One that leaves from its middle leaves a gap there; there is none at either end.
#[derive(Debug)]
pub(super) struct Lane<T> {
    items: VecDeque<(Standing, Option<T>)>,
    gaps: usize,
}

impl<T> Lane<T> {
    pub(super) fn new() -> Self {
        Self { items: VecDeque::new(), gaps: 0 }
    }

    /// After the last one, where it has to stand.
    #[inline(always)]
    pub(super) fn push(&mut self, standing: Standing, item: T) {
        self.items.push_back((standing, Some(item)));
    }

    pub(super) fn first(&self) -> Option<(Standing, &T)> {
        self.items.front().and_then(present)
    }

    pub(super) fn last(&self) -> Option<(Standing, &T)> {
        self.items.back().and_then(present)
    }

    /// Where the last one up to `end` stands.
    fn last_until(&self, end: Standing) -> Option<Standing> {
        let count = self.items.partition_point(|(at, _)| *at <= end);
        self.items.range(..count).rev().find_map(present).map(|(at, _)| at)
    }

    /// The last one of the last `most` `that` is said of.
    pub(super) fn last_of(&self, most: usize, that: impl Fn(&T) -> bool) -> Option<(Standing, &T)> {
        self.iter().rev().take(most).find(|(_, item)| that(item))
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (Standing, &T)> {
        self.items.iter().filter_map(present)
    }

    /// Takes out the one that stands there, if it is the first.
    pub(super) fn take_first(&mut self, standing: Standing) -> Option<T> {
        self.items.front().filter(|(at, _)| *at == standing)?;
        let (_, taken) = self.items.pop_front()?;
        self.trim();
        taken
    }

    /// Takes out the one that stands there.
    pub(super) fn take(&mut self, standing: Standing) -> Option<T> {
        let index = self.items.binary_search_by_key(&standing, |(at, _)| *at).ok()?;
        let taken = self.items.get_mut(index)?.1.take()?;
        self.gaps += 1;
        let is_long = self.gaps > LONG_GAP && self.gap_at(index) > LONG_GAP;
        if is_long || (self.gaps > MANY_GAPS && self.gaps > self.items.len() / 2) {
            self.items.retain(|(_, item)| item.is_some());
            self.gaps = 0;
        }
        self.trim();
        Some(taken)
    }

    /// How long the gap there is, on either side as far as it matters.
    fn gap_at(&self, index: usize) -> usize {
        let is_gap = |(_, item): &&(Standing, Option<T>)| item.is_none();
        let after = self.items.range(index..).take(LONG_GAP + 1).take_while(is_gap).count();
        after + self.items.range(..index).rev().take(LONG_GAP).take_while(is_gap).count()
    }

    /// Drops the gaps at the ends.
    fn trim(&mut self) {
        while self.gaps > 0 && self.items.front().is_some_and(|(_, item)| item.is_none()) {
            self.items.pop_front();
            self.gaps -= 1;
        }
        while self.gaps > 0 && self.items.back().is_some_and(|(_, item)| item.is_none()) {
            self.items.pop_back();
            self.gaps -= 1;
        }
        if self.items.is_empty() && self.items.capacity() > KEPT {
            self.items.shrink_to(KEPT);
        }
    }
}

fn present<T>((at, item): &(Standing, Option<T>)) -> Option<(Standing, &T)> {
    item.as_ref().map(|item| (*at, item))
}

/// Items that come in any order: a lane, and beside it what came too late for it.
#[derive(Debug)]
pub(super) struct Sorted<T> {
    lane: Lane<T>,
    late: BTreeMap<Standing, T>,
}

impl<T> Sorted<T> {
    pub(super) fn new() -> Self {
        Self { lane: Lane::new(), late: BTreeMap::new() }
    }

    pub(super) fn insert(&mut self, standing: Standing, item: T) {
        if self.lane.last().is_some_and(|(last, _)| last > standing) {
            self.late.insert(standing, item);
        } else {
            self.lane.push(standing, item);
        }
    }

    pub(super) fn first(&self) -> Option<(Standing, &T)> {
        let late = self.late.first_key_value().map(|(&at, item)| (at, item));
        match (self.lane.first(), late) {
            (Some(first), Some(late)) => Some(if first.0 < late.0 { first } else { late }),
            (first, late) => first.or(late),
        }
    }

    /// Where the last one up to `end` stands.
    pub(super) fn last_until(&self, end: Standing) -> Option<Standing> {
        let late = self.late.range(..=end).next_back().map(|(&at, _)| at);
        self.lane.last_until(end).max(late)
    }

    /// As [`Lane::last_of`], of the lane and of what is beside it.
    pub(super) fn last_of(&self, most: usize, that: impl Fn(&T) -> bool) -> [Option<(Standing, &T)>; 2] {
        let late =
            self.late.iter().rev().take(most).map(|(&at, item)| (at, item)).find(|(_, item)| that(item));
        [self.lane.last_of(most, &that), late]
    }

    pub(super) fn remove(&mut self, standing: Standing) -> Option<T> {
        let taken = self.lane.take_first(standing).or_else(|| self.late.remove(&standing));
        taken.or_else(|| self.lane.take(standing))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Standing, &T)> {
        self.lane.iter().chain(self.late.iter().map(|(&at, item)| (at, item)))
    }
}

#[cfg(test)]
impl<T> Lane<T> {
    /// Nothing is left, nor a gap.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.gaps == 0
    }
}

#[cfg(test)]
impl<T> Sorted<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.lane.is_empty() && self.late.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever comes and goes: it is as in a sorted map, seen from its beginning, from its end, and as a whole.
        #[test]
        fn it_is_as_in_a_sorted_map(
            steps in proptest::collection::vec((0_u64..60, 1_u64..8, any::<prop::sample::Index>()), 1..300),
            leaves in 1_u64..5,
        ) {
            let (mut sorted, mut model) = (Sorted::new(), BTreeMap::new());
            for (number, (due, part, which)) in (1_u64..).zip(steps) {
                let standing = (due + number * 10, number);
                sorted.insert(standing, number);
                model.insert(standing, number);
                if number % leaves == 0 {
                    let &gone = model.keys().nth(which.index(model.len())).unwrap();
                    prop_assert_eq!(sorted.remove(gone), model.remove(&gone));
                    prop_assert!(sorted.remove(gone).is_none());
                }
                let first = model.first_key_value().map(|(&at, item)| (at, item));
                prop_assert_eq!(sorted.first(), first);
                let end = (due + number * 5, u64::MAX);
                prop_assert_eq!(sorted.last_until(end), model.range(..=end).next_back().map(|(&at, _)| at));
                let that = |item: &u64| item % part == 0;
                let last = sorted.last_of(usize::MAX, that).into_iter().flatten().max();
                prop_assert_eq!(last, model.iter().rev().map(|(&at, item)| (at, item)).find(|(_, item)| that(item)));
                let most = which.index(model.len() + 1);
                let of_the_lane = sorted.lane.iter().rev().take(most).find(|(_, item)| that(item));
                let late = sorted.late.iter().rev().map(|(&at, item)| (at, item)).take(most).find(|(_, item)| that(item));
                prop_assert_eq!(sorted.last_of(most, that), [of_the_lane, late]);
                let all: BTreeMap<_, _> = sorted.iter().map(|(at, &item)| (at, item)).collect();
                prop_assert_eq!(&all, &model);
            }
            while let Some((at, item)) = model.pop_first() {
                prop_assert_eq!(sorted.remove(at), Some(item));
            }
            prop_assert!(sorted.is_empty());
        }
    }

    #[test]
    fn gaps_do_not_pile_up() {
        let mut lane = Lane::new();
        for number in 0..10_000 {
            lane.push((number, number), ());
        }
        for number in 1..9_999 {
            assert!(lane.take((number, number)).is_some());
        }
        assert_eq!(lane.iter().count(), 2);
        assert!(lane.items.len() <= 2 + MANY_GAPS);
    }

    #[test]
    fn no_gap_is_long_whoever_leaves_first() {
        let full = || {
            let mut lane = Lane::new();
            (0..1_000).for_each(|number| lane.push((number, number), ()));
            lane
        };
        let is_fine = |lane: &Lane<()>| {
            let all: Vec<bool> = lane.items.iter().map(|(_, item)| item.is_none()).collect();
            all.chunk_by(|a, b| a == b).all(|row| !row[0] || row.len() <= LONG_GAP)
        };
        let mut lane = full();
        while let Some(last) = lane.last_until((900, 900)) {
            assert!(lane.take(last).is_some() && is_fine(&lane));
        }
        assert_eq!(lane.iter().count(), 99);
        lane = full();
        for number in
            (100..400).chain((500..800).rev()).chain((410..490).step_by(2)).chain((411..490).step_by(2))
        {
            assert!(lane.take((number, number)).is_some() && is_fine(&lane));
        }
        assert_eq!(lane.iter().count(), 320);
    }

    #[test]
    fn an_empty_lane_keeps_no_room_for_a_crowd() {
        let mut lane = Lane::new();
        (0..100_000).for_each(|number| lane.push((number, number), ()));
        (0..100_000).for_each(|number| assert!(lane.take_first((number, number)).is_some()));
        assert!(lane.is_empty() && lane.items.capacity() < 10 * KEPT);
    }
}
