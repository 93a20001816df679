//! The byte budget: how many bytes the tasks that wait and run may hold together.
//!
//! As with permits, *work* waits here, not futures. The thread that frees bytes starts the next
//! work in the line. The [`Weight`] is moved into the closure, so its bytes are free once the work
//! has run or was dropped.
//!
//! Unlike permits, requests have sizes. The head of the line blocks it: if small work could pass
//! it, big work would wait for as long as small work arrives. No request exceeds the limit, so the
//! head waits at most for the bytes that were out when it became the head.
//!
//! # Invariants
//!
//! 1. When the lock is released, the head of the line does not fit: each change takes out all work
//!    that now fits. So nobody waits while enough bytes are free.
//! 2. The bytes that are out exceed the limit only by work that was turned away
//!    ([`turn_away`](ByteBudget::turn_away)).
//! 3. One removal from the line, under the lock, decides whether a waiting weight is granted.
//!    Either a releaser removes it (it is granted, and its drop gives the bytes back) or its own
//!    `drop` does (it leaves no trace). The weight joins the line before its work is made, so work
//!    that is never made strands no bytes either.
//! 4. A request for 0 bytes takes no lock, joins no line and gives nothing back.
//! 5. No work is started or dropped, and no other lock is taken, under the lock. Starting work can
//!    drop work (the pool may be closed), which frees bytes, which starts work. Such starts are not
//!    nested (`row.rs`), so a long line needs no deep stack.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::row::in_a_row;
use crate::sync::Mutex;

/// Work that waits for its bytes.
pub(crate) trait Start: Send + 'static {
    /// Starts the work, which has its bytes. Work that was cancelled is dropped instead, and its
    /// [`Weight`] with it.
    fn start(self);
}

/// The boxed start of a task.
pub(crate) type PendingStart = Box<dyn FnOnce() + Send>;

/// The bytes that a task holds; `None` without a byte budget.
pub(crate) type ByteReservation = Option<Weight<PendingStart>>;

impl Start for PendingStart {
    fn start(self) {
        self();
    }
}

/// A number of bytes, and the line of work that waits for them.
#[derive(Debug)]
pub(crate) struct ByteBudget<W: Start> {
    limit: usize,
    state: Mutex<State<W>>,
}

#[derive(Debug)]
struct State<W> {
    /// The bytes that are out. `turn_away` exceeds the limit, so a `usize` could overflow. A `u128`
    /// cannot: it has room for as many weights as `arrivals` can count, of `usize::MAX` bytes each.
    taken: u128,
    /// The number of weights that have joined the line so far.
    arrivals: u64,
    /// The line, in order of arrival.
    line: BTreeMap<u64, Place<W>>,
}

#[derive(Debug)]
struct Place<W> {
    bytes: usize,
    /// `None`: the work is still being made.
    work: Option<W>,
}

/// Bytes that were taken, or a place in the line for them. Its drop gives either up.
#[derive(Debug)]
pub(crate) struct Weight<W: Start> {
    budget: Arc<ByteBudget<W>>,
    bytes: usize,
    /// Its number in the line, if it had to wait.
    arrival: Option<u64>,
}

/// The number of a weight in the order of arrival; `None` if it did not have to wait.
#[derive(Debug)]
pub(crate) struct Arrival(Option<u64>);

impl Arrival {
    /// Returns whether the work has to wait for its bytes.
    pub(crate) fn waits(&self) -> bool {
        self.0.is_some()
    }
}

/// Why no bytes were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The request exceeds the limit, so waiting is of no use.
    NeverFits,
    /// Too few bytes are left, or others wait already.
    Full,
}

/// A request exceeds the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NeverFits;

impl<W: Start> ByteBudget<W> {
    /// Makes a budget of `limit` bytes, none of them out.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        let state = State { taken: 0, arrivals: 0, line: BTreeMap::new() };
        Arc::new(Self { limit, state: Mutex::new(state) })
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Returns how many bytes are out.
    pub(crate) fn taken(&self) -> usize {
        usize::try_from(self.state.lock().taken).unwrap_or(usize::MAX)
    }

    /// Returns how many weights wait in the line.
    pub(crate) fn waiting(&self) -> usize {
        self.state.lock().line.len()
    }

    /// Takes bytes if enough are left and nobody waits.
    pub(crate) fn try_take(self: &Arc<Self>, bytes: usize) -> Result<Weight<W>, Refused> {
        if bytes > self.limit {
            return Err(Refused::NeverFits);
        }
        if bytes > 0 && !self.state.lock().take(bytes, self.limit) {
            return Err(Refused::Full);
        }
        Ok(self.weight(bytes, None))
    }

    /// Takes bytes, or joins the line for them. The caller moves the weight into the work, and must
    /// then pass the work to [`bring`](ByteBudget::bring) at once.
    pub(crate) fn join_line(self: &Arc<Self>, bytes: usize) -> Result<(Weight<W>, Arrival), NeverFits> {
        if bytes > self.limit {
            return Err(NeverFits);
        }
        let mut arrival = None;
        if bytes > 0 {
            let mut state = self.state.lock();
            if !state.take(bytes, self.limit) {
                let number = state.arrivals;
                state.arrivals += 1;
                state.line.insert(number, Place { bytes, work: None });
                arrival = Some(number);
            }
        }
        Ok((self.weight(bytes, arrival), Arrival(arrival)))
    }

    /// Brings the work of an entry in the line. The work starts when it is granted, at once if it
    /// was granted already.
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

    /// Starts all waiting work, whatever the limit. A pool that is closed calls it, and refuses the
    /// work as it starts.
    pub(crate) fn turn_away(&self) {
        let line = {
            let mut state = self.state.lock();
            let line = std::mem::take(&mut state.line);
            // Each of these weights will give its bytes back when it is dropped.
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
    /// Takes bytes if enough are left and nobody waits. Returns whether it did.
    fn take(&mut self, bytes: usize, limit: usize) -> bool {
        let taken = self.taken + bytes as u128;
        let takes = self.line.is_empty() && taken <= limit as u128;
        if takes {
            self.taken = taken;
        }
        takes
    }

    /// Takes out of the line all work that now fits, up to the first that does not, and returns it
    /// to be started. Work that is still being made is granted its bytes and starts when it is
    /// brought.
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

/// Starts work, after the work that this thread is already starting.
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
        // Declared before the lock, so dropped after it: a given-up weight's work is dropped here.
        let waited;
        let granted = {
            let mut state = self.budget.state.lock();
            waited = self.arrival.and_then(|arrival| state.line.remove(&arrival));
            if waited.is_none() {
                state.taken -= self.bytes as u128;
            }
            // Without this weight the next ones may fit, though no byte became free.
            state.grant(self.budget.limit)
        };
        start_all(granted);
    }
}

#[cfg(test)]
mod tests;
