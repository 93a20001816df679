//! The facts of a pool's configuration, and errors that say what to change.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::time::Duration;

use crate::pool_support::{in_time, usable_cores};
use millpond::{
    AdaptiveThreadPool, BuildError, PoolConfig, RuntimeContext, Shedding, WorkerPinning, WorkerPlacement,
};

#[test]
fn the_defaults_are_as_documented() {
    let config = PoolConfig::default();
    assert_eq!(config.min_threads, 1);
    assert_eq!(config.max_threads, 2 * usable_cores());
    assert_eq!(config.max_blocked_threads, 32);
    assert_eq!(config.max_queue_size, 10_000);
    assert!((config.backpressure_threshold - 0.8).abs() < f64::EPSILON);
    assert_eq!(config.idle_timeout, Duration::from_secs(60));
    assert_eq!(config.sampling_interval, Duration::from_millis(100));
    assert_eq!(config.numa_aware, cfg!(target_os = "linux"));
    assert_eq!(config.worker_placement, WorkerPlacement::Spread);
    assert_eq!(config.worker_pinning, WorkerPinning::Node);
    assert!(config.warm_up);
    assert_eq!(config.worker_niceness, 0);
    assert_eq!(config.runtime_context, RuntimeContext::Shared);
    assert_eq!(config.worker_slice, Some(Duration::from_millis(10)));
    assert_eq!(config.yield_interval, Some(Duration::from_micros(200)));
    assert_eq!(config.max_wake_delay, Duration::from_millis(4));
    assert_eq!(config.reservation_timeout, Duration::from_secs(1));
    assert_eq!(config.max_running_per_tenant, None);
    assert_eq!(config.tenant_queue_share, 0.5);
    assert_eq!(config.byte_budget, None);
    assert_eq!(config.shedding, Shedding::Off);
    assert_eq!(config.slow_task, Some(Duration::from_secs(1)));
    assert_eq!(config.long_wait, Some(Duration::from_secs(1)));
    assert!(!config.task_spans);
    assert_eq!(config.thread_name, "millpond");
    assert_eq!(config.thread_stack_size, None);
    config.validate().unwrap();
}

#[test]
fn a_builder_sets_every_field() {
    in_time(|| {
        let wanted = PoolConfig {
            min_threads: 2,
            max_threads: 3,
            max_blocked_threads: 14,
            max_queue_size: 4,
            backpressure_threshold: 0.5,
            idle_timeout: Duration::from_secs(6),
            sampling_interval: Duration::from_secs(7),
            numa_aware: !PoolConfig::default().numa_aware,
            worker_placement: WorkerPlacement::Packed,
            worker_pinning: WorkerPinning::Core,
            warm_up: false,
            worker_niceness: 8,
            runtime_context: RuntimeContext::None,
            worker_slice: None,
            yield_interval: None,
            max_wake_delay: Duration::from_millis(8),
            reservation_timeout: Duration::from_secs(9),
            max_running_per_tenant: Some(10),
            tenant_queue_share: 0.11,
            byte_budget: Some(12),
            shedding: Shedding::NewestFirst,
            slow_task: Some(Duration::from_secs(15)),
            long_wait: None,
            task_spans: true,
            thread_name: "thirteen".into(),
            thread_stack_size: Some(14 << 20),
        };
        let built = AdaptiveThreadPool::builder()
            .min_threads(2)
            .max_threads(3)
            .max_blocked_threads(14)
            .max_queue_size(4)
            .backpressure_threshold(0.5)
            .idle_timeout(Duration::from_secs(6))
            .sampling_interval(Duration::from_secs(7))
            .numa_aware(wanted.numa_aware)
            .worker_placement(WorkerPlacement::Packed)
            .worker_pinning(WorkerPinning::Core)
            .warm_up(false)
            .worker_niceness(8)
            .runtime_context(RuntimeContext::None)
            .worker_slice(None)
            .yield_interval(None)
            .max_wake_delay(Duration::from_millis(8))
            .reservation_timeout(Duration::from_secs(9))
            .max_running_per_tenant(10)
            .tenant_queue_share(0.11)
            .byte_budget(12)
            .shedding(Shedding::NewestFirst)
            .slow_task(Duration::from_secs(15))
            .long_wait(None)
            .task_spans(true)
            .thread_name("thirteen")
            .thread_stack_size(14 << 20);
        assert_eq!(built.build().unwrap().config(), &wanted);
        assert_eq!(AdaptiveThreadPool::with_config(wanted.clone()).config(), &wanted);
    });
}

