//! A future that is offloaded is polled on the pool, within the runtime, whenever it was woken, and only then.

use std::convert::Infallible;
use std::future::{Ready, pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::pool_support::{PanicsInDrop, Token, Tokens, fixed, in_time, in_time_async, until};
use millpond::service::{Admission, OffloadLayer, ServiceError};
use millpond::test_util::{self, Order, assert_no_leaks};
use millpond::{AdaptiveThreadPool, TaskContext, TaskOptions};
use proptest::prelude::*;
use tokio::sync::oneshot;
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

type Answer<T> = Result<T, Infallible>;

#[test]
fn every_poll_is_on_the_pool_and_in_the_runtime() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let mut service = ServiceBuilder::new().layer(OffloadLayer::new(pool.clone())).service(service_fn(
            async |rounds: u32| {
                let mut seen = Vec::new();
                for _ in 0..rounds {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    tokio::spawn(ready(())).await.unwrap();
                    tokio::task::yield_now().await;
                    seen.push(TaskContext::current().is_some());
                }
                Ok::<_, Infallible>(seen)
            },
        ));
        assert_eq!(service.ready().await.unwrap().call(5).await.unwrap(), [true; 5]);
        assert_no_leaks(&pool);
    });
}

#[test]
fn one_that_is_pending_holds_no_worker_and_no_place() {
    in_time(|| {
        let (pool, stepper) = AdaptiveThreadPool::builder().max_queue_size(1).build_manual().unwrap();
        let mut service = ServiceBuilder::new()
            .layer(OffloadLayer::new(pool.clone()).admission(Admission::Shed))
            .service(service_fn(|wake: oneshot::Receiver<u32>| wake));
        let mut requests: Vec<_> = (0..100)
            .map(|_| {
                let (wake, woken) = oneshot::channel();
                let mut request = task::spawn(service.call(woken));
                assert_pending!(request.poll());
                assert!(stepper.step());
                assert_pending!(request.poll());
                (wake, request)
            })
            .collect();
        let rest = pool.statistics();
        assert_eq!((rest.queue_depth, rest.active_threads, rest.waiting_callers), (0, 0, 0));

        // All of them at once: there is one place, and none of them is refused.
        for (n, (wake, request)) in (0..).zip(&mut requests) {
            std::mem::replace(wake, oneshot::channel().0).send(n).unwrap();
            assert!(request.is_woken());
            assert_pending!(request.poll());
        }
        assert!(pool.try_spawn(|| ()).is_err(), "others see that it is full");
        assert_eq!(stepper.run_until_idle(), 100);
        for (n, (_, request)) in (0..).zip(&mut requests) {
            assert_eq!(assert_ready_ok!(request.poll()), n);
        }
        assert_no_leaks(&pool);
    });
}

#[test]
fn a_wake_up_of_its_own_during_the_poll_is_not_lost() {
    in_time(|| {
        let (pool, stepper) = test_util::manual();
        let mut service = OffloadLayer::new(pool.clone()).layer_fn(|rounds: u32| {
            let mut left = rounds;
            poll_fn(move |cx| {
                let Some(fewer) = left.checked_sub(1) else { return Poll::Ready(Answer::Ok(())) };
                left = fewer;
                cx.waker().wake_by_ref();
                Poll::Pending
            })
        });
        let mut request = task::spawn(service.call(3));
        for _ in 0..3 {
            assert_pending!(request.poll());
            assert_pending!(request.poll());
            assert!(stepper.step());
            assert!(request.is_woken());
        }
        assert_pending!(request.poll());
        assert!(stepper.step());
        assert_ready_ok!(request.poll());
        assert_no_leaks(&pool);
    });
}

#[test]
fn one_that_wakes_itself_for_ever_leaves_others_their_thread() {
    in_time_async(|| async {
        let pool = test_util::inline();
        let mut service = OffloadLayer::new(pool.clone()).layer_fn(|()| {
            poll_fn(|cx| {
                cx.waker().wake_by_ref();
                Poll::<Answer<()>>::Pending
            })
        });
        let endless = tokio::spawn(service.call(()));
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        endless.abort();
        assert!(endless.await.unwrap_err().is_cancelled());
        assert_no_leaks(&pool);
    });
}

