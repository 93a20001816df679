//! The permits of a queue, and the line of those who came when there was none.
//!
//! # Why not a general semaphore
//!
//! `tokio::sync::Semaphore` hands a permit to the first *future* in the line. If nobody polls that
//! future any more (an arm of a paused `select!`, a member of a `FuturesUnordered` behind a slow
//! consumer), the permit is stranded. Here *work* enters the queue at once, with a [`Ticket`], and
//! a permit that comes back later pays for it. Only a caller who has no work yet ([`Call`]) is
//! granted a permit for later use, which can be taken back (`reservations.rs`). A release is one
//! atomic addition while nobody waits, where the general semaphore takes a lock.
//!
//! `README.md` beside this file has the protocol and its proof.

use std::collections::VecDeque;
use std::sync::Arc;

use crossbeam_utils::CachePadded;

use super::reservations::Call;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::task::Ticket;

/// Somebody waits, or is about to.
const LINE: usize = 1;
const CLOSED: usize = 2;
/// One free permit.
const ONE: usize = 4;

/// Why no permit was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// All permits are taken, or others wait already.
    Occupied,
    /// The permits are closed.
    Closed,
}

/// The result of [`Permits::release`].
#[derive(Debug)]
#[must_use = "those who were granted a permit have to be told"]
pub(crate) struct Released {
    /// The free permits, as the releaser saw them.
    pub(crate) available: usize,
    /// The number of tasks and callers that were paid for.
    pub(crate) served: usize,
    /// The callers among them. The timer thread must watch their reservations; then they are woken
    /// ([`Call::wake`]).
    pub(crate) granted: Vec<Arc<Call>>,
}

/// The result of [`Permits::join_caller`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// The caller is in the line.
    InLine,
    /// A permit had come back meanwhile, and the caller has it.
    Permit,
    /// The permits are closed.
    Closed,
}

/// An entry in the line.
#[derive(Debug)]
enum Waiter {
    /// Tasks in the queue without a permit. Never 0.
    Work(u64),
    /// A caller who brings work later.
    Caller(Arc<Call>),
}

/// The permits and their line.
#[derive(Debug)]
pub(crate) struct Permits {
    word: CachePadded<AtomicUsize>,
    line: Mutex<Line>,
    /// The last ticket that was paid for. Work with a later ticket is beyond the limit. Written
    /// under the line's lock.
    paid: AtomicU64,
    limit: usize,
}

#[derive(Debug, Default)]
struct Line {
    waiters: VecDeque<Waiter>,
    /// The number of tickets given out so far.
    tickets: u64,
    /// Tasks in `waiters`: `tickets - paid`.
    work: u64,
    /// Callers in `waiters`.
    callers: usize,
    /// Callers that gave up and are still in `waiters`. Below 0 for a moment, if a caller is taken
    /// out before it reports that it gave up.
    gone: isize,
}

impl Permits {
    /// Makes `limit` free permits.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            word: CachePadded::new(AtomicUsize::new(limit * ONE)),
            line: Mutex::new(Line::default()),
            paid: AtomicU64::new(0),
            limit,
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn available(&self) -> usize {
        self.word.load(Ordering::SeqCst) / ONE
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.word.load(Ordering::SeqCst) & CLOSED != 0
    }

    /// Returns the number of callers and tasks in the line.
    pub(crate) fn waiting(&self) -> usize {
        let line = self.line.lock();
        let callers = line.callers.saturating_add_signed(-line.gone);
        line.work().saturating_add(callers)
    }

    /// Returns the number of tasks in the line.
    pub(crate) fn beyond(&self) -> usize {
        self.line.lock().work()
    }

    /// Returns the last ticket that was paid for.
    pub(crate) fn paid(&self) -> Ticket {
        Ticket::new(self.paid.load(Ordering::SeqCst))
    }

