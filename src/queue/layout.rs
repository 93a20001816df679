//! Which workers are near to each other.
//!
//! Workers that share a cache form a group, and each group is on a NUMA node. A thief looks at its
//! own group, then at the other groups of its node, then at the other nodes, the nearest first. A
//! pool that does not place its workers has one node with one group.

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
}

/// A NUMA node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// In ascending order.
    pub(crate) groups: Box<[usize]>,
    /// The other nodes, the nearest first.
    pub(crate) others: Box<[usize]>,
}

impl Layout {
    /// Returns one node with one group.
    pub(crate) fn flat(slots: usize) -> Self {
        Self {
            positions: (0..slots).map(|slot| (0, slot)).collect(),
            groups: [Group { node: 0, slots: (0..slots).collect() }].into(),
            nodes: [Node { groups: [0].into(), others: [].into() }].into(),
        }
    }

    pub(crate) fn node_of(&self, slot: usize) -> usize {
        self.groups[self.positions[slot].0].node
    }

    /// Returns the other slots of `node`, in the order in which the worker of `slot` looks at them:
    /// its own group first, if that is there. Thieves do not all begin with the same group and the
    /// same victim.
    pub(crate) fn victims(&self, slot: usize, node: usize) -> impl Iterator<Item = usize> {
        let (own, place) = self.positions[slot];
        let groups = &self.nodes[node].groups;
        let (before, after) = groups.split_at(groups.partition_point(|&group| group < own));
        let slots = after.iter().chain(before).flat_map(move |&group| {
            let slots = &self.groups[group].slots;
            let (before, after) = slots.split_at(place % slots.len());
            after.iter().chain(before).copied()
        });
        slots.filter(move |&other| other != slot)
    }

    /// Returns the other nodes of a node, the nearest first.
    pub(crate) fn others(&self, node: usize) -> &[usize] {
        &self.nodes[node].others
    }
}
