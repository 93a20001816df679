//! The page on a listener of its own.

use std::io;
use std::net::IpAddr;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::HOST;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

/// Serves without end.
pub(super) async fn serve(listener: TcpListener, router: Router) -> io::Result<()> {
    let address = listener.local_addr()?;
    let router = if address.ip().is_loopback() {
        router.layer(middleware::from_fn(refuse_strange_names))
    } else {
        tracing::warn!(
            target: "millpond::dashboard",
            %address,
            "the dashboard has no access control, and is served at an address that others may reach"
        );
        router
    };
    axum::serve(listener, router).await
}

/// A name that leads here may be a stranger's, whose page then reads the answer.
async fn refuse_strange_names(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    // Only HTTP/1.0 and HTTP/2 have requests without the header, and browsers speak neither here.
    if host.is_none_or(is_own_name) {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, "this is localhost, and is reached by that name only\n").into_response()
}

/// Whether this is `localhost` or an IP address, with or without a port.
fn is_own_name(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, ""),
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
    is_port && (name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::is_own_name;

    #[test]
    fn localhost_and_addresses_are_own_names_and_no_others() {
        for own in ["localhost", "LocalHost:80", "127.0.0.1", "127.0.0.1:9650", "[::1]", "[::1]:9650"] {
            assert!(is_own_name(own), "{own}");
        }
        for strange in
            ["", "evil.example", "localhost.evil.example", "evil.example:9650", "127.0.0.1:x", "a[::1]"]
        {
            assert!(!is_own_name(strange), "{strange}");
        }
    }
}
