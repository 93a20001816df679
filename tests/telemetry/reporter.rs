//! The reporter to the facade `metrics`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use millpond::telemetry::Reporter;

use crate::pool_support::{block_on, fixed, in_paused_time, in_time, until};

/// Keeps what is reported, by name and labels.
#[derive(Default)]
struct Kept {
    series: Mutex<BTreeMap<String, Arc<Cell>>>,
    registered: AtomicUsize,
    units: Mutex<BTreeMap<String, Option<Unit>>>,
}

#[derive(Default)]
struct Cell(AtomicU64);

impl CounterFn for Cell {
    fn increment(&self, _: u64) {
        panic!("counters are set");
    }
    fn absolute(&self, value: u64) {
        let before = self.0.swap(f64::to_bits(value as f64), Ordering::SeqCst);
        assert!(f64::from_bits(before) <= value as f64, "a counter fell");
    }
}

impl GaugeFn for Cell {
    fn increment(&self, _: f64) {
        panic!("gauges are set");
    }
    fn decrement(&self, _: f64) {
        panic!("gauges are set");
    }
    fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::SeqCst);
    }
}

impl Kept {
    fn cell(&self, key: &Key) -> Arc<Cell> {
        self.registered.fetch_add(1, Ordering::SeqCst);
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        Arc::clone(self.series.lock().unwrap().entry(name).or_default())
    }

    fn value(&self, name: &str) -> f64 {
        f64::from_bits(self.series.lock().unwrap()[name].0.load(Ordering::SeqCst))
    }

    fn described(&self, key: KeyName, unit: Option<Unit>) {
        self.units.lock().unwrap().insert(key.as_str().to_owned(), unit);
    }
}

impl Recorder for Kept {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.described(key, unit);
    }
    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.described(key, unit);
    }
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        panic!("histograms are reported by their parts");
    }
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.cell(key))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.cell(key))
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        panic!("histograms are reported by their parts");
    }
}

#[test]
fn handles_are_asked_for_once_and_set_at_each_update() {
    in_time(|| {
        let (kept, pool) = (Kept::default(), fixed(1).build().unwrap());
        // A thread that is starting has no series yet.
        until(|| !pool.workers().is_empty());
        let mut reporter = Reporter::of_pool(&pool).with_label("pool", "main");
        metrics::with_local_recorder(&kept, || reporter.update());
        let registered = kept.registered.load(Ordering::SeqCst);
        assert!(registered > 200, "{registered}");
        assert_eq!(kept.value("millpond_pool_threads{pool=main}"), 1.0);
        block_on(pool.run(|| ())).unwrap();
        metrics::with_local_recorder(&kept, || reporter.update());
        assert_eq!(kept.registered.load(Ordering::SeqCst), registered);
        assert_eq!(kept.value("millpond_pool_tasks_completed_total{pool=main}"), 1.0);
        assert_eq!(kept.value("millpond_pool_run_time_seconds_count{pool=main,class=plain}"), 1.0);
        assert_eq!(kept.value("millpond_pool_run_time_seconds_bucket{pool=main,class=plain,le=+Inf}"), 1.0);
        assert!(kept.value("millpond_pool_run_time_seconds_sum{pool=main,class=plain}") > 0.0);
        let units = kept.units.lock().unwrap();
        assert_eq!(units["millpond_pool_abandoned_seconds_total"], Some(Unit::Seconds));
        assert_eq!(units["millpond_pool_run_time_seconds_sum"], Some(Unit::Seconds));
        assert_eq!(units["millpond_pool_under_way_bytes"], Some(Unit::Bytes));
        assert_eq!(units["millpond_pool_tasks_completed_total"], None);
    });
}

#[test]
fn a_reporter_runs_until_its_pool_has_ended_and_reports_the_end() {
    static KEPT: std::sync::OnceLock<Kept> = std::sync::OnceLock::new();
    in_paused_time(|| async {
        let kept = KEPT.get_or_init(Kept::default);
        metrics::set_global_recorder(kept).map_err(drop).unwrap();
        let pool = fixed(1).build().unwrap();
        let reports = tokio::spawn(Reporter::of_pool(&pool).run(Duration::from_secs(10)));
        pool.run(|| ()).await.unwrap();
        pool.shutdown(Duration::MAX).await;
        reports.await.unwrap();
        assert_eq!(kept.value("millpond_pool_tasks_completed_total{}"), 1.0);
        assert_eq!(kept.value("millpond_pool_threads{}"), 0.0);
    });
}

#[test]
fn a_reporter_does_not_keep_its_pool_open() {
    in_time(|| {
        let (kept, pool) = (Kept::default(), fixed(1).build().unwrap());
        let mut reporter = Reporter::of_pool(&pool);
        drop(pool);
        until(|| {
            metrics::with_local_recorder(&kept, || reporter.update());
            kept.value("millpond_pool_threads{}") == 0.0
        });
    });
}
