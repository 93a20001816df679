//! Hill climbing, to compare with.

use std::collections::VecDeque;
use std::f64::consts::TAU;

use millpond::scaling::Sample;

/// Hill climbing by waves, after the published descriptions of the .NET pool's (Hellerstein, Morrison and Eilebrecht,
/// "Optimizing concurrency levels in the .NET ThreadPool", FeBID 2008, and "Applying control theory in the real world", 2009;
/// the wave in US patent 8,645,963): the number of threads is a level with a small square wave on it. If the throughput
/// has a wave of the same period, by Goertzel's algorithm, that is clearly stronger than at neighbouring periods, its part in
/// phase with the threads' is the slope, and the level goes up or down it.
#[derive(Debug)]
pub struct Wave {
    least: f64,
    most: f64,
    level: f64,
    seen: VecDeque<Seen>,
    samples: usize,
    /// The mean noise of the throughput, as a part of it.
    noise: f64,
    threads: usize,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    threads: f64,
    rate: f64,
}

/// Samples that a wave takes.
const PERIOD: usize = 4;
/// Waves that are looked at together.
const WAVES: usize = 8;
/// A wave of the threads should make a wave of the throughput of so many times the noise.
const SIGNAL_TO_NOISE: f64 = 3.0;
/// The threads' wave, in parts of the level, that noise may ask for.
const MOST_WAVE: f64 = 20.0;
/// A gain of throughput in proportion to the threads is 1; below this more threads aren't worth it.
const LEAST_RATIO: f64 = 0.15;
/// Threads a second that the level moves where the slope is full. (The published figures, here and above.)
const SPEED: f64 = 4.0;

impl Wave {
    pub fn new(least: usize, most: usize, cores: usize) -> Self {
        Self {
            least: least as f64,
            most: most as f64,
            level: cores as f64,
            seen: VecDeque::new(),
            samples: 0,
            noise: 0.0,
            threads: cores,
        }
    }

    pub fn step(&mut self, sample: &Sample) -> usize {
        let seconds = sample.interval.as_secs_f64();
        let rate = sample.completions as f64 / seconds;
        self.seen.push_back(Seen { threads: self.threads as f64, rate });
        if self.seen.len() > PERIOD * WAVES {
            self.seen.pop_front();
        }
        self.samples += 1;
        let (mut wave, waves) = (0.0, self.seen.len() / PERIOD);
        // With less than two waves there are no neighbouring periods; with nothing waiting nothing is to be learnt.
        if waves >= 2 && sample.queued > 0 {
            let slope = self.slope(waves);
            let by = (slope.ratio - LEAST_RATIO).clamp(-1.0, 1.0) * slope.confidence.min(1.0);
            // Bolder where the slope is steep: its square.
            let by = by.signum() * by * by * SPEED * seconds;
            self.level = (self.level + by).clamp(self.least, self.most);
            let wanted = 2.0 * self.level * self.noise * SIGNAL_TO_NOISE;
            wave = wanted.clamp(1.0, MOST_WAVE);
        } else if sample.queued > 0 {
            wave = 1.0;
        }
        let high = (self.samples / (PERIOD / 2)) % 2 == 1;
        let threads = self.level + if high { wave } else { 0.0 };
        self.threads = threads.round().clamp(self.least, self.most) as usize;
        self.threads
    }

    fn slope(&mut self, waves: usize) -> Slope {
        let length = waves * PERIOD;
        let recent = || self.seen.iter().skip(self.seen.len() - length);
        let rates: Vec<f64> = recent().map(|seen| seen.rate).collect();
        let threads: Vec<f64> = recent().map(|seen| seen.threads).collect();
        let mean = |values: &[f64]| (values.iter().sum::<f64>() / values.len() as f64).max(1e-9);
        let (mean_rate, mean_threads) = (mean(&rates), mean(&threads));
        let own = length as f64 / waves as f64;
        let rate = component(&rates, own).over(mean_rate);
        let thread = component(&threads, own).over(mean_threads);
        let beside = [waves - 1, waves + 1]
            .map(|waves| component(&rates, length as f64 / waves as f64).over(mean_rate).abs())
            .into_iter()
            .fold(0.0, f64::max);
        self.noise = if self.noise == 0.0 { beside } else { self.noise + 0.1 * (beside - self.noise) };
        let power = thread.real * thread.real + thread.imaginary * thread.imaginary;
        if power == 0.0 {
            return Slope { ratio: 0.0, confidence: 0.0 };
        }
        // The real part of rate / thread: how much of the one goes along with the other.
        let ratio = (rate.real * thread.real + rate.imaginary * thread.imaginary) / power;
        let confidence = thread.abs() / (SIGNAL_TO_NOISE * self.noise.max(beside)).max(1e-9);
        Slope { ratio, confidence }
    }
}

struct Slope {
    ratio: f64,
    confidence: f64,
}

#[derive(Clone, Copy)]
struct Component {
    real: f64,
    imaginary: f64,
}

impl Component {
    fn over(self, by: f64) -> Self {
        Self { real: self.real / by, imaginary: self.imaginary / by }
    }

    fn abs(self) -> f64 {
        self.real.hypot(self.imaginary)
    }
}

/// What of `values` has a period of so many samples (Goertzel, "An algorithm for the evaluation of finite trigonometric
/// series", 1958).
fn component(values: &[f64], period: f64) -> Component {
    let angle = TAU / period;
    let (mut before, mut last) = (0.0, 0.0);
    for value in values {
        (before, last) = (last, value + 2.0 * angle.cos() * last - before);
    }
    let length = values.len() as f64;
    Component { real: (last - before * angle.cos()) / length, imaginary: before * angle.sin() / length }
}
