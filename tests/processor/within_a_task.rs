//! A task calls a processor of its own pool: the other branches of the task go on meanwhile, as on
//! a thread of the runtime.

use std::future::ready;
use std::pin::pin;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use crate::pool_support::{block_on, in_paused_time, in_time, poll_once};
use crate::processor_support::{Bench, Way, bench, request, requests, shipping};
use futures_util::future::{Either, join, join_all, join3, select};
use millpond::{ProcessError, ProcessorConfig};
use tokio::runtime::Handle;
use tokio::time::timeout;

const HOUR: Duration = Duration::from_secs(3_600);

/// Each document of a batch is a task of its own.
fn one_by_one(threads: usize) -> Bench {
    let config =
        ProcessorConfig { batch_timeout: Duration::MAX, coalesce_target: Duration::ZERO, ..shipping() };
    bench(threads, config)
}

/// Each way to call a processor, with pools of two and four threads.
fn each() -> impl Iterator<Item = (Way, Bench)> {
    [2, 4].into_iter().flat_map(|threads| Way::ALL.map(|way| (way, one_by_one(threads))))
}

#[test]
fn what_is_beside_a_call_goes_on() {
    in_time(|| {
        for (way, bench) in each() {
            let (processor, gate) = (bench.processor.clone(), Arc::clone(&bench.gate));
            let task = bench.processor.pool().run(move || {
                let call = way.convert(processor, request("wait"));
                block_on(join(call, async { gate.open() })).0
            });
            assert_eq!(block_on(task).unwrap().as_deref(), Some("WAIT"), "{way:?}");
        }
    });
}

#[test]
fn three_calls_that_are_joined_run_at_the_same_time() {
    in_time(|| {
        for way in Way::ALL {
            let bench = one_by_one(4);
            let processor = bench.processor.clone();
            let mut task = bench.processor.pool().run(move || {
                let call = || way.convert(processor.clone(), request("wait"));
                block_on(join3(call(), call(), call()))
            });
            assert!(poll_once(&mut task).is_pending());
            assert_eq!(bench.begun.iter().take(3).count(), 3);
            bench.gate.open();
            let wait = || Some("WAIT".to_owned());
            assert_eq!(block_on(task).unwrap(), (wait(), wait(), wait()), "{way:?}");
        }
    });
}

#[test]
fn a_call_that_is_slow_is_given_up() {
    in_time(|| {
        for (way, bench) in each() {
            let processor = bench.processor.clone();
            let first = bench.processor.pool().run(move || {
                let call = pin!(way.convert(processor, request("wait")));
                matches!(block_on(select(call, ready(()))), Either::Right(_))
            });
            assert!(block_on(first).unwrap(), "{way:?}");
            bench.gate.open();
        }
    });
}

/// The clock is paused: it leaps to the timeout while the document is converted.
#[test]
fn a_call_is_given_up_at_its_timeout() {
    in_paused_time(|| async {
        for (way, bench) in each() {
            let (processor, runtime) = (bench.processor.clone(), Handle::current());
            let task = bench.processor.pool().run(move || {
                runtime
                    .block_on(async { timeout(HOUR, way.convert(processor, request("wait"))).await.is_err() })
            });
            assert!(task.await.unwrap(), "{way:?}");
            bench.gate.open();
        }
    });
}

#[test]
fn a_batch_ends_at_its_timeout_while_another_worker_converts_it() {
    in_paused_time(|| async {
        let bench = one_by_one(2);
        let (processor, runtime) = (bench.processor.clone(), Handle::current());
        let task = bench.processor.pool().run(move || {
            let batch = processor.batch(requests(["wait a", "b"])).timeout(HOUR);
            runtime.block_on(batch.into_future())
        });
        for answer in task.await.unwrap() {
            assert!(matches!(answer.result, Err(ProcessError::TimedOut { after: HOUR })), "{answer:?}");
        }
        bench.gate.open();
    });
}

/// Nobody else could: so nothing interrupts it.
#[test]
fn the_only_worker_converts_the_documents_itself() {
    in_paused_time(|| async {
        for way in Way::ALL {
            let bench = one_by_one(1);
            let (processor, runtime) = (bench.processor.clone(), Handle::current());
            let task = bench.processor.pool().run(move || {
                let call = |document| way.convert(processor.clone(), request(document));
                runtime.block_on(async {
                    let first = matches!(select(pin!(call("first")), ready(())).await, Either::Left(_));
                    let in_time = timeout(HOUR, call("in time")).await;
                    let joined = join3(call("a"), call("b"), call("c")).await;
                    (first, in_time.ok().flatten(), joined)
                })
            });
            let (first, in_time, (a, b, c)) = task.await.unwrap();
            // A batch is polled again after each task.
            assert!(first || matches!(way, Way::Batch), "{way:?}");
            let answers = [in_time, a, b, c].map(Option::unwrap);
            assert_eq!(answers, ["IN TIME", "A", "B", "C"], "{way:?}");
        }
    });
}

#[test]
fn tasks_that_all_wait_for_batches_come_to_their_end() {
    in_time(|| {
        for threads in 1..=4 {
            let bench = one_by_one(threads);
            for _ in 0..100 {
                let met = Arc::new(Barrier::new(threads));
                let task = |_| {
                    let (processor, met) = (bench.processor.clone(), Arc::clone(&met));
                    bench.processor.pool().run(move || {
                        met.wait();
                        let batch = (0..20).map(|n| request(&n.to_string())).collect();
                        let answers = block_on(processor.process_batch(batch));
                        answers.iter().filter(|answer| answer.is_ok()).count()
                    })
                };
                let converted = block_on(join_all((0..threads).map(task)));
                assert!(converted.into_iter().all(|documents| documents.unwrap() == 20));
            }
        }
    });
}

#[test]
fn a_task_may_shut_its_own_processor_down() {
    in_time(|| {
        for (threads, way) in [1, 2].into_iter().flat_map(|threads| Way::ALL.map(|way| (threads, way))) {
            let bench = one_by_one(threads);
            let processor = bench.processor.clone();
            let task = bench.processor.pool().run(move || {
                let report = block_on(processor.shutdown(Duration::MAX));
                // The task was accepted, so its documents are.
                (report.still_running, block_on(way.convert(processor, request("late"))))
            });
            let (running, late) = block_on(task).unwrap();
            assert_eq!((running, late.as_deref()), (1, Some("LATE")), "{way:?}");
            assert_eq!(block_on(bench.processor.shutdown(Duration::MAX)).threads_remaining, 0);
        }
    });
}

/// They have equal lengths, so that they are predicted to take equally long.
#[test]
fn equal_documents_of_a_batch_begin_in_their_order() {
    in_time(|| {
        let documents: Vec<_> = (100..900).map(|n| n.to_string()).collect();
        for coalesce_target in [Duration::ZERO, ProcessorConfig::default().coalesce_target] {
            for within in [false, true] {
                let config = ProcessorConfig { batch_timeout: Duration::MAX, coalesce_target, ..shipping() };
                let bench = bench(1, config);
                let (processor, batch) =
                    (bench.processor.clone(), documents.iter().map(|n| request(n)).collect());
                let answers = match within {
                    false => block_on(processor.process_batch(batch)),
                    true => {
                        let task = move || block_on(processor.process_batch(batch));
                        block_on(bench.processor.pool().run(task)).unwrap()
                    }
                };
                assert_eq!(answers.len(), documents.len());
                assert_eq!(bench.seen.documents(), documents, "within a task: {within}");
            }
        }
    });
}
