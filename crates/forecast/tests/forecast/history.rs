//! What a forecast has learnt survives a restart; and whatever it is told, it goes on.

use std::time::Duration;

use millpond_forecast::{Forecast, ForecastConfig, History, Observation};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn config() -> ForecastConfig {
    ForecastConfig { season: 60 * SECOND, parts: 30, ..ForecastConfig::default() }
}

fn sample(tasks: u64) -> Observation {
    let busy = SECOND * u32::try_from(tasks).unwrap();
    Observation { interval: SECOND, arrivals: tasks, completions: tasks, busy: Some(busy) }
}

/// Ten seconds of each minute are busy.
fn run(forecast: &mut Forecast, seconds: std::ops::Range<u32>) {
    for time in seconds {
        forecast.observe(time * SECOND, &sample(if time % 60 < 10 { 20 } else { 1 }));
    }
}

#[test]
fn after_a_restart_it_knows_the_pattern() {
    let mut before = Forecast::new(config()).unwrap();
    run(&mut before, 0..600);
    let saved = serde_json::to_string(&before.history()).unwrap();

    let history: History = serde_json::from_str(&saved).unwrap();
    let mut after = Forecast::with_history(config(), &history).unwrap();
    assert_eq!(after.history(), history);
    // Half a minute is enough to see that the pattern holds; a new one knows nothing of it by then.
    run(&mut after, 6_030..6_060);
    assert!(after.floor().is_some_and(|threads| threads >= 15), "{:?}", after.floor());
    let mut new = Forecast::new(config()).unwrap();
    run(&mut new, 6_030..6_060);
    assert!(new.floor().is_none_or(|threads| threads <= 2), "{:?}", new.floor());
}

/// Tasks of five seconds, two a second, in samples of a tenth of one: most samples see none of them
/// end.
#[test]
fn tasks_that_take_longer_than_a_sample_are_known_for_what_they_are() {
    let mut forecast = Forecast::new(config()).unwrap();
    for tenth in 0..1_200_u32 {
        let one = u64::from(tenth % 5 == 4);
        let sample =
            Observation { interval: SECOND / 10, arrivals: one, completions: one, busy: Some(SECOND) };
        forecast.observe(tenth * SECOND / 10, &sample);
    }
    let history = serde_json::to_value(forecast.history()).unwrap();
    for part in history["parts"].as_array().unwrap() {
        let load = part[0].as_f64().unwrap();
        assert!((9.0..=11.0).contains(&load), "{load} threads, where ten are busy all the time");
    }
}

#[test]
fn a_history_that_makes_no_sense_is_refused() {
    let history = Forecast::new(config()).unwrap().history();
    let mut value = serde_json::to_value(&history).unwrap();
    let mut refused = |field: &str, to: serde_json::Value| {
        let was = std::mem::replace(&mut value[field], to);
        let history: History = serde_json::from_value(value.clone()).unwrap();
        value[field] = was;
        Forecast::with_history(config(), &history).unwrap_err().to_string()
    };
    assert_eq!(refused("version", 7.into()), "history is of version 7, but must be of version 1");
    assert!(
        refused("season_ms", 1.into()).starts_with("history is of 30 parts of a season of 1 ms, but must be")
    );
    assert!(refused("margin", (-1e9).into()).starts_with("history is with a figure of 1000000000, but"));
    let mut parts = vec![serde_json::json!([1.0, 1]); 30];
    parts[3] = serde_json::json!([-1.0, 1]);
    let range = "must be with figures of 0 to 1000000";
    assert_eq!(refused("parts", parts.into()), format!("history is with a figure of -1, but {range}"));
    assert!(refused("parts", serde_json::json!([])).contains("0 parts"));
}

#[test]
fn a_configuration_out_of_range_names_the_field() {
    let error = Forecast::new(ForecastConfig { quantile: f64::NAN, ..config() }).unwrap_err();
    assert_eq!(error.field, "quantile");
    let error = Forecast::new(ForecastConfig { parts: 61, ..config() }).unwrap_err();
    assert_eq!(error.to_string(), "parts is 61, but must be 2 to 60");
    assert_eq!(Forecast::new(ForecastConfig { step: Duration::ZERO, ..config() }).unwrap_err().field, "step");
    assert_eq!(Forecast::new(ForecastConfig { season: SECOND, ..config() }).unwrap_err().field, "season");
}

fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(Duration::ZERO), Just(Duration::MAX), (0_u64..400_000).prop_map(Duration::from_millis)]
}

prop_compose! {
    fn any_sample()(
        interval in time(), arrivals in any::<u64>(), completions in any::<u64>(),
        busy in proptest::option::of(time()),
    ) -> Observation {
        Observation { interval, arrivals, completions, busy }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_it_is_told_it_goes_on_and_can_be_saved(
        samples in proptest::collection::vec((time(), any_sample()), 0..200),
    ) {
        let mut forecast = Forecast::new(config()).unwrap();
        for (at, sample) in samples {
            forecast.observe(at, &sample);
            prop_assert!(forecast.floor().is_none_or(|threads| threads <= 1_000_000));
        }
        let history = forecast.history();
        let saved = serde_json::to_string(&history).unwrap();
        let loaded: History = serde_json::from_str(&saved).unwrap();
        prop_assert!(Forecast::with_history(config(), &loaded).is_ok());
    }
}