#[test]
fn a_panic_in_any_poll_is_an_error_and_harms_nothing_else() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let service = ServiceBuilder::new().layer(OffloadLayer::new(pool.clone())).service(service_fn(
            async |pending_first: bool| -> Answer<()> {
                if pending_first {
                    tokio::task::yield_now().await;
                }
                panic!("spilt")
            },
        ));
        for pending_first in [false, true] {
            match service.clone().oneshot(pending_first).await {
                Err(ServiceError::Panicked(panic)) => assert_eq!(panic.message(), Some("spilt")),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(pool.run(|| 1).await.unwrap(), 1);
        assert_no_leaks(&pool);
    });
}

/// The work of a request is made when its place was taken already.
#[test]
fn a_panic_of_the_call_itself_gives_its_place_back() {
    in_time(|| {
        for admission in [Admission::Shed, Admission::WaitUpTo(Duration::MAX), Admission::Backpressure] {
            for options in [TaskOptions::new(), TaskOptions::new().tenant("a").bytes(1)] {
                let pool = fixed(1).max_queue_size(1).byte_budget(1).build().unwrap();
                let layer = OffloadLayer::new(pool.clone()).admission(admission);
                let mut service = layer
                    .classify(move |_: &()| options.clone())
                    .layer(service_fn(|()| -> Ready<Answer<()>> { panic!("before there is a future") }));
                assert!(task::spawn(poll_fn(|cx| service.poll_ready(cx))).poll().is_ready());
                let call = catch_unwind(AssertUnwindSafe(|| drop(service.call(()))));
                assert!(call.is_err());
                assert_no_leaks(&pool);
                drop(pool.try_acquire().unwrap());
            }
        }
    });
}

#[test]
fn nor_does_one_in_the_drop_of_the_future_take_anything_with_it() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let service = |what: &'static str| {
            OffloadLayer::new(pool.clone()).layer_fn(move |()| {
                let bad = PanicsInDrop("in the drop");
                poll_fn(move |_| {
                    let _ = &bad;
                    match what {
                        "answers" => Poll::Ready(Answer::Ok(1)),
                        "panics" => panic!("spilt"),
                        _ => Poll::Pending,
                    }
                })
            })
        };
        let mut answers = service("answers");
        assert_eq!(answers.ready().await.unwrap().call(()).await.unwrap(), 1);
        let mut panics = service("panics");
        let error = panics.ready().await.unwrap().call(()).await.unwrap_err();
        assert!(matches!(error, ServiceError::Panicked(panic) if panic.message() == Some("spilt")));
        let mut waits = service("waits");
        let mut waiting = task::spawn(waits.ready().await.unwrap().call(()));
        assert_pending!(waiting.poll());
        drop(waiting);
        assert_eq!(pool.run(|| 2).await.unwrap(), 2);
        assert_no_leaks(&pool);
    });
}

