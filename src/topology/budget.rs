//! What the process may use of the machine, and the processor time that was used.

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
    read(rustix::time::ClockId::ProcessCPUTime)
}

/// The time in nanoseconds that the calling thread has spent on a core so far; `None` where the
/// system does not tell. A reading takes 0.2 us.
#[cfg(target_os = "linux")]
pub(crate) fn thread_time_ns() -> Option<u64> {
    u64::try_from(read(rustix::time::ClockId::ThreadCPUTime)?.as_nanos()).ok()
}

#[cfg(target_os = "linux")]
fn read(clock: rustix::time::ClockId) -> Option<Duration> {
    let time = rustix::time::clock_gettime(clock);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

/// The cores that the process may use, as far as the standard library knows.
#[cfg(not(target_os = "linux"))]
pub(crate) fn affinity() -> usize {
    super::usable_cores()
}

/// Unknown on this system.
#[cfg(not(target_os = "linux"))]
pub(crate) fn process_cpu() -> Option<Duration> {
    None
}

/// Unknown on this system.
#[cfg(not(target_os = "linux"))]
pub(crate) fn thread_time_ns() -> Option<u64> {
    None
}
