//! Placements and orders of victims against tables written by hand, and what holds on every machine.

use proptest::prelude::*;

use super::*;

fn machine(description: &str) -> Topology {
    Topology::synthetic(description).unwrap()
}

/// The numbers of the hardware threads that the slots are dealt.
fn threads(description: &str, slots: usize, how: WorkerPlacement) -> Vec<usize> {
    Placement::new(&machine(description), slots, how).threads.iter().map(|thread| thread.number).collect()
}

/// The slots at which the worker of `slot` looks, in order: those of its node, then those of each
/// other node.
fn victims(layout: &Layout, slot: usize) -> Vec<Vec<usize>> {
    let own = layout.node_of(slot);
    let nodes = std::iter::once(own).chain(layout.others(own).iter().copied());
    nodes.map(|node| layout.victims(slot, node).collect()).collect()
}

#[test]
fn workers_are_dealt_core_by_core_and_node_by_node() {
    use WorkerPlacement::{Packed, Spread};
    // Hardware threads 0 to 3 are on node 0: 0 and 1 are a core.
    let two = "numa:2 core:2 pu:2";
    let table: [(&str, usize, WorkerPlacement, &[usize]); 8] = [
        (two, 3, Packed, &[0, 2, 1]),
        (two, 9, Packed, &[0, 2, 1, 3, 4, 6, 5, 7, 0]),
        (two, 3, Spread, &[0, 4, 2]),
        (two, 9, Spread, &[0, 4, 2, 6, 1, 5, 3, 7, 0]),
        ("core:2", 5, Packed, &[0, 1, 0, 1, 0]),
        ("core:2", 5, Spread, &[0, 1, 0, 1, 0]),
        // Fewer workers than nodes.
        ("numa:4 core:2", 2, Spread, &[0, 2]),
        // Node 2 is nearer to node 0 than node 1 is.
        ("numa:3 core:1 distances:10,31,21,31,10,31,21,31,10", 3, Packed, &[0, 2, 1]),
    ];
    for (description, slots, how, expected) in table {
        assert_eq!(threads(description, slots, how), expected, "{description}, {how}");
    }
}

#[test]
fn a_node_without_cores_left_is_passed_over() {
    let part = machine("numa:2 core:3").restricted_to(&[0, 3, 4, 5]).unwrap();
    let threads =
        |how| Placement::new(&part, 5, how).threads.iter().map(|thread| thread.number).collect::<Vec<_>>();
    assert_eq!(threads(WorkerPlacement::Spread), [0, 3, 4, 5, 0]);
    assert_eq!(threads(WorkerPlacement::Packed), [0, 3, 4, 5, 0]);
}

#[test]
fn thieves_look_at_the_same_cache_then_the_same_node_then_near_nodes_then_far_ones() {
    // Two nodes with two caches of two cores each, dealt in turn: the even slots are on node 0, of
    // which 0 and 2 share a cache, and 4 and 6.
    let placement = Placement::new(&machine("numa:2 cache:2 core:2"), 8, WorkerPlacement::Spread);
    let layout = &placement.layout;
    assert_eq!((0..8).map(|slot| layout.node_of(slot)).collect::<Vec<_>>(), [0, 1, 0, 1, 0, 1, 0, 1]);
    assert_eq!(victims(layout, 0), [vec![2, 4, 6], vec![1, 3, 5, 7]]);
    assert_eq!(victims(layout, 2), [vec![0, 6, 4], vec![3, 1, 7, 5]]);
    assert_eq!(victims(layout, 5), [vec![7, 1, 3], vec![0, 2, 4, 6]]);
    // Asymmetric: from node 0 node 2 is nearest, from node 2 node 1.
    let odd = "numa:3 core:1 distances:10,30,20,30,10,40,25,15,10";
    let placement = Placement::new(&machine(odd), 6, WorkerPlacement::Spread);
    assert_eq!(victims(&placement.layout, 0), [vec![3], vec![2, 5], vec![1, 4]]);
    assert_eq!(victims(&placement.layout, 2), [vec![5], vec![1, 4], vec![0, 3]]);
}

#[test]
fn of_equally_near_nodes_the_next_comes_first() {
    let placement = Placement::new(&machine("numa:4 core:1"), 4, WorkerPlacement::Packed);
    let orders: Vec<_> = (0..4).map(|node| placement.layout.others(node).to_vec()).collect();
    assert_eq!(orders, [[1, 2, 3], [2, 3, 0], [3, 0, 1], [0, 1, 2]]);
}

#[test]
fn one_node_is_flat() {
    for how in [WorkerPlacement::Spread, WorkerPlacement::Packed] {
        assert_eq!(Placement::new(&machine("core:4 pu:2"), 19, how).layout, Layout::flat(19));
    }
    let layout = Layout::flat(4);
    assert_eq!(victims(&layout, 1), [[2, 3, 0]], "the nearest neighbour first");
}

proptest! {
    #[test]
    fn every_worker_looks_at_every_other_once_and_at_its_node_first(
        (nodes, caches, cores, threads) in (1_usize..=8, 1_usize..=4, 1_usize..=16, 1_usize..=2),
        slots in 1_usize..300,
        packed in any::<bool>(),
    ) {
        let machine = machine(&format!("numa:{nodes} cache:{caches} core:{cores} pu:{threads}"));
        let how = if packed { WorkerPlacement::Packed } else { WorkerPlacement::Spread };
        let placement = Placement::new(&machine, slots, how);
        let layout = &placement.layout;
        for slot in 0..slots {
            let node = layout.node_of(slot);
            prop_assert_eq!(placement.threads[slot].node, node);
            let looked = victims(layout, slot);
            prop_assert!(looked[0].iter().all(|&other| layout.node_of(other) == node));
            prop_assert!(looked[1..].iter().flatten().all(|&other| layout.node_of(other) != node));
            let mut all = looked.concat();
            all.push(slot);
            all.sort_unstable();
            prop_assert!(all.into_iter().eq(0..slots));
        }
    }

    #[test]
    fn no_hardware_thread_has_two_workers_more_than_another(
        nodes in 1_usize..=8, cores in 1_usize..=64, slots in 1_usize..1_200, packed in any::<bool>(),
    ) {
        let machine = machine(&format!("numa:{nodes} core:{cores}"));
        let how = if packed { WorkerPlacement::Packed } else { WorkerPlacement::Spread };
        let mut on = vec![0_usize; nodes * cores];
        Placement::new(&machine, slots, how).threads.iter().for_each(|thread| on[thread.number] += 1);
        prop_assert!(on.iter().max().unwrap() - on.iter().min().unwrap() <= 1);
    }
}
