//! What a document is, by its `Content-Type`, and what its client wants, by `Accept` (RFC 9110, 8.3 and 12.5.1).

use axum::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use millpond::Format;
use millpond::service::axum::Problem;
use mime::Mime;

/// From what to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Conversion {
    pub(crate) from: Format,
    pub(crate) to: Format,
}

impl Conversion {
    /// That which the headers ask for.
    ///
    /// # Errors
    /// 415 if the body is of another type, 406 if the client accepts nothing that it can become.
    pub(crate) fn asked_for(headers: &HeaderMap) -> Result<Self, Problem> {
        let from = source(headers).ok_or_else(|| {
            let detail = "a document is application/rtf, text/rtf or text/markdown (charset=utf-8), without a content-encoding";
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)
        })?;
        let to = wanted(headers, from).ok_or_else(|| {
            let [first, second] = targets(from).map(Format::media_type);
            let detail = format!("this document can become {first} or {second}");
            Problem::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", detail)
        })?;
        Ok(Self { from, to })
    }
}

/// What a format can become; the first is meant when a client has no wish.
fn targets(from: Format) -> [Format; 2] {
    match from {
        Format::Markdown => [Format::Rtf, Format::Html],
        _ => [Format::Markdown, Format::Html],
    }
}

/// The type of a body that is not encoded.
pub(crate) fn type_of_body(headers: &HeaderMap) -> Option<Mime> {
    let encoded = headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity");
    headers.get(CONTENT_TYPE).filter(|_| !encoded)?.to_str().ok()?.parse().ok()
}

fn source(headers: &HeaderMap) -> Option<Format> {
    let mime = type_of_body(headers)?;
    match (mime.type_().as_str(), mime.subtype().as_str()) {
        ("application" | "text", "rtf") => Some(Format::Rtf),
        ("text", "markdown" | "x-markdown") => {
            mime.get_param("charset").is_none_or(|charset| charset == "utf-8").then_some(Format::Markdown)
        }
        _ => None,
    }
}

/// The target that the client likes best; of those that it likes equally, our first.
fn wanted(headers: &HeaderMap, from: Format) -> Option<Format> {
    if !headers.contains_key(ACCEPT) {
        return targets(from).first().copied();
    }
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<Mime> =
        values.flat_map(|value| value.split(',')).filter_map(|range| range.trim().parse().ok()).collect();
    let mut best = None;
    for target in targets(from) {
        let liking = liking(&ranges, target);
        if liking > best.map_or(0, |(liking, _)| liking) {
            best = Some((liking, target));
        }
    }
    best.map(|(_, target)| target)
}

/// How much a format is liked, in thousandths: what the most specific range that it is in says. 0 is not at all.
fn liking(ranges: &[Mime], format: Format) -> u16 {
    let names: &[(&str, &str)] = match format {
        Format::Rtf => &[("application", "rtf"), ("text", "rtf")],
        Format::Html => &[("text", "html")],
        _ => &[("text", "markdown"), ("text", "x-markdown")],
    };
    let specific = |range: &Mime| {
        let (kind, subtype) = (range.type_().as_str(), range.subtype().as_str());
        match (kind, subtype) {
            ("*", "*") => Some(0),
            (kind, "*") => names.iter().any(|name| name.0 == kind).then_some(1),
            name => names.contains(&name).then_some(2),
        }
    };
    let matching = ranges.iter().filter_map(|range| Some((specific(range)?, quality(range))));
    matching.max().map_or(0, |(_, quality)| quality)
}

/// In thousandths; what can't be read is not wanted.
fn quality(range: &Mime) -> u16 {
    let Some(q) = range.get_param("q") else { return 1000 };
    let q = q.as_str().parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q));
    q.map_or(0, |q| (q * 1000.0).round() as u16)
}

/// With the charset, as the body has it.
pub(crate) fn media_type(format: Format) -> &'static str {
    match format {
        Format::Rtf => "application/rtf",
        Format::Html => "text/html; charset=utf-8",
        _ => "text/markdown; charset=utf-8",
    }
}
