//! The loop of a worker, and the state of its thread.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::task::Waker;
use std::thread;
use std::time::Instant;

use crate::contain::contain;
use crate::error::Panic;
use crate::metrics::{Phase, WorkerCounters};
use crate::policy::batching;
use crate::policy::nanos;
use crate::policy::scaling::burst;
use crate::policy::spin_backoff::{BUSY_SPIN, MAX_SPIN, SpinBackoff};
use crate::policy::waking::WakeGroup;
use crate::pool::events::{self, Untold};
use crate::pool::run_order::charges::Charges;
use crate::pool::shared::Shared;
use crate::pool::worker::core_yield::CoreYield;
use crate::pool::worker::ledger::{Ledger, class_of};
use crate::pool::worker::warm_up;
use crate::queue::{Found, Local, Source};
use crate::task::{Arrived, CancelNode, Ended, Host, Place, Priority, TaskRef, Ticket};
use crate::topology::thread_number;
use tokio::runtime::Handle;

/// Notified when a thread runs.
pub(in crate::pool) type Ready = mpsc::SyncSender<()>;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Worker>>> = const { RefCell::new(None) };
    /// Whether `CURRENT` may hold a worker. It needs no destructor, so to read it is one load. A
    /// thread that is no worker pays only that load.
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// The state of a worker's thread.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    slot: usize,
    pub(in crate::pool) local: Local,
    pub(in crate::pool) ledger: Ledger,
    pub(in crate::pool) charges: Charges,
    spin_backoff: Cell<SpinBackoff>,
    /// The callers whose wake-ups the worker defers. The timer thread may have woken them
    /// meanwhile.
    pub(in crate::pool) wake_group: Cell<Option<WakeGroup>>,
    core_yield: CoreYield,
    /// The task is in a section that is declared to block.
    pub(in crate::pool) blocking: Cell<bool>,
    /// The request whose offloaded future the task polls (`polling.rs`).
    pub(in crate::pool) polling: RefCell<Option<Arc<CancelNode>>>,
    /// The innermost task has polled the future of other work.
    pub(in crate::pool) has_waited: Cell<bool>,
    /// The limits of `slow_task` and `long_wait`, in nanoseconds.
    pub(in crate::pool) slow_task_ns: u64,
    pub(in crate::pool) long_wait_ns: u64,
    /// The events about its tasks that are not emitted yet.
    pub(in crate::pool) untold: RefCell<Vec<Untold>>,
    /// The running task.
    pub(in crate::pool) task: RefCell<Option<TaskRef>>,
    /// Tasks that run within the running task, because it waits for them.
    pub(in crate::pool) within: RefCell<Vec<TaskRef>>,
}

/// Returns the calling thread's worker, if it belongs to `shared` and runs a closure. A worker that
/// polls an offloaded future counts as a thread outside of the pool.
#[inline]
pub(in crate::pool) fn current_of(shared: &Arc<Shared>) -> Option<Rc<Worker>> {
    current().filter(|worker| worker.runs_closure_of(shared))
}

/// Returns the calling thread's worker, if it belongs to `shared`, whatever it does.
#[inline]
pub(in crate::pool) fn thread_of(shared: &Arc<Shared>) -> Option<Rc<Worker>> {
    current().filter(|worker| Arc::ptr_eq(&worker.shared, shared))
}

/// Returns the calling thread's worker. Returns `None` while the thread's locals are destroyed.
#[inline]
pub(in crate::pool) fn current() -> Option<Rc<Worker>> {
    if IS_WORKER.try_with(Cell::get).unwrap_or(false) { worker() } else { None }
}

/// The rest of [`current`], for a thread that is a worker.
#[inline(never)]
fn worker() -> Option<Rc<Worker>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// Runs the thread of `slot`. The census already counts this worker.
pub(in crate::pool) fn main(shared: Arc<Shared>, slot: usize, ready: Option<Ready>) {
    // Before the hook, so that the hook can pin the thread otherwise.
    shared.home.settle();
    shared.bindings.bind(slot, &shared.home);
    warm_up::prepare(&shared.config);
    if let Some(hook) = &shared.hooks.thread_start {
        contain(|| hook());
    }
    events::thread_started(slot);
    if let Some(ready) = ready {
        // The builder of the pool may no longer wait.
        let _ = ready.send(());
    }
    // A thread puts the deques back before its slot is free again.
    match shared.queues.claim(slot) {
        Some(local) => serve(&shared, slot, local),
        None => shared.never_came(),
    }
    events::thread_left(slot);
    if let Some(hook) = &shared.hooks.thread_stop {
        contain(|| hook());
    }
    shared.thread_left(slot);
    if !shared.idle.census().closing() {
        shared.threads.join_ended();
    }
}

