//! The time slice that Linux's scheduler gives the calling thread.
//!
//! Since Linux 6.12 a thread of the ordinary policy (`SCHED_OTHER`) may have a slice of its own,
//! 0.1 to 100 ms: the time for which it runs before the scheduler looks for another thread
//! (sched_setattr(2), `sched_runtime`; the EEVDF scheduler, "Fair Scheduling" in the kernel's
//! documentation). All threads keep equal shares of the processor. A thread with a shorter slice
//! gets it sooner when it is woken: its deadline is nearer. So a thread that computes for long lets
//! others in sooner with a long slice than with a low priority, and loses nothing.
//!
//! ```
//! use std::time::Duration;
//!
//! match millpond_slice::set(Duration::from_millis(10)) {
//!     Ok(()) => assert_eq!(millpond_slice::get().unwrap(), Duration::from_millis(10)),
//!     // An older kernel, another system, or a sandbox that forbids the call.
//!     Err(error) => eprintln!("the slice stays as it is: {error}"),
//! }
//! ```
//!
//! # Safety
//!
//! This crate has two `unsafe` blocks: the system calls `sched_getattr` and `sched_setattr`, for
//! which neither the standard library nor `rustix` has a function. Both take a pointer to a
//! structure that the caller owns and that lives across the call, and its size; the kernel reads or
//! writes no more than that. They act on the calling thread only (`pid` 0).

use std::io;
use std::time::Duration;

/// The shortest slice that the kernel takes; a shorter one is raised to it.
pub const SHORTEST: Duration = Duration::from_micros(100);
/// The longest slice that the kernel takes; a longer one is cut to it.
pub const LONGEST: Duration = Duration::from_millis(100);

/// Sets the slice of the calling thread, cut to [`SHORTEST`]..=[`LONGEST`]. Its policy and niceness
/// stay as they are. Threads and processes that it starts later have the slice, too.
///
/// # Errors
/// [`Unsupported`](io::ErrorKind::Unsupported) where threads have no slice of their own: before
/// Linux 6.12, on another system, or for a thread of another policy than the ordinary ones.
/// [`PermissionDenied`](io::ErrorKind::PermissionDenied) or another error of the system where the
/// call is forbidden.
pub fn set(slice: Duration) -> io::Result<()> {
    imp::set(slice.clamp(SHORTEST, LONGEST))
}

/// The slice of the calling thread: the one that was set, or the scheduler's own.
///
/// # Errors
/// As [`set`].
pub fn get() -> io::Result<Duration> {
    imp::get()
}

/// Threads have no slice of their own, or no ordinary policy.
fn unsupported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "the kernel gives this thread no time slice of its own")
}

#[cfg(target_os = "linux")]
mod imp {
    use std::io;
    use std::time::Duration;

    use super::unsupported;

    /// `struct sched_attr` in its first published size (`SCHED_ATTR_SIZE_VER0`): every kernel that
    /// has the calls takes it.
    #[repr(C)]
    #[derive(Clone, Copy, Default)]
    struct SchedAttr {
        size: u32,
        policy: u32,
        flags: u64,
        nice: i32,
        priority: u32,
        runtime: u64,
        deadline: u64,
        period: u64,
    }

    const SIZE: u32 = size_of::<SchedAttr>() as u32;
    const _: () = assert!(SIZE == 48);

    /// `SCHED_OTHER` and `SCHED_BATCH`.
    const ORDINARY: [u32; 2] = [0, 3];

    pub(super) fn set(slice: Duration) -> io::Result<()> {
        // The call sets policy and niceness as well, so they are read first.
        let mut attr = read()?;
        attr.runtime = u64::try_from(slice.as_nanos()).map_err(|_| unsupported())?;
        (attr.deadline, attr.period) = (0, 0);
        write(&attr)?;
        // Older kernels take the call and ignore the slice.
        if get()? == slice { Ok(()) } else { Err(unsupported()) }
    }

    pub(super) fn get() -> io::Result<Duration> {
        let attr = read()?;
        if attr.runtime == 0 { Err(unsupported()) } else { Ok(Duration::from_nanos(attr.runtime)) }
    }

    /// The attributes of the calling thread, if its policy is an ordinary one.
    fn read() -> io::Result<SchedAttr> {
        let mut attr = SchedAttr::default();
        let (this_thread, flags) = (0 as libc::pid_t, 0 as libc::c_uint);
        // SAFETY: `attr` is valid for writes of `SIZE` bytes, all that the kernel writes, for the
        // length of the call. Every bit pattern is a valid `SchedAttr`: it has integers only. The
        // other arguments are plain numbers.
        let done = unsafe { libc::syscall(libc::SYS_sched_getattr, this_thread, &raw mut attr, SIZE, flags) };
        if done != 0 {
            return Err(io::Error::last_os_error());
        }
        if ORDINARY.contains(&attr.policy) { Ok(attr) } else { Err(unsupported()) }
    }

    fn write(attr: &SchedAttr) -> io::Result<()> {
        let (this_thread, flags) = (0 as libc::pid_t, 0 as libc::c_uint);
        // SAFETY: `attr` is valid for reads of `attr.size` bytes, which `read` has set to at most
        // `SIZE`, for the length of the call. The kernel copies it and keeps no pointer. The call
        // changes how the calling thread is scheduled, and no memory.
        let done = unsafe { libc::syscall(libc::SYS_sched_setattr, this_thread, &raw const *attr, flags) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use std::io;
    use std::time::Duration;

    use super::unsupported;

    pub(super) fn set(_slice: Duration) -> io::Result<()> {
        Err(unsupported())
    }

    pub(super) fn get() -> io::Result<Duration> {
        Err(unsupported())
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// On a thread of its own, whose slice goes with it. `None` where threads have no slice.
    fn after(slice: Duration) -> Option<Duration> {
        let thread = thread::spawn(move || set(slice).and_then(|()| get()));
        match thread.join().unwrap() {
            Ok(slice) => Some(slice),
            Err(error) => {
                eprintln!("not tested: {error}");
                None
            }
        }
    }

    #[test]
    fn what_is_set_is_read_again_within_the_kernels_bounds() {
        let ms = Duration::from_millis;
        for (asked, given) in
            [(ms(3), ms(3)), (ms(0), SHORTEST), (ms(500), LONGEST), (Duration::MAX, LONGEST)]
        {
            assert!(after(asked).is_none_or(|slice| slice == given), "{asked:?}");
        }
    }

    #[test]
    fn other_threads_keep_theirs() {
        let before = get().ok();
        after(Duration::from_millis(77));
        assert_eq!(get().ok(), before);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_niceness_stays_as_it_is() {
        thread::spawn(|| {
            // SAFETY: both calls take and return plain numbers; `0` is the calling thread.
            let niceness = || unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
            // SAFETY: as above.
            assert_eq!(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, niceness() + 1) }, 0);
            let before = niceness();
            drop(set(Duration::from_millis(10)));
            assert_eq!(niceness(), before);
        })
        .join()
        .unwrap();
    }
}
