//! Errors and converted documents as responses.

use std::borrow::Cow;
use std::time::Duration;

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use crate::convert::{ConvertError, Format};
use crate::error::{AcquireError, JoinError, RejectReason, Rejected, Rejection};
use crate::processor::{ConversionResponse, ProcessError, ReaderError};
use crate::service::error::ServiceError;

/// An error as a response: a small JSON body with problem details ([RFC 9457]), and the header
/// `Retry-After` where another attempt is of use.
///
/// ```text
/// HTTP/1.1 503 Service Unavailable
/// content-type: application/problem+json
/// retry-after: 1
/// cache-control: no-store
///
/// {"title":"Service Unavailable","status":503,"detail":"the queue is full","code":"queue-full","retry_after_ms":180}
/// ```
///
/// | Error | Status | `code` |
/// |---|---|---|
/// | no room, no hope to meet the deadline, given way to others | 503, `Retry-After` | `queue-full`, `byte-budget`, `overloaded`, `deadline-too-near`, `evicted` |
/// | the tenant's limit | 429, `Retry-After` | `tenant-limit` |
/// | the pool is shutting down | 503 | `shutting-down` |
/// | more bytes than are accepted | 413 | `too-large` |
/// | the deadline passed, the batch was over | 504 | `deadline-exceeded`, `timed-out` |
/// | the document can't be converted | 422 | `unsupported`, `not-utf8`, `malformed`, `too-deep`, `too-complex`, `output-too-large`, `needs-whole`, `not-converted` |
/// | the document could not be read to its end | 400 | `unreadable` |
/// | a panic; an answer that could not be written | 500 | `panicked`, `unwritable` |
///
/// `Retry-After` is in whole seconds, at least one; `retry_after_ms` has the measured time. The
/// response does not contain the length of the queue, the message of a panic, or the errors of a
/// converter of your own.
///
/// [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457
///
/// ```
/// use axum::response::IntoResponse;
/// use millpond::service::ServiceError;
/// use millpond::service::axum::Problem;
///
/// let mut problem = Problem::from(ServiceError::ShuttingDown);
/// assert_eq!((problem.status.as_u16(), problem.code), (503, "shutting-down"));
/// problem.detail = "back at noon".into();
/// assert_eq!(problem.into_response().headers()["content-type"], "application/problem+json");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The response's status.
    pub status: StatusCode,
    /// The error for programs; the extension member `code`.
    pub code: &'static str,
    /// The error for people.
    pub detail: Cow<'static, str>,
    /// When to try again.
    pub retry_after: Option<Duration>,
}

impl Problem {
    /// Creates a problem of your own.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, detail: detail.into(), retry_after: None }
    }

    fn panicked() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "panicked", "the request could not be processed")
    }

    fn expired() -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, "deadline-exceeded", "the deadline passed")
    }

    fn too_large(detail: String) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    }

    fn shutting_down() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "shutting-down", RejectReason::ShuttingDown.to_string())
    }
}

/// The body; without a `type`, which then is "about:blank", its title is that of the status.
#[derive(Serialize)]
struct Details<'p> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'p str>,
    status: u16,
    detail: &'p str,
    code: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { status, code, detail, retry_after } = &self;
        let body = Details {
            title: status.canonical_reason(),
            status: status.as_u16(),
            detail,
            code,
            retry_after_ms: retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
        };
        // Strings and numbers can always be written.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut headers = HeaderMap::with_capacity(3);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        // It holds for this moment only, so a cache must not store it.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(after) = retry_after {
            headers.insert(RETRY_AFTER, whole_seconds(*after).into());
        }
        (*status, headers, body).into_response()
    }
}

/// Rounded up: an earlier attempt would fail.
fn whole_seconds(after: Duration) -> u64 {
    after.as_secs().saturating_add(u64::from(after.subsec_nanos() > 0)).max(1)
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let (status, code) = match rejection.reason {
            RejectReason::QueueFull => (StatusCode::SERVICE_UNAVAILABLE, "queue-full"),
            RejectReason::TenantLimit => (StatusCode::TOO_MANY_REQUESTS, "tenant-limit"),
            RejectReason::Expired => (StatusCode::GATEWAY_TIMEOUT, "deadline-exceeded"),
            RejectReason::DeadlineTooNear => (StatusCode::SERVICE_UNAVAILABLE, "deadline-too-near"),
            RejectReason::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded"),
            RejectReason::Evicted => (StatusCode::SERVICE_UNAVAILABLE, "evicted"),
            RejectReason::ByteBudget => (StatusCode::SERVICE_UNAVAILABLE, "byte-budget"),
            RejectReason::NeverFits => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
            RejectReason::ShuttingDown => return Self::shutting_down(),
        };
        Self { retry_after: rejection.retry_after, ..Self::new(status, code, rejection.reason.to_string()) }
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Overloaded { rejection, .. } | ServiceError::TooLarge { rejection } => {
                rejection.into()
            }
            ServiceError::DeadlineExceeded => Self::expired(),
            ServiceError::ShuttingDown => Self::shutting_down(),
            ServiceError::Panicked(_) => Self::panicked(),
            ServiceError::Inner(never) => match never {},
        }
    }
}

