//! What the machine offers: cores, and how the operating system ranks a thread.

mod niceness;

pub(crate) use niceness::{lower_priority, niceness};

/// The cores that this process may keep busy: affinity and cgroup quotas count, as far as the standard library knows
/// them on this platform. At least 1.
pub(crate) fn usable_cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
