//! What was seen of a simulated pool, and what that comes to.

use super::scenario::{INTERVAL, SETTLES, Scenario, Seconds};

/// What was seen at each sample.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    pub time: Seconds,
    pub target: usize,
    pub threads: usize,
    pub completions: u64,
}

#[derive(Debug, Clone, Default)]
pub struct Trace {
    pub points: Vec<Point>,
}

impl Trace {
    fn within(&self, (from, to): (Seconds, Seconds)) -> impl Iterator<Item = &Point> {
        self.points.iter().filter(move |point| point.time > from + 0.01 && point.time < to + 0.01)
    }

    fn rate(&self, (from, to): (Seconds, Seconds)) -> f64 {
        self.within((from, to)).map(|point| point.completions).sum::<u64>() as f64 / (to - from)
    }

    /// In each window of the scenario, in tasks a second.
    pub fn throughput(&self, scenario: &Scenario) -> Vec<f64> {
        scenario.windows.iter().map(|&window| self.rate(window)).collect()
    }

    /// How often the target changed in each window, a second.
    pub fn changes(&self, scenario: &Scenario) -> Vec<f64> {
        let within = |window: (Seconds, Seconds)| {
            let targets: Vec<usize> = self.within(window).map(|point| point.target).collect();
            targets.windows(2).filter(|pair| pair[0] != pair[1]).count() as f64 / (window.1 - window.0)
        };
        scenario.windows.iter().map(|&window| within(window)).collect()
    }

    /// Samples until half a second begins in which 95 % of `best` gets done, where that takes longest; `None` if it never comes,
    /// or where the load decides on what gets done.
    pub fn settles(&self, scenario: &Scenario, best: &[f64]) -> Option<usize> {
        let endless = |(from, _): &(Seconds, Seconds)| {
            let phase = scenario.phases.iter().rev().find(|phase| phase.from <= from - SETTLES + 0.01);
            phase.is_some_and(|phase| phase.arrivals.is_none())
        };
        if !scenario.windows.iter().all(endless) {
            return None;
        }
        let after = |(&(from, to), best): (&(Seconds, Seconds), &f64)| {
            let begin = from - SETTLES;
            (0..)
                .map(|samples| (samples, begin + samples as f64 * INTERVAL))
                .take_while(|(_, at)| at + SETTLES < to + 0.01)
                .find(|(_, at)| self.rate((*at, at + SETTLES)) >= 0.95 * best)
                .map(|(samples, _)| samples)
        };
        scenario.windows.iter().zip(best).map(after).try_fold(0, |most, samples| Some(most.max(samples?)))
    }

    /// The mean number of threads.
    pub fn threads(&self) -> f64 {
        let threads: usize = self.points.iter().map(|point| point.threads).sum();
        threads as f64 / self.points.len().max(1) as f64
    }
}
