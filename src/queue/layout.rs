//! Which workers are near to each other.
//!
//! Workers are in groups, whose members are equally near: they share a cache. Each group is on a
//! NUMA node. A thief looks at its own group, then at the other groups of its node, then at the
//! other nodes, the nearest first. A pool that does not place its workers has one node with one
//! group.

/// The groups of a pool's worker slots. Plain data; the policy fills it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The group of each slot, and its place there.
    pub(crate) positions: Box<[(usize, usize)]>,
    pub(crate) groups: Box<[Group]>,
    pub(crate) nodes: Box<[Node]>,
}

/// Worker slots that are equally near to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) node: usize,
    /// In ascending order.
    pub(crate) slots: Box<[usize]>,
    /// The groups of the same node, this one first.
    pub(crate) near: Box<[usize]>,
}

/// A NUMA node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) groups: Box<[usize]>,
    /// The other nodes, the nearest first.
    pub(crate) others: Box<[usize]>,
}

impl Layout {
    /// Returns one node with one group.
    pub(crate) fn flat(slots: usize) -> Self {
        Self {
            positions: (0..slots).map(|slot| (0, slot)).collect(),
            groups: [Group { node: 0, slots: (0..slots).collect(), near: [0].into() }].into(),
            nodes: [Node { groups: [0].into(), others: [].into() }].into(),
        }
    }

    /// Returns the node of a slot.
    pub(crate) fn node_of(&self, slot: usize) -> usize {
        self.groups[self.positions[slot].0].node
    }

    /// Returns the other slots of the node of `slot`, the nearest first: those that follow it in
    /// its own group, then those of the other groups.
    pub(crate) fn near(&self, slot: usize) -> impl Iterator<Item = usize> {
        let (group, place) = self.positions[slot];
        self.groups[group].near.iter().enumerate().flat_map(move |(at, &group)| {
            let slots = &self.groups[group].slots;
            // Thieves of one group do not all begin with the same victim.
            let (before, after) = slots.split_at(place % slots.len());
            let own = usize::from(at == 0);
            after[own.min(after.len())..].iter().chain(before).copied()
        })
    }

    /// Returns the slots of another node, in the order in which the worker of `slot` looks at them.
    pub(crate) fn far(&self, slot: usize, node: usize) -> impl Iterator<Item = usize> {
        let (_, place) = self.positions[slot];
        self.nodes[node].groups.iter().flat_map(move |&group| {
            let slots = &self.groups[group].slots;
            let (before, after) = slots.split_at(place % slots.len());
            after.iter().chain(before).copied()
        })
    }

    /// Returns the other nodes of a node, the nearest first.
    pub(crate) fn others(&self, node: usize) -> &[usize] {
        &self.nodes[node].others
    }
}
