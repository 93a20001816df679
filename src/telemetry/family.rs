//! Metrics with their samples, as every exporter sees them.

use std::borrow::Cow;

use crate::metrics::Histogram;

/// A label and its value.
pub(super) type Label = (Cow<'static, str>, Cow<'static, str>);

/// What a metric's values mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It never falls.
    Counter,
    /// It rises and falls.
    Gauge,
    /// How many values are in which range.
    Histogram,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Whole(u64),
    Real(f64),
    Histogram(Box<Histogram>),
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Whole(value as u64)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Whole(u64::from(value))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<Histogram> for Value {
    fn from(value: Histogram) -> Self {
        Self::Histogram(Box::new(value))
    }
}

/// A value and the labels that tell it from the others of its metric.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) labels: Vec<Label>,
    pub(super) value: Value,
}

/// A metric. By the conventions of Prometheus the name ends in the unit, if there is one, and the
/// name of a counter in `_total` after that.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: Kind,
    pub(super) samples: Vec<Sample>,
}

/// The metrics of one or several pools or processors.
#[derive(Debug, Default)]
pub(super) struct Families {
    list: Vec<Family>,
    /// The labels of the one that is read.
    labels: Vec<Label>,
    /// The place of its next metric. Each has the same metrics in the same order.
    next: usize,
}

impl Families {
    /// Begins the samples of another pool or processor, which all get these labels.
    pub(super) fn begin(&mut self, labels: &[Label]) {
        self.labels = labels.to_vec();
        self.next = 0;
    }

    /// Adds a metric with one sample.
    pub(super) fn one(
        &mut self,
        kind: Kind,
        name: &'static str,
        help: &'static str,
        value: impl Into<Value>,
    ) {
        let sample = Sample { labels: self.labels.clone(), value: value.into() };
        self.family(kind, name, help).samples.push(sample);
    }

    /// Adds a metric with a sample for each value of a label.
    pub(super) fn by<L, V>(
        &mut self,
        kind: Kind,
        name: &'static str,
        help: &'static str,
        label: &'static str,
        samples: impl IntoIterator<Item = (L, V)>,
    ) where
        L: Into<Cow<'static, str>>,
        V: Into<Value>,
    {
        let labels = self.labels.clone();
        let sample = |(value_of_label, value): (L, V)| {
            let mut labels = labels.clone();
            labels.push((Cow::Borrowed(label), value_of_label.into()));
            Sample { labels, value: value.into() }
        };
        self.family(kind, name, help).samples.extend(samples.into_iter().map(sample));
    }

    fn family(&mut self, kind: Kind, name: &'static str, help: &'static str) -> &mut Family {
        let at = self.next;
        self.next += 1;
        if at == self.list.len() {
            self.list.push(Family { name, help, kind, samples: Vec::new() });
        }
        debug_assert_eq!(self.list[at].name, name);
        &mut self.list[at]
    }

    pub(super) fn list(&self) -> &[Family] {
        &self.list
    }
}
