//! Permits that were given out and are not yet used, each with the time it was given.
//!
//! A place in the queue that somebody holds without using it is taken from all others. So it is lent for a limited time:
//! after the reservation timeout it goes back to the others, whoever holds it. A caller who never came to fetch it loses
//! its turn. A holder who has fetched it and uses it late is still served (its task then goes into the queue beyond the
//! limit, without a place), since the promise that `Permit::spawn` can't fail for lack of room holds for ever; what is
//! bounded is the time for which an unused permit keeps a place from others.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::call::Call;
use crate::sync::Mutex;

/// Names one reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ReservationId(u64);

/// All reservations of a pool.
#[derive(Debug)]
pub(crate) struct Reservations {
    timeout: Duration,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    next: u64,
    /// In the order of `id` and so of `since`: the oldest lapses first. `None` where one has ended before its time.
    entries: VecDeque<Option<Entry>>,
    /// How many entries are `Some`.
    open: usize,
}

#[derive(Debug)]
struct Entry {
    since: Instant,
    caller: Option<Arc<Call>>,
}

impl Book {
    /// Where `id` is in `entries`: ids are consecutive, and `next` is one past the last.
    fn position(&self, id: ReservationId) -> Option<usize> {
        let behind = usize::try_from(self.next - id.0).ok()?;
        self.entries.len().checked_sub(behind)
    }

    fn trim(&mut self) {
        while matches!(self.entries.front(), Some(None)) {
            self.entries.pop_front();
        }
    }
}

impl Reservations {
    /// None yet; each lapses after `timeout`.
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { timeout, book: Mutex::new(Book::default()) }
    }

    /// Enters a permit that was given out now.
    pub(crate) fn enter(&self, caller: Option<Arc<Call>>) -> ReservationId {
        let mut book = self.book.lock();
        // The clock is read under the lock, so that the entries are in the order of their times.
        let since = Instant::now();
        let id = ReservationId(book.next);
        book.next += 1;
        book.entries.push_back(Some(Entry { since, caller }));
        book.open += 1;
        id
    }

    /// Strikes a reservation whose permit is used or given back. False if it has lapsed: then the permit is no longer
    /// the holder's.
    pub(crate) fn strike(&self, id: ReservationId) -> bool {
        let entry = {
            let mut book = self.book.lock();
            let Some(at) = book.position(id) else { return false };
            let entry = book.entries[at].take();
            book.open -= usize::from(entry.is_some());
            book.trim();
            entry
        };
        entry.is_some()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.book.lock().open
    }

    /// When the oldest lapses.
    pub(crate) fn next_lapse(&self) -> Option<Instant> {
        let book = self.book.lock();
        let oldest = book.entries.front()?.as_ref()?;
        Some(oldest.since + self.timeout)
    }

    /// Ends the reservations that have lapsed at `now`; says how many permits that frees.
    pub(crate) fn lapse(&self, now: Instant) -> usize {
        let mut lapsed = Vec::new();
        {
            let mut book = self.book.lock();
            while let Some(Some(oldest)) = book.entries.front() {
                if oldest.since + self.timeout > now {
                    break;
                }
                lapsed.extend(book.entries.pop_front().flatten());
                book.open -= 1;
                book.trim();
            }
        }
        // Not under the lock: a call's lock comes before this one.
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
