//! A caller in the line who has no work yet: a future that waits for a permit.

use std::sync::Arc;
use std::task::Waker;

use super::reservations::{Grantee, ReservationId, Reservations};
use crate::contain;
use crate::sync::Mutex;

/// A caller in the line, shared by its future and the line.
///
/// ```text
///            grant              poll
///  Waiting ────────▶ Granted ─────────▶ Over        lapse: the grant was not taken up in time. The caller has lost
///     │ ▲               │                           its turn; polled again, it joins the line anew.
///     │ └── rejoin ── Lapsed ◀── lapse ─┘
///     └── close / withdraw ──▶ Over
/// ```
#[derive(Debug)]
pub(crate) struct Call {
    state: Mutex<State>,
    reservations: Arc<Reservations>,
}

#[derive(Debug)]
enum State {
    Waiting(Option<Waker>),
    Granted(Option<Waker>, ReservationId),
    Lapsed,
    Closed,
    Over,
}

/// What a poll of the caller finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Poll {
    /// The caller still waits.
    Waiting,
    /// The caller has a permit, entered as this reservation.
    Granted(ReservationId),
    /// The caller was granted a permit, did not take it up, and lost it.
    Lapsed,
    /// The permits are closed.
    Closed,
}

/// What a withdrawn caller leaves to clear up.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Withdrawn {
    /// Its entry in the line.
    InLine,
    /// A permit that it had been granted.
    Granted(ReservationId),
    /// Nothing.
    Nothing,
}

impl Call {
    /// Makes a caller that is about to join the line.
    pub(crate) fn new(waker: Waker, reservations: Arc<Reservations>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State::Waiting(Some(waker))), reservations })
    }

    /// Grants the caller a permit until its reservation lapses. Returns false if the caller no
    /// longer waits. The grantor then calls [`wake`](Call::wake), without holding a lock.
    pub(super) fn grant(self: &Arc<Self>) -> bool {
        let mut state = self.state.lock();
        let State::Waiting(waker) = &mut *state else { return false };
        let waker = waker.take();
        let id = self.reservations.enter(Some(Arc::clone(self) as _));
        *state = State::Granted(waker, id);
        true
    }

    /// Wakes a caller who was granted a permit.
    pub(crate) fn wake(&self) {
        let waker = match &mut *self.state.lock() {
            State::Granted(waker, _) => waker.take(),
            _ => None,
        };
        contain::wake(waker);
    }

    /// Refuses the caller: no permit will come. Returns whether the caller still waited.
    pub(crate) fn refuse(&self) -> bool {
        let waker = {
            let mut state = self.state.lock();
            let State::Waiting(waker) = &mut *state else { return false };
            let waker = waker.take();
            *state = State::Closed;
            waker
        };
        contain::wake(waker);
        true
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(*self.state.lock(), State::Waiting(_))
    }

    /// Polls the caller, and takes up a grant if there is one.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll {
        let mut state = self.state.lock();
        match &mut *state {
            State::Waiting(known) => {
                if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
                    let old = known.replace(waker.clone());
                    drop(state);
                    drop(old);
                }
                Poll::Waiting
            }
            State::Granted(unused, id) => {
                let (unused, id) = (unused.take(), *id);
                *state = State::Over;
                drop(state);
                drop(unused);
                Poll::Granted(id)
            }
            State::Lapsed => {
                *state = State::Over;
                Poll::Lapsed
            }
            State::Closed | State::Over => Poll::Closed,
        }
    }

    /// Withdraws a caller that goes away.
    pub(crate) fn withdraw(&self) -> Withdrawn {
        let old = std::mem::replace(&mut *self.state.lock(), State::Over);
        match old {
            State::Waiting(_) => Withdrawn::InLine,
            State::Granted(_, id) => Withdrawn::Granted(id),
            State::Lapsed | State::Closed | State::Over => Withdrawn::Nothing,
        }
    }
}

impl Grantee for Call {
    /// Takes back a grant that was not taken up. Wakes a caller who was not yet woken for the
    /// grant, because it must be polled to join the line again.
    fn lapse(&self) {
        let waker = {
            let mut state = self.state.lock();
            let State::Granted(waker, _) = &mut *state else { return };
            let waker = waker.take();
            *state = State::Lapsed;
            waker
        };
        contain::wake(waker);
    }
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;
    use std::time::{Duration, Instant};

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_caller_whose_grant_lapses_before_it_is_told_is_woken_to_join_the_line_anew() {
        let timeout = Duration::from_millis(1);
        let reservations = Arc::new(Reservations::new(timeout));
        let wakes = Arc::new(Wakes::default());
        let call = Call::new(Waker::from(Arc::clone(&wakes)), Arc::clone(&reservations));
        assert!(call.grant());
        assert_eq!(reservations.lapse(Instant::now() + timeout), 1);
        call.wake();
        assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
        assert_eq!(call.poll(Waker::noop()), Poll::Lapsed);
    }
}