/// Tells the runtime when it is dropped, as a connection may that says good-bye.
struct Polite(#[expect(dead_code, reason = "it is counted")] Token, oneshot::Sender<bool>);

impl Drop for Polite {
    fn drop(&mut self) {
        let tell = std::mem::replace(&mut self.1, oneshot::channel().0);
        let _ = tell.send(tokio::runtime::Handle::try_current().is_ok());
    }
}

#[test]
fn one_whose_waiter_goes_away_is_dropped_within_the_runtime_wherever_it_is() {
    in_time_async(|| async {
        let (pool, stepper) = test_util::manual();
        let tokens = Tokens::default();
        let mut service = ServiceBuilder::new().layer(OffloadLayer::new(pool.clone())).service(service_fn(
            |polite: Polite| async move {
                let _polite = polite;
                tokio::task::yield_now().await;
                pending::<Answer<()>>().await
            },
        ));
        // It waits for its first poll, has had it, waits for its second, has had it.
        for polls in 0..4 {
            let (tell, told) = oneshot::channel();
            let mut request = task::spawn(service.ready().await.unwrap().call(Polite(tokens.token(), tell)));
            for _ in 0..polls {
                assert_pending!(request.poll());
                stepper.step();
            }
            let mut told = task::spawn(told);
            assert_pending!(told.poll());
            drop(request);
            assert!(assert_ready_ok!(told.poll()), "after {polls}");
            assert_eq!((stepper.run_until_idle(), tokens.alive()), (0, 0), "after {polls}");
            assert_no_leaks(&pool);
        }
    });
}

#[test]
fn or_when_the_poll_is_over_that_is_under_way() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let gate = Arc::<crate::pool_support::Gate>::default();
        let tokens = Tokens::default();
        let mut service = {
            let gate = Arc::clone(&gate);
            OffloadLayer::new(pool.clone()).layer_fn(move |polite: Polite| {
                let gate = Arc::clone(&gate);
                poll_fn(move |_| {
                    let _ = &polite;
                    gate.pass();
                    Poll::<Answer<()>>::Pending
                })
            })
        };
        let (tell, told) = oneshot::channel();
        let mut request = task::spawn(service.ready().await.unwrap().call(Polite(tokens.token(), tell)));
        assert_pending!(request.poll());
        crate::pool_support::until(|| pool.statistics().active_threads == 1);
        drop(request);
        gate.open();
        assert!(told.await.unwrap(), "in the runtime");
        assert_no_leaks(&pool);
        assert_eq!(tokens.alive(), 0);
    });
}

#[test]
fn a_request_that_is_refused_does_not_reach_the_service_within() {
    in_time(|| {
        let (pool, stepper) = AdaptiveThreadPool::builder().max_queue_size(1).build_manual().unwrap();
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let mut service = OffloadLayer::new(pool.clone()).admission(Admission::Shed).layer_fn(move |()| {
            counted.fetch_add(1, Ordering::SeqCst);
            ready(Answer::Ok(()))
        });
        let mut first = task::spawn(service.call(()));
        assert!(assert_ready_err!(task::spawn(service.call(())).poll()).is_overload());
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        assert!(stepper.step());
        assert_ready_ok!(first.poll());
        assert_no_leaks(&pool);
    });
}

#[test]
fn a_shutdown_ends_what_waits_to_be_woken_when_it_is() {
    in_time_async(|| async {
        let (pool, stepper) = test_util::manual();
        let (wake, woken) = oneshot::channel::<()>();
        let mut service = OffloadLayer::new(pool.clone()).layer_fn(|woken: oneshot::Receiver<()>| woken);
        let mut request = task::spawn(service.ready().await.unwrap().call(woken));
        assert_pending!(request.poll());
        assert!(stepper.step());
        assert_pending!(request.poll());
        pool.shutdown(Duration::from_secs(60)).await;
        wake.send(()).unwrap();
        assert!(matches!(assert_ready!(request.poll()), Err(ServiceError::ShuttingDown)));
    });
}

