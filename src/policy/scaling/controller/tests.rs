use proptest::prelude::*;

use super::super::Clocks;
use super::*;

const TENTH: Duration = Duration::from_millis(100);

/// A machine where every thread is blocked for the same part of the time that it does not wait for a core.
struct Machine {
    cores: f64,
    blocked: f64,
}

impl Machine {
    /// What is seen where `threads` are at work, and work waits.
    fn sample(&self, threads: usize) -> Sample {
        let threads_a_core = 1.0 / (1.0 - self.blocked);
        let used = (threads as f64 / threads_a_core).min(self.cores);
        let busy = threads as f64;
        let runnable = (busy - used * threads_a_core).max(0.0);
        let of = |cores: f64| Duration::from_secs_f64(cores * TENTH.as_secs_f64());
        Sample {
            interval: TENTH,
            usable_cores: self.cores,
            threads,
            queued: 100,
            completions: (used * 100.0) as u64,
            arrivals: (used * 100.0) as u64,
            clocks: Some(Clocks { busy: of(busy), on_cpu: of(used), runnable: of(runnable) }),
            ..Sample::default()
        }
    }

    /// So many samples; threads follow the target at once. Says how often it changed.
    fn run(&self, controller: &mut Controller, samples: usize) -> usize {
        let mut changes = 0;
        for _ in 0..samples {
            let before = controller.target();
            changes += usize::from(controller.step(self.sample(before)).target != before);
        }
        changes
    }

    fn needs(&self) -> usize {
        demand::threads(self.cores, 1.0 / (1.0 - self.blocked)).ceil() as usize
    }
}

fn controller(cores: usize) -> Controller {
    Controller::new(Limits { min: 1, max: 4_000 }, cores)
}

#[test]
fn it_settles_within_five_samples_and_stays() {
    for cores in [1, 2, 8, 64, 128] {
        for blocked in [0.0, 0.25, 0.5, 0.75, 0.9] {
            let (mut controller, machine) = (controller(cores), Machine { cores: cores as f64, blocked });
            machine.run(&mut controller, 5);
            let (is, right) = (controller.target(), machine.needs());
            assert!(is.abs_diff(right) <= 1, "{cores} cores, blocked {blocked}: {is}, not {right}");
            assert_eq!(machine.run(&mut controller, 600), 0, "{cores} cores, blocked {blocked}");
        }
    }
}

#[test]
fn what_few_threads_said_does_not_outlast_the_growth_that_it_led_to() {
    // Among many threads a task takes a tenth more of a core than among few.
    let (few, many) = (Machine { cores: 2.0, blocked: 0.9 }, Machine { cores: 2.0, blocked: 0.89 });
    let mut controller = controller(2);
    few.run(&mut controller, 1);
    assert!(controller.target() > many.needs() + 1);
    many.run(&mut controller, 2);
    assert!(controller.target().abs_diff(many.needs()) <= 1, "{}", controller.target());
    assert_eq!(many.run(&mut controller, 600), 0);
}

#[test]
fn a_small_surplus_is_given_up_where_work_computes_and_kept_where_it_blocks_a_little() {
    for (threads_a_core, wanted, kept) in [(1.0, 64, false), (1.04, 69, false), (1.06, 71, true)] {
        let mut controller = controller(64);
        controller.target = wanted + 3;
        Machine { cores: 64.0, blocked: 1.0 - 1.0 / threads_a_core }.run(&mut controller, 100);
        assert_eq!(controller.target(), if kept { wanted + 3 } else { wanted }, "{threads_a_core}");
    }
}

#[test]
fn it_follows_a_step_up_and_down_within_five_samples() {
    let mut controller = controller(8);
    let (computes, waits) = (Machine { cores: 8.0, blocked: 0.0 }, Machine { cores: 8.0, blocked: 0.9 });
    computes.run(&mut controller, 50);
    assert_eq!(controller.target(), 8);
    waits.run(&mut controller, 5);
    assert!(controller.target() >= 80);
    waits.run(&mut controller, 50);
    computes.run(&mut controller, 5);
    assert!(controller.target() <= 9, "{}", controller.target());
}

#[test]
fn waiting_for_a_core_that_others_hold_is_no_reason_to_grow() {
    let mut controller = controller(4);
    for _ in 0..100 {
        let mut sample = Machine { cores: 4.0, blocked: 0.3 }.sample(4);
        // Half of what they would have used, others had.
        sample.clocks = sample.clocks.map(|clocks| Clocks {
            on_cpu: clocks.on_cpu / 2,
            runnable: clocks.busy / 3,
            ..clocks
        });
        let decision = controller.step(sample);
        assert_eq!((decision.target, decision.reason), (4, Reason::CoresTaken));
    }
}

