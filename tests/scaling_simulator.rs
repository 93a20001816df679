//! The controller, judged by simulation: how near it comes to the best fixed number of threads, how soon, and whether it
//! rests. Twenty seeds, on machines of 2 to 128 cores; a few of them in a build without optimisation.

#[path = "scaling_support/mod.rs"]
mod scaling_support;

use scaling_support::scenario::Scenario;
use scaling_support::{Sizing, oracle, run};

/// Of the best fixed size's throughput.
const LEAST: f64 = 0.97;
/// Changes of the target a second, once it has settled.
const MOST_CHANGES: f64 = 2.0;

fn holds(name: &'static str) {
    let seeds = if cfg!(debug_assertions) { 1..=2 } else { 1..=20 };
    for seed in seeds {
        let cores = [2, 8, 32, 128][seed as usize % 4];
        let scenario = Scenario::named(name, cores);
        let trace = run(&scenario, Sizing::Controller, seed);
        let at = format!("{name}, {cores} cores, seed {seed}");
        let inside = |target| (1..=scenario.max_threads).contains(&target);
        assert!(trace.points.iter().all(|point| inside(point.target)), "{at}");
        // The windows begin five samples after each step.
        let windows = trace.throughput(&scenario).into_iter().zip(oracle(&scenario, seed));
        for (window, (rate, best)) in windows.enumerate() {
            assert!(rate >= LEAST * best, "{at}, window {window}: {:.3} of the best fixed size", rate / best);
        }
        for (window, changes) in trace.changes(&scenario).into_iter().enumerate() {
            assert!(changes <= MOST_CHANGES, "{at}, window {window}: {changes:.1} changes a second");
        }
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
