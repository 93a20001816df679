//! Level and damped trend: Holt's method with a damped trend, in error-correction form (Hyndman and
//! Athanasopoulos, "Forecasting: Principles and Practice", 3rd edition, section 8.5: ETS(A,Ad,N)).

/// The weight of an error in the level.
const LEVEL: f64 = 0.3;
/// The weight of an error in the trend.
const TREND: f64 = 0.05;
/// The factor by which the trend is damped in each step.
const DAMPING: f64 = 0.9;

/// Level and trend of one series.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Holt {
    level: Option<f64>,
    trend: f64,
}

impl Holt {
    /// Returns the predicted next value; `None` before the first.
    pub(crate) fn next(&self) -> Option<f64> {
        self.level.map(|level| level + DAMPING * self.trend)
    }

    /// Updates level and trend with the next value.
    pub(crate) fn learn(&mut self, value: f64) {
        let Some(expected) = self.next() else {
            self.level = Some(value);
            return;
        };
        let error = value - expected;
        self.level = Some(expected + LEVEL * error);
        self.trend = DAMPING * self.trend + TREND * error;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_a_slope_and_flattens_when_it_ends() {
        let mut holt = Holt::default();
        assert_eq!(holt.next(), None);
        (0..100).for_each(|step| holt.learn(f64::from(step)));
        assert!(holt.next().is_some_and(|next| (97.0..101.0).contains(&next)));
        (0..100).for_each(|_| holt.learn(100.0));
        assert!(holt.next().is_some_and(|next| (next - 100.0).abs() < 0.1));
    }
}
