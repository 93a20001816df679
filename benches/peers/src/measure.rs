//! Interleaved measurement: every round measures every competitor once, in an order drawn anew, so that whatever the
//! machine does meanwhile it does to all of them.

/// The samples of several competitors: one each a round.
pub struct Samples {
    rounds: Vec<Vec<f64>>,
}

/// Measures `competitors` in `rounds` rounds, after one round that only warms up and is thrown away.
pub fn interleave(
    competitors: usize,
    rounds: usize,
    seed: u64,
    mut measure: impl FnMut(usize) -> f64,
) -> Samples {
    let mut random = SplitMix(seed);
    let mut order: Vec<usize> = (0..competitors).collect();
    let mut samples = Vec::with_capacity(rounds);
    for round in 0..=rounds {
        random.shuffle(&mut order);
        let mut row = vec![0.0; competitors];
        for &who in &order {
            row[who] = measure(who);
        }
        if round > 0 {
            samples.push(row);
        }
    }
    Samples { rounds: samples }
}

impl Samples {
    /// Samples that were taken otherwise: of each round one of each competitor.
    pub fn new(rounds: Vec<Vec<f64>>) -> Self {
        Self { rounds }
    }

    /// Samples that were computed from others, round by round.
    pub fn map(&self, derive: impl Fn(&[f64]) -> Vec<f64>) -> Self {
        Self { rounds: self.rounds.iter().map(|row| derive(row)).collect() }
    }

    /// How many competitors there are.
    pub fn competitors(&self) -> usize {
        self.rounds.first().map_or(0, Vec::len)
    }

    /// The median of one competitor.
    pub fn median(&self, who: usize) -> f64 {
        self.quantile(who, 0.5)
    }

    /// A quantile of one competitor.
    pub fn quantile(&self, who: usize, q: f64) -> f64 {
        quantile(self.rounds.iter().map(|row| row[who]).collect(), q)
    }

    /// The median over the rounds of `who` / `other` within the round: what the machine did in that round cancels out.
    pub fn ratio(&self, who: usize, other: usize) -> f64 {
        quantile(self.rounds.iter().map(|row| row[who] / row[other]).collect(), 0.5)
    }

    /// The competitor with the smallest median among `candidates`.
    pub fn best(&self, candidates: impl IntoIterator<Item = usize>) -> usize {
        let medians = candidates.into_iter().map(|who| (who, self.median(who)));
        medians.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(who, _)| who)
    }
}

/// A quantile, between the two nearest values; NaN of nothing.
pub fn quantile(mut values: Vec<f64>, q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return f64::NAN };
    let place = q * last as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    values[low] + (values[high] - values[low]) * place.fract()
}

/// A small generator: an order that can be had again needs no better one.
pub struct SplitMix(pub u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to just below 1, alike often everywhere.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Fisher-Yates.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, (self.next() % (i as u64 + 1)) as usize);
        }
    }
}
