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
        let long = items.iter().filter(|item| item.cost_ns >= TARGET / MIN_GROUP_DIVISOR).count() as u64;
        let most = long + total / (TARGET / MIN_GROUP_DIVISOR) + 4;
        prop_assert!(groups.len() as u64 <= most, "{} > {most}", groups.len());
        for group in groups.iter().filter(|group| group.members.len() > 1) {
            prop_assert!(group.cost_ns < 2 * MAX_GROUP * TARGET);
        }
    }
}

#[test]
fn a_long_batch_gets_full_groups_first_and_small_ones_last() {
    let items = vec![Item { cost_ns: 5_000, class: 0 }; 1_000];
    let groups = groups(&items, TARGET, 2);
    assert_eq!(groups[0].cost_ns, MAX_GROUP * TARGET);
    assert!(groups.last().is_some_and(|group| group.cost_ns <= TARGET / MIN_GROUP_DIVISOR));
}

#[test]
fn a_short_batch_still_keeps_every_thread_busy() {
    let items = vec![Item { cost_ns: 10_000, class: 0 }; 40];
    assert!(groups(&items, TARGET, 4).len() >= 8);
}
