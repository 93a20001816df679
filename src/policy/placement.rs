//! Which worker is on which node and core, and in which order a worker looks at the others.
//!
//! Workers are placed core by core: a node's cores get one worker each before its second hardware
//! threads get any. When every hardware thread has a worker, the next workers begin again.

use std::collections::BTreeMap;

use crate::config::WorkerPlacement;
use crate::queue::{Group, Layout, Node};
use crate::topology::{HardwareThread, Topology};

/// The place of each worker slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placement {
    /// The hardware thread of each slot.
    pub(crate) threads: Box<[HardwareThread]>,
    pub(crate) layout: Layout,
}

impl Placement {
    /// Places `slots` workers on a machine.
    pub(crate) fn new(machine: &Topology, slots: usize, how: WorkerPlacement) -> Self {
        let order = match how {
            WorkerPlacement::Spread => spread(machine),
            WorkerPlacement::Packed => packed(machine),
        };
        let threads: Box<[_]> = order.iter().cycle().take(slots).copied().collect();
        let layout = layout(machine, &threads);
        Self { threads, layout }
    }
}

/// The hardware threads of a node, the first of each core before the second of any.
fn of_node(machine: &Topology, node: usize) -> Vec<HardwareThread> {
    let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
    let mut rank = |thread: &HardwareThread| {
        let rank = seen.entry(thread.core).or_default();
        *rank += 1;
        *rank
    };
    let threads = machine.threads().iter().filter(|thread| thread.node == node);
    let mut ranked: Vec<_> = threads.map(|thread| (rank(thread), *thread)).collect();
    // The sort is stable: within a rank the order stays cache by cache, core by core.
    ranked.sort_by_key(|&(rank, _)| rank);
    ranked.into_iter().map(|(_, thread)| thread).collect()
}

/// One node after the other, each the nearest to those before it.
fn packed(machine: &Topology) -> Vec<HardwareThread> {
    let mut left: Vec<usize> = (0..machine.nodes()).collect();
    let mut taken: Vec<usize> = Vec::new();
    while !left.is_empty() {
        let far = |&node: &usize| taken.iter().map(|&near| machine.distance(near, node)).sum::<u32>();
        let at = (0..left.len()).min_by_key(|&at| far(&left[at])).unwrap_or(0);
        taken.push(left.remove(at));
    }
    taken.into_iter().flat_map(|node| of_node(machine, node)).collect()
}

/// A core of each node in turn, as long as the node has one.
fn spread(machine: &Topology) -> Vec<HardwareThread> {
    let nodes: Vec<_> = (0..machine.nodes()).map(|node| of_node(machine, node)).collect();
    let longest = nodes.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest).flat_map(|at| nodes.iter().filter_map(move |node| node.get(at)).copied()).collect()
}

/// Groups the slots by node and cache.
fn layout(machine: &Topology, threads: &[HardwareThread]) -> Layout {
    let mut members: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for (slot, thread) in threads.iter().enumerate() {
        members.entry((thread.node, thread.cache)).or_default().push(slot);
    }
    let mut positions = vec![(0, 0); threads.len()];
    for (group, slots) in members.values().enumerate() {
        slots.iter().enumerate().for_each(|(place, &slot)| positions[slot] = (group, place));
    }
    let node_of: Vec<usize> = members.keys().map(|&(node, _)| node).collect();
    let node_of = &node_of;
    let on = |node: usize| (0..node_of.len()).filter(move |&group| node_of[group] == node);
    let groups =
        members.values().zip(node_of).map(|(slots, &node)| Group { node, slots: slots.clone().into() });
    let nodes = machine.nodes();
    let node = |node: usize| {
        let mut others: Vec<usize> = (node + 1..nodes).chain(0..node).collect();
        // Stable: of equally near nodes the next one comes first.
        others.sort_by_key(|&other| machine.distance(node, other));
        Node { groups: on(node).collect(), others: others.into() }
    };
    Layout { positions: positions.into(), groups: groups.collect(), nodes: (0..nodes).map(node).collect() }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
