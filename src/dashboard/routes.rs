//! The answers of the dashboard.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{OriginalUri, Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;

use super::assets::{ASSETS, PAGE};
use super::feed::{Feed, Refused};
use super::read::Source;

/// The number of viewers at a time.
pub(super) const MOST_VIEWERS: usize = 32;

/// Only the page's own files are loaded, no script is made of text, and no other page shows this
/// one within itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// What the answers are made of.
#[derive(Clone)]
pub(super) struct Served {
    pub(super) source: Source,
    pub(super) interval: Duration,
    pub(super) feed: Arc<Feed>,
}

pub(super) fn router(served: Served) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/events", get(events))
        .route("/frame.json", get(frame))
        .route("/{file}", get(file))
        .with_state(served)
}

async fn page(OriginalUri(uri): OriginalUri) -> Response {
    answer("text/html; charset=utf-8", PAGE.replace("{base}", &base(uri.path())))
}

async fn file(Path(name): Path<String>) -> Response {
    match ASSETS.iter().find(|(known, ..)| *known == name) {
        Some((_, media_type, text)) => answer(media_type, *text),
        None => with_headers((StatusCode::NOT_FOUND, "there is no such file\n").into_response()),
    }
}

async fn frame(State(served): State<Served>) -> Response {
    answer("application/json", served.source.frame(served.interval))
}

async fn events(State(served): State<Served>) -> Response {
    let Served { source, interval, feed } = served;
    let sample = move || event(&source.frame(interval));
    match feed.view(MOST_VIEWERS, interval, sample) {
        Ok(frames) => {
            let mut response = answer("text/event-stream", Body::from_stream(frames));
            // nginx passes frames on at once, and does not collect them first.
            response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
            response
        }
        Err(refused) => refusal(refused),
    }
}

/// A server-sent event. JSON has no line breaks.
fn event(frame: &str) -> Bytes {
    Bytes::from(format!("data: {frame}\n\n"))
}

fn refusal(refused: Refused) -> Response {
    let why = match refused {
        Refused::Full => "as many look at this page as may\n",
        Refused::Closed => "this page is closed\n",
    };
    with_headers((StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], why).into_response())
}

fn answer(media_type: &'static str, body: impl Into<Body>) -> Response {
    with_headers(([(CONTENT_TYPE, media_type)], body.into()).into_response())
}

fn with_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // What it shows holds for this moment, and is nobody else's business.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Where the files are, as seen from a page at this path: beside it if the path ends with a slash,
/// otherwise below it.
fn base(path: &str) -> String {
    match path.rsplit('/').next() {
        None | Some("") => "./".to_owned(),
        Some(last) => format!("./{}/", in_attribute(last)),
    }
}

fn in_attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_from_a_page_at_any_path() {
        assert_eq!(base("/"), "./");
        assert_eq!(base(""), "./");
        assert_eq!(base("/ops/dashboard/"), "./");
        assert_eq!(base("/ops/dashboard"), "./dashboard/");
        assert_eq!(base("/a:b"), "./a:b/");
        assert_eq!(base("/\"><script>"), "./&quot;&gt;&lt;script&gt;/");
    }

    #[test]
    fn each_file_that_is_named_is_there() {
        let named = |text: &str, begin: &str| -> Vec<String> {
            text.split(begin).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
        };
        let known = |name: &str| ASSETS.iter().any(|(known, ..)| *known == name);
        let of_page = named(PAGE, "\"{base}");
        assert!(of_page.len() > 5, "{of_page:?}");
        let imported: Vec<_> = ASSETS.iter().flat_map(|(_, _, text)| named(text, "from \"./")).collect();
        assert!(imported.len() > 10, "{imported:?}");
        for name in of_page.iter().chain(&imported).filter(|name| *name != "frame.json") {
            assert!(known(name), "{name}");
        }
    }

    /// What a program names may be anything, so it is never taken for HTML.
    #[test]
    fn no_script_makes_html_of_text() {
        let own = ASSETS.iter().filter(|(name, media_type, _)| {
            media_type.starts_with("text/javascript") && !name.starts_with("uPlot")
        });
        for (name, _, text) in own {
            for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
                assert!(!text.contains(word), "{name}: {word}");
            }
        }
    }

    /// The policy forbids them, so they would not be applied.
    #[test]
    fn the_page_has_no_styles_or_scripts_of_its_own() {
        for word in ["style=", "<style", "onclick", "onload", "javascript:", "http:", "https:"] {
            assert!(!PAGE.contains(word), "{word}");
        }
        assert_eq!(PAGE.matches("<script").count(), PAGE.matches("<script src=").count());
    }
}
