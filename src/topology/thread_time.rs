//! The processor time of the calling thread, read at once (0.2 us) and to the nanosecond.

/// How long the calling thread was on a core since its start; `None` where the system does not
/// tell.
#[cfg(target_os = "linux")]
pub(crate) fn thread_time_ns() -> Option<u64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let (seconds, rest) = (u64::try_from(time.tv_sec).ok()?, u64::try_from(time.tv_nsec).ok()?);
    seconds.checked_mul(1_000_000_000)?.checked_add(rest)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn thread_time_ns() -> Option<u64> {
    None
}