/// Runs the worker of `slot` until it leaves.
fn serve(shared: &Arc<Shared>, slot: usize, local: Local) {
    let config = &shared.config;
    let worker = Rc::new(Worker {
        shared: Arc::clone(shared),
        slot,
        local,
        ledger: Ledger::new(config.max_queue_size, config.most_workers(), shared.epoch),
        charges: Charges::default(),
        spin_backoff: Cell::default(),
        wake_group: Cell::new(None),
        core_yield: CoreYield::new(config.yield_interval),
        blocking: Cell::new(false),
        polling: RefCell::default(),
        has_waited: Cell::new(false),
        slow_task_ns: config.slow_task.map_or(u64::MAX, nanos),
        long_wait_ns: config.long_wait.map_or(u64::MAX, nanos),
        untold: RefCell::default(),
        task: RefCell::default(),
        within: RefCell::default(),
    });
    CURRENT.set(Some(Rc::clone(&worker)));
    IS_WORKER.set(true);
    let counters = worker.counters();
    // Other threads can read the thread's clocks from now on.
    counters.set_thread(thread_number());
    counters.enter(Phase::Searching);
    counters.away().back(shared.now_ns());
    #[cfg(feature = "test-util")]
    if let Some(control) = shared.test_hooks.control() {
        Arc::clone(control).run_steps(&*worker);
    }
    worker.work();
    shared.test_hooks.state_changed();
    counters.away().leave(shared.now_ns());
    counters.set_thread(None);
    counters.enter(Phase::Absent);
    IS_WORKER.set(false);
    CURRENT.set(None);
    if let Some(worker) = Rc::into_inner(worker) {
        shared.queues.give_back(worker.local);
    }
}

impl Worker {
    /// Runs tasks until the worker leaves, in the runtime that the pool's workers share.
    pub(in crate::pool) fn work(&self) {
        let mut first = None;
        loop {
            let (epoch, runtime) = self.shared.runtime.current();
            let _entered = runtime.as_ref().map(Handle::enter);
            first = self.work_in(epoch, first);
            if first.is_none() {
                return;
            }
        }
    }

    /// Runs tasks, `first` before the others, as long as the epoch of the runtime is `epoch`.
    /// Returns the task that comes after, or `None` when the worker leaves. A worker without a task
    /// starts as a searcher.
    fn work_in(&self, epoch: u64, first: Option<TaskRef>) -> Option<TaskRef> {
        let mut searching = first.is_none();
        let mut taken = first;
        loop {
            if let Some(task) = taken.take().or_else(|| self.next()) {
                if searching {
                    searching = false;
                    self.found();
                }
                if self.shared.runtime.epoch() != epoch {
                    return Some(task);
                }
                self.execute(task);
                if self.shared.orders.any() && self.retire() {
                    return None;
                }
                continue;
            }
            if !searching {
                searching = true;
                self.begin_search();
            }
            if let Some(found) = self.local.steal(&self.shared.queues, self.batch_size()) {
                searching = false;
                self.found();
                taken = Some(self.take_found(found));
                continue;
            }
            if !self.look_on() && !self.rest() {
                return None;
            }
        }
    }

    /// Sends the deferred wake-ups and settles the ledger, before the worker runs no task for a
    /// while.
    pub(in crate::pool) fn settle(&self) {
        self.flush_wakes();
        self.ledger.settle(&self.shared, self.counters());
    }

    /// Settles everything and becomes a searcher.
    pub(in crate::pool) fn begin_search(&self) {
        self.settle();
        self.settle_grant();
        self.counters().enter(Phase::Searching);
        self.shared.idle.begin_search();
        self.shared.load_fell();
    }

