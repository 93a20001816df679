//! Helper threads run the user code that the timer thread postpones, because it may block.
//!
//! Such code is the drop of a cancelled closure, a spawn handler, or a subscriber of `tracing`. A
//! helper thread runs one postponed item after the other, and may never return from one. So another
//! thread starts if items wait and none has begun for [`STUCK`]. A helper thread ends after it has
//! had nothing to run for [`LINGER`], or when the pool has ended.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use std::{io, thread};

use crate::contain::{Postponed, PostponedLists, contain};
use crate::pool::shared::Shared;
use crate::pool::timer::outbox::Outbox;
use crate::sync::{Condvar, Mutex};

/// Another thread starts if items wait and none has begun for this long.
const STUCK: Duration = Duration::from_millis(100);
/// The time that a thread waits without anything to run before it ends.
const LINGER: Duration = Duration::from_secs(1);
/// The pause after the operating system refused a thread.
const RETRY: Duration = Duration::from_secs(1);

/// The timer thread's side of the helper threads.
pub(in crate::pool) struct HelperThreads {
    queue: Arc<Queue>,
    outbox: Arc<Outbox>,
    name: String,
    /// The number of runs that had begun at the last check.
    known_begun: u64,
    /// When to check for stuck threads; `None` if nothing waited at the last check.
    next_check: Option<Instant>,
}

/// What the helper threads share.
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// The pool, notified after each run.
    pool: Weak<Shared>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Postponed>,
    /// The number of runs that have begun.
    begun: u64,
    /// Threads without anything to run.
    idle: usize,
    closed: bool,
}

impl HelperThreads {
    pub(in crate::pool) fn new(shared: &Arc<Shared>) -> Self {
        let pool = Arc::downgrade(shared);
        let queue = Arc::new(Queue { state: Mutex::default(), changed: Condvar::new(), pool });
        let name = format!("{}-helper", shared.config.thread_name);
        Self { queue, outbox: Arc::default(), name, known_begun: 0, next_check: None }
    }

    /// Takes what the timer thread has postponed. Starts a thread if none is free, or all are
    /// stuck.
    pub(in crate::pool) fn run(&mut self, shared: &Shared, postponed: PostponedLists, now: Instant) {
        let PostponedLists { code, events } = postponed;
        let emit = self.outbox.add(events);
        let mut state = self.queue.state.lock();
        state.waiting.extend(code.into_iter().chain(emit));
        if state.waiting.is_empty() {
            self.next_check = None;
            return;
        }
        let (idle, begun) = (state.idle, state.begun);
        drop(state);
        self.queue.changed.notify_one();
        let wants_thread = match self.next_check {
            None => idle == 0,
            Some(check) if check <= now => begun == self.known_begun,
            Some(_) => return,
        };
        self.known_begun = begun;
        self.next_check = Some(now + STUCK);
        if wants_thread {
            if let Err(error) = self.start() {
                self.next_check = Some(now + RETRY);
                shared.events.side_thread_refused(error, "helper").tell();
            }
        }
    }

    /// Returns when to check next, while anything waits.
    pub(in crate::pool) fn next_check(&self) -> Option<Instant> {
        self.next_check
    }

    /// Returns whether anything waits.
    pub(in crate::pool) fn has_waiting(&self) -> bool {
        !self.queue.state.lock().waiting.is_empty()
    }

    fn start(&self) -> io::Result<()> {
        let queue = Arc::clone(&self.queue);
        thread::Builder::new().name(self.name.clone()).spawn(move || queue.serve()).map(drop)
    }
}

/// Ends the helper threads when the timer thread ends.
impl Drop for HelperThreads {
    fn drop(&mut self) {
        self.queue.state.lock().closed = true;
        self.queue.changed.notify_all();
    }
}

impl Queue {
    /// Runs postponed items, on a helper thread.
    fn serve(&self) {
        while let Some(code) = self.next() {
            let pool = self.pool.upgrade();
            let runtime = pool.as_ref().and_then(|shared| shared.runtime.current().1);
            drop(pool);
            let _entered = runtime.as_ref().map(tokio::runtime::Handle::enter);
            contain(code);
            if let Some(shared) = self.pool.upgrade() {
                shared.test_hooks.state_changed();
            }
        }
    }

    /// Returns the next item to run; `None` if the thread is to end.
    fn next(&self) -> Option<Postponed> {
        let until = Instant::now() + LINGER;
        let mut state = self.state.lock();
        loop {
            if let Some(code) = state.waiting.pop_front() {
                state.begun += 1;
                return Some(code);
            }
            let left = until.saturating_duration_since(Instant::now());
            if state.closed || left.is_zero() {
                return None;
            }
            state.idle += 1;
            state = self.changed.wait_timeout(state, left);
            state.idle -= 1;
        }
    }
}
