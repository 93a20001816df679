//! What a task has others do learns that the task is not wanted any more, however deep it is
//! nested.

#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::pool_support::{Gate, Tokens, block_on, fixed, hold, in_time, poll_once, until};
use futures_util::join;
use millpond::{AdaptiveThreadPool, JoinError, TaskContext};

type Say = mpsc::Sender<&'static str>;
type Way = fn(AdaptiveThreadPool, Say);
type Task = Box<dyn FnOnce() + Send>;
type End = fn(&AdaptiveThreadPool, Task, &mpsc::Receiver<&'static str>);

fn here() -> TaskContext {
    TaskContext::current().unwrap()
}

/// Runs until it is asked to stop.
fn patient(say: Say) -> impl FnOnce() + Send {
    move || {
        say.send("begun").unwrap();
        let context = here();
        until(|| context.is_cancelled());
        say.send("stopped").unwrap();
    }
}

/// The ways in which a task has work done and waits for it.
const WAYS: [(&str, Way); 7] = [
    ("run", |pool, say| drop(block_on(pool.run(patient(say))))),
    ("run with options", |pool, say| drop(block_on(pool.task().tenant("ada").run(patient(say))))),
    ("spawn", |_, say| drop(here().spawn(patient(say)).blocking_join())),
    ("spawn by the pool", |pool, say| drop(block_on(pool.try_spawn(patient(say)).unwrap()))),
    ("joined runs", |pool, say| drop(block_on(async { join!(pool.run(patient(say)), pool.run(|| ())) }))),
    ("three deep", |pool, say| {
        let within = pool.clone();
        let spawns = move || here().spawn(move || block_on(within.run(patient(say)))).blocking_join();
        drop(block_on(pool.run(spawns)));
    }),
    ("by a subtask that has returned", |_, say| {
        let subtask = here().spawn(move || here().spawn(patient(say)));
        drop(subtask.blocking_join().unwrap().blocking_join());
    }),
];

/// Tests each way at both sizes of a pool. `end` makes a task of the closure, waits for the word
/// that the innermost work has begun, and makes the task unwanted.
fn however_it_waits(end: End) {
    for threads in [1, 4] {
        for (name, way) in WAYS {
            let pool = fixed(threads).build().unwrap();
            let (say, said) = mpsc::channel();
            let own = pool.clone();
            end(&pool, Box::new(move || way(own, say)), &said);
            assert_eq!(said.recv(), Ok("stopped"), "{name}, {threads} threads");
        }
    }
}

#[test]
fn when_its_future_is_dropped() {
    in_time(|| {
        however_it_waits(|pool, task, said| {
            let mut run = pool.run(task);
            assert!(poll_once(&mut run).is_pending());
            assert_eq!(said.recv(), Ok("begun"));
        });
    });
}

#[test]
fn when_it_is_aborted() {
    in_time(|| {
        however_it_waits(|pool, task, said| {
            let task = pool.try_spawn(task).unwrap();
            assert_eq!(said.recv(), Ok("begun"));
            task.abort();
            block_on(task).unwrap();
        });
    });
}

#[test]
fn when_the_deadline_of_the_shutdown_has_passed() {
    in_time(|| {
        however_it_waits(|pool, task, said| {
            drop(pool.try_spawn(task));
            assert_eq!(said.recv(), Ok("begun"));
            block_on(pool.shutdown(Duration::ZERO));
        });
    });
}

#[test]
fn runs_that_are_joined_stop_together() {
    in_time(|| {
        let pool = fixed(4).build().unwrap();
        let (own, (say, said)) = (pool.clone(), mpsc::channel());
        let mut run = pool.run(move || {
            drop(block_on(async { join!(own.run(patient(say.clone())), own.run(patient(say))) }));
        });
        assert!(poll_once(&mut run).is_pending());
        assert_eq!([said.recv(), said.recv()], [Ok("begun"); 2]);
        drop(run);
        assert_eq!([said.recv(), said.recv()], [Ok("stopped"); 2]);
    });
}

#[test]
fn also_on_another_pool_if_the_task_awaits_it() {
    in_time(|| {
        let (pool, other) = (fixed(1).build().unwrap(), fixed(1).build().unwrap());
        let (own, (say, said)) = (other.clone(), mpsc::channel());
        let mut run = pool.run(move || drop(block_on(own.run(patient(say)))));
        assert!(poll_once(&mut run).is_pending());
        assert_eq!(said.recv(), Ok("begun"));
        drop(run);
        assert_eq!(said.recv(), Ok("stopped"));
    });
}

/// Waits at a gate, and tells whether it was asked to stop meanwhile.
fn asked(gate: &Arc<Gate>, say: Say, tell: mpsc::Sender<bool>) -> impl FnOnce() + Send + use<> {
    let gate = Arc::clone(gate);
    move || {
        say.send("begun").unwrap();
        gate.pass();
        tell.send(here().is_cancelled()).unwrap();
    }
}

#[test]
fn a_detached_subtask_is_not_asked_to_stop() {
    in_time(|| {
        for threads in [1, 4] {
            let pool = fixed(threads).build().unwrap();
            let gate = Arc::<Gate>::default();
            let ((say, said), (tell, told)) = (mpsc::channel(), mpsc::channel());
            let work = asked(&gate, say, tell.clone());
            let mut run = pool.run(move || {
                drop(here().spawn_detached(work).blocking_join());
                // It runs also if it comes when the task is not wanted any more.
                drop(here().spawn_detached(move || tell.send(here().is_cancelled())));
            });
            assert!(poll_once(&mut run).is_pending());
            assert_eq!(said.recv(), Ok("begun"));
            drop(run);
            gate.open();
            assert_eq!([told.recv(), told.recv()], [Ok(false); 2], "{threads} threads");
        }
    });
}

#[test]
fn subtasks_of_a_detached_subtask_belong_to_it() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let (say, said) = mpsc::channel();
        let within = move || drop(here().spawn(patient(say)).blocking_join());
        let task = pool.try_spawn(move || here().spawn_detached(within).abort_handle());
        let detached = block_on(task.unwrap()).unwrap();
        assert_eq!(said.recv(), Ok("begun"));
        detached.abort();
        assert_eq!(said.recv(), Ok("stopped"));
    });
}

