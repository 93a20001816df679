//! Checks of the head of every request (RFC 9112, 3.2 and 6.1).

use std::net::Ipv6Addr;

use axum::http::header::{HOST, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Version};
use millpond::service::axum::Problem;

/// Checks what hyper does not. The connection of a request that fails is closed.
///
/// # Errors
/// 400 if `Host` is missing (HTTP/1.1), there twice or malformed, or the body is chunked twice; 501
/// if it has another transfer coding.
pub(crate) fn check(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    check_host(version, headers)?;
    check_transfer_codings(headers)
}

fn check_host(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    let refused = |detail| Err(Problem::new(StatusCode::BAD_REQUEST, "bad-host", detail));
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version >= Version::HTTP_11 => refused("a request of HTTP/1.1 has a Host"),
        (Some(_), Some(_)) => refused("a request has one Host only"),
        (Some(host), None) if !is_host(host) => refused("Host is a name or an address, and a port at most"),
        _ => Ok(()),
    }
}

/// hyper ensures that the last coding is `chunked`, and decodes only that one. With another below
/// it, encoded bytes would be taken for the document.
fn check_transfer_codings(headers: &HeaderMap) -> Result<(), Problem> {
    let values =
        headers.get_all(TRANSFER_ENCODING).iter().map(|value| value.to_str().unwrap_or("unreadable"));
    let codings =
        values.flat_map(|value| value.split(',')).map(str::trim).filter(|coding| !coding.is_empty());
    let (chunked, others): (Vec<_>, Vec<_>) =
        codings.partition(|coding| coding.eq_ignore_ascii_case("chunked"));
    if !others.is_empty() {
        let detail = "the only transfer coding here is chunked";
        return Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "unknown-transfer-coding", detail));
    }
    if chunked.len() > 1 {
        let detail = "a body is chunked once only";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "bad-transfer-encoding", detail));
    }
    Ok(())
}

/// Whether this is a `uri-host [ ":" port ]` (RFC 9110, 7.2). A client whose target has no host
/// sends an empty one.
fn is_host(value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else { return false };
    if let Some(literal) = text.strip_prefix('[') {
        let Some((address, rest)) = literal.split_once(']') else { return false };
        return address.parse::<Ipv6Addr>().is_ok()
            && rest.strip_prefix(':').map_or(rest.is_empty(), is_port);
    }
    match text.split_once(':') {
        Some((name, port)) => is_name(name) && is_port(port),
        None => is_name(text),
    }
}

/// The grammar allows a colon without a number.
fn is_port(port: &str) -> bool {
    port.bytes().all(|digit| digit.is_ascii_digit()) && (port.is_empty() || port.parse::<u16>().is_ok())
}

/// A `reg-name` (RFC 3986, 3.2.2), which IPv4 addresses are, too.
fn is_name(name: &str) -> bool {
    let mut parts = name.split('%');
    let is_plain = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte))
    };
    let is_escaped = |part: &str| {
        part.get(..2).is_some_and(|code| code.bytes().all(|digit| digit.is_ascii_hexdigit()))
            && part.get(2..).is_some_and(is_plain)
    };
    parts.next().is_some_and(is_plain) && parts.all(is_escaped)
}