    /// Spins for a moment without work, if that has paid recently. Returns true if there is work.
    fn look_on(&self) -> bool {
        let mut backoff = self.spin_backoff.get();
        let spins = backoff.should_spin();
        self.spin_backoff.set(backoff);
        if !spins {
            return false;
        }
        let began = Instant::now();
        let came = loop {
            if self.shared.has_work() {
                break true;
            }
            let elapsed = began.elapsed();
            if elapsed < BUSY_SPIN {
                std::hint::spin_loop();
            } else if elapsed < MAX_SPIN {
                // A thread that is about to submit may be waiting for this core.
                thread::yield_now();
            } else {
                break false;
            }
        };
        self.spin_backoff.set(backoff.spun(came));
        came
    }

    /// Sleeps until there is work or the worker must leave. Returns true for work: the worker is
    /// then a searcher.
    fn rest(&self) -> bool {
        let idle = &self.shared.idle;
        idle.announce_sleep(self.slot);
        if idle.look_again(self.slot, || self.shared.has_work()) {
            return true;
        }
        self.shared.test_hooks.state_changed();
        self.counters().parked();
        let since = Instant::now();
        let beyond = idle.census().total() > self.shared.bounds.max;
        // A worker in the place of a blocked one must not be there for the next work.
        let mut deadline = Some(if beyond { since } else { since + self.shared.config.idle_timeout });
        self.counters().away().leave(self.shared.ns_at(since));
        while !idle.end_if_last(|| self.shared.has_work()) {
            if !idle.sleep(self.slot, deadline) {
                let least = self.shared.scaling.allowance.least();
                match idle.leave(self.slot, |census| burst::may_leave(census.total(), least)) {
                    Some(true) => {
                        self.shared.wake_stranded();
                        return false;
                    }
                    // The worker may leave later, when there are more workers.
                    Some(false) => {
                        deadline = Some(Instant::now() + self.shared.config.idle_timeout);
                        continue;
                    }
                    None => {}
                }
            }
            let now = Instant::now();
            self.counters().woken();
            self.counters().away().back(self.shared.ns_at(now));
            self.spin_backoff.set(self.spin_backoff.get().slept(now - since));
            return !idle.census().ended();
        }
        false
    }

    /// Leaves if there are too many workers and this one is to retire. Other workers steal what is
    /// in its deques, or the next thread in its slot finds it.
    #[cold]
    fn retire(&self) -> bool {
        if !self.shared.orders.take_retirement() {
            return false;
        }
        self.settle();
        self.settle_grant();
        let limit = self.shared.scaling.allowance.limit();
        let retired = self.shared.idle.retire(|census| census.total() > limit);
        if retired {
            self.shared.load_fell();
            self.shared.wake_stranded();
        }
        retired
    }

    fn next(&self) -> Option<TaskRef> {
        if let Some(task) = self.next_of_batch() {
            return Some(task);
        }
        let queues = &self.shared.queues;
        if let Some(found) = self.local.overdue(queues) {
            self.settle_grant();
            return Some(self.take_found(found));
        }
        if let Some(task) = self.next_in_order(true) {
            return Some(task);
        }
        self.settle_grant();
        if let Some(task) = self.local.next_own(queues) {
            return Some(task);
        }
        Some(self.take_found(self.local.next_injected(queues, self.batch_size())?))
    }

    pub(in crate::pool) fn batch_size(&self) -> usize {
        batching::batch_size(self.ledger.mean_ns())
    }

    /// Counts a task that was stolen, and notifies others of a batch.
    fn take_found(&self, found: Found) -> TaskRef {
        match found.from {
            Source::Own => {}
            Source::Batch => drop(self.shared.work_waits()),
            from => self.counters().task_stolen(from == Source::Far),
        }
        found.task
    }

    /// Ends this worker's search. If it was the last searcher and there is more work, wakes another
    /// worker.
    fn found(&self) {
        if self.shared.idle.work_found() && self.shared.has_work() {
            self.shared.work_waits();
        }
        self.ledger.begin(self.counters());
        self.counters().enter(Phase::Running);
    }