impl From<JoinError> for Problem {
    fn from(error: JoinError) -> Self {
        ServiceError::from(error).into()
    }
}

impl From<ProcessError> for Problem {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::TooLarge { .. } => Self::too_large(error.to_string()),
            ProcessError::Convert(error) => error.into(),
            ProcessError::Panicked(_) => Self::panicked(),
            ProcessError::TimedOut { .. } => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "timed-out", error.to_string())
            }
            ProcessError::Cancelled | ProcessError::Closed => Self::shutting_down(),
            ProcessError::Expired => Self::expired(),
            ProcessError::Rejected(rejection) => rejection.into(),
        }
    }
}

/// For a reader that is a request's body. Once bytes were written, the response has started, and
/// can only be cut off.
impl From<ReaderError> for Problem {
    fn from(error: ReaderError) -> Self {
        match error {
            ReaderError::TooLarge { limit, .. } => {
                Self::too_large(format!("more than {limit} bytes of the document would have to be in memory"))
            }
            ReaderError::Process { source, .. } => source.into(),
            ReaderError::Read { .. } => {
                Self::new(StatusCode::BAD_REQUEST, "unreadable", "the document could not be read to its end")
            }
            ReaderError::Write { .. } => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "unwritable", "the answer could not be written")
            }
        }
    }
}

impl From<ConvertError> for Problem {
    fn from(error: ConvertError) -> Self {
        let code = match &error {
            ConvertError::Unsupported { .. } => "unsupported",
            ConvertError::NotUtf8 { .. } => "not-utf8",
            ConvertError::Malformed { .. } => "malformed",
            ConvertError::TooDeep { .. } => "too-deep",
            ConvertError::TooComplex { .. } => "too-complex",
            ConvertError::OutputTooLarge { .. } => "output-too-large",
            ConvertError::NeedsWhole { .. } => "needs-whole",
            // The text of any other error is not meant for a client.
            _ => {
                let detail = "the document can't be converted";
                return Self::new(StatusCode::UNPROCESSABLE_ENTITY, "not-converted", detail);
            }
        };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, error.to_string())
    }
}

/// The response of the inner service for its own error, a [`Problem`] for any other.
impl<E: IntoResponse> IntoResponse for ServiceError<E> {
    fn into_response(self) -> Response {
        match self.try_into_inner() {
            Ok(error) => error.into_response(),
            Err(error) => Problem::from(error).into_response(),
        }
    }
}

/// A [`Problem`]; the work is dropped.
impl<W> IntoResponse for Rejected<W> {
    fn into_response(self) -> Response {
        Problem::from(*self.rejection()).into_response()
    }
}

impl From<AcquireError> for Problem {
    fn from(_: AcquireError) -> Self {
        Self::shutting_down()
    }
}

macro_rules! problems {
    ($($error:ty),+) => {$(
        /// A [`Problem`].
        impl IntoResponse for $error {
            fn into_response(self) -> Response {
                Problem::from(self).into_response()
            }
        }
    )+};
}
problems!(AcquireError, JoinError, ProcessError, Rejection);

/// The converted document with its media type, without a copy; or the [`Problem`]. Browsers are
/// told not to guess another type.
///
/// HTML from an untrusted document is untrusted: serve it where its scripts can do no harm.
impl IntoResponse for ConversionResponse {
    fn into_response(self) -> Response {
        match self.result {
            Ok(document) => {
                let mut response = Response::new(Body::from(document));
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(self.to)));
                headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
                response
            }
            Err(error) => error.into_response(),
        }
    }
}

fn media_type(format: Option<Format>) -> &'static str {
    match format {
        Some(Format::Rtf) => "application/rtf",
        Some(Format::Markdown) => "text/markdown; charset=utf-8",
        Some(Format::Html) => "text/html; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_to_come_too_early() {
        let cases = [(0, 1), (1, 1), (999, 1), (1_000, 1), (1_001, 2), (60_000, 60)];
        for (ms, seconds) in cases {
            assert_eq!(whole_seconds(Duration::from_millis(ms)), seconds, "{ms} ms");
        }
        assert_eq!(whole_seconds(Duration::MAX), u64::MAX);
    }
}