/// What happens between the steps of the request, by chance.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// The waiter is polled, woken or not.
    Poll,
    /// Whatever the future waits for happens.
    Happen,
    /// The pool runs a task.
    Step,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// However polls, wake-ups and steps of the pool come after one another: as soon as the pool is idle and the waiter is not to be
    /// polled, the future has seen all that has happened.
    #[test]
    fn no_wake_up_is_lost(
        events in proptest::collection::vec(prop_oneof![Just(Event::Poll), Just(Event::Happen), Just(Event::Step)], 0..24),
        needed in 0_usize..6,
    ) {
        let (pool, stepper) = test_util::manual();
        stepper.set_order(Order::Own);
        let world = Arc::new(Mutex::new((0_usize, None::<Waker>)));
        let seen = Arc::clone(&world);
        let mut service = OffloadLayer::new(pool.clone()).admission(Admission::Shed).layer_fn(move |()| {
            let seen = Arc::clone(&seen);
            poll_fn(move |cx| {
                let mut world = seen.lock().unwrap();
                if world.0 >= needed {
                    return Poll::Ready(Answer::Ok(world.0));
                }
                world.1 = Some(cx.waker().clone());
                Poll::Pending
            })
        });
        let happen = || {
            let waker = { let mut world = world.lock().unwrap(); world.0 += 1; world.1.take() };
            waker.into_iter().for_each(Waker::wake);
        };
        let mut request = task::spawn(service.call(()));
        let mut answer = None;
        for event in events {
            match event {
                Event::Poll if answer.is_none() => {
                    if let Poll::Ready(result) = request.poll() { answer = Some(result.unwrap()) }
                }
                Event::Poll => {}
                Event::Happen => happen(),
                Event::Step => _ = stepper.step(),
            }
        }
        // From here on as an executor would: polled once, and then only when it is woken.
        let mut first = true;
        for _ in 0..=needed {
            while answer.is_none() && (std::mem::take(&mut first) || request.is_woken()) {
                if let Poll::Ready(result) = request.poll() { answer = Some(result.unwrap()) }
                stepper.run_until_idle();
            }
            happen();
        }
        while answer.is_none() && request.is_woken() {
            if let Poll::Ready(result) = request.poll() { answer = Some(result.unwrap()) }
            stepper.run_until_idle();
        }
        prop_assert!(answer.is_some_and(|seen| seen >= needed), "{answer:?}");
        drop(request);
        assert_no_leaks(&pool);
    }
}

#[test]
fn nor_with_real_threads() {
    in_time(|| {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let pool = fixed(2).build().unwrap();
        let service = ServiceBuilder::new().layer(OffloadLayer::new(pool.clone())).service(service_fn(
            async |n: usize| {
                // A message from another thread of the runtime's, which may come before, during or after any poll.
                let (mut to, mut from) = tokio::sync::mpsc::channel(1);
                for k in 0..n % 5 {
                    let sender = tokio::spawn(async move {
                        to.send(k).await.unwrap();
                        to
                    });
                    assert_eq!(from.recv().await, Some(k));
                    to = sender.await.unwrap();
                    if n.is_multiple_of(3) {
                        tokio::task::yield_now().await;
                    }
                }
                Ok::<_, Infallible>(n)
            },
        ));
        runtime.block_on(async {
            let mut requests = tokio::task::JoinSet::new();
            for n in 0..2_000 {
                requests.spawn(service.clone().oneshot(n));
            }
            let mut answers: Vec<_> =
                requests.join_all().await.into_iter().map(|answer| answer.unwrap()).collect();
            answers.sort_unstable();
            assert!(answers.into_iter().eq(0..2_000));
        });
        assert_no_leaks(&pool);
    });
}

/// The handler's own branches go on while the pool runs what it has submitted.
#[test]
fn work_that_a_handler_runs_does_not_run_within_its_poll() {
    in_time_async(|| async {
        let pool = fixed(2).build().unwrap();
        let inner = pool.clone();
        let service = OffloadLayer::new(pool.clone()).layer_fn(move |(): ()| {
            let pool = inner.clone();
            async move {
                let (to, from) = std::sync::mpsc::channel();
                let (received, ()) = tokio::join!(pool.run(move || from.recv()), async {
                    to.send(5).unwrap();
                });
                let (to, from) = std::sync::mpsc::channel();
                let task = pool.spawn(move || from.recv()).await.unwrap();
                let (spawned, ()) = tokio::join!(task, async { to.send(6).unwrap() });
                let (to, from) = std::sync::mpsc::channel::<()>();
                tokio::select! {
                    biased;
                    _ = pool.run(move || from.recv()) => unreachable!("nobody has sent"),
                    () = ready(()) => drop(to),
                }
                Ok::<_, Infallible>((received.unwrap().unwrap(), spawned.unwrap().unwrap()))
            }
        });
        assert_eq!(service.oneshot(()).await.unwrap(), (5, 6));
        assert_no_leaks(&pool);
    });
}

