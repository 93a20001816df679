//! What a document is, by its `Content-Type` and `Content-Encoding` (RFC 9110, 8.3 and 8.4), and
//! what its client wants.

use axum::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use mediatype::{MediaType, ReadParams, names};
use millpond::Format;
use millpond::service::axum::Problem;

use super::negotiation::choose;
use super::refusal::Refusal;

/// From what to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Conversion {
    pub(crate) from: Format,
    pub(crate) to: Format,
}

/// What a request asks for, and the media type that its answer has then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) conversion: Conversion,
    pub(crate) media_type: &'static str,
}

impl Asked {
    /// That which the headers ask for.
    ///
    /// # Errors
    /// 415 if the body is of another type or encoded, 406 if the client accepts nothing that it can
    /// become.
    pub(crate) fn by(headers: &HeaderMap) -> Result<Self, Refusal> {
        let from = source(type_of_body(headers)?.as_ref()).ok_or_else(|| {
            let detail = "a document is application/rtf, text/rtf or text/markdown (charset=utf-8)";
            unsupported(detail, "application/rtf, text/rtf, text/markdown")
        })?;
        let targets = targets(from);
        let (to, media_type) = choose(headers, &targets).ok_or_else(|| {
            let [first, second, third] = targets.map(|(_, media_type)| media_type);
            let detail = format!("this document can become {first}, {second} or {third}");
            Problem::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", detail)
        })?;
        Ok(Self { conversion: Conversion { from, to }, media_type })
    }
}

/// What a format can become, by preference. The last is another name of the first, behind HTML, so
/// that `text/*` is HTML.
fn targets(from: Format) -> [(Format, &'static str); 3] {
    let [rtf, markdown, html] = [Format::Rtf, Format::Markdown, Format::Html].map(|to| (to, media_type(to)));
    match from {
        Format::Markdown => [rtf, html, (Format::Rtf, "text/rtf")],
        _ => [markdown, html, (Format::Markdown, "text/x-markdown; charset=utf-8")],
    }
}

/// The type of a body, if it has one that can be read.
///
/// # Errors
/// 415 if it is encoded.
pub(crate) fn type_of_body(headers: &HeaderMap) -> Result<Option<MediaType<'_>>, Refusal> {
    if is_encoded(headers) {
        let detail = "a body has no content coding here";
        let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-content-coding", detail);
        return Err(Refusal::with(problem, ACCEPT_ENCODING, "identity"));
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else { return Ok(None) };
    Ok(value.to_str().ok().and_then(|text| MediaType::parse(text).ok()))
}

/// 415 for the type of a body, with those that are accepted.
pub(crate) fn unsupported(detail: &'static str, accepted: &'static str) -> Refusal {
    let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail);
    Refusal::with(problem, ACCEPT, accepted)
}

/// Whether any coding but `identity` is named.
fn is_encoded(headers: &HeaderMap) -> bool {
    let is_none = |coding: &str| coding.is_empty() || coding.eq_ignore_ascii_case("identity");
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|value| value.to_str().map_or(true, |codings| !codings.split(',').map(str::trim).all(is_none)))
}

fn source(media_type: Option<&MediaType<'_>>) -> Option<Format> {
    let media_type = media_type?;
    let is = |ty: &str, subty: &str| media_type.ty == ty && media_type.subty == subty;
    if media_type.suffix.is_some() {
        None
    } else if is("application", "rtf") || is("text", "rtf") {
        Some(Format::Rtf)
    } else if is("text", "markdown") || is("text", "x-markdown") {
        let charset = media_type.get_param(names::CHARSET);
        let is_utf8 = charset.is_none_or(|charset| charset.unquoted_str().eq_ignore_ascii_case("utf-8"));
        is_utf8.then_some(Format::Markdown)
    } else {
        None
    }
}

/// With the charset, as the body has it.
pub(crate) fn media_type(format: Format) -> &'static str {
    match format {
        Format::Rtf => "application/rtf",
        Format::Html => "text/html; charset=utf-8",
        _ => "text/markdown; charset=utf-8",
    }
}
