//! How many tasks a worker takes from the injector at a time.

/// A worker does not put aside more work for itself than this, since what it holds waits behind what it runs.
const SET_ASIDE_NS: u64 = 50_000;
/// Past this many, a batch saves nothing more.
const MOST: u64 = 32;

/// Tasks that take less cost less than what is done around them.
pub(crate) const TINY_NS: u64 = 2_000;

/// The batch for tasks that lately took `task_ns` each. Tiny tasks are taken by the dozen, because the injector's head is
/// what the workers contend for; longer ones singly, because every one set aside would wait behind the others.
pub(crate) fn batch_size(task_ns: u64) -> usize {
    (SET_ASIDE_NS / task_ns.max(1)).clamp(1, MOST) as usize
}

#[cfg(test)]
#[path = "../../tests/policy/batching.rs"]
mod tests;
