//! The cores that a pool was built on, for threads that other threads start.

#[cfg(target_os = "linux")]
pub(crate) use linux::Home;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::Home;

#[cfg(target_os = "linux")]
mod linux {
    use rustix::process::getpid;
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    /// The affinity of the thread that built the pool. A thread inherits the affinity of the thread
    /// that starts it, which may be pinned to one core: a worker by its hook, or a thread of the
    /// async runtime.
    #[derive(Debug)]
    pub(crate) struct Home(Option<Seen>);

    #[derive(Debug)]
    struct Seen {
        here: CpuSet,
        /// Of the process's first thread.
        process: CpuSet,
    }

    impl Home {
        /// Of the calling thread.
        pub(crate) fn here() -> Self {
            let process = sched_getaffinity(Some(getpid())).ok();
            Self(process.and_then(|process| Some(Seen { here: sched_getaffinity(None).ok()?, process })))
        }

        /// Lets the calling thread run there. Does nothing if the process was moved to other cores
        /// meanwhile, or if that is unknown.
        pub(crate) fn settle(&self) {
            let Some(Seen { here, process }) = &self.0 else { return };
            if sched_getaffinity(None).is_ok_and(|now| now != *here)
                && sched_getaffinity(Some(getpid())).is_ok_and(|now| now == *process)
            {
                // Where that is forbidden the thread stays where it was started.
                let _ = sched_setaffinity(None, here);
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use std::thread;

        use super::*;

        #[test]
        fn who_was_pinned_is_free_again() {
            let home = Home::here();
            let all = sched_getaffinity(None).unwrap();
            thread::spawn(move || {
                let mut one = CpuSet::new();
                one.set((0..CpuSet::MAX_CPU).find(|&core| all.is_set(core)).unwrap());
                sched_setaffinity(None, &one).unwrap();
                home.settle();
                assert_eq!(sched_getaffinity(None).unwrap(), all);
            })
            .join()
            .unwrap();
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    /// This system tells of no affinity.
    #[derive(Debug)]
    pub(crate) struct Home;

    impl Home {
        /// Of the calling thread.
        pub(crate) fn here() -> Self {
            Self
        }

        /// Nothing.
        pub(crate) fn settle(&self) {}
    }
}