/// As on a thread of the runtime: what a handler submits needs a place.
#[test]
fn work_of_a_handler_takes_a_place_of_the_queue() {
    in_time(|| {
        let (pool, stepper) = AdaptiveThreadPool::builder().max_queue_size(1).build_manual().unwrap();
        let inner = pool.clone();
        let mut service = OffloadLayer::new(pool.clone()).layer_fn(move |(): ()| {
            let pool = inner.clone();
            async move {
                let kept = pool.try_spawn(|| 1).unwrap();
                assert!(pool.try_spawn(|| 2).is_err() && pool.try_acquire().is_err());
                Ok::<_, Infallible>(kept.await.unwrap())
            }
        });
        let mut request = task::spawn(service.call(()));
        assert_pending!(request.poll());
        // The poll, the work that it has submitted, and the poll that this work wakes.
        while request.poll().is_pending() {
            assert!(stepper.step());
        }
    });
}

/// A closure that runs within a poll is a task again: what it submits is a subtask, and so is not
/// refused.
#[test]
fn a_closure_within_the_poll_of_a_handler_is_on_a_worker_again() {
    in_time(|| {
        let (pool, stepper) = AdaptiveThreadPool::builder().max_queue_size(1).build_manual().unwrap();
        let inner = pool.clone();
        let mut service = OffloadLayer::new(pool.clone()).layer_fn(move |(): ()| {
            let pool = inner.clone();
            async move {
                let closure = {
                    let pool = pool.clone();
                    move || (0..3).map(|n| pool.try_spawn(move || n).unwrap().blocking_join().unwrap()).sum()
                };
                let sum: u32 = TaskContext::current().unwrap().spawn(closure).blocking_join().unwrap();
                let full = (pool.try_spawn(|| 0).is_ok(), pool.try_spawn(|| 0).is_ok());
                Ok::<_, Infallible>((sum, full))
            }
        });
        let mut request = task::spawn(service.call(()));
        assert_pending!(request.poll());
        assert!(stepper.step());
        assert_eq!(assert_ready_ok!(request.poll()), (3, (true, false)));
    });
}

type Say = std::sync::mpsc::Sender<&'static str>;

/// Runs until it is asked to stop.
fn patient(say: Say) -> impl FnOnce() + Send {
    move || {
        say.send("begun").unwrap();
        let context = TaskContext::current().unwrap();
        until(|| context.is_cancelled());
        say.send("stopped").unwrap();
    }
}

/// The future of a handler.
type Handler = std::pin::Pin<Box<dyn Future<Output = Answer<()>> + Send>>;

/// Has a request polled until the work that `handler` submits has begun, and drops its response.
fn dropped_response(threads: usize, handler: fn(AdaptiveThreadPool, Say) -> Handler) {
    let pool = fixed(threads).build().unwrap();
    let (own, (say, said)) = (pool.clone(), std::sync::mpsc::channel());
    let mut service = OffloadLayer::new(pool.clone()).layer_fn(move |say: Say| handler(own.clone(), say));
    let mut request = task::spawn(service.call(say));
    assert_pending!(request.poll());
    let mut word = said.try_recv();
    while word.is_err() {
        // Its later polls need the waiter.
        let _ = request.is_woken().then(|| request.poll());
        word = said.try_recv();
    }
    assert_eq!(word, Ok("begun"));
    drop(request);
    assert_eq!(said.recv(), Ok("stopped"), "{threads} threads");
    assert_no_leaks(&pool);
}

#[test]
fn what_the_handler_awaits_is_asked_to_stop_when_the_response_is_dropped() {
    in_time(|| {
        for threads in [1, 4] {
            dropped_response(threads, |pool, say| {
                Box::pin(async move {
                    pool.run(patient(say)).await.unwrap();
                    Ok(())
                })
            });
            // What the awaited work has others do.
            dropped_response(threads, |pool, say| {
                Box::pin(async move {
                    let subtask = move || TaskContext::current().unwrap().spawn(patient(say)).blocking_join();
                    pool.run(subtask).await.unwrap().unwrap();
                    Ok(())
                })
            });
        }
    });
}

