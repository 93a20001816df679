//! The keeper: one thread a pool that waits for times to come (a reservation that lapses, the deadline of a shutdown), sends
//! wake-ups that a worker has held back for too long, and sizes the pool. It is started when it is first needed and sleeps
//! while nothing is due.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{io, thread};

use super::alarm::Alarm;
use super::rounds::Rounds;
use super::scaler::Scaler;
use super::shared::{Shared, count};
use crate::contain::contain;
use crate::sync::{Mutex, MutexGuard};

/// A pause after the operating system refused the thread.
const RETRY: Duration = Duration::from_secs(1);
/// Deadlines are looked at no more often than that.
const LEAST_WAIT: Duration = Duration::from_millis(1);

/// What the keeper waits for, beside the reservations.
#[derive(Debug)]
pub(super) struct Keeper {
    state: Mutex<State>,
    alarm: Alarm,
    /// It is awake, or has a time set: it will look at the reservations by itself.
    armed: AtomicBool,
    /// It will look for tasks whose deadline has passed at that time; `u64::MAX`: it won't.
    expiry: AtomicU64,
}

impl Default for Keeper {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            alarm: Alarm::default(),
            armed: AtomicBool::new(false),
            expiry: AtomicU64::new(u64::MAX),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    started: bool,
    stopped: bool,
    /// It sleeps, and has not been called.
    asleep: Option<Asleep>,
    drain_until: Option<Instant>,
    /// A thread that was refused is asked for again then, if work waits.
    try_again: Option<Instant>,
    /// After the operating system refused the thread it is not asked for until then.
    not_before: Option<Instant>,
}

/// What the keeper sleeps for.
#[derive(Debug, Clone, Copy)]
struct Asleep {
    /// When its look for blocked workers is due.
    look: Option<Instant>,
    /// And its look at the wake-ups that are held back.
    round: Option<Instant>,
    /// And anything else.
    others: Option<Instant>,
}

impl Asleep {
    /// When anything is.
    fn due(self) -> Option<Instant> {
        [self.look, self.round, self.others].into_iter().flatten().min()
    }
}

impl State {
    /// Has it look what is due.
    fn call(&mut self, alarm: &Alarm) {
        if self.asleep.take().is_some() {
            alarm.ring();
        }
    }
}

impl Shared {
    /// A reservation was entered: it will be looked after.
    #[inline]
    pub(super) fn keep_reservations(self: &Arc<Self>) {
        if !self.keeper.armed.swap(true, Ordering::SeqCst) {
            self.wake_keeper();
        }
    }

    /// A task came whose deadline is the next.
    pub(super) fn keep_expiry(self: &Arc<Self>) {
        // The keeper tells first when it will look, and then reads the next deadline.
        let will_look = self.keeper.expiry.load(Ordering::SeqCst);
        if self.expires_next().is_some_and(|at| at < will_look) {
            self.wake_keeper();
        }
    }

    /// The next deadline of a task that waits, wherever it does.
    fn expires_next(&self) -> Option<u64> {
        [self.run_queue.next_expiry(), self.outside.next_expiry()].into_iter().flatten().min()
    }

    /// What waits at `deadline` is cancelled then. Of several deadlines the earliest counts.
    pub(super) fn keep_deadline(self: &Arc<Self>, deadline: Instant) {
        self.call_keeper(|state| {
            state.drain_until = Some(state.drain_until.map_or(deadline, |known| known.min(deadline)));
        });
    }

    /// A thread was refused: another is asked for at `then`, if work waits still.
    pub(super) fn keep_asking(self: &Arc<Self>, then: Instant) {
        self.call_keeper(|state| state.try_again = Some(then));
    }

    /// Wake-ups are held back: they will be looked after. Says whether that is so.
    #[cold]
    pub(super) fn keep_outboxes(self: &Arc<Self>) -> bool {
        if self.test_hooks.sends_wakes() {
            return false;
        }
        if self.outboxes.watch() {
            self.wake_keeper();
        }
        self.outboxes.watched()
    }

    /// The pool has ended.
    pub(super) fn dismiss_keeper(&self) {
        let mut state = self.lock_keeper();
        state.stopped = true;
        state.call(&self.keeper.alarm);
    }

    /// Somebody has just vouched for all workers. If the keeper sleeps it sleeps on.
    pub(super) fn put_off_looks(&self) {
        // If it is awake it will see for itself.
        let Some(state) = self.keeper.state.try_lock() else { return };
        if let Some(asleep) = state.asleep {
            let put_off = self.put_off(asleep);
            if let Some(due) = put_off.due().filter(|_| put_off.due() > asleep.due()) {
                self.keeper.alarm.put_off(due.saturating_duration_since(Instant::now()));
            }
        }
    }

    /// The same, but no look before the time until which somebody has vouched.
    fn put_off(&self, asleep: Asleep) -> Asleep {
        let vouching = &self.scaling.vouching;
        let at = |then: u64| self.epoch + Duration::from_nanos(then);
        Asleep {
            look: asleep.look.map(|look| look.max(at(vouching.no_look_before()))),
            round: asleep.round.map(|round| round.max(at(vouching.no_round_before()))),
            others: asleep.others,
        }
    }

