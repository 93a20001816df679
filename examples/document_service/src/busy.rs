//! The answer to what could be done at another time.

use std::time::Duration;

use axum::http::StatusCode;
use millpond::service::axum::Problem;

/// When to come again. Nobody measures how long it takes until there is room; millpond's own refusals say what its queue knows.
const SOON: Duration = Duration::from_secs(1);

/// 503, with a time to come again.
pub(crate) fn busy(code: &'static str, detail: &'static str) -> Problem {
    let mut problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
    problem.retry_after = Some(SOON);
    problem
}
