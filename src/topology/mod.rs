//! What the machine offers: cores, how the operating system ranks a thread, and what it tells of a thread's time.

mod budget;
mod home;
mod niceness;
mod quota;
mod thread_clock;
mod thread_time;

pub(crate) use budget::{affinity, process_cpu};
pub(crate) use home::Home;
pub(crate) use niceness::{lower_priority, niceness};
pub(crate) use quota::Quota;
pub(crate) use thread_clock::{Rest, Spent, ThreadClock, thread_number};
pub(crate) use thread_time::thread_time_ns;

/// The cores that this process may keep busy: affinity and cgroup quotas count, as far as the standard library knows
/// them on this platform. At least 1.
pub(crate) fn usable_cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
