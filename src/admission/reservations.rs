//! Permits that were given out and are not yet used, each with the time at which it was given; and
//! the callers who wait for one without work: futures.
//!
//! A holder who does not use a permit keeps its place in the queue from all others. So the
//! reservation ends after a timeout, and the permit then goes back to the others. A caller who did
//! not take up its grant loses it. A holder who uses its permit late is still served: its task
//! enters the queue beyond the limit, without a permit, because `Permit::spawn` promises never to
//! fail for lack of room. The timeout bounds only how long an unused permit keeps a place from
//! others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::contain;
use crate::sync::Mutex;

/// The number of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ReservationId(u64);

/// All reservations of a pool.
#[derive(Debug)]
pub(crate) struct Reservations {
    timeout: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// By number and so by time: the oldest lapses first.
    entries: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    since: Instant,
    caller: Option<Arc<Call>>,
}

impl Reservations {
    /// Makes an empty set of reservations. Each lapses after `timeout`.
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { timeout, state: Mutex::new(State::default()) }
    }

    /// Enters a permit that was given out now.
    pub(crate) fn enter(&self, caller: Option<Arc<Call>>) -> ReservationId {
        let mut state = self.state.lock();
        // The clock is read under the lock, so the entries are in the order of their times.
        let since = Instant::now();
        let id = state.next;
        state.next += 1;
        state.entries.insert(id, Entry { since, caller });
        ReservationId(id)
    }

    /// Ends a reservation whose permit is used or given back. Returns false if it has lapsed: the
    /// holder no longer owns the permit.
    pub(crate) fn strike(&self, id: ReservationId) -> bool {
        let entry = self.state.lock().entries.remove(&id.0);
        entry.is_some()
    }

    pub(crate) fn len(&self) -> usize {
        self.state.lock().entries.len()
    }

    /// Returns when the oldest reservation lapses.
    pub(crate) fn next_lapse(&self) -> Option<Instant> {
        let state = self.state.lock();
        let (_, oldest) = state.entries.first_key_value()?;
        Some(oldest.since + self.timeout)
    }

    /// Ends the reservations that have lapsed at `now`. Returns how many permits that frees.
    pub(crate) fn lapse(&self, now: Instant) -> usize {
        let mut lapsed = Vec::new();
        {
            let mut state = self.state.lock();
            while let Some(oldest) = state.entries.first_entry() {
                if oldest.get().since + self.timeout > now {
                    break;
                }
                lapsed.push(oldest.remove());
            }
        }
        // Without the lock: a call's lock is taken before this one.
        lapsed.iter().filter_map(|entry| entry.caller.as_ref()).for_each(|caller| caller.lapse());
        lapsed.len()
    }
}

/// A caller in the line, shared by its future and the line.
///
/// ```text
///            grant              poll
///  Waiting ────────▶ Granted ─────────▶ Over
///     │ ▲               │
///     │ └── rejoin ── Lapsed ◀── lapse ─┘
///     └── close / withdraw ──▶ Over
/// ```
///
/// A grant lapses if it is not taken up in time. The caller has then lost its turn; polled again,
/// it joins the line anew.
#[derive(Debug)]
pub(crate) struct Call {
    state: Mutex<CallState>,
    reservations: Arc<Reservations>,
}

