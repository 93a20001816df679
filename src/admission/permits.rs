//! The permits of a queue and the line of those who wait for one.
//!
//! # Why not a general semaphore
//!
//! `tokio::sync::Semaphore` hands a permit to the first *future* in line. If nobody polls that future any more (an arm of
//! a paused `select!`, a member of a `FuturesUnordered` behind a slow consumer) the permit is stranded, and nobody can
//! take it back. Here *work* stands in line: when its turn comes it goes into the queue in the releaser's hands, and no
//! poll is needed. Only a caller who has no work yet ([`Call`]) is granted a permit to use later, and that grant can be
//! taken back (`reservations.rs`). Besides, a release is one atomic addition while nobody waits, where the general
//! semaphore takes a lock.
//!
//! # States
//!
//! One word: the permits at home, `LINE` (somebody waits, or is about to) and `CLOSED`.
//!
//! # Invariants
//!
//! 1. While `LINE` is set, permits are taken under the line's lock only. So nobody overtakes those who wait.
//! 2. `LINE` is set under the lock before the line is joined and before the permits are counted again; a release adds its
//!    permit first and looks at `LINE` in the same atomic operation. So either the joiner sees the permit or the releaser
//!    sees the joiner: nobody waits beside a free permit.
//! 3. When the lock is released, `LINE` is set exactly if the line is not empty.
//! 4. Lock order: the line's lock, then a task's or a call's, then the reservations'.

use std::collections::VecDeque;
use std::sync::Arc;

use crossbeam_utils::CachePadded;

use super::call::Call;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::task::TaskRef;

const LINE: usize = 1;
const CLOSED: usize = 2;
const ONE: usize = 4;

/// Why there was no permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// All are out, or others wait already.
    Occupied,
    /// There will be none any more.
    Closed,
}

/// What [`Permits::release`] did.
#[derive(Debug)]
#[must_use = "those who were granted a permit have to be told"]
pub(crate) struct Released {
    /// The permits at home, as far as the releaser knows.
    pub(crate) available: usize,
    /// The work that was admitted.
    pub(crate) delivered: usize,
    /// The callers who were granted a permit. Their reservations have to be looked after, then they are to be woken
    /// ([`Call::wake`]).
    pub(crate) granted: Vec<Arc<Call>>,
}

/// How [`Permits::join_line`] went.
#[derive(Debug)]
pub(crate) enum Joined {
    /// The waiter stands in line.
    InLine,
    /// A permit had come home meanwhile: it is the waiter's, who is handed back.
    Permit(Waiter),
    /// There will be no permit any more; the waiter is handed back.
    Closed(Waiter),
}

/// Somebody in the line.
pub(crate) enum Waiter {
    /// Work: it goes into the queue when its turn comes.
    Task(TaskRef),
    /// A caller who will bring work later.
    Call(Arc<Call>),
}

impl std::fmt::Debug for Waiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Waiter::Task(_) => "Task",
            Waiter::Call(_) => "Call",
        })
    }
}

impl Waiter {
    fn still_waits(&self) -> bool {
        match self {
            Waiter::Task(task) => task.is_pending(),
            Waiter::Call(call) => call.is_waiting(),
        }
    }
}

