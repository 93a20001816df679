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
#[path = "../../tests/policy/coalescing.rs"]
mod tests;
