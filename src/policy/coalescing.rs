//! Which documents of a batch share a task.

/// A document of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item {
    /// How long it is predicted to take.
    pub(crate) cost_ns: u64,
    /// Documents of different classes never share a task. Classes are small numbers: they index a
    /// table.
    pub(crate) class: usize,
}

/// Documents that one task converts one after another.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    /// Their positions in the batch, ascending.
    pub(crate) members: Vec<usize>,
    /// The sum of their costs.
    pub(crate) cost_ns: u64,
}

/// The cost of the largest group, in targets.
const MAX_GROUP: u64 = 4;
/// The divisor of the target that gives the cost of the smallest group.
const MIN_GROUP_DIVISOR: u64 = 4;
/// The number of groups for each thread into which the rest of a batch is divided.
const GROUPS_PER_THREAD: u64 = 4;

/// Divides a batch into groups of about `target_ns`, the most expensive first.
///
/// Dispatch costs little beside a task of the target's length. While much of the batch is left,
/// groups are longer still. The last group to start decides when the batch ends, so groups shrink
/// as less is left (guided self-scheduling, Polychronopoulos and Kuck 1987), and the expensive ones
/// go first (longest processing time, Graham 1969).
pub(crate) fn groups(items: &[Item], target_ns: u64, threads: usize) -> Vec<Group> {
    let mut left: u64 = items.iter().fold(0, |sum, item| sum.saturating_add(item.cost_ns));
    let parts = GROUPS_PER_THREAD * threads.max(1) as u64;
    let (smallest, largest) = (target_ns / MIN_GROUP_DIVISOR, target_ns.saturating_mul(MAX_GROUP));
    let classes = items.iter().map(|item| item.class + 1).max().unwrap_or(0);
    let mut open: Vec<Group> = Vec::new();
    open.resize_with(classes, Group::default);
    let mut closed = Vec::new();
    for (position, item) in items.iter().enumerate() {
        let enough = (left / parts).clamp(smallest, largest);
        if item.cost_ns >= enough {
            // A group of its own. The open group stays open for small documents.
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
mod tests;
