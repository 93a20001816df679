//! What it is worth to foresee load: the time in which there are too few threads, and what it costs
//! in threads.
//!
//! The reactive rule is modelled as it is: it has as many threads as were busy at once in the last
//! ten seconds (that is its idle timeout), so it learns of a rise one step late. The forecast
//! raises that number, and never lowers it.

use std::time::Duration;

use millpond_forecast::{Forecast, ForecastConfig, Observation};

const SECOND: Duration = Duration::from_secs(1);
/// Seconds of a season.
const SEASON: u64 = 600;
const IDLE_TIMEOUT: usize = 10;

fn config() -> ForecastConfig {
    ForecastConfig { season: SECOND * SEASON as u32, parts: SEASON as usize / 2, ..ForecastConfig::default() }
}

/// SplitMix64, and a normal variable of it (a sum of uniform ones).
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// A second in which so many threads' worth of work came.
fn sample(load: f64) -> Observation {
    // Tasks of 10 ms.
    let tasks = (load * 100.0).round() as u64;
    let busy = SECOND.mul_f64(tasks as f64 / 100.0);
    Observation { interval: SECOND, arrivals: tasks, completions: tasks, busy: Some(busy) }
}

#[derive(Debug, Default)]
struct Outcome {
    /// Seconds with too few threads.
    short: u32,
    thread_seconds: f64,
}

/// What the reactive rule and the forecast come to in the last of six seasons, after the others to
/// learn from.
fn compare(load: impl Fn(u64, &mut Random) -> f64, seed: u64) -> (Outcome, Outcome, Option<f64>) {
    let (mut random, mut forecast) = (Random(seed), Forecast::new(config()).unwrap());
    let (mut reactive, mut ahead) = (Outcome::default(), Outcome::default());
    let mut past: Vec<f64> = Vec::new();
    for time in 0..6 * SEASON {
        let load = load(time, &mut random).max(0.0);
        let recent = &past[past.len().saturating_sub(IDLE_TIMEOUT)..];
        let threads = recent.iter().copied().fold(1.0, f64::max).ceil();
        let raised = threads.max(forecast.floor().unwrap_or(0) as f64);
        if time >= 5 * SEASON {
            for (outcome, threads) in [(&mut reactive, threads), (&mut ahead, raised)] {
                outcome.short += u32::from(load > threads);
                outcome.thread_seconds += threads;
            }
        }
        past.push(load);
        forecast.observe(SECOND * time as u32, &sample(load));
    }
    (reactive, ahead, forecast.scaled_error())
}

fn diurnal(time: u64, random: &mut Random) -> f64 {
    let phase = time as f64 / SEASON as f64 * std::f64::consts::TAU;
    40.0 - 30.0 * phase.cos() + 2.0 * random.normal()
}

fn spikes(time: u64, random: &mut Random) -> f64 {
    let spike = if time % 60 < 6 { 40.0 } else { 0.0 };
    10.0 + spike + random.normal()
}

fn step(time: u64, random: &mut Random) -> f64 {
    // Once, in the season that is looked at.
    let high = if time > 5 * SEASON + 250 { 60.0 } else { 20.0 };
    high + random.normal()
}

fn walk() -> impl Fn(u64, &mut Random) -> f64 {
    let at = std::cell::Cell::new(40.0_f64);
    move |_, random| {
        at.set((at.get() + random.normal()).clamp(5.0, 200.0));
        at.get()
    }
}

/// Over twenty seeds: (time short, thread-seconds) with the forecast, by those of the reactive
/// rule.
fn ratios<L: Fn(u64, &mut Random) -> f64>(load: impl Fn() -> L) -> (f64, f64) {
    let mut sums = [(0.0, 0.0); 2];
    for seed in 1..=20 {
        let (reactive, ahead, _) = compare(load(), seed);
        for (sum, outcome) in sums.iter_mut().zip([reactive, ahead]) {
            *sum = (sum.0 + f64::from(outcome.short), sum.1 + outcome.thread_seconds);
        }
    }
    let [reactive, ahead] = sums;
    let ratios = (ahead.0 / reactive.0, ahead.1 / reactive.1);
    println!("time short of threads: {:.2} x, thread-seconds: {:.3} x", ratios.0, ratios.1);
    ratios
}

#[test]
fn load_that_comes_with_the_time_of_day_finds_threads_twice_as_often() {
    let (short, cost) = ratios(|| diurnal);
    assert!(short <= 0.5 && cost <= 1.10, "{short:.2} {cost:.3}");
}

#[test]
fn so_do_spikes_that_come_at_fixed_times() {
    let (short, cost) = ratios(|| spikes);
    assert!(short <= 0.5 && cost <= 1.10, "{short:.2} {cost:.3}");
}

#[test]
fn a_step_that_nobody_can_foresee_costs_next_to_nothing() {
    let (short, cost) = ratios(|| step);
    assert!(short <= 1.0 && cost <= 1.05, "{short:.2} {cost:.3}");
}

#[test]
fn nor_does_load_that_wanders_for_there_the_forecast_steps_aside() {
    let (short, cost) = ratios(walk);
    assert!(short <= 1.0 && cost <= 1.05, "{short:.2} {cost:.3}");
    let (_, _, error) = compare(walk(), 1);
    assert!(error.is_some_and(|error| error >= 1.0), "{error:?}");
}