/// The permits and the line.
#[derive(Debug)]
pub(crate) struct Permits {
    word: CachePadded<AtomicUsize>,
    line: Mutex<Line>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Line {
    waiters: VecDeque<Waiter>,
    /// Waiters that gave up and are still in `waiters`.
    gone: usize,
}

impl Permits {
    /// `limit` permits, all at home.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            word: CachePadded::new(AtomicUsize::new(limit * ONE)),
            line: Mutex::new(Line::default()),
            limit,
        }
    }

    /// How many there are in all.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// How many are at home.
    pub(crate) fn available(&self) -> usize {
        self.word.load(Ordering::SeqCst) / ONE
    }

    /// Whether no permit will be given any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.word.load(Ordering::SeqCst) & CLOSED != 0
    }

    /// How many stand in line.
    pub(crate) fn waiting(&self) -> usize {
        let line = self.line.lock();
        line.waiters.len().saturating_sub(line.gone)
    }

    /// Takes a permit at once; says how many are left.
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

    /// Joins the line, unless there is no need to, or no point.
    pub(crate) fn join_line(&self, waiter: Waiter) -> Joined {
        let mut line = self.line.lock();
        let word = self.word.fetch_or(LINE, Ordering::SeqCst);
        if word & CLOSED != 0 {
            self.word.fetch_and(!LINE, Ordering::SeqCst);
            return Joined::Closed(waiter);
        }
        if line.waiters.is_empty() && word >= ONE {
            self.word.fetch_sub(ONE, Ordering::SeqCst);
            self.word.fetch_and(!LINE, Ordering::SeqCst);
            return Joined::Permit(waiter);
        }
        line.waiters.push_back(waiter);
        Joined::InLine
    }

    /// Brings `permits` home and gives them to those in line. Work that is admitted is handed to `deliver` (under the
    /// line's lock: only to be put into a queue).
    #[inline]
    pub(crate) fn release(&self, permits: usize, deliver: impl FnMut(TaskRef)) -> Released {
        let word = self.word.fetch_add(permits * ONE, Ordering::SeqCst);
        let (delivered, granted) = if word & LINE == 0 { (0, Vec::new()) } else { self.serve_line(deliver) };
        let available = (word / ONE + permits).saturating_sub(delivered + granted.len());
        Released { available, delivered, granted }
    }

    /// Says how much work was admitted and who was granted a permit.
    #[cold]
    fn serve_line(&self, mut deliver: impl FnMut(TaskRef)) -> (usize, Vec<Arc<Call>>) {
        let (mut delivered, mut callers, mut gone) = (0, Vec::new(), Vec::new());
        let mut line = self.line.lock();
        while self.available() > 0 {
            let Some(waiter) = line.waiters.pop_front() else { break };
            match waiter {
                Waiter::Task(task) if task.admit() => {
                    self.word.fetch_sub(ONE, Ordering::SeqCst);
                    deliver(task);
                    delivered += 1;
                }
                Waiter::Call(call) if call.grant() => {
                    self.word.fetch_sub(ONE, Ordering::SeqCst);
                    callers.push(call);
                }
                other => {
                    line.gone = line.gone.saturating_sub(1);
                    gone.push(other);
                }
            }
        }
        if line.waiters.is_empty() {
            self.word.fetch_and(!LINE, Ordering::SeqCst);
        }
        drop(line);
        // Not under the lock: with the last reference to a task its result goes, which is a user's.
        drop(gone);
        (delivered, callers)
    }

    /// A waiter has given up. Those who have are cleared away when they are half of the line, so that a line that does
    /// not move holds no more memory than twice what waits in it.
    pub(crate) fn gave_up(&self) {
        let mut cleared = Vec::new();
        {
            let mut line = self.line.lock();
            line.gone += 1;
            if line.gone * 2 > line.waiters.len() {
                let (stay, gone) =
                    std::mem::take(&mut line.waiters).into_iter().partition::<Vec<_>, _>(Waiter::still_waits);
                line.waiters = stay.into();
                line.gone = 0;
                cleared = gone;
                if line.waiters.is_empty() {
                    self.word.fetch_and(!LINE, Ordering::SeqCst);
                }
            }
        }
        drop(cleared);
    }

    /// Gives no more permits. Those who wait are handed back, to be refused.
    pub(crate) fn close(&self) -> Vec<Waiter> {
        let mut line = self.line.lock();
        self.word.fetch_or(CLOSED, Ordering::SeqCst);
        self.word.fetch_and(!LINE, Ordering::SeqCst);
        line.gone = 0;
        std::mem::take(&mut line.waiters).into()
    }
}
