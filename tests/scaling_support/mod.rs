//! A simulator of a pool on a machine of any size: discrete events, seeded, and driven by the very controller of the crate.
//! `tests/scaling_simulator.rs` judges by it, `examples/scaling_lab.rs` draws what it saw.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "a test and an example use a part of it each")]

pub mod machine;
pub mod random;
pub mod rivals;
pub mod scenario;

use scenario::Scenario;

/// Who decides on the number of threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizing {
    Controller,
    /// Hill climbing on the throughput.
    Climbing,
    Fixed(usize),
}

/// The throughput in each window of the scenario, in tasks a second, and what led to it.
pub fn run(scenario: &Scenario, sizing: Sizing, seed: u64) -> machine::Trace {
    machine::Machine::new(scenario, sizing, seed).run()
}

/// Fixed sizes that are tried.
fn sizes(scenario: &Scenario) -> impl Iterator<Item = usize> {
    let per_core = [1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 12.0, 16.0];
    let cores = scenario.cores as f64;
    per_core.into_iter().map(move |threads| (cores * threads).round() as usize)
}

/// The fixed size that gets most done from beginning to end.
pub fn best_fixed(scenario: &Scenario, seed: u64) -> usize {
    let done = |&size: &usize| {
        run(scenario, Sizing::Fixed(size), seed).points.iter().map(|point| point.completions).sum::<u64>()
    };
    sizes(scenario).max_by_key(done).unwrap_or(scenario.cores)
}

/// The best that any fixed size reaches in each window, by search.
pub fn oracle(scenario: &Scenario, seed: u64) -> Vec<f64> {
    let mut best = vec![0.0_f64; scenario.windows.len()];
    for size in sizes(scenario) {
        let trace = run(scenario, Sizing::Fixed(size), seed);
        best.iter_mut().zip(trace.throughput(scenario)).for_each(|(best, rate)| *best = best.max(rate));
    }
    best
}
