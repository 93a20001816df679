//! The seasonal pattern: a mean for each part of the season.

/// The minimum weight of the newest season in a mean. The mean covers about five seasons.
const LEAST_WEIGHT: f64 = 0.2;

/// The means, and the current part.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Season {
    means: Vec<Mean>,
    now: Option<Part>,
}

/// The mean of one part of the season.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Mean {
    pub(crate) mean: f64,
    /// The number of seasons in the mean.
    pub(crate) seasons: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Part {
    bucket: usize,
    sum: f64,
    values: u32,
}

impl Season {
    pub(crate) fn new(means: Vec<Mean>) -> Self {
        Self { means, now: None }
    }

    pub(crate) fn means(&self) -> &[Mean] {
        &self.means
    }

    /// Returns the mean of this part; `None` if it has none yet.
    pub(crate) fn usual(&self, bucket: usize) -> Option<f64> {
        self.means.get(bucket).filter(|mean| mean.seasons > 0).map(|mean| mean.mean)
    }

    /// Adds a value of this part. It counts after the end of the part, so that a value does not
    /// predict itself.
    pub(crate) fn learn(&mut self, bucket: usize, value: f64) {
        match &mut self.now {
            Some(part) if part.bucket == bucket => {
                part.sum += value;
                part.values = part.values.saturating_add(1);
            }
            _ => {
                self.end_part();
                self.now = Some(Part { bucket, sum: value, values: 1 });
            }
        }
    }

    /// Ends the current part.
    pub(crate) fn end_part(&mut self) {
        let Some(part) = self.now.take() else { return };
        let Some(mean) = self.means.get_mut(part.bucket) else { return };
        mean.seasons = mean.seasons.saturating_add(1);
        let weight = (1.0 / f64::from(mean.seasons)).max(LEAST_WEIGHT);
        mean.mean += (part.sum / f64::from(part.values) - mean.mean) * weight;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_known_when_it_is_over() {
        let mut season = Season::new(vec![Mean::default(); 4]);
        season.learn(1, 10.0);
        season.learn(1, 20.0);
        assert_eq!(season.usual(1), None);
        season.learn(2, 5.0);
        assert_eq!(season.usual(1), Some(15.0));
        season.learn(1, 25.0);
        season.end_part();
        assert_eq!(season.usual(1), Some(20.0));
        assert_eq!(season.usual(99), None);
    }
}
