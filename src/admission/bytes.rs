//! How many bytes may be under way.
//!
//! As with the permits of the queue, it is *work* that waits here, not futures: bytes that come
//! free go to the next work in the line, and the thread that freed them starts that work itself.
//! The [`Weight`] is part of the work (it is moved into the closure), so its bytes are free when
//! the work has run or was dropped, whichever comes first.
//!
//! Unlike permits, work comes in sizes. There is one line, and its head blocks it: were small work
//! let past, big work would wait as long as small work comes. In return the head waits no longer
//! than for what was under way when it became the head, since no more than the limit may be asked
//! for at once.
//!
//! # Invariants
//!
//! 1. When the lock is released, the head of the line does not fit: whoever changes the state or the line takes out of it
//!    all that fits now. So nobody waits beside enough room, and whoever finds a line need not ask what is in it.
//! 2. The bytes that are out exceed the limit only by what was turned away ([`turn_away`](ByteBudget::turn_away)).
//! 3. Whether a weight that waits has been granted is decided by one removal from the line, under the lock: by the
//!    releaser (granted, and so it is given back when it is dropped), or by its own `drop` (it leaves no trace). Its
//!    place in the line comes before its work, which is only then made: a work that never comes strands nothing either.
//! 4. Nothing weighs nothing: no lock, no place in the line, nothing to give back.
//! 5. No work is started or dropped, and no other lock is taken, under the lock. Starting work can drop work (the pool
//!    may be closed), which frees bytes, which starts work: such starts are put in a row and not nested, so that a long
//!    line needs no deep stack.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::row::in_a_row;
use crate::sync::Mutex;

/// Work that waits for its bytes.
pub(crate) trait Start: Send + 'static {
    /// Starts the work; its bytes are there. Work that nobody wants any more is dropped instead,
    /// and its [`Weight`] with it.
    fn start(self);
}

/// The start of a task, in a box.
pub(crate) type PendingStart = Box<dyn FnOnce() + Send>;

/// What a task holds of a byte budget; nothing where there is none.
pub(crate) type ByteReservation = Option<Weight<PendingStart>>;

impl Start for PendingStart {
    fn start(self) {
        self();
    }
}

/// So many bytes, and the line of those who wait for some.
#[derive(Debug)]
pub(crate) struct ByteBudget<W: Start> {
    limit: usize,
    state: Mutex<State<W>>,
}

#[derive(Debug)]
struct State<W> {
    /// The bytes that are out. What is turned away is out whatever the limit, so a `usize` could overflow; as many weights
    /// as `arrivals` can count, of as many bytes each as a `usize` can, do not overflow this.
    taken: u128,
    /// How many have joined the line so far.
    arrivals: u64,
    /// In order of arrival.
    line: BTreeMap<u64, Place<W>>,
}

#[derive(Debug)]
struct Place<W> {
    bytes: usize,
    /// `None`: the work is still being made.
    work: Option<W>,
}

/// Bytes that were taken, or the wait for them. Dropping it gives them to the next in line, or gives up the wait.
#[derive(Debug)]
pub(crate) struct Weight<W: Start> {
    budget: Arc<ByteBudget<W>>,
    bytes: usize,
    /// Its place in the line, if it had to wait.
    arrival: Option<u64>,
}

/// A place in the order of arrival; `None` if there was no need to wait.
#[derive(Debug)]
pub(crate) struct Arrival(Option<u64>);

impl Arrival {
    /// Whether the bytes are still to come.
    pub(crate) fn waits(&self) -> bool {
        self.0.is_some()
    }
}

/// Why no bytes were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// More than there are in all: waiting is of no use.
    NeverFits,
    /// Not so many are left, or others wait already.
    Full,
}

/// More bytes were asked for than there are in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NeverFits;

