//! What a pool says of itself: by class, worker, tenant and reason, and from one reading to the
//! next.

use std::sync::Arc;
use std::time::Duration;

use millpond::pool::Histogram;
use millpond::{AdaptiveThreadPool, PoolStatistics, Priority, RejectReason, WorkerState};

use crate::pool_support::{Gate, block_on, fixed, hold, in_time, poll_once, until};

/// How many tasks have entered the histograms of run times.
fn timed(pool: &AdaptiveThreadPool) -> u64 {
    pool.latencies().run_time.iter().map(|(_, times)| times.count()).sum()
}

/// Until the workers have entered what they measured: they do so before they look for work.
fn at_rest(pool: &AdaptiveThreadPool) {
    until(|| timed(pool) == pool.statistics().tasks_completed && pool.statistics().active_threads == 0);
}

#[test]
fn the_run_times_agree_with_the_tasks() {
    in_time(|| {
        let pool = fixed(2).build().unwrap();
        let plain: Vec<_> = (0..1_000).map(|n| pool.try_spawn(move || assert!(n != 500)).unwrap()).collect();
        let labelled: Vec<_> = (0..300)
            .map(|n| {
                let class = [Priority::Interactive, Priority::Standard, Priority::Bulk][n % 3];
                pool.task().priority(class).try_spawn(|| ()).unwrap()
            })
            .collect();
        let panicked = plain.into_iter().filter_map(|task| block_on(task).err()).count();
        labelled.into_iter().for_each(|task| block_on(task).unwrap());
        at_rest(&pool);
        let (times, statistics) = (pool.latencies().run_time, pool.statistics());
        let counts: Vec<_> = times.iter().map(|(class, times)| (class, times.count())).collect();
        assert_eq!(counts, [("plain", 1_000), ("interactive", 100), ("standard", 100), ("bulk", 100)]);
        assert_eq!((panicked, statistics.tasks_panicked), (1, 1));
        let sum: Duration = times.iter().map(|(_, times)| times.sum()).sum();
        assert!((sum.as_secs_f64() * 1e3 - statistics.busy_time_ms).abs() < 1e-3, "{sum:?}");
        let workers = pool.workers();
        assert_eq!(workers.iter().map(|worker| worker.tasks_completed).sum::<u64>(), 1_300);
        assert_eq!(workers.iter().map(|worker| worker.busy).sum::<Duration>(), sum);
    });
}

#[test]
fn every_labelled_task_is_measured_in_the_queue_and_of_plain_tasks_one_in_sixteen() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let held = hold(&pool, 1);
        let before = pool.latencies().queue_delay;
        let plain: Vec<_> = (0..160).map(|_| pool.try_spawn(|| ()).unwrap()).collect();
        let bulk: Vec<_> =
            (0..50).map(|_| pool.task().priority(Priority::Bulk).try_spawn(|| ()).unwrap()).collect();
        held.end();
        plain.into_iter().chain(bulk).for_each(|task| block_on(task).unwrap());
        let after = pool.latencies().queue_delay;
        assert_eq!(after.plain.diff(&before.plain).count(), 10);
        assert_eq!((after.bulk.count(), after.standard.count()), (50, 0));
        assert!(after.bulk.sum() > Duration::ZERO);
    });
}

/// A subtask waits for its own task, and has the label of that.
#[test]
fn subtasks_are_measured_where_they_run_and_not_where_they_wait() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let inner = pool.clone();
        let work = move || block_on(inner.run(|| ())).unwrap();
        block_on(pool.task().run(work)).unwrap();
        at_rest(&pool);
        let latencies = pool.latencies();
        assert_eq!(latencies.run_time.standard.count(), 2);
        assert_eq!(latencies.queue_delay.standard.count(), 1);
    });
}

#[test]
fn refusals_are_counted_by_reason_and_add_up() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(2).byte_budget(10).build().unwrap();
        let held = hold(&pool, 1);
        let refused = |result: Result<(), RejectReason>| result.unwrap_err();
        let bulk = || pool.task().priority(Priority::Bulk);
        let fill: Vec<_> = (0..2).map(|_| bulk().try_spawn(|| ()).unwrap()).collect();
        let mut reasons = vec![refused(try_plain(&pool)), refused(try_plain(&pool))];
        // It evicts one, whose place it has.
        let urgent = pool.task().priority(Priority::Interactive).try_spawn(|| ()).unwrap();
        reasons.push(RejectReason::Evicted);
        let reason = |task: millpond::TaskBuilder<'_>| task.try_spawn(|| ()).unwrap_err().rejection().reason;
        reasons.push(reason(pool.task().bytes(11)));
        reasons.push(reason(pool.task().deadline(std::time::Instant::now())));
        let mut waits = Box::pin(pool.acquire());
        assert!(poll_once(&mut waits).is_pending());
        let statistics = pool.statistics();
        let expected: [(&str, u64); 4] =
            [("queue_full", 2), ("expired", 1), ("evicted", 1), ("never_fits", 1)];
        let counted: Vec<_> = statistics.refusals.iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, expected);
        assert_eq!(statistics.refusals.total(), reasons.len() as u64, "{reasons:?}");
        assert_eq!(statistics.permits_waited, 1);
        assert_eq!(statistics.backpressure_events, statistics.refusals.total() + 1);
        drop(waits);
        held.end();
        block_on(urgent).unwrap();
        let outcomes = fill.into_iter().filter(|_| true).map(|task| block_on(task).is_ok());
        assert_eq!(outcomes.filter(|ran| *ran).count(), 1);
    });
}