#[test]
fn subtasks_that_have_not_begun_never_run_if_their_task_is_not_wanted() {
    in_time(|| {
        for threads in [1, 4] {
            let pool = fixed(threads).build().unwrap();
            let held = hold(&pool, threads - 1);
            let tokens = Tokens::default();
            let (watched, (say, said)) = (tokens.clone(), mpsc::channel());
            let mut run = pool.run(move || {
                for _ in 0..10 {
                    let token = watched.token();
                    drop(here().spawn(move || drop(token)));
                }
                patient(say)();
            });
            assert!(poll_once(&mut run).is_pending());
            assert_eq!(said.recv(), Ok("begun"));
            assert_eq!((tokens.alive(), pool.statistics().queue_depth), (10, 10));
            drop(run);
            until(|| tokens.alive() == 0);
            held.end();
            until(|| pool.statistics().active_threads == 0);
            let statistics = pool.statistics();
            assert_eq!((statistics.tasks_cancelled, statistics.queue_depth), (10, 0), "{threads} threads");
            assert_eq!(statistics.tasks_completed, threads as u64);
        }
    });
}

#[test]
fn neither_do_those_that_come_later_and_who_waits_for_them_is_told() {
    in_time(|| {
        for threads in [1, 4] {
            let pool = fixed(threads).build().unwrap();
            let (own, (say, said), (tell, told)) = (pool.clone(), mpsc::channel(), mpsc::channel());
            let mut run = pool.run(move || {
                patient(say)();
                let tell =
                    |result: Result<(), JoinError>| tell.send(result.unwrap_err().is_cancelled()).unwrap();
                tell(here().spawn(|| unreachable!()).blocking_join());
                tell(block_on(own.try_spawn(|| unreachable!()).unwrap()));
                tell(block_on(own.run(|| unreachable!())));
                tell(block_on(own.task().name("late").run(|| unreachable!())));
            });
            assert!(poll_once(&mut run).is_pending());
            assert_eq!(said.recv(), Ok("begun"));
            drop(run);
            assert_eq!(told.iter().collect::<Vec<_>>(), [true; 4], "{threads} threads");
        }
    });
}

