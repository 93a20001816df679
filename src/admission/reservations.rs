//! Permits that were given out and are not yet used, each with the time at which it was given.
//!
//! A holder who does not use a permit keeps its place in the queue from all others. So the
//! reservation ends after a timeout, and the permit then goes back to the others. A caller who did
//! not take up its grant loses it. A holder who uses its permit late is still served: its task
//! enters the queue beyond the limit, without a permit, because `Permit::spawn` promises never to
//! fail for lack of room. The timeout bounds only how long an unused permit keeps a place from
//! others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sync::Mutex;

/// The number of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ReservationId(u64);

/// A caller who was granted a permit and has not come for it.
pub(crate) trait Grantee: std::fmt::Debug + Send + Sync {
    /// Takes the grant back.
    fn lapse(&self);
}

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
    caller: Option<Arc<dyn Grantee>>,
}

impl Reservations {
    /// Makes an empty set of reservations. Each lapses after `timeout`.
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { timeout, state: Mutex::new(State::default()) }
    }

    /// Enters a permit that was given out now.
    pub(crate) fn enter(&self, caller: Option<Arc<dyn Grantee>>) -> ReservationId {
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

    /// Returns the number of reservations.
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

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
}