impl<W: Start> ByteBudget<W> {
    /// `limit` bytes, none of them out.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        let state = State { taken: 0, arrivals: 0, line: BTreeMap::new() };
        Arc::new(Self { limit, state: Mutex::new(state) })
    }

    /// How many bytes there are in all.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// How many bytes are out.
    pub(crate) fn taken(&self) -> usize {
        usize::try_from(self.state.lock().taken).unwrap_or(usize::MAX)
    }

    /// How many stand in line.
    pub(crate) fn waiting(&self) -> usize {
        self.state.lock().line.len()
    }

    /// Takes bytes, if so many are left and nobody waits for some.
    pub(crate) fn try_take(self: &Arc<Self>, bytes: usize) -> Result<Weight<W>, Refused> {
        if bytes > self.limit {
            return Err(Refused::NeverFits);
        }
        if bytes > 0 && !self.state.lock().take(bytes, self.limit) {
            return Err(Refused::Full);
        }
        Ok(self.weight(bytes, None))
    }

    /// Joins the line, unless there is no need to. The weight is to be moved into the work, which must then be brought to
    /// [`bring`](ByteBudget::bring) at once.
    pub(crate) fn join_line(self: &Arc<Self>, bytes: usize) -> Result<(Weight<W>, Arrival), NeverFits> {
        if bytes > self.limit {
            return Err(NeverFits);
        }
        let arrival = if bytes > 0 { self.state.lock().take_or_join(bytes, self.limit) } else { None };
        Ok((self.weight(bytes, arrival), Arrival(arrival)))
    }

    /// Brings the work for a place in the line, to be started when its turn comes; which may have come.
    pub(crate) fn bring(&self, arrival: Arrival, work: W) {
        if let Some(arrival) = arrival.0 {
            let mut state = self.state.lock();
            if let Some(place) = state.line.get_mut(&arrival) {
                place.work = Some(work);
                return;
            }
        }
        work.start();
    }

    /// Starts all that waits, whatever the limit: for a pool that takes no more work, and turns it away.
    pub(crate) fn turn_away(&self) {
        let line = {
            let mut state = self.state.lock();
            let line = std::mem::take(&mut state.line);
            // Each of them believes that it has its bytes, and will give them back.
            state.taken += line.values().map(|place| place.bytes as u128).sum::<u128>();
            line
        };
        start_all(line.into_values().filter_map(|place| place.work).collect());
    }

    fn weight(self: &Arc<Self>, bytes: usize, arrival: Option<u64>) -> Weight<W> {
        Weight { budget: Arc::clone(self), bytes, arrival }
    }
}

impl<W> State<W> {
    /// Takes bytes unless somebody waits or too few are left. Says whether it did.
    fn take(&mut self, bytes: usize, limit: usize) -> bool {
        let taken = self.taken + bytes as u128;
        let takes = self.line.is_empty() && taken <= limit as u128;
        if takes {
            self.taken = taken;
        }
        takes
    }

    /// Takes bytes, or joins the line for them and says where.
    fn take_or_join(&mut self, bytes: usize, limit: usize) -> Option<u64> {
        if self.take(bytes, limit) {
            return None;
        }
        let arrival = self.arrivals;
        self.arrivals += 1;
        self.line.insert(arrival, Place { bytes, work: None });
        Some(arrival)
    }

    /// Takes out of the line all that fits now, up to the first that does not, and says which work is to be started. Work
    /// that is still being made finds the bytes its own when it comes.
    fn grant(&mut self, limit: usize) -> Vec<W> {
        let mut granted = Vec::new();
        while let Some(head) = self.line.first_entry() {
            let taken = self.taken + head.get().bytes as u128;
            if taken > limit as u128 {
                break;
            }
            self.taken = taken;
            granted.extend(head.remove().work);
        }
        granted
    }
}

/// Starts work, after that which this thread is starting already.
fn start_all<W: Start>(works: Vec<W>) {
    if !works.is_empty() {
        in_a_row(move || works.into_iter().for_each(Start::start));
    }
}

impl<W: Start> Drop for Weight<W> {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        // Lives until the end, beyond the lock: a work whose weight is given up is dropped here.
        let waited;
        let granted = {
            let mut state = self.budget.state.lock();
            waited = self.arrival.and_then(|arrival| state.line.remove(&arrival));
            if waited.is_none() {
                state.taken -= self.bytes as u128;
            }
            // Without it those behind may fit, though no byte came free.
            state.grant(self.budget.limit)
        };
        start_all(granted);
    }
}

#[cfg(test)]
mod tests;
