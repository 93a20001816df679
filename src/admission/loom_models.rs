//! Models of the permits and their line, checked by loom over every interleaving.
//!
//! Mutations that these models were seen to catch (`scripts/mutants` applies them and expects the failure):
//! * `no-recount`: a joiner that does not count the permits again after it has set `LINE`;
//! * `release-looks-first`: a release that looks at `LINE` before it adds its permit;
//! * `gone-keeps-permit`: a server of the line that spends a permit on a waiter who has gone;
//! * `close-leaves-line`: a close that does not empty the line.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use loom::thread;

use super::call::{Call, Poll, Withdrawn};
use super::permits::{Joined, Permits, Waiter};
use super::reservations::Reservations;
use crate::task::{Cancelled, Place, Refusal, TaskCell, TaskRef};

fn task() -> TaskRef {
    TaskCell::new(|| (), Place::Line, None)
}

/// What `pool/shared.rs` does with a permit that comes home.
fn release(permits: &Permits) {
    let released = permits.release(1, drop);
    released.granted.iter().for_each(|call| call.wake());
}

/// What it does with work that waits: true if it stands in line.
fn join(permits: &Permits, task: &TaskRef) -> bool {
    match permits.join_line(Waiter::Task(Arc::clone(task))) {
        Joined::InLine => true,
        Joined::Permit(_) => {
            if !task.admit() {
                release(permits);
            }
            false
        }
        Joined::Closed(_) => {
            let _ = task.refuse(Refusal::Closed);
            false
        }
    }
}

/// What it does with work that is cancelled.
fn cancel(permits: &Permits, task: &TaskRef) {
    match task.cancel() {
        Cancelled::Pending(Place::Held) => release(permits),
        Cancelled::Pending(Place::Line) => permits.gave_up(),
        _ => {}
    }
}

/// A task holds a permit if its cancellation has one to give back.
fn holds_permit(task: &TaskRef) -> bool {
    task.cancel() == Cancelled::Pending(Place::Held)
}

/// Two join while a permit comes home: one gets it, the other waits, and nobody waits beside a free permit.
#[test]
fn loom_nobody_waits_beside_a_free_permit() {
    loom::model(|| {
        let permits = Arc::new(Permits::new(1));
        assert_eq!(permits.try_take(), Ok(0));
        let tasks = [task(), task()];
        let joiner = {
            let (permits, task) = (Arc::clone(&permits), Arc::clone(&tasks[0]));
            thread::spawn(move || join(&permits, &task))
        };
        let releaser = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || release(&permits))
        };
        join(&permits, &tasks[1]);
        joiner.join().unwrap();
        releaser.join().unwrap();
        assert_eq!(permits.available(), 0);
        assert_eq!(permits.waiting(), 1);
        assert_eq!(tasks.iter().filter(|task| holds_permit(task)).count(), 1);
    });
}

/// A waiter gives up while its permit comes: the permit is at home in the end, and the line is empty.
#[test]
fn loom_a_waiter_that_gives_up_strands_no_permit() {
    loom::model(|| {
        let permits = Arc::new(Permits::new(1));
        assert_eq!(permits.try_take(), Ok(0));
        let task = task();
        assert!(join(&permits, &task));
        let releaser = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || release(&permits))
        };
        cancel(&permits, &task);
        releaser.join().unwrap();
        assert_eq!(permits.available(), 1);
        assert_eq!(permits.try_take(), Ok(0));
    });
}

/// A caller goes away while it is granted a permit.
#[test]
fn loom_a_caller_who_goes_away_gives_its_grant_back() {
    loom::model(|| {
        let reservations = Arc::new(Reservations::new(Duration::from_secs(3600)));
        let permits = Arc::new(Permits::new(1));
        assert_eq!(permits.try_take(), Ok(0));
        let call = Call::new(Waker::noop().clone(), Arc::clone(&reservations));
        assert!(matches!(permits.join_line(Waiter::Call(Arc::clone(&call))), Joined::InLine));
        let releaser = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || release(&permits))
        };
        match call.withdraw() {
            Withdrawn::InLine => permits.gave_up(),
            Withdrawn::Granted(id) => {
                assert!(reservations.strike(id));
                release(&permits);
            }
            Withdrawn::Nothing => panic!("it waited"),
        }
        releaser.join().unwrap();
        assert_eq!(permits.available(), 1);
        assert_eq!(reservations.len(), 0);
    });
}

/// A caller polls while it is granted a permit: it has it now or is woken for it.
#[test]
fn loom_a_caller_hears_of_its_grant() {
    loom::model(|| {
        let reservations = Arc::new(Reservations::new(Duration::from_secs(3600)));
        let permits = Arc::new(Permits::new(1));
        assert_eq!(permits.try_take(), Ok(0));
        let releaser = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || release(&permits))
        };
        let mut call = None;
        loom::future::block_on(std::future::poll_fn(|cx| {
            let call = match &call {
                Some(call) => call,
                None => {
                    let new = Call::new(cx.waker().clone(), Arc::clone(&reservations));
                    match permits.join_line(Waiter::Call(Arc::clone(&new))) {
                        Joined::InLine => &*call.insert(new),
                        Joined::Permit(_) => return std::task::Poll::Ready(()),
                        Joined::Closed(_) => panic!("it is open"),
                    }
                }
            };
            match call.poll(cx.waker()) {
                Poll::Granted(_) => std::task::Poll::Ready(()),
                Poll::Waiting => std::task::Poll::Pending,
                other => panic!("{other:?}"),
            }
        }));
        releaser.join().unwrap();
        assert_eq!(permits.available(), 0);
    });
}

/// The permits close while somebody joins the line: nobody is left standing.
#[test]
fn loom_a_closed_line_is_empty() {
    loom::model(|| {
        let permits = Arc::new(Permits::new(1));
        assert_eq!(permits.try_take(), Ok(0));
        let task = task();
        let joiner = {
            let (permits, task) = (Arc::clone(&permits), Arc::clone(&task));
            thread::spawn(move || join(&permits, &task))
        };
        for waiter in permits.close() {
            if let Waiter::Task(task) = waiter {
                let _ = task.refuse(Refusal::Closed);
            }
        }
        joiner.join().unwrap();
        assert_eq!(permits.waiting(), 0);
        assert!(!task.is_pending());
    });
}