    /// Takes a permit if one is free and nobody waits. Returns how many are left.
    #[inline]
    pub(crate) fn try_take(&self) -> Result<usize, Full> {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word & CLOSED != 0 {
                return Err(Full::Closed);
            }
            if word & LINE != 0 || word < ONE {
                return Err(Full::Occupied);
            }
            match self.word.compare_exchange_weak(word, word - ONE, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => return Ok(word / ONE - 1),
                Err(seen) => word = seen,
            }
        }
    }

    /// Returns a ticket for work that enters the queue now: [`Ticket::HELD`] if a permit is free,
    /// else one beyond the limit. Returns `None` if the permits are closed.
    pub(crate) fn join_work(&self) -> Option<Ticket> {
        let mut line = self.line.lock();
        match self.begin_join(&line) {
            Joined::Closed => None,
            Joined::Permit => Some(Ticket::HELD),
            Joined::InLine => {
                line.tickets += 1;
                line.work += 1;
                line.push_work(1);
                Some(Ticket::new(line.tickets))
            }
        }
    }

    /// Puts a caller into the line, unless a permit is free or the permits are closed.
    pub(crate) fn join_caller(&self, call: &Arc<Call>) -> Joined {
        let mut line = self.line.lock();
        let joined = self.begin_join(&line);
        if joined == Joined::InLine {
            line.callers += 1;
            line.waiters.push_back(Waiter::Caller(Arc::clone(call)));
        }
        joined
    }

    /// Sets `LINE` and counts the permits again. Takes a permit that is free, if nobody waits.
    fn begin_join(&self, line: &Line) -> Joined {
        let word = self.word.fetch_or(LINE, Ordering::SeqCst);
        let joined = if word & CLOSED != 0 {
            Joined::Closed
        } else if line.waiters.is_empty() && word >= ONE {
            self.word.fetch_sub(ONE, Ordering::SeqCst);
            Joined::Permit
        } else {
            return Joined::InLine;
        };
        self.end_line(line);
        joined
    }

    /// Clears `LINE` if nobody waits.
    fn end_line(&self, line: &Line) {
        if line.waiters.is_empty() {
            self.word.fetch_and(!LINE, Ordering::SeqCst);
        }
    }

    /// Gives `permits` back, and serves the line with them.
    #[inline]
    pub(crate) fn release(&self, permits: usize) -> Released {
        let word = self.word.fetch_add(permits * ONE, Ordering::SeqCst);
        let (served, granted) = if word & LINE == 0 { (0, Vec::new()) } else { self.serve_line() };
        Released { available: (word / ONE + permits).saturating_sub(served), served, granted }
    }

    /// Pays for the first in the line while permits are free. Returns how many were paid for, and
    /// the callers among them.
    #[cold]
    fn serve_line(&self) -> (usize, Vec<Arc<Call>>) {
        let (mut served, mut callers, mut gone) = (0, Vec::new(), Vec::new());
        let mut line = self.line.lock();
        while self.available() > 0 {
            match line.waiters.pop_front() {
                None => break,
                Some(Waiter::Work(count)) => {
                    if count > 1 {
                        line.waiters.push_front(Waiter::Work(count - 1));
                    }
                    line.work -= 1;
                    self.paid.fetch_add(1, Ordering::SeqCst);
                }
                Some(Waiter::Caller(call)) => {
                    line.callers -= 1;
                    if !call.grant() {
                        line.gone -= 1;
                        gone.push(call);
                        continue;
                    }
                    callers.push(call);
                }
            }
            self.word.fetch_sub(ONE, Ordering::SeqCst);
            served += 1;
        }
        self.end_line(&line);
        drop(line);
        // Dropped without the lock: a call holds a waker, which is a user's code.
        drop(gone);
        (served, callers)
    }

    /// Takes a task that will not run out of the line. Returns true if its ticket was beyond the
    /// limit; the task then has no permit to give back.
    pub(crate) fn leave_line(&self, ticket: Ticket) -> bool {
        let mut line = self.line.lock();
        if ticket <= self.paid() || !line.pop_work() {
            return false;
        }
        self.paid.fetch_add(1, Ordering::SeqCst);
        self.end_line(&line);
        true
    }

    /// Notes that a caller in the line has given up. When half of the callers have, they are
    /// removed, so that a line that does not move holds at most twice as many callers as wait.
    pub(crate) fn gave_up(&self) {
        let mut cleared = Vec::new();
        {
            let mut line = self.line.lock();
            line.gone += 1;
            if line.gone.unsigned_abs() * 2 > line.callers {
                cleared = line.take_callers(|call| !call.is_waiting());
                line.gone -= isize::try_from(cleared.len()).unwrap_or(isize::MAX);
                self.end_line(&line);
            }
        }
        drop(cleared);
    }

    /// Closes the permits, and returns the callers in the line, to be refused. Work stays in the
    /// line: each task that leaves the queue pays for it.
    pub(crate) fn close(&self) -> Vec<Arc<Call>> {
        let mut line = self.line.lock();
        self.word.fetch_or(CLOSED, Ordering::SeqCst);
        let callers = line.take_callers(|_| true);
        line.gone = 0;
        self.end_line(&line);
        callers
    }
}

impl Line {
    /// Takes the callers that satisfy `pred` out of the line.
    fn take_callers(&mut self, pred: impl Fn(&Call) -> bool) -> Vec<Arc<Call>> {
        let mut taken = Vec::new();
        for waiter in std::mem::take(&mut self.waiters) {
            match waiter {
                Waiter::Caller(call) if pred(&call) => taken.push(call),
                Waiter::Work(count) => self.push_work(count),
                other => self.waiters.push_back(other),
            }
        }
        self.callers -= taken.len();
        taken
    }

    fn work(&self) -> usize {
        usize::try_from(self.work).unwrap_or(usize::MAX)
    }

    /// Takes the first task out of the line.
    fn pop_work(&mut self) -> bool {
        let first = self.waiters.iter().position(|waiter| matches!(waiter, Waiter::Work(_)));
        let Some(at) = first else { return false };
        self.work -= 1;
        match self.waiters.get_mut(at) {
            Some(Waiter::Work(count)) if *count > 1 => *count -= 1,
            _ => _ = self.waiters.remove(at),
        }
        true
    }

    fn push_work(&mut self, count: u64) {
        match self.waiters.back_mut() {
            Some(Waiter::Work(before)) => *before += count,
            _ => self.waiters.push_back(Waiter::Work(count)),
        }
    }
}
