//! Collectors for a registry of `prometheus_client`.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::family::{Families, Family, Kind, Value};
use super::source::{PoolSource, ProcessorSource, Source};
use crate::convert::Converter;
use crate::metrics::Histogram;
use crate::pool::AdaptiveThreadPool;
use crate::processor::ConcurrentProcessorV2;

/// Exports the figures of one or several pools. Register it with
/// [`Registry::register_collector`](https://docs.rs/prometheus-client/latest/prometheus_client/registry/struct.Registry.html#method.register_collector).
///
/// It reads the figures whenever the registry is encoded, which takes some 10 us, and keeps nothing
/// global. A prefix for all names is the registry's:
/// [`Registry::with_prefix`](https://docs.rs/prometheus-client/latest/prometheus_client/registry/struct.Registry.html#method.with_prefix).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use millpond::AdaptiveThreadPool;
/// use millpond::telemetry::PoolCollector;
/// use prometheus_client::{encoding::prometheus_text::encode, registry::Registry};
///
/// let pool = AdaptiveThreadPool::new();
/// let mut registry = Registry::default();
/// registry.register_collector(Box::new(PoolCollector::new(&pool)));
///
/// pool.run(|| ()).await?;
/// // In the handler of `/metrics`.
/// let mut page = String::new();
/// encode(&mut page, &registry)?;
/// assert!(page.contains("\nmillpond_pool_tasks_completed_total 1\n"));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct PoolCollector {
    pools: Vec<PoolSource>,
}

impl PoolCollector {
    /// Exports the figures of a pool. It does not keep the pool open.
    #[must_use]
    pub fn new(pool: &AdaptiveThreadPool) -> Self {
        Self { pools: vec![PoolSource::new(pool)] }
    }

    /// Adds a label to all metrics of the pools that were added so far.
    #[must_use]
    pub fn with_label(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        add_label(&mut self.pools, name, value);
        self
    }

    /// Sets how many tenants have series of their own; 10 by default. The busiest get them first,
    /// and keep them as long as the collector lives. All others, and the tasks without a tenant,
    /// are counted in the series with an empty label.
    #[must_use]
    pub fn with_tenants(mut self, most: usize) -> Self {
        self.pools.iter_mut().for_each(|pool| pool.set_most_tenants(most));
        self
    }

    /// Exports the pools of another collector, too. A registry must not have two collectors with
    /// the same metrics. Give the pools different labels first:
    ///
    /// ```
    /// # let (a, b) = (millpond::AdaptiveThreadPool::new(), millpond::AdaptiveThreadPool::new());
    /// use millpond::telemetry::PoolCollector;
    ///
    /// let a = PoolCollector::new(&a).with_label("pool", "a");
    /// let both = a.and(PoolCollector::new(&b).with_label("pool", "b"));
    /// # drop(both);
    /// ```
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.pools.extend(other.pools);
        self
    }
}

impl Collector for PoolCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        encode(&self.pools, encoder)
    }
}

/// Exports the figures of one or several processors and of their memory. Those of the pool are
/// [`PoolCollector`]'s.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use millpond::ConcurrentProcessorV2;
/// use millpond::telemetry::{PoolCollector, ProcessorCollector};
/// use prometheus_client::registry::Registry;
///
/// # #[cfg(feature = "documents")] {
/// let processor = ConcurrentProcessorV2::new();
/// let mut registry = Registry::default();
/// registry.register_collector(Box::new(PoolCollector::new(processor.pool())));
/// registry.register_collector(Box::new(ProcessorCollector::new(&processor)));
/// # }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct ProcessorCollector {
    processors: Vec<ProcessorSource>,
}

impl ProcessorCollector {
    /// Exports the figures of a processor. It does not keep the processor's pool open.
    #[must_use]
    pub fn new<C: Converter>(processor: &ConcurrentProcessorV2<C>) -> Self {
        Self { processors: vec![ProcessorSource::new(processor)] }
    }

    /// Adds a label to all metrics of the processors that were added so far.
    #[must_use]
    pub fn with_label(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        add_label(&mut self.processors, name, value);
        self
    }

    /// Exports the processors of another collector, too, as [`PoolCollector::and`] does.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.processors.extend(other.processors);
        self
    }
}

impl Collector for ProcessorCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        encode(&self.processors, encoder)
    }
}

/// Adds a label to all samples of the sources.
fn add_label<S: Source>(
    sources: &mut [S],
    name: impl Into<Cow<'static, str>>,
    value: impl Into<Cow<'static, str>>,
) {
    let label = (name.into(), value.into());
    sources.iter_mut().for_each(|source| source.labels().push(label.clone()));
}

fn encode<S: Source>(sources: &[S], mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
    let mut families = Families::default();
    sources.iter().for_each(|source| source.read(&mut families));
    families.list().iter().try_for_each(|family| encode_family(family, &mut encoder))
}

/// The encoder adds the unit and `_total` to the name, and a full stop to the help of a registered
/// metric, but not of a collector's.
fn encode_family(family: &Family, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let kind = match family.kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Histogram => MetricType::Histogram,
    };
    let name = family.name.strip_suffix("_total").unwrap_or(family.name);
    let units = [("_seconds", Unit::Seconds), ("_bytes", Unit::Bytes)];
    let with_unit = units.iter().find_map(|(suffix, unit)| Some((name.strip_suffix(suffix)?, unit)));
    let (name, unit) = with_unit.map_or((name, None), |(name, unit)| (name, Some(unit)));
    let help = format!("{}.", family.help);
    let mut metric = encoder.encode_descriptor(name, &help, unit, kind)?;
    for sample in &family.samples {
        let labels = sample.labels.as_slice();
        encode_value(family.kind, &sample.value, &mut metric.encode_family(&labels)?)?;
    }
    Ok(())
}

fn encode_value(kind: Kind, value: &Value, metric: &mut MetricEncoder<'_>) -> fmt::Result {
    match (kind, value) {
        (Kind::Counter, Value::Whole(value)) => metric.encode_counter::<NoLabelSet, u64, u64>(value, None),
        (Kind::Counter, Value::Real(value)) => metric.encode_counter::<NoLabelSet, f64, u64>(value, None),
        // As a whole number without a fraction.
        (_, Value::Whole(value)) => metric.encode_gauge(&i64::try_from(*value).unwrap_or(i64::MAX)),
        (_, Value::Real(value)) => metric.encode_gauge(value),
        (_, Value::Histogram(histogram)) => encode_histogram(histogram, metric),
    }
}

fn encode_histogram(histogram: &Histogram, metric: &mut MetricEncoder<'_>) -> fmt::Result {
    let bound = |bound: Duration| if bound == Duration::MAX { f64::INFINITY } else { bound.as_secs_f64() };
    let buckets: Vec<_> = histogram.buckets().map(|(upper, count)| (bound(upper), count)).collect();
    let (sum, count) = (histogram.sum().as_secs_f64(), histogram.count());
    metric.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
}
