//! The accuracy of forecasts: the mean error, and the margin that makes forecasts high enough most
//! of the time.

/// The maximum load, in threads, and the maximum service time, in seconds. Larger values are cut to
/// it.
pub(crate) const MOST: f64 = 1e6;

/// The weight of the newest error.
const WEIGHT: f64 = 0.05;
/// The number of errors needed before the mean is used.
const ENOUGH: u32 = 10;
/// The step of the quantile estimate, as a fraction of the mean error.
const STEP: f64 = 0.3;

/// The mean absolute error of one forecast.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Skill {
    mean: f64,
    errors: u32,
}

impl Skill {
    pub(crate) fn learn(&mut self, error: f64) {
        self.errors = self.errors.saturating_add(1);
        self.mean += (error.abs() - self.mean) * (1.0 / f64::from(self.errors)).max(WEIGHT);
    }

    pub(crate) fn from_parts((mean, errors): (f64, u32)) -> Self {
        Self { mean, errors }
    }

    pub(crate) fn into_parts(self) -> (f64, u32) {
        (self.mean, self.errors)
    }

    /// Returns the recent mean; `None` while there are too few errors.
    pub(crate) fn mean(&self) -> Option<f64> {
        (self.errors >= ENOUGH).then_some(self.mean)
    }
}

/// The value that an error does not exceed in a given fraction of all cases, estimated online. It
/// takes a step up if an error exceeds it, and a smaller step down otherwise, so that both balance
/// at the quantile (stochastic approximation, Robbins and Monro 1951, of the pinball loss, Koenker
/// and Bassett 1978).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Quantile(f64);

impl Quantile {
    pub(crate) fn of(value: f64) -> Self {
        Self(value)
    }

    /// `part` is the quantile, between 0 and 1. `scale` is the magnitude of the errors.
    pub(crate) fn learn(&mut self, error: f64, part: f64, scale: f64) {
        let direction = if error > self.0 { part } else { part - 1.0 };
        self.0 = (self.0 + STEP * scale * direction).clamp(-MOST, MOST);
    }

    pub(crate) fn value(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_is_exceeded_as_often_as_it_should_be() {
        let (mut quantile, mut exceeded, mut x) = (Quantile::default(), 0, 1_u32);
        for turn in 0..20_000 {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let error = f64::from(x >> 8) / f64::from(1 << 24) - 0.5;
            exceeded += u32::from(turn >= 1_000 && error > quantile.value());
            quantile.learn(error, 0.95, 0.25);
        }
        let part = f64::from(exceeded) / 19_000.0;
        assert!((0.04..0.06).contains(&part), "{part}");
    }
}