#[test]
fn cores_that_come_and_go_are_followed_at_once() {
    let mut controller = controller(8);
    for (cores, target) in [(8.0, 8), (2.5, 3), (8.0, 8)] {
        let machine = Machine { cores, blocked: 0.0 };
        machine.run(&mut controller, 3);
        assert_eq!(controller.target(), target, "{cores}");
    }
}

#[test]
fn what_is_known_of_the_work_outlives_a_change_of_cores() {
    let idle = |usable_cores, clocks| Sample { interval: TENTH, usable_cores, clocks, ..Sample::default() };
    let mut sized = controller(8);
    Machine { cores: 8.0, blocked: 0.9 }.run(&mut sized, 10);
    let target = sized.step(idle(4.0, Some(Clocks::default()))).target;
    assert_eq!(target, Machine { cores: 4.0, blocked: 0.9 }.needs());

    let mut climbed = controller(8);
    climbed.target = 40;
    climbed.step(idle(8.0, None));
    assert_eq!(climbed.step(idle(4.0, None)).target, 20);
    assert_eq!(climbed.step(idle(8.0, None)).target, 40);
}

#[test]
fn growth_that_gets_no_more_done_is_taken_back() {
    let (mut controller, mut most) = (controller(4), 0);
    let mut back = 0;
    for _ in 0..600 {
        // All behind one lock: whatever the number of threads, one runs.
        let threads = controller.target();
        let mut sample = Machine { cores: 4.0, blocked: 0.0 }.sample(threads);
        sample.completions = 100;
        sample.clocks =
            Some(Clocks { busy: TENTH * threads as u32, on_cpu: TENTH, runnable: Duration::ZERO });
        let decision = controller.step(sample);
        back += usize::from(decision.reason == Reason::NoGain && decision.target < threads);
        most = most.max(decision.target);
    }
    assert!(most <= 64, "{most}");
    assert!((2..=6).contains(&back), "{back} times in a minute");
}

#[test]
fn nothing_to_do_changes_nothing() {
    let mut controller = controller(2);
    Machine { cores: 2.0, blocked: 0.9 }.run(&mut controller, 20);
    let target = controller.target();
    for _ in 0..600 {
        let idle = Sample {
            interval: TENTH,
            usable_cores: 2.0,
            clocks: Some(Clocks::default()),
            ..Sample::default()
        };
        assert_eq!(controller.step(idle).target, target);
    }
}

fn figure() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(f64::NAN), Just(f64::INFINITY), Just(-1.0), Just(1e300), 0.0..200.0]
}

fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::MAX),
        (0_u64..1_000_000_000).prop_map(Duration::from_micros)
    ]
}

fn count() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0), Just(usize::MAX), 0_usize..2_000]
}

prop_compose! {
    fn sample()(
        interval in time(), usable_cores in figure(), other_cores in figure(), threads in count(), idle in count(),
        queued in count(), arrivals in any::<u64>(), completions in any::<u64>(), throttled in time(),
        queue_delay in proptest::option::of(time()),
        clocks in proptest::option::of((time(), time(), time())),
    ) -> Sample {
        let clocks = clocks.map(|(busy, on_cpu, runnable)| Clocks { busy, on_cpu, runnable });
        Sample {
            interval, usable_cores, other_cores, threads, idle, queued, arrivals, completions, queue_delay, clocks,
            throttled,
        }
    }
}

proptest! {
    #[test]
    fn whatever_it_is_told_the_target_is_within_the_limits(
        min in 1_usize..50, more in 0_usize..500, cores in count(),
        samples in proptest::collection::vec(sample(), 0..100),
    ) {
        let limits = Limits { min, max: min + more };
        let mut controller = Controller::new(limits, cores);
        for sample in samples {
            let decision = controller.step(sample);
            prop_assert!((min..=min + more).contains(&decision.target));
            prop_assert_eq!(decision.target, controller.target());
            prop_assert!((0.0..=1.0).contains(&decision.blocked_share), "{:?}", decision);
            prop_assert!((0.0..=1.0).contains(&decision.runnable_share), "{:?}", decision);
            prop_assert!(decision.cores.is_finite() && decision.cores > 0.0);
        }
    }
}
