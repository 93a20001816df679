//! Which documents of a batch share a task.

/// A document of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item {
    /// How long it is predicted to take.
    pub(crate) cost_ns: u64,
    /// Documents of different classes never share a task. Small numbers: there is a table over them.
    pub(crate) class: usize,
}

/// Documents that are converted one after the other in one task.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    /// Their positions in the batch, ascending.
    pub(crate) members: Vec<usize>,
    /// The sum of their costs.
    pub(crate) cost_ns: u64,
}

/// While much is left, groups are up to so many times the target.
const LARGEST: u64 = 4;
/// Towards the end of a batch they get smaller, down to this part of the target.
const SMALLEST: u64 = 4;
/// So many groups a thread are wanted of what is left.
const PER_THREAD: u64 = 4;

/// Divides a batch into groups of about `target_ns`, the most expensive first.
///
/// A task that is much longer than the cost of dispatching it loses little by it; that sets the target, and while much is
/// left groups are longer still, to lose less. But the last group to be started decides when the batch is over, so groups
/// shrink as less is left (guided self-scheduling, Polychronopoulos and Kuck 1987), and the expensive ones go first
/// (longest processing time, Graham 1969).
pub(crate) fn groups(items: &[Item], target_ns: u64, threads: usize) -> Vec<Group> {
    let mut left: u64 = items.iter().fold(0, |sum, item| sum.saturating_add(item.cost_ns));
    let parts = PER_THREAD * threads.max(1) as u64;
    let (smallest, largest) = (target_ns / SMALLEST, target_ns.saturating_mul(LARGEST));
    let classes = items.iter().map(|item| item.class + 1).max().unwrap_or(0);
    let mut open: Vec<Group> = Vec::new();
    open.resize_with(classes, Group::default);
    let mut closed = Vec::new();
    for (position, item) in items.iter().enumerate() {
        let enough = (left / parts).clamp(smallest, largest);
        if item.cost_ns >= enough {
            // Long enough by itself; a group that is under way stays open for the small ones.
            closed.push(Group { members: vec![position], cost_ns: item.cost_ns });
            left = left.saturating_sub(item.cost_ns);
            continue;
        }
        let group = &mut open[item.class];
        group.members.push(position);
        group.cost_ns = group.cost_ns.saturating_add(item.cost_ns);
        if group.cost_ns >= enough {
            left = left.saturating_sub(group.cost_ns);
            closed.push(std::mem::take(group));
        }
    }
    closed.extend(open.into_iter().filter(|group| !group.members.is_empty()));
    closed.sort_by_key(|group| std::cmp::Reverse(group.cost_ns));
    closed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TARGET: u64 = 100_000;

    fn items() -> impl Strategy<Value = Vec<Item>> {
        proptest::collection::vec(
            (prop_oneof![0..2_000_u64, 0..200_000_u64, Just(u64::MAX)], 0_usize..4)
                .prop_map(|(cost_ns, class)| Item { cost_ns, class }),
            0..400,
        )
    }

    proptest! {
        #[test]
        fn every_document_is_in_one_group_in_order(items in items(), threads in 0_usize..64) {
            let groups = groups(&items, TARGET, threads);
            let mut seen: Vec<usize> = groups.iter().flat_map(|group| group.members.clone()).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..items.len()).collect::<Vec<_>>());
            for group in &groups {
                prop_assert!(group.members.is_sorted());
                let class = items[group.members[0]].class;
                prop_assert!(group.members.iter().all(|&member| items[member].class == class));
            }
            prop_assert!(groups.is_sorted_by_key(|group| std::cmp::Reverse(group.cost_ns)));
        }

        /// Small documents share tasks, and no shared task is much longer than the largest group.
        #[test]
        fn the_number_of_groups_is_bounded(items in items(), threads in 1_usize..64) {
            let total: u64 = items.iter().fold(0, |sum, item| sum.saturating_add(item.cost_ns));
            let groups = groups(&items, TARGET, threads);
            let long = items.iter().filter(|item| item.cost_ns >= TARGET / SMALLEST).count() as u64;
            let most = long + total / (TARGET / SMALLEST) + 4;
            prop_assert!(groups.len() as u64 <= most, "{} > {most}", groups.len());
            for group in groups.iter().filter(|group| group.members.len() > 1) {
                prop_assert!(group.cost_ns < 2 * LARGEST * TARGET);
            }
        }
    }

    #[test]
    fn a_long_batch_gets_full_groups_first_and_small_ones_last() {
        let items = vec![Item { cost_ns: 5_000, class: 0 }; 1_000];
        let groups = groups(&items, TARGET, 2);
        assert_eq!(groups[0].cost_ns, LARGEST * TARGET);
        assert!(groups.last().is_some_and(|group| group.cost_ns <= TARGET / SMALLEST));
    }

    #[test]
    fn a_short_batch_still_keeps_every_thread_busy() {
        let items = vec![Item { cost_ns: 10_000, class: 0 }; 40];
        assert!(groups(&items, TARGET, 4).len() >= 8);
    }
}
