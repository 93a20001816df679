//! A mean that ignores noise and follows a step of its input at once.

/// The least deviation that can be a step. Deviations are logarithms of sample by mean, so a tenth
/// of the mean is as far off as ten times the mean.
const MIN_STEP: f64 = 0.08;
/// A deviation by a factor of two, twice in a row, is always a step.
const MAX_STEP: f64 = std::f64::consts::LN_2;
/// A step, in mean deviations. (In a normal distribution one sample in 650 is beyond, and two in a
/// row on the same side hardly ever.)
const STEP: f64 = 4.0;
/// The weight of a sample in the long run.
const MIN_WEIGHT: f64 = 0.05;
/// The weight of a sample in the mean deviation.
const DEVIATION_WEIGHT: f64 = 0.1;

/// An arithmetic mean of the first samples that becomes an exponentially weighted one. It starts
/// again after a step: two samples in a row that are off to the same side by more than usual.
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
    /// Takes a positive sample. Returns whether there was a step.
    pub(super) fn add(&mut self, sample: f64) -> bool {
        if self.samples == 0 {
            *self = Self { mean: sample, deviation: self.deviation, samples: 1, outlier: None };
            return false;
        }
        let off = (sample / self.mean).ln();
        let usual = (STEP * self.deviation).clamp(MIN_STEP, MAX_STEP);
        // An outlier counts for the usual deviation, too. Otherwise a mean that started with an
        // outlier would stay.
        self.deviation += (off.abs().min(1.0) - self.deviation) * DEVIATION_WEIGHT;
        if off.abs() > usual {
            match self.outlier.replace(sample) {
                // The first of the two may be half of the old and half of the new, so the second is
                // used.
                Some(before) if (before > self.mean) == (sample > self.mean) => {
                    *self = Self { mean: sample, samples: 1, outlier: None, ..*self };
                    return true;
                }
                _ => return false,
            }
        }
        self.outlier = None;
        self.samples = self.samples.saturating_add(1);
        self.mean += (sample - self.mean) * (1.0 / f64::from(self.samples)).max(MIN_WEIGHT);
        false
    }

    /// Starts a new mean with the next sample.
    pub(super) fn begin_anew(&mut self) {
        *self = Self { samples: 0, outlier: None, ..*self };
    }

    /// The mean; `None` before the first sample.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.mean > 0.0).then_some(self.mean)
    }
}

#[cfg(test)]
mod tests;