fn try_plain(pool: &AdaptiveThreadPool) -> Result<(), RejectReason> {
    pool.try_spawn(|| ()).map(drop).map_err(|refused| refused.rejection().reason)
}

#[test]
fn intervals_add_up_to_the_total() {
    in_time(|| {
        let pool = fixed(2).build().unwrap();
        let mut intervals = pool.intervals();
        let (mut sum, mut elapsed_ms) = ((0, 0.0, 0), 0.0);
        for round in 0..10 {
            let tasks: Vec<_> = (0..round * 10).map(|_| pool.try_spawn(|| ()).unwrap()).collect();
            tasks.into_iter().for_each(|task| block_on(task).unwrap());
            if round == 9 {
                at_rest(&pool);
            }
            let interval = intervals.next().unwrap();
            assert_eq!((interval.total_threads, interval.thread_limit), (2, 2), "as they are now");
            assert!(interval.elapsed_ms > 0.0);
            elapsed_ms += interval.elapsed_ms;
            sum = (
                sum.0 + interval.tasks_completed,
                sum.1 + interval.busy_time_ms,
                sum.2 + interval.tasks_queued,
            );
        }
        let total = pool.statistics();
        assert_eq!((sum.0, sum.2), (total.tasks_completed, total.tasks_queued));
        assert!((sum.1 - total.busy_time_ms).abs() < 1e-6);
        assert!(elapsed_ms <= total.elapsed_ms + 1e-6, "{elapsed_ms} of {}", total.elapsed_ms);
        let none = total.diff(&total);
        assert_eq!((none.tasks_completed, none.average_task_time_ms, none.elapsed_ms), (0, 0.0, 0.0));
    });
}

#[test]
fn the_mean_of_an_interval_is_that_of_its_tasks() {
    let of = |tasks_completed, busy_time_ms| {
        let mut statistics = PoolStatistics::default();
        (statistics.tasks_completed, statistics.busy_time_ms) = (tasks_completed, busy_time_ms);
        statistics
    };
    assert_eq!(of(4, 10.0).diff(&of(2, 4.0)).average_task_time_ms, 3.0);
}

#[test]
fn an_iterator_of_intervals_does_not_keep_the_pool_open() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let mut intervals = pool.intervals();
        drop(pool);
        until(|| intervals.next().unwrap().total_threads == 0);
    });
}

#[test]
fn statistics_are_one_line_for_people() {
    let line = PoolStatistics::default().to_string();
    assert_eq!(
        line,
        "threads 0 (0 active, 0 blocked, limit 0), queued 0, callers waiting 0, load 0.00; in 0.000 s: \
         completed 0 (mean 0.000 ms), panicked 0, cancelled 0, expired 0, shed 0, refused 0"
    );
}

/// Until the only worker is in this state.
fn until_it_is(pool: &AdaptiveThreadPool, state: WorkerState) {
    until(|| pool.workers().first().is_some_and(|worker| worker.state == state));
}

#[test]
fn a_worker_says_what_it_runs_and_when_it_sleeps() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        until_it_is(&pool, WorkerState::Parked);
        let gate = Arc::new(Gate::default());
        let pass = Arc::clone(&gate);
        let task = pool.task().name("gate").try_spawn(move || pass.pass()).unwrap();
        until(|| pool.workers()[0].task.as_deref() == Some("gate"));
        let worker = pool.workers().remove(0);
        assert_eq!((worker.index, worker.state, worker.tasks_completed), (0, WorkerState::Running, 0));
        assert!(worker.running_for.is_some());
        gate.open();
        block_on(task).unwrap();
        until_it_is(&pool, WorkerState::Parked);
        let worker = pool.workers().remove(0);
        assert_eq!((worker.task, worker.running_for, worker.tasks_completed), (None, None, 1));
        let statistics = pool.statistics();
        assert_eq!((statistics.parks, statistics.wakes), (worker.parks, worker.wakes));
        assert_eq!(worker.parks, worker.wakes + 1, "it sleeps");
        assert!(worker.wakes >= 1);
        let report = block_on(pool.shutdown(Duration::MAX));
        assert_eq!((report.threads_remaining, pool.workers()), (0, Vec::new()));
    });
}

