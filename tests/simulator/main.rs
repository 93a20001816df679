//! The controller, judged by simulation: how near it comes to the best fixed number of threads, how soon, and whether it
//! rests. Twenty seeds, each on two of four machines of 2 to 128 cores; less of it in a build without optimisation.

#[path = "support/mod.rs"]
mod scaling_support;

use scaling_support::scenario::Scenario;
use scaling_support::{Sizing, oracle, run};

/// Of the best fixed size's throughput.
const LEAST: f64 = 0.97;
/// Changes of the target a second, once it has settled.
const MOST_CHANGES: f64 = 2.0;
/// All seeds and long runs.
const THOROUGH: bool = !cfg!(debug_assertions);

fn holds(name: &'static str) {
    holds_at_least(name, |_| LEAST);
}

fn holds_at_least(name: &'static str, least: impl Fn(usize) -> f64) {
    let seeds = if THOROUGH { 1..=20 } else { 1..=2 };
    for seed in seeds {
        let machines = if seed % 2 == 0 { [8, 128] } else { [2, 32] };
        for cores in machines.into_iter().take(if THOROUGH { 2 } else { 1 }) {
            judge(&Scenario::named(name, cores), seed, least(cores));
        }
    }
}

fn judge(scenario: &Scenario, seed: u64, least: f64) {
    let at = format!("{}, {} cores, seed {seed}", scenario.name, scenario.cores);
    let trace = run(scenario, Sizing::Controller, seed);
    let inside = |target| (1..=scenario.max_threads).contains(&target);
    assert!(trace.points.iter().all(|point| inside(point.target)), "{at}");
    // The windows begin five samples after each step.
    let windows = trace.throughput(scenario).into_iter().zip(oracle(scenario, seed));
    for (window, (rate, best)) in windows.enumerate() {
        assert!(rate >= least * best, "{at}, window {window}: {:.3} of the best fixed size", rate / best);
    }
    for (window, changes) in trace.changes(scenario).into_iter().enumerate() {
        assert!(changes <= MOST_CHANGES, "{at}, window {window}: {changes:.1} changes a second");
    }
}

#[test]
fn tasks_that_only_compute() {
    holds("cpu");
}

#[test]
fn tasks_that_are_blocked_for_nine_tenths_of_their_time() {
    holds("blocking");
}

#[test]
fn tasks_of_very_different_lengths() {
    holds("mixed");
}

#[test]
fn tasks_that_begin_to_block_and_cease_to() {
    holds("step");
}

#[test]
fn tasks_that_block_more_and_more() {
    holds("ramp");
}

#[test]
fn a_spike_of_load() {
    holds("spike");
}

#[test]
fn load_that_comes_and_goes() {
    holds("diurnal");
}

#[test]
fn other_processes_that_take_half_of_the_cores_for_a_time() {
    holds("neighbour");
}

#[test]
fn a_quota_that_changes() {
    holds("quota");
}

#[test]
fn tasks_that_wait_for_each_other() {
    holds("connections");
}

#[test]
fn tasks_that_hold_a_lock() {
    holds("lock");
}

#[test]
fn tasks_that_no_longer_hold_a_lock() {
    // On the big machine, where a task takes 64 ms, the threads that come out of the lock together go on in step for a while.
    holds_at_least("unlocked", |cores| if cores > 32 { 0.85 } else { LEAST });
}

#[test]
fn tasks_that_block_while_others_take_half_of_the_cores() {
    holds("crowded");
}

#[test]
fn tasks_that_block_under_a_quota_that_throttles_them() {
    holds("throttled");
}

/// A minute: how often the target changes in it after the first five seconds, and what gets done.
fn minute(name: &'static str, cores: usize, seed: u64, sizing: Sizing) -> (f64, f64) {
    let mut scenario = Scenario::lasting(name, cores, 60.0);
    scenario.windows = vec![(5.0, 60.0)];
    let best = oracle(&Scenario::named(name, cores), seed)[0];
    let trace = run(&scenario, sizing, seed);
    (trace.changes(&scenario)[0] * 55.0, trace.throughput(&scenario)[0] / best)
}

#[test]
fn it_rests() {
    let seeds = if THOROUGH { 1..=4 } else { 1..=1 };
    for (name, most) in [("cpu", 0.0), ("blocking", 3.0), ("mixed", 3.0), ("lock", 8.0), ("connections", 8.0)]
    {
        for (seed, cores) in seeds.clone().zip([8, 2, 32, 128]) {
            let (changes, part) = minute(name, cores, seed, Sizing::Controller);
            let at = format!("{name}, {cores} cores, seed {seed}");
            assert!(changes <= most, "{at}: {changes} changes");
            assert!(part >= LEAST, "{at}: {part:.3} of the best fixed size");
        }
    }
}

#[test]
fn without_clocks_it_rests_too() {
    let seeds = if THOROUGH { 1..=4 } else { 1..=1 };
    for name in ["cpu", "blocking", "mixed", "lock", "connections"] {
        for (seed, cores) in seeds.clone().zip([8, 2, 32, 128]) {
            let (changes, part) = minute(name, cores, seed, Sizing::Clockless);
            let at = format!("{name}, {cores} cores, seed {seed}");
            assert!(changes <= 20.0, "{at}: {changes} changes");
            assert!(part >= 0.9, "{at}: {part:.3} of the best fixed size");
        }
    }
}

/// The simulator itself: a core does so much and no more, and what blocks does not compute.
#[test]
fn the_simulated_machine_does_what_it_can() {
    for cores in [2, 8] {
        let rate = |name, size| {
            run(&Scenario::named(name, cores), Sizing::Fixed(size), 1)
                .throughput(&Scenario::named(name, cores))[0]
        };
        let full = rate("cpu", cores);
        assert!((19_000.0..21_000.0).contains(&full), "{full}");
        assert!((0.45..0.55).contains(&(rate("cpu", cores / 2) / full)));
        assert!((0.09..0.11).contains(&(rate("blocking", cores) / full)));
        assert!((0.95..1.05).contains(&(rate("blocking", 20 * cores) / full)));
    }
}
