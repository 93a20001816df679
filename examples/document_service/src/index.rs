//! `GET /`: what this is.

use axum::http::header::{CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use millpond::service::axum::Problem;
use serde::Serialize;

use super::negotiation::choose;

/// The name of the service, and its version.
pub(crate) const NAME: &str = "document_service";
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What there is.
pub(crate) const ENDPOINTS: [Endpoint; 6] = [
    endpoint("POST", "/convert", "one document, whole: RTF or Markdown to each other or to HTML"),
    endpoint("POST", "/batch", "many documents, as a JSON array"),
    endpoint("POST", "/stream", "one document of any length, converted while it is read"),
    endpoint("GET", "/health", "\"ok\" as long as the service can answer"),
    endpoint("GET", "/metrics", "figures in the text format of Prometheus"),
    endpoint("GET", "/", "this list, as text or JSON"),
];

#[derive(Debug, Serialize)]
pub(crate) struct Endpoint {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) about: &'static str,
}

const fn endpoint(method: &'static str, path: &'static str, about: &'static str) -> Endpoint {
    Endpoint { method, path, about }
}

#[derive(Debug, Serialize)]
struct Index {
    name: &'static str,
    version: &'static str,
    endpoints: &'static [Endpoint],
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Json,
}

pub(crate) async fn index(headers: HeaderMap) -> Result<Response, Problem> {
    let offers = [(Kind::Text, "text/plain; charset=utf-8"), (Kind::Json, "application/json")];
    let Some((kind, media_type)) = choose(&headers, &offers) else {
        let detail = "this is text/plain; charset=utf-8 or application/json";
        return Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", detail));
    };
    let head = [(CONTENT_TYPE, media_type), (VARY, "accept")];
    Ok(match kind {
        Kind::Text => (head, text()).into_response(),
        Kind::Json => {
            let index = Index { name: NAME, version: VERSION, endpoints: &ENDPOINTS };
            // It is made of strings: that can't fail.
            (head, serde_json::to_vec(&index).unwrap_or_default()).into_response()
        }
    })
}

fn text() -> String {
    let lines =
        ENDPOINTS.iter().map(|Endpoint { method, path, about }| format!("{method:<4} {path:<9} {about}\n"));
    format!("{NAME} {VERSION}\n\n{}", lines.collect::<String>())
}
