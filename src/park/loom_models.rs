//! Models of the sleep protocol and of the workers' end, checked by loom over every interleaving.
//!
//! `crossbeam-deque` does not support loom, so a stand-in queue replaces it: a counter, published
//! with at most release ordering and read with relaxed ordering. So the protocol itself must
//! provide the ordering that it needs.
//!
//! The models catch these mutations (`scripts/mutants` applies them and expects the failure):
//! * `fence-notify`: without the fence in `Idle::notify`, a submitter misses the sleeper and the
//!   sleeper the work;
//! * `fence-look-again`: without the fence in `Idle::look_again`, likewise;
//! * `no-look-again`: a worker that sleeps without looking again;
//! * `late-searcher`: a woken worker that its waker does not count as a searcher leaves work behind
//!   at the end;
//! * `end-early`: an end that does not wait until every worker is idle;
//! * `end-beside-work`: an end while a worker on the list has not looked again, and work waits;
//! * `end-beside-newcomer`: an end that is marked while a thread is being enlisted;
//! * `retire-while-closing`: a worker that retires from a pool that closes, where the others wait
//!   for it to be idle;
//! * `inbox-emptied-unseen`: work that is neither in the inbox nor shown as ready while it is
//!   moved.

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering, fence};
use loom::thread;

use super::{Idle, Notify, Ready};
use crate::sync::Mutex;

/// A queue that only counts its tasks.
#[derive(Default)]
struct Stand {
    waiting: AtomicUsize,
    run: AtomicUsize,
    refused: AtomicUsize,
}

impl Stand {
    fn push(&self) {
        self.waiting.fetch_add(1, Ordering::Release);
    }

