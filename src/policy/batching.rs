//! How many tasks a worker takes from the injector at a time.

/// The most work, in nanoseconds, that a worker takes at a time. The tasks that it holds wait
/// behind the one that it runs.
const MAX_BATCH_NS: u64 = 50_000;
/// The largest batch. A larger one saves nothing more.
const MAX_BATCH: u64 = 32;

/// Below this length, in nanoseconds, a task costs less than its dispatch.
pub(crate) const TINY_NS: u64 = 2_000;

/// Returns the batch size for tasks that recently took `task_ns` each. Tiny tasks are taken by the
/// dozen, because workers contend for the head of the injector. Longer tasks are taken singly,
/// because the others of a batch would wait.
pub(crate) fn batch_size(task_ns: u64) -> usize {
    (MAX_BATCH_NS / task_ns.max(1)).clamp(1, MAX_BATCH) as usize
}

#[cfg(test)]
#[path = "../../tests/policy/batching.rs"]
mod tests;