#[test]
fn a_worker_in_a_declared_section_is_blocked() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let gate = Arc::new(Gate::default());
        let pass = Arc::clone(&gate);
        let work = move || millpond::TaskContext::current().unwrap().block_in_place(|| pass.pass());
        let task = pool.try_spawn(work).unwrap();
        until_it_is(&pool, WorkerState::Blocked);
        gate.open();
        block_on(task).unwrap();
        until_it_is(&pool, WorkerState::Parked);
    });
}

#[test]
fn however_many_tenants_there_are_only_so_many_are_named() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let spin = |time: Duration| {
            let began = std::time::Instant::now();
            while began.elapsed() < time {}
        };
        let run = |n: usize, time: Duration| {
            block_on(pool.task().tenant(format!("tenant {n}")).run(move || spin(time))).unwrap();
        };
        // Two use far more than the others.
        (0..2).for_each(|n| run(n, Duration::from_millis(20)));
        (2..1_000).for_each(|n| run(n, Duration::ZERO));
        let tenants = pool.tenants(2);
        let names: Vec<_> = tenants.iter().map(|tenant| tenant.name.as_deref()).collect();
        assert_eq!(names.len(), 3);
        for named in ["tenant 0", "tenant 1"] {
            assert!(names[..2].contains(&Some(named)), "{names:?}");
        }
        assert_eq!(names[2], None);
        // Accounts are closed then: what they had done is not lost.
        (1_000..2_000).for_each(|n| run(n, Duration::ZERO));
        let sum = |most: usize| pool.tenants(most).iter().map(|tenant| tenant.tasks_taken).sum::<u64>();
        for most in [0, 2, 5_000] {
            assert_eq!(sum(most), 2_000);
        }
        // In this order: the worker may close another account meanwhile.
        let accounts = pool.statistics().tenants;
        assert!(pool.tenants(5_000).len() <= accounts + 1);
    });
}

#[test]
fn what_tenants_have_waiting_and_running_is_as_it_is_now() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let (gate, begun) = (Arc::new(Gate::default()), Arc::new(Gate::default()));
        let (pass, begins) = (Arc::clone(&gate), Arc::clone(&begun));
        let work = move || {
            begins.open();
            pass.pass();
        };
        let runs = pool.task().tenant("ada").try_spawn(work).unwrap();
        begun.pass();
        let waits = pool.task().tenant("ada").try_spawn(|| ()).unwrap();
        let ada = pool.tenants(1).remove(0);
        assert_eq!((ada.name.as_deref(), ada.waiting, ada.running, ada.tasks_taken), (Some("ada"), 1, 1, 1));
        gate.open();
        [runs, waits].into_iter().for_each(|task| block_on(task).unwrap());
        until(|| pool.tenants(1)[0].running == 0);
        assert_eq!((pool.tenants(1)[0].waiting, pool.tenants(1)[0].tasks_taken), (0, 2));
    });
}

#[test]
fn decisions_are_counted_by_reason() {
    in_time(|| {
        let pool = fixed(1).sampling_interval(Duration::from_millis(1)).build().unwrap();
        let held = hold(&pool, 1);
        let waits = pool.try_spawn(|| ()).unwrap();
        until(|| pool.statistics().decisions.total() >= 3);
        held.end();
        block_on(waits).unwrap();
        assert!(pool.last_decision().is_some());
    });
}

#[test]
fn histograms_have_the_same_bounds() {
    let bounds = |histogram: &Histogram| histogram.buckets().map(|(bound, _)| bound).collect::<Vec<_>>();
    let empty = Histogram::default();
    assert_eq!(bounds(&empty)[..2], [Duration::from_micros(1), Duration::from_micros(2)]);
    assert_eq!(bounds(&empty).last(), Some(&Duration::MAX));
}

#[cfg(feature = "serde")]
#[test]
fn what_is_read_can_be_written() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        block_on(pool.task().tenant("ada").run(|| ())).unwrap();
        let latencies = serde_json::to_value(pool.latencies()).unwrap();
        let histogram = &latencies["run_time"]["standard"];
        assert_eq!(histogram["count"], 1);
        assert!(histogram["sum_seconds"].is_number());
        assert_eq!(histogram["buckets"][0][0], 1e-6);
        assert_eq!(serde_json::to_value(pool.workers()).unwrap()[0]["index"], 0);
        assert_eq!(serde_json::to_value(pool.tenants(1)).unwrap()[0]["name"], "ada");
        let statistics = serde_json::to_value(pool.statistics()).unwrap();
        assert_eq!(statistics["refusals"]["queue_full"], 0);
        assert_eq!(statistics["decisions"]["all_blocked"], 0);
    });
}
