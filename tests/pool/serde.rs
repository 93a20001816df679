//! Configurations are read from files, and statistics are written.
#![cfg(feature = "serde")]

use std::time::Duration;

use millpond::memory::BufferPoolConfig;
use millpond::retry::{RetryBudgetConfig, RetryPolicy};
use millpond::scaling::{Controller, Limits, Sample};
use millpond::{ConversionOptions, Format, PoolConfig, Priority, ProcessorConfig, Shedding};
use serde_json::{Value, from_value, json, to_value};

use crate::pool_support::{block_on, fixed, in_time};

fn there_and_back<T>(value: &T)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    assert_eq!(&from_value::<T>(to_value(value).unwrap()).unwrap(), value);
}

#[test]
fn a_configuration_is_what_it_was_written_from() {
    let pool = PoolConfig { shedding: Shedding::OldestFirst, byte_budget: Some(9), ..PoolConfig::default() };
    there_and_back(&pool);
    let priorities = [(Format::Rtf, Priority::Bulk)].into();
    let endless =
        ProcessorConfig { pool, priorities, batch_timeout: Duration::MAX, ..ProcessorConfig::default() };
    there_and_back(&endless);
    there_and_back(&RetryPolicy::default());
    there_and_back(&RetryBudgetConfig::default());
    there_and_back(&BufferPoolConfig::default());
    there_and_back(&ConversionOptions { to: Some(Format::Html), ..ConversionOptions::default() });
    #[cfg(feature = "forecast")]
    there_and_back(&millpond::scaling::ForecastConfig::default());
}

#[test]
fn durations_are_written_as_people_write_them_and_what_is_missing_is_the_default() {
    let config: PoolConfig = from_value(
        json!({"idle_timeout": "1m 30s", "sampling_interval": "50ms", "shedding": "newest_first"}),
    )
    .unwrap();
    let expected = PoolConfig {
        idle_timeout: Duration::from_secs(90),
        sampling_interval: Duration::from_millis(50),
        shedding: Shedding::NewestFirst,
        ..PoolConfig::default()
    };
    assert_eq!(config, expected);
    assert_eq!(to_value(&config).unwrap()["idle_timeout"], "1m 30s");
}

#[test]
fn an_unknown_field_is_an_error_that_names_it() {
    let error = from_value::<PoolConfig>(json!({"max_thread": 3})).unwrap_err().to_string();
    assert!(error.contains("max_thread"), "{error}");
}

#[test]
fn statistics_and_decisions_are_written_with_the_names_of_their_fields() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        block_on(pool.run(|| ())).unwrap();
        let statistics = to_value(pool.statistics()).unwrap();
        assert_eq!(statistics["tasks_completed"], 1);
        assert!(statistics["load_factor"].is_number());
        let limits = Limits { min: 1, max: 4 };
        let decision = Controller::new(limits, 1).step(Sample::default());
        let decision = to_value(decision).unwrap();
        assert_eq!((&decision["target"], &decision["sample"]["interval"]), (&json!(1), &json!("0s")));
        assert!(matches!(&decision["reason"], Value::String(_)));
        let report = to_value(block_on(pool.shutdown(Duration::MAX))).unwrap();
        assert_eq!(report["still_running"], 0);
    });
}
