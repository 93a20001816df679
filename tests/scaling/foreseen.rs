//! A pool with a forecast has threads before the load comes.
#![cfg(feature = "forecast")]

use std::time::{Duration, SystemTime};

use crate::pool_support::{block_on, in_time, until};
use bytes::BytesMut;
use millpond::convert::Report;
use millpond::memory::BufferPoolConfig;
use millpond::scaling::{Forecast, ForecastConfig, History};
use millpond::{
    AdaptiveThreadPool, ConcurrentProcessorV2, ConversionOptions, ConvertError, Converter, ProcessorConfig,
};

fn config() -> ForecastConfig {
    // Parts of an hour: the present one lasts for longer than the test, whenever it runs, but for a moment in which it is
    // the next that does; they are alike.
    let season = Duration::from_secs(24 * 60 * 60);
    // Steps that are long enough for a busy machine: a pool that sees none of the load it expects learns that it is not there.
    ForecastConfig { step: Duration::from_secs(1), season, parts: 24, ..ForecastConfig::default() }
}

/// Of a pool that has had so many threads' worth of load at any time of the day, and whose forecasts were good.
fn history(load: f64) -> History {
    let none = Forecast::new(config()).unwrap().history();
    let mut value = serde_json::to_value(none).unwrap();
    value["parts"] = vec![serde_json::json!([load, 5]); 24].into();
    value["errors"] = serde_json::json!([[1.0, 100], [0.1, 100], [10.0, 100]]);
    serde_json::from_value(value).unwrap()
}

#[test]
fn threads_are_there_before_the_load() {
    in_time(|| {
        let forecast = Forecast::with_history(config(), &history(6.0)).unwrap();
        let pool = AdaptiveThreadPool::builder()
            .max_threads(8)
            .sampling_interval(Duration::from_millis(1))
            .idle_timeout(Duration::from_millis(1))
            .forecast(forecast)
            .build()
            .unwrap();
        until(|| pool.statistics().total_threads >= 6);
        let why = pool.last_decision().unwrap();
        assert!(why.sample.threads <= 8, "{why:?}");
        assert_eq!(pool.statistics().tasks_completed, 0);
        block_on(pool.run(|| ())).unwrap();
    });
}

#[test]
fn never_more_than_the_most_and_none_is_kept_without_reason() {
    in_time(|| {
        let forecast = Forecast::with_history(config(), &history(1_000.0)).unwrap();
        let builder = AdaptiveThreadPool::builder()
            .max_threads(3)
            .sampling_interval(Duration::from_millis(1))
            .idle_timeout(Duration::from_millis(1));
        let pool = builder.clone().forecast(forecast).build().unwrap();
        // A count that never falls: the forecast may already have learnt that no load came.
        until(|| {
            let now = pool.statistics();
            assert!(now.total_threads <= 3, "{now:?}");
            now.threads_started >= 3
        });
        assert_eq!(pool.statistics().tasks_completed, 0);

        // One that knows nothing asks for nothing.
        let pool = builder.forecast(Forecast::new(config()).unwrap()).build().unwrap();
        until(|| pool.last_decision().is_some());
        assert_eq!(pool.statistics().total_threads, 1);
    });
}

#[test]
fn the_pool_gives_its_history_back() {
    in_time(|| {
        let forecast = Forecast::with_history(config(), &history(6.0)).unwrap();
        let interval = Duration::from_millis(10);
        let pool =
            AdaptiveThreadPool::builder().sampling_interval(interval).forecast(forecast).build().unwrap();
        let history = serde_json::to_value(pool.forecast_history().unwrap()).unwrap();
        assert_eq!(history["parts"].as_array().unwrap().len(), 24);
        assert_eq!(AdaptiveThreadPool::new().forecast_history(), None);
        assert!(SystemTime::now() > SystemTime::UNIX_EPOCH, "what the parts of the day are counted from");
    });
}

#[test]
fn a_forecast_that_would_never_see_a_step_to_its_end_is_refused() {
    let forecast = Forecast::new(config()).unwrap();
    let builder = AdaptiveThreadPool::builder().forecast(forecast);
    let error = builder.clone().sampling_interval(Duration::from_millis(1_100)).build().unwrap_err();
    assert_eq!(error.to_string(), "step is 1s, but must be 1.1s (`sampling_interval`) or more");
    assert!(builder.sampling_interval(Duration::from_secs(1)).build().is_ok());
}

/// A converter that nobody calls.
struct Idle;

impl Converter for Idle {
    fn convert(&self, _: &[u8], _: &ConversionOptions, _: &mut BytesMut) -> Result<Report, ConvertError> {
        Ok(Report::default())
    }
}

#[test]
fn buffers_are_there_before_the_load_and_no_more_than_are_kept() {
    in_time(|| {
        let forecast = Forecast::with_history(config(), &history(6.0)).unwrap();
        let pool = AdaptiveThreadPool::builder()
            .max_threads(8)
            .sampling_interval(Duration::from_millis(1))
            .forecast(forecast)
            .build()
            .unwrap();
        let memory = BufferPoolConfig { max_large_bytes: 3 << 20, ..BufferPoolConfig::default() };
        let config = ProcessorConfig { memory, ..ProcessorConfig::default() };
        let processor = ConcurrentProcessorV2::on_pool(pool, Idle, config);
        let memory = || processor.memory_pool().statistics();
        until(|| memory().small.buffers_held >= 6 && memory().medium.buffers_held >= 6);
        until(|| memory().large.buffers_held == 3);
        assert_eq!((memory().hits(), memory().misses()), (0, 0));
        let prepared = memory().large.prepared;
        assert_eq!(prepared, 3);
        assert!(processor.memory_pool().take(1 << 20).is_empty());
        assert_eq!((memory().hits(), memory().misses()), (1, 0));
    });
}
