//! A simulator of a pool on a machine of any size: discrete events, seeded, and driven by the very controller of the crate.
//! `tests/scaling_simulator.rs` judges by it, `examples/scaling_lab.rs` draws what it saw.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "a test and an example use a part of it each")]

pub mod machine;
pub mod quota;
pub mod random;
pub mod scenario;
pub mod trace;
pub mod wave;

use scenario::Scenario;

/// Who decides on the number of threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizing {
    Controller,
    /// The same controller, where the system has no clocks for threads.
    Clockless,
    /// Hill climbing on the throughput, by waves.
    Climbing,
    Fixed(usize),
}

/// The throughput in each window of the scenario, in tasks a second, and what led to it.
pub fn run(scenario: &Scenario, sizing: Sizing, seed: u64) -> trace::Trace {
    machine::Machine::new(scenario, sizing, seed).run()
}

/// Sizes from one thread to clearly more than the scenario can use, each so many times the one before.
fn ladder(scenario: &Scenario, step: f64) -> Vec<usize> {
    let most_blocked = scenario.phases.iter().map(|phase| phase.blocked).fold(0.0, f64::max);
    let most = 3.0 * scenario.cores as f64 / (1.0 - most_blocked);
    let mut sizes = vec![(scenario.cores / 2).max(1)];
    let mut size = scenario.cores as f64;
    while size <= most {
        sizes.push(size.round() as usize);
        size *= step;
    }
    sizes
}

/// What fixed sizes reach in each window, by search: first in big steps, then in small ones about the best.
fn search(scenario: &Scenario, seed: u64) -> Vec<(usize, Vec<f64>)> {
    let rates = |size| (size, run(scenario, Sizing::Fixed(size), seed).throughput(scenario));
    let mut tried: Vec<(usize, Vec<f64>)> = ladder(scenario, 1.6).into_iter().map(rates).collect();
    for window in 0..scenario.windows.len() {
        let best = tried.iter().max_by(|a, b| a.1[window].total_cmp(&b.1[window])).map_or(1, |best| best.0);
        for part in [0.8, 1.25] {
            let size = ((best as f64 * part).round() as usize).max(1);
            if tried.iter().all(|(other, _)| *other != size) {
                tried.push(rates(size));
            }
        }
    }
    tried
}

/// The fixed size that gets most done in all windows together.
pub fn best_fixed(scenario: &Scenario, seed: u64) -> usize {
    let mut tried = search(scenario, seed);
    // Of two that get the same done, the smaller.
    tried.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    let done = |rates: &[f64]| rates.iter().sum::<f64>();
    tried.iter().max_by(|a, b| done(&a.1).total_cmp(&done(&b.1))).map_or(scenario.cores, |best| best.0)
}

/// The best that any fixed size reaches in each window.
pub fn oracle(scenario: &Scenario, seed: u64) -> Vec<f64> {
    let mut best = vec![0.0_f64; scenario.windows.len()];
    for (_, rates) in search(scenario, seed) {
        best.iter_mut().zip(rates).for_each(|(best, rate)| *best = best.max(rate));
    }
    best
}