    fn has_work(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    fn take(&self) -> bool {
        self.waiting.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok()
    }

    /// Submits a task as a submitter does.
    fn submit(&self, idle: &Idle) {
        self.push();
        self.notify(idle);
    }

    /// Notifies as `Shared::work_waits` does.
    fn notify(&self, idle: &Idle) {
        if idle.notify() == Notify::Ended {
            self.clear();
        }
    }

    fn clear(&self) {
        while self.take() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Runs the loop of `pool/worker/main_loop.rs`, without stealing. A new worker is a searcher.
fn work(idle: &Idle, stand: &Stand, slot: usize, mut searching: bool) {
    loop {
        if stand.take() {
            if searching {
                searching = false;
                if idle.work_found() && stand.has_work() {
                    stand.notify(idle);
                }
            }
            stand.run.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        if !searching {
            searching = true;
            idle.begin_search();
        }
        idle.announce_sleep(slot);
        if idle.look_again(slot, || stand.has_work()) {
            continue;
        }
        if idle.end_if_last(|| stand.has_work()) {
            return;
        }
        idle.sleep(slot, None);
        if idle.census().ended() {
            return;
        }
    }
}

fn pool(workers: usize) -> (Arc<Idle>, Arc<Stand>, Vec<thread::JoinHandle<()>>) {
    // With room for one more worker, which a model may add.
    let (idle, stand) = (Arc::new(Idle::new(workers + 1)), Arc::new(Stand::default()));
    let threads = (0..workers)
        .map(|slot| {
            assert!(idle.enlist(|_| true));
            let (idle, stand) = (Arc::clone(&idle), Arc::clone(&stand));
            thread::spawn(move || work(&idle, &stand, slot, true))
        })
        .collect();
    (idle, stand, threads)
}

fn model(
    workers: usize,
    check: impl Fn(Arc<Idle>, Arc<Stand>, Vec<thread::JoinHandle<()>>) + Sync + Send + 'static,
) {
    let mut builder = loom::model::Builder::new();
    // Two workers and more have too many interleavings to check all. Three preemptions at any point
    // find the known mutants.
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let (idle, stand, threads) = pool(workers);
        check(idle, stand, threads);
    });
}

/// A worker that sleeps for ever beside waiting work would be a deadlock, which loom reports.
#[test]
fn loom_no_wake_up_is_lost() {
    model(1, |idle, stand, threads| {
        stand.submit(&idle);
        // The close comes after the task has run, so that the end does not wake the worker.
        while stand.run.load(Ordering::Relaxed) == 0 {
            thread::yield_now();
        }
        idle.close(|| stand.has_work());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(stand.run.load(Ordering::Relaxed), 1);
    });
}

/// Work that is submitted while the pool closes is either run, or refused by its submitter: never
/// neither, never both. And every worker leaves.
#[test]
fn loom_the_end_leaves_no_work_behind() {
    model(1, |idle, stand, threads| {
        let submitter = {
            let (idle, stand) = (Arc::clone(&idle), Arc::clone(&stand));
            thread::spawn(move || stand.submit(&idle))
        };
        idle.close(|| stand.has_work());
        submitter.join().unwrap();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        fence(Ordering::SeqCst);
        stand.clear();
        assert_eq!(stand.run.load(Ordering::Relaxed) + stand.refused.load(Ordering::Relaxed), 1);
    });
}

/// As above, where the submitter starts a thread because no worker is free: the thread leaves too,
/// and before the end.
#[test]
fn loom_a_thread_that_comes_while_the_pool_closes_leaves_with_the_others() {
    model(1, |idle, stand, threads| {
        let submitter = {
            let (idle, stand) = (Arc::clone(&idle), Arc::clone(&stand));
            thread::spawn(move || {
                stand.push();
                match idle.notify() {
                    Notify::Ended => stand.clear(),
                    Notify::Busy(_) if idle.enlist(|_| true) => {
                        assert!(!idle.census().ended());
                        work(&idle, &stand, 1, true);
                    }
                    _ => {}
                }
            })
        };
        idle.close(|| stand.has_work());
        submitter.join().unwrap();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        fence(Ordering::SeqCst);
        stand.clear();
        assert_eq!(stand.run.load(Ordering::Relaxed) + stand.refused.load(Ordering::Relaxed), 1);
    });
}

/// As above with two workers, of which one may sleep when the other finds the pool closed.
#[test]
fn loom_two_workers_leave_together() {
    model(2, |idle, stand, threads| {
        stand.submit(&idle);
        idle.close(|| stand.has_work());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(stand.run.load(Ordering::Relaxed) + stand.refused.load(Ordering::Relaxed), 1);
        assert!(!stand.has_work());
    });
}

/// All work that was submitted before `close` is run, also by a worker that has announced its sleep
/// when the pool closes, and has not looked again.
#[test]
fn loom_what_came_before_the_close_is_run() {
    for workers in [1, 2] {
        model(workers, |idle, stand, threads| {
            stand.submit(&idle);
            stand.submit(&idle);
            idle.close(|| stand.has_work());
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!((stand.run.load(Ordering::Relaxed), stand.refused.load(Ordering::Relaxed)), (2, 0));
            assert!(!stand.has_work());
        });
    }
}

/// A worker that is woken beside the work, or without any work, misses neither work nor the end.
#[test]
fn loom_a_worker_that_is_roused_misses_nothing() {
    model(1, |idle, stand, threads| {
        let submitter = {
            let (idle, stand) = (Arc::clone(&idle), Arc::clone(&stand));
            thread::spawn(move || {
                stand.submit(&idle);
                idle.rouse(1);
            })
        };
        idle.rouse(1);
        submitter.join().unwrap();
        idle.close(|| stand.has_work());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(stand.run.load(Ordering::Relaxed), 1);
    });
}

/// A sleeper whose time has passed meets a submitter. Either the sleeper stays and is woken, or it
/// leaves and the submitter learns that no worker is free (and starts a thread).
#[test]
fn loom_a_worker_that_leaves_strands_nothing() {
    loom::model(|| {
        let (idle, stand) = (Arc::new(Idle::new(1)), Arc::new(Stand::default()));
        assert!(idle.enlist(|_| true));
        let sleeper = {
            let (idle, stand) = (Arc::clone(&idle), Arc::clone(&stand));
            thread::spawn(move || {
                idle.announce_sleep(0);
                if idle.look_again(0, || stand.has_work()) || idle.leave(0, |_| true).is_none() {
                    assert!(stand.take());
                    stand.run.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        stand.push();
        let told = idle.notify();
        sleeper.join().unwrap();
        match stand.run.load(Ordering::Relaxed) {
            0 => assert!(matches!(told, Notify::Busy(census) if census.total() == 0), "{told:?}"),
            _ => assert!(!stand.has_work()),
        }
    });
}

/// A worker retires between two tasks while work comes and the pool closes: the work is run, and
/// every worker leaves.
#[test]
fn loom_a_worker_that_retires_strands_nothing() {
    model(1, |idle, stand, threads| {
        assert!(idle.enlist(|_| true));
        let retiring = {
            let (idle, stand) = (Arc::clone(&idle), Arc::clone(&stand));
            thread::spawn(move || {
                // It had found a task, which is done.
                if idle.work_found() && stand.has_work() {
                    idle.notify();
                }
                if !idle.retire(|_| true) {
                    work(&idle, &stand, 1, false);
                } else if stand.has_work() {
                    idle.notify();
                }
            })
        };
        stand.submit(&idle);
        idle.close(|| stand.has_work());
        retiring.join().unwrap();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        fence(Ordering::SeqCst);
        stand.clear();
        assert_eq!(stand.run.load(Ordering::Relaxed) + stand.refused.load(Ordering::Relaxed), 1);
    });
}

/// The inbox and the order of `pool/run_order/run_queue.rs`, reduced to counts.
struct Desk {
    inbox: AtomicUsize,
    ready: Ready,
    order: Mutex<usize>,
}

impl Desk {
    fn has_work(&self) -> bool {
        self.ready.any(|| self.inbox.load(Ordering::Acquire) == 0)
    }

    /// Locks the order as every thread does.
    fn with<R>(&self, change: impl FnOnce(&mut usize) -> R) -> R {
        let mut order = self.order.lock();
        if self.inbox.load(Ordering::Acquire) > 0 {
            self.ready.opening();
            *order += self.inbox.swap(0, Ordering::AcqRel);
        }
        let result = change(&mut order);
        self.ready.show(*order);
        result
    }
}

/// A thread that holds the lock for another purpose moves the work for which a worker is woken: the
/// worker does not sleep beside that work.
#[test]
fn loom_work_on_its_way_from_the_inbox_into_the_order_is_seen() {
    loom::model(|| {
        let idle = Arc::new(Idle::new(1));
        let desk = Arc::new(Desk { inbox: AtomicUsize::new(0), ready: Ready::new(), order: Mutex::new(0) });
        assert!(idle.enlist(|_| true));
        let worker = {
            let (idle, desk) = (Arc::clone(&idle), Arc::clone(&desk));
            thread::spawn(move || {
                loop {
                    if desk.has_work()
                        && desk.with(|order| order.checked_sub(1).map(|left| *order = left).is_some())
                    {
                        return;
                    }
                    idle.announce_sleep(0);
                    if !idle.look_again(0, || desk.has_work()) {
                        idle.sleep(0, None);
                    }
                }
            })
        };
        let passer_by = {
            let desk = Arc::clone(&desk);
            thread::spawn(move || desk.with(|_| ()))
        };
        desk.inbox.fetch_add(1, Ordering::Release);
        idle.notify();
        worker.join().unwrap();
        passer_by.join().unwrap();
    });
}
