//! Reports figures to the recorder of the facade `metrics`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use ::metrics::{Counter, Gauge, Key, KeyName, Level, Metadata, Recorder, Unit};
use tokio::time::{MissedTickBehavior, interval};

use super::family::{Families, Family, Kind, Label, Sample, Value};
use super::source::{PoolSource, ProcessorSource, Source};
use crate::convert::Converter;
use crate::metrics::Histogram;
use crate::pool::{AdaptiveThreadPool, Observer};
use crate::processor::ConcurrentProcessorV2;

/// Reports the figures of a pool or a processor to the recorder of the facade
/// [`metrics`].
///
/// It gets a handle for each figure from the recorder once, and then sets the handles: nothing is
/// recorded in the course of a task. Install the recorder before: handles of the time without a
/// recorder do nothing.
///
/// The facade has counters of whole numbers only, so a counter of seconds is a gauge there. A
/// histogram is reported by its parts, which are counters as in Prometheus' text format:
/// `_bucket` with the label `le`, `_count`, and the gauge `_sum`.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::time::Duration;
///
/// use millpond::AdaptiveThreadPool;
/// use millpond::telemetry::Reporter;
///
/// let pool = AdaptiveThreadPool::new();
/// let reporter = Reporter::of_pool(&pool).with_label("pool", "main");
/// tokio::spawn(reporter.run(Duration::from_secs(10)));
/// # }
/// ```
pub struct Reporter {
    source: Box<dyn Source>,
    /// The pool, at whose end the reports end.
    pool: Observer,
    handles: HashMap<Key, Handle>,
    described: HashSet<String>,
}

enum Handle {
    Counter(Counter),
    Gauge(Gauge),
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter")
            .field("source", &self.source)
            .field("handles", &self.handles.len())
            .finish()
    }
}

impl Reporter {
    /// Makes a reporter of a pool. It does not keep the pool open.
    #[must_use]
    pub fn of_pool(pool: &AdaptiveThreadPool) -> Self {
        Self::new(Box::new(PoolSource::new(pool)), pool)
    }

    /// Makes a reporter of a pool, as [`of_pool`](Self::of_pool), in which `most` tenants have
    /// series of their own instead of 10. The busiest get them first, and keep them as long as the
    /// reporter lives. All others, and the tasks without a tenant, are counted in the series with
    /// an empty label.
    #[must_use]
    pub fn of_pool_with_tenants(pool: &AdaptiveThreadPool, most: usize) -> Self {
        let mut source = PoolSource::new(pool);
        source.set_most_tenants(most);
        Self::new(Box::new(source), pool)
    }

    /// Makes a reporter of a processor and its memory, without its pool. It does not keep the pool
    /// open.
    #[must_use]
    pub fn of_processor<C: Converter>(processor: &ConcurrentProcessorV2<C>) -> Self {
        Self::new(Box::new(ProcessorSource::new(processor)), processor.pool())
    }

    fn new(source: Box<dyn Source>, pool: &AdaptiveThreadPool) -> Self {
        Self { source, pool: Observer::new(pool), handles: HashMap::new(), described: HashSet::new() }
    }

    /// Adds a label to all metrics. Call it before the first [`update`](Self::update).
    #[must_use]
    pub fn with_label(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.source.labels().push((name.into(), value.into()));
        self
    }

    /// Reads the figures and sets the handles. It takes some 100 us.
    pub fn update(&mut self) {
        let mut families = Families::default();
        self.source.read(&mut families);
        for family in families.list() {
            for sample in &family.samples {
                self.set(family, sample);
            }
        }
    }

    /// Updates now and at every interval, until the pool has ended. An interval of less than 1 ms
    /// counts as 1 ms.
    ///
    /// # Panics
    /// Outside of a runtime of Tokio with a timer.
    ///
    /// # Cancel safety
    /// Dropping the future ends the updates.
    pub async fn run(mut self, every: Duration) {
        let mut ticks = interval(every.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let last = self.pool.has_ended();
            self.update();
            if last {
                return;
            }
        }
    }

    fn set(&mut self, family: &Family, sample: &Sample) {
        let Family { name, help, kind, .. } = *family;
        match (kind, &sample.value) {
            (_, Value::Histogram(histogram)) => self.set_histogram(name, help, &sample.labels, histogram),
            (Kind::Counter, Value::Whole(value)) => self.set_counter(name, help, &sample.labels, *value),
            (_, Value::Whole(value)) => self.set_gauge(name, help, &sample.labels, *value as f64),
            (_, Value::Real(value)) => self.set_gauge(name, help, &sample.labels, *value),
        }
    }

    fn set_histogram(&mut self, name: &str, help: &'static str, labels: &[Label], histogram: &Histogram) {
        let bucket = format!("{name}_bucket");
        let mut up_to = 0;
        for (bound, count) in histogram.buckets() {
            up_to += count;
            let le = if bound == Duration::MAX { "+Inf".to_owned() } else { bound.as_secs_f64().to_string() };
            let mut labels = labels.to_vec();
            labels.push(("le".into(), le.into()));
            self.set_counter(&bucket, help, &labels, up_to);
        }
        self.set_counter(&format!("{name}_count"), help, labels, histogram.count());
        self.set_gauge(&format!("{name}_sum"), help, labels, histogram.sum().as_secs_f64());
    }

    fn set_counter(&mut self, name: &str, help: &'static str, labels: &[Label], value: u64) {
        let make =
            |recorder: &dyn Recorder, key: &Key| Handle::Counter(recorder.register_counter(key, &METADATA));
        if let Handle::Counter(counter) = self.handle(name, help, labels, make) {
            counter.absolute(value);
        }
    }

    fn set_gauge(&mut self, name: &str, help: &'static str, labels: &[Label], value: f64) {
        let make =
            |recorder: &dyn Recorder, key: &Key| Handle::Gauge(recorder.register_gauge(key, &METADATA));
        if let Handle::Gauge(gauge) = self.handle(name, help, labels, make) {
            gauge.set(value);
        }
    }

    /// Returns the handle of a series. The first time the recorder is asked for it.
    fn handle(
        &mut self,
        name: &str,
        help: &'static str,
        labels: &[Label],
        make: impl FnOnce(&dyn Recorder, &Key) -> Handle,
    ) -> &Handle {
        let labels: Vec<_> =
            labels.iter().map(|(name, value)| ::metrics::Label::new(name.clone(), value.clone())).collect();
        let described = &mut self.described;
        self.handles.entry(Key::from_parts(name.to_owned(), labels)).or_insert_with_key(|key| {
            ::metrics::with_recorder(|recorder| {
                let handle = make(recorder, key);
                if described.insert(name.to_owned()) {
                    describe(recorder, name, help, &handle);
                }
                handle
            })
        })
    }
}

static METADATA: Metadata<'static> = Metadata::new("millpond", Level::INFO, Some("millpond"));

fn describe(recorder: &dyn Recorder, name: &str, help: &'static str, handle: &Handle) {
    let (key, unit) = (KeyName::from(name.to_owned()), unit(name));
    match handle {
        Handle::Counter(_) => recorder.describe_counter(key, unit, help.into()),
        Handle::Gauge(_) => recorder.describe_gauge(key, unit, help.into()),
    }
}

fn unit(name: &str) -> Option<Unit> {
    let name = name.strip_suffix("_total").or_else(|| name.strip_suffix("_sum")).unwrap_or(name);
    match name {
        _ if name.ends_with("_seconds") => Some(Unit::Seconds),
        _ if name.ends_with("_bytes") => Some(Unit::Bytes),
        _ => None,
    }
}
