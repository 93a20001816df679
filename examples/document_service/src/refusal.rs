//! A problem, with the header that its status asks for.

use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use millpond::service::axum::Problem;

#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) problem: Problem,
    pub(crate) header: Option<(HeaderName, &'static str)>,
}

impl Refusal {
    /// The problem, and what the client could do instead.
    pub(crate) fn with(problem: Problem, header: HeaderName, value: &'static str) -> Self {
        Self { problem, header: Some((header, value)) }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem, header: None }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.problem.into_response();
        let header = self.header.map(|(name, value)| (name, HeaderValue::from_static(value)));
        response.headers_mut().extend(header);
        response
    }
}
