//! A real server on the loopback, and a real client.

#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

use std::future::IntoFuture;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// Serves `router` on a port that is free, until the runtime ends.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, router).into_future());
    address
}

/// A new connection.
pub(crate) async fn connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// What a client has got.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) response: Response<()>,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name).map(|value| value.to_str().unwrap())
    }

    /// Checks that it is a problem with this status and code, and says when to come again, in seconds.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Option<u64> {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!((&body["status"], &body["code"]), (&status.into(), &code.into()), "{body}");
        assert_eq!(body["title"], self.status.canonical_reason().unwrap());
        assert!(body["detail"].is_string());
        let after = self.header("retry-after").map(|after| after.parse().unwrap());
        assert_eq!(after.is_some(), body["retry_after_ms"].is_u64(), "{body}");
        after
    }
}

/// One request on a connection of its own.
pub(crate) async fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> Got {
    let mut connection = connect(address).await;
    let response = connection.send_request(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Got { status: parts.status, response: Response::from_parts(parts, ()), body }
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> Got {
    send(address, Request::get(path).header("host", "loopback").body(Full::default()).unwrap()).await
}

pub(crate) async fn post(address: SocketAddr, path: &str, body: impl Into<Bytes>) -> Got {
    let request = Request::post(path).header("host", "loopback").body(Full::new(body.into())).unwrap();
    send(address, request).await
}