/// The handler's future can't be dropped while it is polled, so only the tree tells.
#[test]
fn also_if_the_handler_blocks_on_it() {
    in_time(|| {
        dropped_response(4, |pool, say| {
            Box::pin(async move {
                crate::pool_support::block_on(pool.run(patient(say))).unwrap();
                Ok(())
            })
        });
        for threads in [1, 4] {
            dropped_response(threads, |_, say| {
                Box::pin(async move {
                    let subtask = TaskContext::current().unwrap().spawn(patient(say));
                    subtask.blocking_join().unwrap();
                    Ok(())
                })
            });
        }
    });
}

#[test]
fn and_so_are_the_subtasks_of_earlier_polls() {
    in_time(|| {
        for threads in [1, 4] {
            dropped_response(threads, |_, say| {
                Box::pin(async move {
                    drop(TaskContext::current().unwrap().spawn(patient(say)));
                    pending().await
                })
            });
        }
    });
}

/// A request of a service that is called within a handler, or within a task.
#[test]
fn requests_within_requests_are_asked_to_stop_too() {
    in_time(|| {
        dropped_response(4, |pool, say| {
            Box::pin(async move {
                let inner = OffloadLayer::new(pool).layer_fn(|say: Say| {
                    Box::pin(async move {
                        let subtask = TaskContext::current().unwrap().spawn(patient(say));
                        subtask.blocking_join().unwrap();
                        Answer::Ok(())
                    })
                });
                crate::pool_support::block_on(inner.oneshot(say)).unwrap();
                Ok(())
            })
        });
    });
}

/// As on a thread of the runtime: dropping the handle detaches the task.
#[test]
fn a_task_that_a_handler_spawns_on_the_pool_runs_on() {
    in_time(|| {
        let pool = fixed(2).build().unwrap();
        let gate = Arc::<crate::pool_support::Gate>::default();
        let (own, passes) = (pool.clone(), Arc::clone(&gate));
        let mut service =
            OffloadLayer::new(pool.clone()).layer_fn(move |tell: std::sync::mpsc::Sender<bool>| {
                let (pool, gate) = (own.clone(), Arc::clone(&passes));
                async move {
                    let task = pool.spawn(move || {
                        gate.pass();
                        tell.send(TaskContext::current().unwrap().is_cancelled()).unwrap();
                    });
                    task.await.unwrap().await.unwrap();
                    Answer::Ok(())
                }
            });
        let (tell, told) = std::sync::mpsc::channel();
        let mut request = task::spawn(service.call(tell));
        assert_pending!(request.poll());
        until(|| pool.statistics().tasks_completed == 1 && pool.statistics().active_threads == 1);
        drop(request);
        gate.open();
        assert_eq!(told.recv(), Ok(false));
        assert_no_leaks(&pool);
    });
}

#[test]
fn a_response_that_is_there_cancels_nothing_when_it_is_dropped() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let gate = Arc::<crate::pool_support::Gate>::default();
        let passes = Arc::clone(&gate);
        let service = OffloadLayer::new(pool.clone()).layer_fn(move |tell: oneshot::Sender<bool>| {
            let gate = Arc::clone(&passes);
            async move {
                drop(TaskContext::current().unwrap().spawn(move || {
                    gate.pass();
                    tell.send(TaskContext::current().unwrap().is_cancelled()).unwrap();
                }));
                Answer::Ok(())
            }
        });
        let (tell, told) = oneshot::channel();
        service.oneshot(tell).await.unwrap();
        gate.open();
        assert_eq!(told.await, Ok(false));
        assert_no_leaks(&pool);
    });
}

/// A layer around a function that makes futures.
trait LayerFn {
    fn layer_fn<Q, F, Fut>(self, make: F) -> millpond::service::Offload<tower::util::ServiceFn<F>>
    where
        F: FnMut(Q) -> Fut;
}

impl LayerFn for OffloadLayer {
    fn layer_fn<Q, F, Fut>(self, make: F) -> millpond::service::Offload<tower::util::ServiceFn<F>>
    where
        F: FnMut(Q) -> Fut,
    {
        tower::Layer::layer(&self, service_fn(make))
    }
}
