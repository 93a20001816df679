//! What the process may use of the machine, and what it uses.

use std::time::Duration;

/// The cores that the calling thread may run on.
#[cfg(target_os = "linux")]
pub(crate) fn affinity() -> usize {
    match rustix::thread::sched_getaffinity(None) {
        Ok(set) => (set.count() as usize).max(1),
        Err(_) => super::usable_cores(),
    }
}

/// The time that all threads of the process have spent on cores so far.
#[cfg(target_os = "linux")]
pub(crate) fn process_cpu() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

/// The cores that the process may use, as far as the standard library knows.
#[cfg(not(target_os = "linux"))]
pub(crate) fn affinity() -> usize {
    super::usable_cores()
}

/// Not told here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn process_cpu() -> Option<Duration> {
    None
}