    fn lock_keeper(&self) -> MutexGuard<'_, State> {
        self.keeper.state.lock()
    }

    /// Has the keeper look what is due. Says whether there is one.
    pub(super) fn wake_keeper(self: &Arc<Self>) -> bool {
        self.call_keeper(|_| ())
    }

    #[cold]
    fn call_keeper(self: &Arc<Self>, say: impl FnOnce(&mut State)) -> bool {
        let mut state = self.lock_keeper();
        say(&mut state);
        let mut refused = None;
        if !state.started && !state.stopped {
            refused = self.start_keeper(&mut state).err();
        }
        let started = state.started;
        state.call(&self.keeper.alarm);
        drop(state);
        if let Some(error) = refused {
            // Not under the lock: the subscriber is a user's.
            contain(|| tracing::warn!(%error, "the keeper thread could not be started"));
        }
        started
    }

    fn start_keeper(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        let mut refused = Ok(());
        if state.not_before.is_none_or(|until| Instant::now() >= until) {
            let shared = Arc::clone(self);
            let builder = thread::Builder::new().name(format!("{}-keeper", self.config.thread_name));
            match builder.spawn(move || shared.keep()) {
                Ok(_) => state.started = true,
                Err(error) => {
                    state.not_before = Some(Instant::now() + RETRY);
                    refused = Err(error);
                }
            }
        }
        if !state.started {
            // Asked again at the next occasion; until then reservations do not lapse, and no wake-up is held back.
            self.keeper.armed.store(false, Ordering::SeqCst);
            self.outboxes.unwatched();
        }
        refused
    }

    fn keep(self: Arc<Self>) {
        // It tells the cores that the pool may use by its own.
        self.home.settle();
        let mut rounds = Rounds::default();
        let mut scaler = Scaler::new(&self);
        let mut expired = Instant::now();
        let mut quiet = None;
        self.keeper.alarm.wind_up();
        let mut state = self.lock_keeper();
        while !state.stopped {
            let now = Instant::now();
            let lapse = self.next_lapse(now, &mut quiet);
            let expiry = self.next_expiry(expired);
            let round = rounds.next(&self.outboxes, now);
            let (look, sample) = scaler.next(&self, now);
            let others =
                [lapse, expiry, state.drain_until, state.try_again, sample].into_iter().flatten().min();
            let asleep = self.put_off(Asleep { look, round, others });
            let due = asleep.due();
            state = match due {
                Some(due) if due <= now => {
                    let drained = state.drain_until.take_if(|until| *until <= now).is_some();
                    let again = state.try_again.take_if(|then| *then <= now).is_some();
                    drop(state);
                    if drained {
                        self.abort_all();
                    }
                    if again && self.has_work() {
                        self.work_waits();
                    }
                    self.lapse_reservations(now);
                    if expiry.is_some_and(|at| at <= now) {
                        let until = self.ns_at(now);
                        self.expire(self.run_queue.expire(until));
                        self.expire(self.outside.expire(until));
                        expired = now;
                    }
                    if asleep.round.is_some_and(|round| round <= now) {
                        rounds.look(&self.outboxes, now);
                    }
                    scaler.look(&self, now, asleep.look.is_some_and(|look| look <= now));
                    self.lock_keeper()
                }
                _ => {
                    state.asleep = Some(asleep);
                    let time = due.map(|due| due - now);
                    let mut state = self.keeper.alarm.sleep(&self.keeper.state, state, time);
                    state.asleep = None;
                    state
                }
            };
        }
    }

    /// When it has to look at the reservations next. An empty book is looked at once more after the timeout, and until then nobody need call:
    /// what is entered meanwhile lapses later. (Who reserves and uses one place after the other would wake this thread each time.)
    fn next_lapse(&self, now: Instant, quiet: &mut Option<Instant>) -> Option<Instant> {
        // Disarmed before it looks: whoever enters a reservation after the look arms it again, and signals.
        let armed = self.keeper.armed.swap(false, Ordering::SeqCst);
        let lapse = self.reservations.next_lapse();
        *quiet = match *quiet {
            _ if lapse.is_some() => None,
            None if armed => now.checked_add(self.config.reservation_timeout),
            until => until.filter(|until| *until > now),
        };
        let look = lapse.or(*quiet);
        if look.is_some() {
            self.keeper.armed.store(true, Ordering::SeqCst);
        }
        look
    }

    /// When a task's deadline passes next; not so soon that the keeper would be busy with that alone.
    fn next_expiry(&self, last: Instant) -> Option<Instant> {
        // Told before the look: whoever brings an earlier one after it, calls.
        self.keeper.expiry.store(u64::MAX, Ordering::SeqCst);
        let at = self.expires_next()?.max(self.ns_at(last + LEAST_WAIT));
        self.keeper.expiry.store(at, Ordering::SeqCst);
        self.epoch.checked_add(Duration::from_nanos(at))
    }

    fn lapse_reservations(self: &Arc<Self>, now: Instant) {
        for _ in 0..self.reservations.lapse(now) {
            count(&self.tally.lapsed);
            let timeout = self.config.reservation_timeout;
            contain(|| tracing::warn!(?timeout, "a permit was not used in time; its place goes to others"));
            self.release_permit();
        }
    }
}
