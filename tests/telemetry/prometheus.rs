//! The collectors of `prometheus-client`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use millpond::bytes::BytesMut;
use millpond::convert::Report;
use millpond::telemetry::{PoolCollector, ProcessorCollector};
use millpond::{
    AdaptiveThreadPool, ConcurrentProcessorV2, ConversionOptions, ConversionRequest, ConvertError, Converter,
    PoolConfig, ProcessorConfig,
};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use crate::pool_support::{block_on, fixed, hold, in_time, until};

fn page(registry: &Registry) -> String {
    let mut page = String::new();
    encode(&mut page, registry).unwrap();
    page
}

fn registry_of(collector: PoolCollector) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(collector));
    registry
}

/// The samples, by name and labels.
fn samples(registry: &Registry) -> BTreeMap<String, f64> {
    let page = page(registry);
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    let samples: Vec<_> = lines.map(sample).collect();
    let count = samples.len();
    let samples: BTreeMap<_, _> = samples.into_iter().collect();
    assert_eq!(samples.len(), count, "no series is there twice");
    samples
}

/// Passes documents on as they are.
struct Same;

impl Converter for Same {
    fn convert(
        &self,
        content: &[u8],
        _: &ConversionOptions,
        out: &mut BytesMut,
    ) -> Result<Report, ConvertError> {
        out.extend_from_slice(content);
        Ok(Report::default())
    }
}

fn processor() -> ConcurrentProcessorV2<Same> {
    let pool = PoolConfig { min_threads: 1, max_threads: 1, worker_niceness: 0, ..PoolConfig::default() };
    let config = ProcessorConfig { inline_budget: Duration::ZERO, pool, ..ProcessorConfig::default() };
    ConcurrentProcessorV2::with_converter(Same, config)
}

/// Type, unit and labels of a metric.
type Described = (String, String, BTreeSet<String>);

/// The metrics of a page.
fn exported(page: &str) -> BTreeMap<String, Described> {
    let mut metrics: BTreeMap<String, Described> = BTreeMap::new();
    let mut name = String::new();
    for line in page.lines() {
        let words: Vec<_> = line.split(' ').collect();
        if line.starts_with("# TYPE ") {
            let suffix = if words[3] == "counter" { "_total" } else { "" };
            name = format!("{}{suffix}", words[2]);
            metrics.insert(name.clone(), (words[3].into(), String::new(), BTreeSet::new()));
        } else if line.starts_with("# UNIT ") {
            metrics.get_mut(&name).unwrap().1 = words[3].into();
        } else if let Some((_, labels)) = line.split_once('{') {
            let labels = labels.split_once('}').unwrap().0.split(',');
            let names = labels.map(|label| label.split_once('=').unwrap().0.to_owned());
            metrics.get_mut(&name).unwrap().2.extend(names.filter(|name| name != "le"));
        }
    }
    metrics
}

/// The rows of the table in the guide.
fn documented() -> BTreeMap<String, Described> {
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md")).unwrap();
    let rows = guide.lines().filter(|line| line.starts_with("| `millpond_"));
    let described = |row: &str| {
        let cells: Vec<_> = row.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect();
        let [_, name, kind, unit, labels, meaning, _] = cells.try_into().unwrap();
        assert!(!meaning.is_empty(), "{name}");
        let labels = labels.split(", ").map(|label| label.trim_matches('`').to_owned());
        (name, (kind, unit, labels.filter(|label| !label.is_empty()).collect()))
    };
    rows.map(described).collect()
}

#[test]
fn the_guide_has_each_metric_that_is_exported_and_no_other() {
    in_time(|| {
        let processor = processor();
        let mut registry = registry_of(PoolCollector::new(processor.pool()));
        registry.register_collector(Box::new(ProcessorCollector::new(&processor)));
        block_on(processor.pool().task().tenant("ada").run(|| ())).unwrap();
        assert_eq!(exported(&page(&registry)), documented());
    });
}

#[test]
fn what_is_exported_is_what_the_statistics_say() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let registry = registry_of(PoolCollector::new(&pool));
        let held = hold(&pool, 1);
        let waits = pool.try_spawn(|| ()).unwrap();
        assert!(pool.try_spawn(|| ()).is_err());
        let now = samples(&registry);
        assert_eq!(now["millpond_pool_queue_depth"], 1.0);
        assert_eq!(now["millpond_pool_active_threads"], 1.0);
        assert_eq!(now["millpond_pool_saturated"], 1.0);
        assert_eq!(now["millpond_pool_refusals_total{reason=\"queue_full\"}"], 1.0);
        held.end();
        block_on(waits).unwrap();
        let count = "millpond_pool_run_time_seconds_count{class=\"plain\"}";
        until(|| samples(&registry)[count] == 2.0);
        let (now, statistics) = (samples(&registry), pool.statistics());
        assert_eq!(now["millpond_pool_tasks_completed_total"], 2.0);
        assert_eq!(now["millpond_pool_worker_tasks_total{worker=\"0\"}"], 2.0);
        let busy = now["millpond_pool_worker_busy_seconds_total{worker=\"0\"}"];
        assert!((busy * 1e3 - statistics.busy_time_ms).abs() < 1e-6);
        let all = "millpond_pool_run_time_seconds_bucket{le=\"+Inf\",class=\"plain\"}";
        assert_eq!(now[all], 2.0, "the buckets add up");
    });
}

