//! A mean that is steady while its input only trembles, and follows at once when it steps.

/// The least deviation that can be a step. Deviations are logarithms of sample by mean: a tenth of the mean is as far off as ten
/// times the mean. (Measured as a part of the mean, what steps down is never off by more than one, and lost in the noise.)
const LEAST_STEP: f64 = 0.08;
/// What is off by a factor of two, twice in a row, is a step whatever was usual.
const MOST_STEP: f64 = std::f64::consts::LN_2;
/// A step is so many times the mean deviation. (For a normal distribution one sample in 650 is beyond, two in a row on the same
/// side never.)
const STEP: f64 = 4.0;
/// The weight of a sample in the long run.
const LEAST_WEIGHT: f64 = 0.05;
/// The weight of a sample in the mean deviation.
const DEVIATION_WEIGHT: f64 = 0.1;

/// An arithmetic mean of the first samples that turns into an exponentially weighted one, and begins anew after a step: two
/// samples in a row, off to the same side by more than is usual.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Smoothed {
    mean: f64,
    /// The mean of the deviations.
    deviation: f64,
    /// Samples since the beginning or the last step.
    samples: u32,
    /// The last sample, if it was far off.
    outlier: Option<f64>,
}

impl Smoothed {
    /// Takes a positive sample in. Says whether it made a step.
    pub(super) fn add(&mut self, sample: f64) -> bool {
        if self.samples == 0 {
            *self = Self { mean: sample, deviation: self.deviation, samples: 1, outlier: None };
            return false;
        }
        let off = (sample / self.mean).ln();
        let usual = (STEP * self.deviation).clamp(LEAST_STEP, MOST_STEP);
        // One that is far off says how far they may be, too: else a mean that began with one would never be left.
        self.deviation += (off.abs().min(1.0) - self.deviation) * DEVIATION_WEIGHT;
        if off.abs() > usual {
            match self.outlier.replace(sample) {
                // The first of the two may be half of the old and half of the new: the second is believed.
                Some(before) if (before > self.mean) == (sample > self.mean) => {
                    *self = Self { mean: sample, samples: 1, outlier: None, ..*self };
                    return true;
                }
                _ => return false,
            }
        }
        self.outlier = None;
        self.samples = self.samples.saturating_add(1);
        self.mean += (sample - self.mean) * (1.0 / f64::from(self.samples)).max(LEAST_WEIGHT);
        false
    }

    /// The next sample is the first of another mean.
    pub(super) fn begin_anew(&mut self) {
        *self = Self { samples: 0, outlier: None, ..*self };
    }

    /// The mean; `None` before the first sample.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.mean > 0.0).then_some(self.mean)
    }
}

#[cfg(test)]
#[path = "../../../tests/policy/scaling/smoothing.rs"]
mod tests;