#[derive(Debug)]
enum CallState {
    Waiting(Option<Waker>),
    Granted(Option<Waker>, ReservationId),
    Lapsed,
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
        Arc::new(Self { state: Mutex::new(CallState::Waiting(Some(waker))), reservations })
    }

    /// Grants the caller a permit until its reservation lapses. Returns false if the caller no
    /// longer waits. The grantor then calls [`wake`](Call::wake), without holding a lock.
    pub(super) fn grant(self: &Arc<Self>) -> bool {
        let mut state = self.state.lock();
        let CallState::Waiting(waker) = &mut *state else { return false };
        let waker = waker.take();
        let id = self.reservations.enter(Some(Arc::clone(self)));
        *state = CallState::Granted(waker, id);
        true
    }

    pub(crate) fn wake(&self) {
        let waker = match &mut *self.state.lock() {
            CallState::Granted(waker, _) => waker.take(),
            _ => None,
        };
        contain::wake(waker);
    }

    /// Refuses the caller: no permit will come. Returns whether the caller still waited.
    pub(crate) fn refuse(&self) -> bool {
        let waker = {
            let mut state = self.state.lock();
            let CallState::Waiting(waker) = &mut *state else { return false };
            let waker = waker.take();
            *state = CallState::Over;
            waker
        };
        contain::wake(waker);
        true
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(*self.state.lock(), CallState::Waiting(_))
    }

    /// Polls the caller, and takes up a grant if there is one.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll {
        let mut state = self.state.lock();
        match &mut *state {
            CallState::Waiting(known) => {
                if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
                    let old = known.replace(waker.clone());
                    drop(state);
                    drop(old);
                }
                Poll::Waiting
            }
            CallState::Granted(unused, id) => {
                let (unused, id) = (unused.take(), *id);
                *state = CallState::Over;
                drop(state);
                drop(unused);
                Poll::Granted(id)
            }
            CallState::Lapsed => {
                *state = CallState::Over;
                Poll::Lapsed
            }
            CallState::Over => Poll::Closed,
        }
    }

    /// Withdraws a caller that goes away.
    pub(crate) fn withdraw(&self) -> Withdrawn {
        let old = std::mem::replace(&mut *self.state.lock(), CallState::Over);
        match old {
            CallState::Waiting(_) => Withdrawn::InLine,
            CallState::Granted(_, id) => Withdrawn::Granted(id),
            CallState::Lapsed | CallState::Over => Withdrawn::Nothing,
        }
    }

    /// Takes back a grant that was not taken up. Wakes a caller who was not yet woken for the
    /// grant, because it must be polled to join the line again.
    fn lapse(&self) {
        let waker = {
            let mut state = self.state.lock();
            let CallState::Granted(waker, _) = &mut *state else { return };
            let waker = waker.take();
            *state = CallState::Lapsed;
            waker
        };
        contain::wake(waker);
    }
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::counted_wakes::CountedWakes;

    proptest! {
        /// Every permit comes back exactly once: by its holder or by its lapse.
        #[test]
        fn a_reservation_ends_once(steps in proptest::collection::vec((0_u8..3, any::<prop::sample::Index>()), 1..200)) {
            let timeout = Duration::from_secs(60);
            let book = Reservations::new(timeout);
            let (mut held, mut entered, mut struck, mut lapsed) = (Vec::new(), 0, 0, 0);
            for (step, which) in steps {
                match step {
                    0 => { held.push(book.enter(None)); entered += 1; }
                    1 if !held.is_empty() => {
                        let id = held.swap_remove(which.index(held.len()));
                        struck += usize::from(book.strike(id));
                        prop_assert!(!book.strike(id));
                    }
                    2 => {
                        lapsed += book.lapse(Instant::now() + timeout);
                        prop_assert_eq!(book.len(), 0);
                        prop_assert_eq!(book.next_lapse(), None);
                    }
                    _ => {}
                }
                prop_assert_eq!(book.len(), entered - struck - lapsed);
            }
        }
    }

    #[test]
    fn nothing_lapses_before_its_time() {
        let book = Reservations::new(Duration::from_secs(60));
        let id = book.enter(None);
        assert_eq!(book.lapse(Instant::now()), 0);
        assert!(book.strike(id));
    }

    #[test]
    fn a_caller_whose_grant_lapses_before_it_is_told_is_woken_to_join_the_line_anew() {
        let timeout = Duration::from_millis(1);
        let reservations = Arc::new(Reservations::new(timeout));
        let wakes = Arc::<CountedWakes>::default();
        let call = Call::new(wakes.waker(), Arc::clone(&reservations));
        assert!(call.grant());
        assert_eq!(reservations.lapse(Instant::now() + timeout), 1);
        call.wake();
        assert_eq!(wakes.count(), 1);
        assert_eq!(call.poll(Waker::noop()), Poll::Lapsed);
    }
}