#[test]
fn an_error_names_the_field_the_value_and_what_is_accepted() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let config = PoolConfig { max_threads: 4, ..PoolConfig::default() };
    let tick = Duration::from_nanos(1);
    let wrong = [
        (
            PoolConfig { min_threads: 0, ..config.clone() },
            "min_threads is 0, but must be 1 to max_threads (4)",
        ),
        (
            PoolConfig { min_threads: 5, ..config.clone() },
            "min_threads is 5, but must be 1 to max_threads (4)",
        ),
        (PoolConfig { max_threads: 0, ..config.clone() }, "max_threads is 0, but must be 1 to 1024"),
        (PoolConfig { max_threads: 1_025, ..config.clone() }, "max_threads is 1025, but must be 1 to 1024"),
        (
            PoolConfig { max_blocked_threads: 1_025, ..config.clone() },
            "max_blocked_threads is 1025, but must be 0 to 1024",
        ),
        (
            PoolConfig { max_queue_size: 0, ..config.clone() },
            "max_queue_size is 0, but must be 1 to 1073741824",
        ),
        (
            PoolConfig { max_queue_size: (1 << 30) + 1, ..config.clone() },
            "max_queue_size is 1073741825, but must be 1 to 1073741824",
        ),
        (
            PoolConfig { backpressure_threshold: 0.0, ..config.clone() },
            "backpressure_threshold is 0.0, but must be more than 0 and at most 1",
        ),
        (
            PoolConfig { backpressure_threshold: 1.5, ..config.clone() },
            "backpressure_threshold is 1.5, but must be more than 0 and at most 1",
        ),
        (
            PoolConfig { backpressure_threshold: f64::NAN, ..config.clone() },
            "backpressure_threshold is NaN, but must be more than 0 and at most 1",
        ),
        (
            PoolConfig { backpressure_threshold: f64::INFINITY, ..config.clone() },
            "backpressure_threshold is inf, but must be more than 0 and at most 1",
        ),
        (
            PoolConfig { idle_timeout: DAY + tick, ..config.clone() },
            "idle_timeout is 86400.000000001s, but must be 1ms to 86400s",
        ),
        (
            PoolConfig { sampling_interval: Duration::ZERO, ..config.clone() },
            "sampling_interval is 0ns, but must be 1ms to 60s",
        ),
        (PoolConfig { worker_niceness: 20, ..config.clone() }, "worker_niceness is 20, but must be 0 to 19"),
        (
            PoolConfig { worker_slice: Some(tick), ..config.clone() },
            "worker_slice is 1ns, but must be 100µs to 100ms",
        ),
        (
            PoolConfig { yield_interval: Some(Duration::ZERO), ..config.clone() },
            "yield_interval is 0ns, but must be 1µs to 1s",
        ),
        (
            PoolConfig { max_wake_delay: Duration::from_millis(100) + tick, ..config.clone() },
            "max_wake_delay is 100.000001ms, but must be 0ns to 100ms",
        ),
        (
            PoolConfig { reservation_timeout: tick, ..config.clone() },
            "reservation_timeout is 1ns, but must be 1ms to 86400s",
        ),
        (
            PoolConfig { max_running_per_tenant: Some(0), ..config.clone() },
            "max_running_per_tenant is Some(0), but must be None, or Some of at least 1",
        ),
        (
            PoolConfig { byte_budget: Some(0), ..config.clone() },
            "byte_budget is Some(0), but must be None, or Some of at least 1",
        ),
        (
            PoolConfig { tenant_queue_share: 0.0, ..config.clone() },
            "tenant_queue_share is 0.0, but must be more than 0 and at most 1",
        ),
        (
            PoolConfig { thread_name: "a\0b".into(), ..config.clone() },
            "thread_name is \"a\\0b\", but must be free of NUL characters",
        ),
        (
            PoolConfig { thread_stack_size: Some(1), ..config.clone() },
            "thread_stack_size is 1, but must be 131072 to 1073741824",
        ),
    ];
    for (config, message) in wrong {
        let error = config.validate().unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(message, format!("{} is {}, but must be {}", error.field, error.value, error.accepted));
        match AdaptiveThreadPool::try_with_config(config) {
            Err(BuildError::Config(same)) => assert_eq!(same, error),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_ends_of_every_range_are_accepted() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let least = PoolConfig {
        min_threads: 1,
        max_threads: 1,
        max_blocked_threads: 0,
        max_queue_size: 1,
        backpressure_threshold: f64::MIN_POSITIVE,
        idle_timeout: Duration::from_millis(1),
        sampling_interval: Duration::from_millis(1),
        worker_niceness: 0,
        worker_slice: Some(Duration::from_micros(100)),
        yield_interval: Some(Duration::from_micros(1)),
        max_wake_delay: Duration::ZERO,
        reservation_timeout: Duration::from_millis(1),
        thread_name: String::new(),
        thread_stack_size: Some(128 << 10),
        ..PoolConfig::default()
    };
    least.validate().unwrap();
    let most = PoolConfig {
        min_threads: 1_024,
        max_threads: 1_024,
        max_blocked_threads: 1_024,
        max_queue_size: 1 << 30,
        backpressure_threshold: 1.0,
        idle_timeout: DAY,
        sampling_interval: Duration::from_secs(60),
        worker_niceness: 19,
        worker_slice: Some(Duration::from_millis(100)),
        yield_interval: Some(Duration::from_secs(1)),
        max_wake_delay: Duration::from_millis(100),
        reservation_timeout: DAY,
        thread_stack_size: Some(1 << 30),
        ..PoolConfig::default()
    };
    most.validate().unwrap();
}
