//! Models of the permits and their line, checked by loom over every interleaving.
//!
//! The models catch these mutations (`scripts/mutants` applies them and expects the failure):
//! * `no-recount`: a joiner that does not count the permits again after it has set `LINE`;
//! * `release-looks-first`: a release that reads `LINE` before it adds its permit;
//! * `gone-keeps-permit`: a server of the line that spends a permit on a caller who has gone;
//! * `leaver-gives-permit`: cancelled work beyond the limit that gives back a permit it never had;
//! * `close-leaves-line`: a close that does not take the callers out of the line;
//! * `join-after-close`: work that joins the line of permits that are closed.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use loom::thread;

use super::permits::{Full, Joined, Permits};
use super::reservations::{Call, Poll, Reservations, Withdrawn};
use crate::task::Ticket;

/// Releases a permit as `pool/shared.rs` does.
fn release(permits: &Permits) {
    let released = permits.release(1);
    released.granted.iter().for_each(|call| call.wake());
}

/// Admits work whose caller waits, as `pool/admit/place.rs` does.
fn enter(permits: &Permits) -> Option<Ticket> {
    match permits.try_take() {
        Ok(_) => Some(Ticket::HELD),
        Err(Full::Closed) => None,
        Err(Full::Occupied) => permits.join_work(),
    }
}

/// Gives back the place of work that will not run, as `pool/admit/refuse.rs` does.
fn cancel(permits: &Permits, ticket: Ticket) {
    if ticket == Ticket::HELD || !permits.leave_line(ticket) {
        release(permits);
    }
}

fn caller() -> (Arc<Reservations>, Arc<Call>) {
    let reservations = Arc::new(Reservations::new(Duration::from_secs(3600)));
    let call = Call::new(Waker::noop().clone(), Arc::clone(&reservations));
    (reservations, call)
}

/// Makes permits that are all taken.
fn taken(permits: usize) -> Arc<Permits> {
    let all = Arc::new(Permits::new(permits));
    (0..permits).for_each(|_| assert!(all.try_take().is_ok()));
    all
}

/// Two join while a permit comes back: one gets it, the other waits, and no permit stays free
/// beside a waiter.
#[test]
fn loom_nobody_waits_beside_a_free_permit() {
    loom::model(|| {
        let permits = taken(1);
        let joiner = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || enter(&permits).unwrap())
        };
        let releaser = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || release(&permits))
        };
        let tickets = [enter(&permits).unwrap(), joiner.join().unwrap()];
        releaser.join().unwrap();
        assert_eq!(permits.available(), 0);
        assert_eq!(permits.waiting(), 1);
        assert_eq!(tickets.iter().filter(|&&ticket| ticket <= permits.paid()).count(), 1);
    });
}

/// Work starts while work beyond the limit is cancelled: in the end every permit is free.
#[test]
fn loom_work_that_leaves_strands_no_permit_and_makes_none() {
    loom::model(|| {
        let permits = taken(1);
        let ticket = enter(&permits).unwrap();
        let starts = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || release(&permits))
        };
        cancel(&permits, ticket);
        starts.join().unwrap();
        assert_eq!((permits.available(), permits.waiting()), (1, 0));
        assert_eq!(permits.try_take(), Ok(0));
        assert_eq!(permits.try_take(), Err(Full::Occupied));
    });
}

/// Two tasks beyond the limit are cancelled while a permit comes back, with a caller behind them:
/// the caller gets the permit, and there is no other.
#[test]
fn loom_who_stands_behind_cancelled_work_is_served() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let (reservations, call) = caller();
        let permits = taken(1);
        let (first, second) = (enter(&permits).unwrap(), enter(&permits).unwrap());
        assert_eq!(permits.join_caller(&call), Joined::InLine);
        let canceller = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || cancel(&permits, first))
        };
        let releaser = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || release(&permits))
        };
        cancel(&permits, second);
        canceller.join().unwrap();
        releaser.join().unwrap();
        assert_eq!((permits.available(), permits.waiting(), reservations.len()), (0, 0, 1));
    });
}

/// A caller goes away while it is granted a permit.
#[test]
fn loom_a_caller_who_goes_away_gives_its_grant_back() {
    loom::model(|| {
        let (reservations, call) = caller();
        let permits = taken(1);
        assert_eq!(permits.join_caller(&call), Joined::InLine);
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
        assert_eq!((permits.available(), permits.waiting()), (1, 0));
        assert_eq!(reservations.len(), 0);
    });
}

/// A caller polls while it is granted a permit: the poll finds the grant, or the grant wakes it.
#[test]
fn loom_a_caller_hears_of_its_grant() {
    loom::model(|| {
        let reservations = Arc::new(Reservations::new(Duration::from_secs(3600)));
        let permits = taken(1);
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
                    match permits.join_caller(&new) {
                        Joined::InLine => &*call.insert(new),
                        Joined::Permit => return std::task::Poll::Ready(()),
                        Joined::Closed => panic!("it is open"),
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

/// The permits close while a caller and work join the line: no caller is left in the line, and work
/// that is in the line pays for its ticket when it leaves.
#[test]
fn loom_a_closed_line_has_no_callers() {
    loom::model(|| {
        let (_, call) = caller();
        let permits = taken(1);
        let joiner = {
            let (permits, call) = (Arc::clone(&permits), Arc::clone(&call));
            thread::spawn(move || permits.join_caller(&call))
        };
        let work = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || permits.join_work())
        };
        let callers = permits.close();
        let closed = permits.beyond();
        match joiner.join().unwrap() {
            Joined::InLine => assert_eq!(callers.len(), 1),
            Joined::Closed => assert!(callers.is_empty()),
            Joined::Permit => panic!("all are taken"),
        }
        let ticket = work.join().unwrap();
        assert_eq!(closed, usize::from(ticket.is_some()), "nothing joins after the close");
        ticket.into_iter().for_each(|ticket| cancel(&permits, ticket));
        release(&permits);
        assert_eq!((permits.waiting(), permits.available()), (0, 1));
    });
}
