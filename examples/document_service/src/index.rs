//! `GET /`: what this is.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use millpond::service::axum::Problem;
use serde::Serialize;

use super::negotiation::choose;
use super::service::Service;

/// The name of the service, and its version.
pub(crate) const NAME: &str = "document_service";
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What it is, and where one reads about it.
const ABOUT: &str =
    "Converts documents: RTF and Markdown, to each other and to HTML. An example of the crate millpond.";
const GUIDE: &str = "https://docs.rs/millpond/latest/millpond/guide/service/";

/// What there is. Without a dashboard there is no [`DASHBOARD`].
pub(crate) const ENDPOINTS: [Endpoint; 7] = [
    endpoint("POST", "/convert", "one document, whole: RTF or Markdown to each other or to HTML"),
    endpoint("POST", "/batch", "many documents, as a JSON array"),
    endpoint("POST", "/stream", "one document of any length, converted while it is read"),
    endpoint("GET", "/health", "\"ok\" as long as the service can answer"),
    endpoint("GET", "/metrics", "figures in the text format of Prometheus"),
    endpoint("GET", DASHBOARD, "a page that shows what the service does now"),
    endpoint("GET", "/", "this list, as text, JSON or HTML"),
];

const DASHBOARD: &str = "/dashboard";

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
    about: &'static str,
    guide: &'static str,
    endpoints: Vec<&'static Endpoint>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Json,
    Html,
}

pub(crate) async fn index(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let offers = [
        (Kind::Text, "text/plain; charset=utf-8"),
        (Kind::Json, "application/json"),
        (Kind::Html, "text/html; charset=utf-8"),
    ];
    let Some((kind, media_type)) = choose(&headers, &offers) else {
        let detail = "this is text/plain; charset=utf-8, application/json or text/html; charset=utf-8";
        return Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", detail));
    };
    let is_there = |endpoint: &&Endpoint| service.dashboard.is_some() || endpoint.path != DASHBOARD;
    let endpoints = ENDPOINTS.iter().filter(is_there).collect();
    let index = Index { name: NAME, version: VERSION, about: ABOUT, guide: GUIDE, endpoints };
    let head = [(CONTENT_TYPE, media_type), (VARY, "accept")];
    Ok(match kind {
        Kind::Text => (head, index.text()).into_response(),
        // It is made of strings: that can't fail.
        Kind::Json => (head, serde_json::to_vec(&index).unwrap_or_default()).into_response(),
        Kind::Html => {
            let policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
            (head, [(CONTENT_SECURITY_POLICY, policy)], index.html()).into_response()
        }
    })
}

impl Index {
    fn text(&self) -> String {
        let line = |Endpoint { method, path, about }: &Endpoint| format!("{method:<4} {path:<10} {about}\n");
        let lines: String = self.endpoints.iter().map(|endpoint| line(endpoint)).collect();
        format!("{NAME} {VERSION}\n{ABOUT}\n{GUIDE}\n\n{lines}")
    }

    /// It is made of the constants above only, so nothing in it is a stranger's.
    fn html(&self) -> String {
        let row = |Endpoint { method, path, about }: &Endpoint| {
            let name = match *method {
                "GET" => format!("<a href=\"{path}\">{path}</a>"),
                _ => (*path).to_owned(),
            };
            format!("<tr><td>{method}<th scope=\"row\">{name}<td>{about}\n")
        };
        let rows: String = self.endpoints.iter().map(|endpoint| row(endpoint)).collect();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{NAME}</title>\n\
             <main>\n<h1>{NAME} {VERSION}</h1>\n<p>{ABOUT}</p>\n<p><a href=\"{GUIDE}\">Its guide</a></p>\n\
             <table>\n<caption>What there is</caption>\n{rows}</table>\n</main>\n"
        )
    }
}