    pub(in crate::pool) fn execute(&self, task: TaskRef) {
        if self.shared.orders.aborting() {
            self.charges.not_run();
            contain(|| self.shared.abort(&*task));
        } else if self.shared.is_too_late(&*task) {
            self.charges.not_run();
            self.shared.expire([task]);
        } else {
            self.run(task);
        }
        self.charges.end();
        self.flush_wakes_if_due();
        if let Some(back) = self.core_yield.offer(self.ledger.stamp_ns(), || self.shared.now_ns()) {
            self.ledger.resume(self.counters(), back);
        }
    }

    /// Runs a task. Not inlined, so that the task comes in two registers. From the stack it would
    /// be read as one word of 16 bytes right after two words were written, which costs a wait.
    #[inline(never)]
    fn run(&self, task: TaskRef) {
        self.check_wait(&*task);
        *self.task.borrow_mut() = Some(task);
        if let Some(task) = &*self.task.borrow() {
            self.run_current(task);
        }
        contain(|| drop(self.task.take()));
        self.tell_aftermath();
    }

    /// Runs the task that is in `self.task`.
    fn run_current(&self, task: &TaskRef) {
        let account = self.charges.begin(&self.shared, task);
        // The timer thread sees the task's name, if it has one.
        let named = self.shared.run_queue.used() && task.label().is_some_and(|label| label.name().is_some());
        if named {
            self.shared.scaling.named.begin(self.slot, task);
        }
        // Panics of the task itself are values. This catches panics of what the end of a task
        // calls: a waker, or the drop of a result that nobody takes.
        contain(|| {
            if task.run(self).is_none() {
                self.charges.not_run();
                if self.shared.void_disowned(&**task).is_none() {
                    self.shared.queues.passed_empty();
                }
            }
        });
        self.end_waits();
        if let Some((tenant, began)) = account {
            self.charge_subtask(tenant, began);
        }
        if named {
            contain(|| drop(self.shared.scaling.named.end(self.slot)));
        }
    }

    pub(in crate::pool) fn push(&self, task: TaskRef) {
        self.counters().subtask_spawned();
        self.local.push(task);
        self.shared.work_waits_at(Some(self.shared.queues.node_of(self.slot)));
    }

    /// Returns the innermost task that runs on this worker.
    pub(in crate::pool) fn task(&self) -> Option<TaskRef> {
        self.within.borrow().last().cloned().or_else(|| self.task.borrow().clone())
    }

    /// Returns whether this worker belongs to `shared` and runs a closure.
    #[inline]
    pub(in crate::pool) fn runs_closure_of(&self, shared: &Arc<Shared>) -> bool {
        Arc::ptr_eq(&self.shared, shared) && self.polling.borrow().is_none()
    }

    /// Returns the node of the request whose future this worker polls, or of the innermost task
    /// that it runs.
    pub(in crate::pool) fn cancel_node(&self) -> Option<Arc<CancelNode>> {
        if let Some(request) = &*self.polling.borrow() {
            return Some(Arc::clone(request));
        }
        match self.within.borrow().last() {
            Some(task) => task.cancel_node(),
            None => self.task.borrow().as_ref()?.cancel_node(),
        }
    }

    pub(in crate::pool) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(in crate::pool) fn slot(&self) -> usize {
        self.slot
    }

    pub(in crate::pool) fn counters(&self) -> &WorkerCounters {
        &self.shared.workers[self.slot]
    }
}

impl Host for Worker {
    #[inline]
    fn leaves_queue(&self, place: Place) {
        match place {
            Place::Queued(Ticket::NONE) => self.shared.left_without_permit(),
            Place::Queued(_) => self.ledger.permit_freed(&self.shared, self.counters()),
            Place::Subtask => self.counters().subtask_left(),
            Place::Outside => {}
        }
        // Counted after the task has left the queue, so that it is never counted twice.
        self.counters().task_started();
        if self.ledger.is_first() {
            // This worker was not active before.
            self.shared.load_rose(self.shared.permits.available());
        }
    }

    fn waited(&self, arrived: Arrived, priority: Option<Priority>) {
        self.counters().times().waited(class_of(priority), arrived.elapsed(self.start_ns()));
    }

    #[inline]
    fn ended(&self, ended: Ended) {
        self.check_time(self.ledger.ended(self.counters(), ended));
    }

    fn panicked(&self, panic: &Panic) {
        self.note_panic(panic.message());
    }

    #[inline]
    fn wake(&self, caller: Option<Waker>) {
        self.wake_caller(caller);
    }
}
