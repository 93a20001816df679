//! Models of the workers that wait for work of their own pool, checked by loom over every
//! interleaving. `waits.rs` has the argument.
//!
//! Each model runs the loop of `waiting.rs` on tasks that no other worker takes: a model in which
//! every worker sleeps is a deadlock, which loom reports.
//!
//! The models catch these mutations (`scripts/mutants` applies them and expects the failure):
//! * `fence-all-wait`: without the fence in `Waits::all`, a worker that begins to wait and one that
//!   leaves miss each other;
//! * `wait-uncounted`: a worker that begins to wait and does not count;
//! * `stranded-begun`: the futures of work that has begun are woken, and those of the rest are not.

use std::future::poll_fn;
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use loom::thread;

use super::waits::Waits;
use crate::park::Idle;
use crate::task::{Ended, Host, Join, Place, TaskCell};

/// The workers of a pool.
struct Pool {
    waits: Waits,
    idle: Idle,
}

struct Ignored;

impl Host for Ignored {
    fn leaves_queue(&self, _: Place) {}
    fn ended(&self, _: Ended) {}
}

type Work = Arc<dyn Join<()>>;

fn work(work: impl FnOnce() + Send + 'static) -> Work {
    TaskCell::new(work, Place::Subtask, None, None)
}

impl Pool {
    /// A pool of `workers` workers, each of which runs a task.
    fn new(workers: usize) -> Arc<Self> {
        let pool = Self { waits: Waits::new(workers), idle: Idle::new(workers) };
        for _ in 0..workers {
            assert!(pool.idle.enlist(|_| true));
            pool.idle.work_found();
        }
        Arc::new(pool)
    }

    fn workers(&self) -> usize {
        self.idle.census().total()
    }

    fn wake_stranded(&self) {
        self.waits.wake_stranded(|| self.workers());
    }

    /// Waits for the result of `join` as `Worker::poll_waiting` does.
    fn wait(&self, slot: usize, join: &Work) {
        let mut key = None;
        loom::future::block_on(poll_fn(|cx| {
            loop {
                let ready = join.poll_join(cx.waker()).is_ready();
                if ready {
                    key.take().map(|key| self.waits.remove(slot, key));
                    return Poll::Ready(());
                }
                let task = || Arc::clone(join).into_run();
                key.get_or_insert_with(|| self.waits.add(slot, true, task(), false).0);
                if !self.waits.all(|| self.workers()) {
                    return Poll::Pending;
                }
                if !join.as_run().is_pending() {
                    self.wake_stranded();
                    return Poll::Pending;
                }
                key.take().map(|key| self.waits.remove(slot, key));
                self.run_within(slot, join);
            }
        }));
        self.waits.end(slot);
    }

    /// Runs work within the task of a worker, as `Worker::run_within` does.
    fn run_within(&self, slot: usize, join: &Work) {
        self.waits.begin(slot);
        join.as_run().run(&Ignored);
        self.waits.end(slot);
        self.wake_stranded();
    }

    /// Leaves the pool as `Worker::retire` does.
    fn leave(&self) {
        assert!(self.idle.retire(|_| true));
        self.wake_stranded();
    }
}

fn model(check: impl Fn(Arc<Pool>) + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || check(Pool::new(2)));
}

/// Each runs its own work, or is woken when the other one leaves.
#[test]
fn loom_two_workers_that_begin_to_wait_at_once_do_not_wait_for_each_other() {
    model(|pool| {
        let waits_and_leaves = |slot: usize| {
            let pool = Arc::clone(&pool);
            move || {
                pool.wait(slot, &work(|| ()));
                pool.leave();
            }
        };
        let other = thread::spawn(waits_and_leaves(1));
        waits_and_leaves(0)();
        other.join().unwrap();
        assert_eq!((pool.waits.count(), pool.workers()), (0, 0));
    });
}

#[test]
fn loom_a_worker_that_leaves_strands_nobody() {
    model(|pool| {
        let leaves = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || pool.leave())
        };
        pool.wait(0, &work(|| ()));
        leaves.join().unwrap();
        assert_eq!((pool.waits.count(), pool.workers()), (0, 1));
    });
}

/// One worker waits for a task that the other one runs. That task waits for work in a queue.
#[test]
fn loom_a_worker_that_waits_for_another_wakes_it_to_run_its_own_work() {
    model(|pool| {
        let task = Arc::<OnceLock<Work>>::default();
        let (own, within) = (Arc::clone(&task), pool);
        let outer = work(move || {
            let other = Arc::clone(&within);
            thread::spawn(move || other.wait(1, own.get().unwrap()));
            within.wait(0, &work(|| ()));
        });
        assert!(task.set(Arc::clone(&outer)).is_ok());
        // The other worker waits only once this has begun.
        assert!(outer.as_run().run(&Ignored).is_some());
    });
}
