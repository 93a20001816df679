//! The cores that a pool was built on, for threads that other threads start.

#[cfg(target_os = "linux")]
pub(crate) use linux::Home;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::Home;

#[cfg(target_os = "linux")]
mod linux {
    use std::io;

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

        /// Binds the calling thread to the hardware threads with these numbers.
        ///
        /// # Errors
        /// None of them may be used, the process was moved to other cores since, or the system
        /// refuses.
        pub(crate) fn place(&self, numbers: impl IntoIterator<Item = usize>) -> io::Result<()> {
            let Some(Seen { here, process }) = &self.0 else { return Err(io::ErrorKind::Unsupported.into()) };
            if sched_getaffinity(Some(getpid()))? != *process {
                return Err(io::Error::other("the process was moved to other cores"));
            }
            let mut set = CpuSet::new();
            let usable =
                numbers.into_iter().filter(|&number| number < CpuSet::MAX_CPU && here.is_set(number));
            usable.for_each(|number| set.set(number));
            if set.count() == 0 {
                return Err(io::Error::new(io::ErrorKind::NotFound, "none of the cores may be used"));
            }
            Ok(sched_setaffinity(None, &set)?)
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
        fn who_is_placed_is_bound_to_the_cores_that_may_be_used() {
            thread::spawn(|| {
                let all = sched_getaffinity(None).unwrap();
                let first = (0..CpuSet::MAX_CPU).find(|&core| all.is_set(core)).unwrap();
                let home = Home::here();
                home.place([first, CpuSet::MAX_CPU, usize::MAX]).unwrap();
                let now = sched_getaffinity(None).unwrap();
                assert!(now.count() == 1 && now.is_set(first));
                let error = home.place([CpuSet::MAX_CPU]).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::NotFound);
                home.settle();
                assert_eq!(sched_getaffinity(None).unwrap(), all);
            })
            .join()
            .unwrap();
        }

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

        /// # Errors
        /// This system binds no threads.
        pub(crate) fn place(&self, _: impl IntoIterator<Item = usize>) -> std::io::Result<()> {
            Err(std::io::ErrorKind::Unsupported.into())
        }

        /// Nothing.
        pub(crate) fn settle(&self) {}
    }
}
