//! The clocks of single threads: how long one was on a core, and how long it was ready and waited
//! for one. Linux has them in `/proc/self/task/TID/schedstat`
//! (Documentation/scheduler/sched-stats.rst); a read takes one to three microseconds. Whether a
//! thread slept is in `/proc/self/task/TID/status` (proc_pid_status(5)); a read takes 25 to 35.

use std::io;

/// The clocks of a thread since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    /// Nanoseconds on a core. The kernel updates it at its ticks: up to some milliseconds late.
    pub(crate) on_cpu_ns: u64,
    /// Nanoseconds ready to run and without a core.
    pub(crate) runnable_ns: u64,
    /// How often it was put on a core.
    pub(crate) turns: u64,
}

impl Spent {
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    fn parse(text: &str) -> Option<Self> {
        let mut figures = text.split_ascii_whitespace().map(str::parse);
        let mut next = || figures.next()?.ok();
        let spent = Self { on_cpu_ns: next()?, runnable_ns: next()?, turns: next()? };
        // A kernel without these figures has "0 0 0" for every thread.
        Some(spent).filter(|spent| spent.turns > 0)
    }
}

/// Whether a thread has slept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rest {
    /// It is on a core now, or waits for one.
    pub(crate) ready: bool,
    /// How often it gave its core up because it had to wait for something else.
    pub(crate) slept: u64,
}

impl Rest {
    /// From `/proc/self/task/TID/status`.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    fn parse(status: &str) -> Option<Self> {
        let of = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        Some(Self {
            ready: of("State:")?.starts_with('R'),
            slept: of("voluntary_ctxt_switches:")?.parse().ok()?,
        })
    }
}

/// Returns whether a thread sleeps, by a line of `/proc/self/task/TID/stat`. The state follows the
/// name, which is in brackets and may contain brackets.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
fn sleeps(stat: &str) -> Option<bool> {
    let (_, behind) = stat.rsplit_once(") ")?;
    Some(matches!(behind.chars().next()?, 'S' | 'D'))
}

#[cfg(target_os = "linux")]
pub(crate) use linux::{ThreadClock, thread_number};
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{ThreadClock, thread_number};

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, File};
    use std::os::unix::fs::FileExt;

    use super::{Rest, Spent, io, sleeps};

    /// The number of the calling thread.
    pub(crate) fn thread_number() -> Option<u32> {
        u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).ok()
    }

    /// The clocks of one thread of this process.
    #[derive(Debug)]
    pub(crate) struct ThreadClock {
        thread: u32,
        schedstat: File,
    }

    impl ThreadClock {
        /// # Errors
        /// There is no such thread, or the system does not tell.
        pub(crate) fn open(thread: u32) -> io::Result<Self> {
            let schedstat = File::open(format!("/proc/self/task/{thread}/schedstat"))?;
            Ok(Self { thread, schedstat })
        }

        /// Reads the clocks; `None` once the thread is gone.
        pub(crate) fn read(&self) -> Option<Spent> {
            let mut buffer = [0; 96];
            let read = self.schedstat.read_at(&mut buffer, 0).ok()?;
            Spent::parse(std::str::from_utf8(&buffer[..read]).ok()?)
        }

        /// Whether the thread has slept. Takes some 30 microseconds.
        pub(crate) fn rest(&self) -> Option<Rest> {
            Rest::parse(&fs::read_to_string(format!("/proc/self/task/{}/status", self.thread)).ok()?)
        }

        /// Whether the thread sleeps now, for any reason.
        pub(crate) fn sleeps(&self) -> Option<bool> {
            sleeps(&fs::read_to_string(format!("/proc/self/task/{}/stat", self.thread)).ok()?)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use super::{Rest, Spent, io};

    /// Threads have no numbers that could be used here.
    pub(crate) fn thread_number() -> Option<u32> {
        None
    }

    /// There is none.
    #[derive(Debug)]
    pub(crate) struct ThreadClock(std::convert::Infallible);

    impl ThreadClock {
        /// # Errors
        /// Always.
        pub(crate) fn open(_thread: u32) -> io::Result<Self> {
            Err(io::Error::from(io::ErrorKind::Unsupported))
        }

        /// Never called.
        pub(crate) fn read(&self) -> Option<Spent> {
            match self.0 {}
        }

        /// Never called.
        pub(crate) fn rest(&self) -> Option<Rest> {
            match self.0 {}
        }

        /// Never called.
        pub(crate) fn sleeps(&self) -> Option<bool> {
            match self.0 {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lines_are_understood() {
        let spent = Spent { on_cpu_ns: 339_968, runnable_ns: 12, turns: 2 };
        assert_eq!(Spent::parse("339968 12 2\n"), Some(spent));
        assert_eq!(Spent::parse("339968 12"), None);
        assert_eq!(Spent::parse("0 0 0\n"), None, "of a thread that has run");
        assert_eq!(Spent::parse("a b c"), None);
        assert_eq!(sleeps("17 (a) R) S 1 2"), Some(true));
        assert_eq!(sleeps("17 (a) S) R 1 2"), Some(false));
        assert_eq!(sleeps("17"), None);
        let status = "Name:\tState\nState:\tR (running)\nvoluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t7\n";
        assert_eq!(Rest::parse(status), Some(Rest { ready: true, slept: 5 }));
        assert_eq!(Rest::parse("State:\tS (sleeping)"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_that_works_is_seen_to_work() {
        let clock = ThreadClock::open(thread_number().unwrap()).unwrap();
        let before = clock.read().unwrap();
        while clock.read().unwrap().on_cpu_ns == before.on_cpu_ns {
            std::hint::spin_loop();
        }
        assert_eq!(clock.sleeps(), Some(false));
        let rest = clock.rest().unwrap();
        assert!(rest.ready);
        std::thread::sleep(std::time::Duration::from_micros(1));
        assert!(clock.rest().unwrap().slept > rest.slept);
        assert!(ThreadClock::open(u32::MAX).is_err());
    }
}
