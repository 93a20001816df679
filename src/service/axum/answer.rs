//! A converted document as a response.

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};

use crate::convert::Format;
use crate::processor::ConversionResponse;

/// The converted document with its media type, without a copy; or the [`Problem`](super::Problem). Browsers are told not to guess another type.
///
/// HTML that comes of a stranger's document is a stranger's HTML: serve it where its scripts can do no harm.
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
