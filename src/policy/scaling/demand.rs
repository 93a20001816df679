//! What a sample says of the threads that would be of use, made of possible figures only.

use super::sample::{Clocks, Sample};

/// In so small a part of the interval, for all threads together, nothing was done that tells anything.
const LEAST_BUSY: f64 = 0.3;
/// Nobody has more cores, nor a share of blocked time nearer to one, that it would be wise to believe in.
const MOST_CORES: f64 = 65_536.0;
const MOST_THREADS_A_CORE: f64 = 1_000.0;
/// Spare threads, in standard deviations of the number that is ready at a time. (By simulation, docs/decisions/0006-scaling.md.)
const SPARE: f64 = 1.2;

/// The cores that a pool can count on: the usable ones less what other threads of the process take, but one, or all there is
/// of it, at the least.
pub(super) fn cores(sample: &Sample) -> f64 {
    let usable = usable(sample);
    (usable - possible(sample.other_cores, MOST_CORES)).max(usable.min(1.0))
}

/// The cores that the process may use.
pub(super) fn usable(sample: &Sample) -> f64 {
    possible(sample.usable_cores, MOST_CORES).max(0.01)
}

/// Where the threads' time in tasks went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shares {
    /// Threads that a core needs to be kept busy: the time on a core and the time blocked, by the time on a core. The time that
    /// ready threads wait for a core is left out of it. With it the figure would depend on the number of threads that it
    /// is to tell: the more of them wait for a core, the smaller the share of their time that they are blocked.
    pub(super) threads_a_core: f64,
    /// The part of the time that threads were ready and waited for a core.
    pub(super) runnable: f64,
    /// Cores that they kept busy.
    pub(super) used: f64,
}

/// The shares, if the system tells of clocks, and there was enough to do to tell anything.
pub(super) fn shares(sample: &Sample) -> Option<Shares> {
    let Clocks { busy, on_cpu, runnable } = sample.clocks?;
    let interval = sample.interval.as_secs_f64();
    let busy = busy.as_secs_f64();
    if busy < LEAST_BUSY * interval || interval <= 0.0 {
        return None;
    }
    let on_cpu = on_cpu.as_secs_f64().min(busy);
    let runnable = runnable.as_secs_f64().min(busy - on_cpu);
    // A thread whose group is throttled is ready and waits for a core, and the kernel's clock of the run queue says so: two
    // that spin, under a quota of half a core, were on a core for 1.0 of 4 s and waited for 3.0 (Linux 6.18). So nothing more
    // is taken off for `Sample::throttled`, whose sum over the cores could not be told apart from time blocked anyway.
    let blocked = (busy - on_cpu - runnable).max(0.0);
    let threads_a_core = ((on_cpu + blocked) / on_cpu.max(1e-9)).clamp(1.0, MOST_THREADS_A_CORE);
    Some(Shares { threads_a_core, runnable: runnable / busy, used: on_cpu / interval })
}

/// The number of threads that keeps `cores` busy.
///
/// `cores x threads_a_core` threads have as many ready ones as there are cores *on average*. But their number varies (it is
/// about binomially distributed), and whenever it is below, cores idle. So there are some to spare, in proportion to
/// the standard deviation: the square-root rule of staffing (Halfin and Whitt, "Heavy-Traffic Limits for Queues with Many
/// Exponential Servers", 1981).
pub(super) fn threads(cores: f64, threads_a_core: f64) -> f64 {
    let blocked = 1.0 - 1.0 / threads_a_core;
    (cores + SPARE * (cores * blocked).sqrt()) * threads_a_core
}

fn possible(value: f64, most: f64) -> f64 {
    if value.is_finite() { value.clamp(0.0, most) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sample(busy: u64, on_cpu: u64, runnable: u64) -> Sample {
        let ms = Duration::from_millis;
        let clocks = Clocks { busy: ms(busy), on_cpu: ms(on_cpu), runnable: ms(runnable) };
        Sample { interval: ms(100), usable_cores: 2.0, clocks: Some(clocks), ..Sample::default() }
    }

    #[test]
    fn waiting_for_a_core_is_not_blocking() {
        let shares = shares(&sample(400, 200, 200)).unwrap();
        assert_eq!((shares.threads_a_core, shares.runnable, shares.used), (1.0, 0.5, 2.0));
        let other = super::shares(&sample(2_000, 200, 0)).unwrap();
        assert!((other.threads_a_core - 10.0).abs() < 1e-6);
        assert!(super::shares(&sample(20, 20, 0)).is_none(), "too little to tell");
    }

    #[test]
    fn time_throttled_is_neither_blocking_nor_taken_off_twice() {
        // Measured over 4 s on two cores, a fortieth of it here: two that spin, and eight that are blocked for three quarters
        // of their time, with a quota of half a core.
        let mut spin = sample(200, 50, 150);
        spin.throttled = Duration::from_millis(149);
        assert!((shares(&spin).unwrap().threads_a_core - 1.0).abs() < 1e-6);
        let mut block = sample(800, 50, 600);
        block.throttled = Duration::from_millis(121);
        assert!((shares(&block).unwrap().threads_a_core - 4.0).abs() < 0.01);
    }

    #[test]
    fn the_runtime_takes_its_cores_and_leaves_one() {
        let with = |usable_cores, other_cores| Sample { usable_cores, other_cores, ..Sample::default() };
        assert_eq!(cores(&with(8.0, 2.5)), 5.5);
        assert_eq!(cores(&with(2.0, 5.0)), 1.0);
        assert_eq!(cores(&with(0.5, 0.4)), 0.5);
        assert!(cores(&with(f64::NAN, f64::INFINITY)) > 0.0);
    }

    #[test]
    fn who_only_computes_needs_none_to_spare() {
        assert_eq!(threads(64.0, 1.0), 64.0);
        assert!((20.0..40.0).contains(&threads(2.0, 10.0)));
    }
}
