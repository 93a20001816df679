//! The machine: cores, niceness, and the clocks of threads.

mod budget;
mod cpu_list;
mod home;
mod machine;
mod niceness;
mod nodes;
mod quota;
mod synthetic;
mod sysfs;
mod thread_clock;

pub(crate) use budget::{affinity, process_cpu, thread_time_ns};
pub(crate) use home::Home;
pub(crate) use machine::HardwareThread;
pub use machine::Topology;
pub(crate) use niceness::{lower_priority, niceness};
pub(crate) use nodes::NodeMap;
pub(crate) use quota::Quota;
pub use synthetic::TopologyError;
pub(crate) use thread_clock::{Rest, Spent, ThreadClock, thread_number};

/// The cores that this process may keep busy, by affinity and cgroup quotas, as far as the standard
/// library knows them on this platform. At least 1.
pub(crate) fn usable_cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
