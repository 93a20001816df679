//! A timer that one thread waits for and that others set: with it, the end of a thread's sleep is put off without waking it.
//! Linux has `timerfd_create(2)`; elsewhere there is none.

#[cfg(target_os = "linux")]
pub(crate) use linux::Timer;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::Timer;

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };

    /// A timer of the monotonic clock.
    #[derive(Debug)]
    pub(crate) struct Timer(OwnedFd);

    impl Timer {
        /// A timer that is not set. Fails where the system has none, or no descriptor to spare.
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self(timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?))
        }

        /// From now on it is over after so long (`None`: never), whatever it was set to before.
        pub(crate) fn set(&self, after: Option<Duration>) -> io::Result<()> {
            let never = Timespec { tv_sec: 0, tv_nsec: 0 };
            // A timer that is set to zero is one that is not set.
            let it_value = after.map_or(never, |after| Timespec {
                tv_sec: after.as_secs().try_into().unwrap_or(i64::MAX),
                tv_nsec: after.subsec_nanos().max(1).into(),
            });
            let _before = timerfd_settime(
                &self.0,
                TimerfdTimerFlags::empty(),
                &Itimerspec { it_interval: never, it_value },
            )?;
            Ok(())
        }

        /// Whether its time is over, and nobody has waited for it since.
        #[cfg(test)]
        pub(super) fn is_over(&self) -> io::Result<bool> {
            use rustix::event::{PollFd, PollFlags, poll};
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            Ok(poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&now))? > 0)
        }

        /// Blocks until the time is over, as it is set by then. May return early, if a signal came.
        pub(crate) fn wait(&self) -> io::Result<()> {
            match rustix::io::read(&self.0, &mut [0; 8]) {
                Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
                Err(error) => Err(error.into()),
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::convert::Infallible;
    use std::io;
    use std::time::Duration;

    /// There is none.
    #[derive(Debug)]
    pub(crate) struct Timer(Infallible);

    impl Timer {
        /// Fails.
        pub(crate) fn new() -> io::Result<Self> {
            Err(io::Error::from(io::ErrorKind::Unsupported))
        }

        /// Never called.
        pub(crate) fn set(&self, _after: Option<Duration>) -> io::Result<()> {
            match self.0 {}
        }

        /// Never called.
        pub(crate) fn wait(&self) -> io::Result<()> {
            match self.0 {}
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);
    /// If it takes so long it will never come.
    const TOO_LONG: Duration = Duration::from_secs(60);

    #[test]
    fn who_waits_is_called_by_setting_it_to_now() {
        for before in [None, Some(LONG), Some(Duration::MAX)] {
            let timer = Arc::new(Timer::new().unwrap());
            timer.set(before).unwrap();
            assert!(!timer.is_over().unwrap());
            let (over, called) = mpsc::channel();
            let waits = Arc::clone(&timer);
            // Detached: should it never be called, the test ends all the same.
            let (about_to, is_about_to) = mpsc::channel();
            thread::spawn(move || {
                about_to.send(()).unwrap();
                over.send(waits.wait().is_ok())
            });
            is_about_to.recv().unwrap();
            timer.set(Some(Duration::ZERO)).unwrap();
            assert!(called.recv_timeout(TOO_LONG).unwrap());
        }
    }

    #[test]
    fn a_time_that_was_put_off_is_not_over_at_the_first_even_if_that_has_come() {
        let timer = Timer::new().unwrap();
        timer.set(Some(Duration::ZERO)).unwrap();
        while !timer.is_over().unwrap() {}
        timer.set(Some(LONG)).unwrap();
        assert!(!timer.is_over().unwrap());
    }
}