#[test]
fn a_processor_exports_its_documents_and_its_memory() {
    in_time(|| {
        let processor = processor();
        let mut registry = Registry::default();
        let collector = ProcessorCollector::new(&processor).with_label("processor", "same");
        registry.register_collector(Box::new(collector));
        let answer = block_on(processor.process_single(ConversionRequest::new("a", "pond")));
        assert_eq!(answer.result.unwrap(), "pond");
        let now = samples(&registry);
        let of = |name: &str| now[&format!("{name}{{processor=\"same\"}}")];
        assert_eq!(of("millpond_documents_total"), 1.0);
        assert_eq!(of("millpond_document_input_bytes_total"), 4.0);
        assert_eq!(of("millpond_document_latency_seconds_count"), 1.0);
        assert_eq!(now["millpond_memory_pool_misses_total{processor=\"same\",tier=\"oversized\"}"], 0.0);
    });
}

#[test]
fn several_pools_share_their_metrics_and_differ_by_a_label() {
    in_time(|| {
        let pools = [fixed(1).build().unwrap(), fixed(2).build().unwrap()];
        let collector = |n: usize| PoolCollector::new(&pools[n]).with_label("pool", n.to_string());
        let registry = registry_of(collector(0).and(collector(1)));
        let now = samples(&registry);
        assert_eq!(now["millpond_pool_threads{pool=\"0\"}"], 1.0);
        assert_eq!(now["millpond_pool_threads{pool=\"1\"}"], 2.0);
        assert_eq!(page(&registry).matches("# TYPE millpond_pool_threads gauge\n").count(), 1);
    });
}

fn run_for(pool: &AdaptiveThreadPool, tenant: &str, tasks: usize) {
    (0..tasks).for_each(|_| block_on(pool.task().tenant(tenant).run(|| ())).unwrap());
}

#[test]
fn the_series_of_tenants_are_bounded_and_never_fall() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let registry = registry_of(PoolCollector::new(&pool).with_tenants(2));
        let taken = || -> BTreeMap<String, f64> {
            let is_taken = |name: &String| name.starts_with("millpond_pool_tenant_tasks_taken_total");
            samples(&registry).into_iter().filter(|(name, _)| is_taken(name)).collect()
        };
        let of = |tenant: &str| format!("millpond_pool_tenant_tasks_taken_total{{tenant=\"{tenant}\"}}");
        run_for(&pool, "ada", 3);
        assert_eq!(taken(), [(of("ada"), 3.0), (of(""), 0.0)].into());
        block_on(pool.task().run(|| ())).unwrap();
        // What a tenant did before it got a series stays in that of the others.
        run_for(&pool, "bob", 5);
        assert_eq!(taken(), [(of("ada"), 3.0), (of("bob"), 0.0), (of(""), 6.0)].into());
        let mut before = taken();
        for n in 0..1_500 {
            run_for(&pool, &format!("tenant {n}"), 1);
            if n % 300 == 0 {
                run_for(&pool, "bob", 1);
                let now = taken();
                assert_eq!(now.len(), 3);
                assert!(before.iter().all(|(name, count)| now[name] >= *count), "{before:?} {now:?}");
                before = now;
            }
        }
        assert_eq!(taken().values().sum::<f64>(), 1_514.0, "nothing is lost, and nothing counts twice");
    });
}

#[test]
fn a_tenant_named_by_a_stranger_is_written_as_the_format_wants() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let registry = registry_of(PoolCollector::new(&pool));
        run_for(&pool, "a\"b\\c\nd", 1);
        let page = page(&registry);
        assert!(page.contains("{tenant=\"a\\\"b\\\\c\\nd\"}"), "{page}");
    });
}

#[test]
fn a_collector_does_not_keep_its_pool_open() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let registry = registry_of(PoolCollector::new(&pool));
        block_on(pool.run(|| ())).unwrap();
        drop(pool);
        until(|| samples(&registry)["millpond_pool_threads"] == 0.0);
        assert_eq!(samples(&registry)["millpond_pool_tasks_completed_total"], 1.0);
    });
}