#[test]
fn a_task_that_has_returned_cancels_nothing() {
    in_time(|| {
        for threads in [1, 4] {
            let pool = fixed(threads).build().unwrap();
            let gate = Arc::<Gate>::default();
            let ((say, _said), (tell, told)) = (mpsc::channel(), mpsc::channel());
            let work = asked(&gate, say, tell);
            let task = pool.try_spawn(move || drop(here().spawn(work))).unwrap();
            until(|| task.is_finished());
            task.abort();
            drop(task);
            gate.open();
            assert_eq!(told.recv(), Ok(false), "{threads} threads");
        }
    });
}

#[test]
fn neither_does_a_future_that_is_dropped_after_its_work_has_ended() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let gate = Arc::<Gate>::default();
        let ((say, said), (tell, told)) = (mpsc::channel(), mpsc::channel());
        let work = asked(&gate, say, tell);
        let mut run = pool.run(move || drop(here().spawn(work)));
        assert!(poll_once(&mut run).is_pending());
        // On the one worker the subtask begins after its task.
        assert_eq!(said.recv(), Ok("begun"));
        drop(run);
        gate.open();
        assert_eq!(told.recv(), Ok(false));
    });
}

#[test]
fn an_aborted_subtask_stops_alone() {
    in_time(|| {
        for threads in [1, 4] {
            let pool = fixed(threads).build().unwrap();
            let ((say, said), (hand, handed)) = (mpsc::channel(), mpsc::channel());
            let task = pool.try_spawn(move || {
                let subtask = here().spawn(patient(say));
                hand.send(subtask.abort_handle()).unwrap();
                subtask.blocking_join().unwrap();
                here().is_cancelled() || here().spawn(|| here().is_cancelled()).blocking_join().unwrap()
            });
            assert_eq!(said.recv(), Ok("begun"));
            handed.recv().unwrap().abort();
            assert_eq!(block_on(task.unwrap()).ok(), Some(false), "{threads} threads");
        }
    });
}

/// Each of these tasks starts the next one and ends, while the task above them all still runs.
#[test]
fn a_long_line_of_subtasks_belongs_to_the_task_above_it() {
    fn step(left: u32, say: Say) {
        if left == 0 {
            return patient(say)();
        }
        drop(here().spawn(move || step(left - 1, say)));
    }
    in_time(|| {
        let pool = fixed(4).build().unwrap();
        let gate = Arc::<Gate>::default();
        let (passes, (say, said)) = (Arc::clone(&gate), mpsc::channel());
        let mut run = pool.run(move || {
            step(10_000, say);
            passes.pass();
        });
        assert!(poll_once(&mut run).is_pending());
        assert_eq!(said.recv(), Ok("begun"));
        drop(run);
        assert_eq!(said.recv(), Ok("stopped"));
        gate.open();
    });
}

#[test]
fn cancelling_races_with_subtasks_that_come_and_go() {
    in_time(|| {
        let pool = fixed(2).build().unwrap();
        for round in 0..2_000 {
            let mut run = pool.run(move || {
                let fork = || here().spawn(|| here().spawn(|| ()).blocking_join().is_ok());
                let forks: Vec<_> = (0..round % 4).map(|_| fork()).collect();
                forks.into_iter().for_each(|fork| drop(fork.blocking_join()));
            });
            let _ = poll_once(&mut run);
            (0..round % 8).for_each(|_| thread::yield_now());
        }
        hold(&pool, 2).end();
        until(|| pool.statistics().active_threads == 0);
        assert_eq!(pool.statistics().queue_depth, 0);
    });
}
