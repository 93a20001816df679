//! The example `document_service`, listening on a port of its own, and clients that behave as no library would.

#![allow(dead_code, unused_imports, reason = "each test uses a part of it")]

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use millpond::AdaptiveThreadPool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::document_service::config::{self, Config};
use crate::document_service::server::{Report, Server};
use crate::document_service::service::Service;
use crate::service_support::{Got, send};

/// 97 KB: long enough never to be converted on the runtime's threads.
pub(crate) const LONG: &[u8] = include_bytes!("../../../corpus/logs/gauge.rtf");

/// What these flags make of the defaults.
pub(crate) fn configured(flags: &[&str]) -> Config {
    let flags = ["document_service", "--listen", "127.0.0.1:0"].iter().chain(flags);
    Config::load(&config::command().try_get_matches_from(flags).unwrap(), []).unwrap()
}

/// A service that listens.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) service: Arc<Service>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Report>,
}

/// One thread converts.
pub(crate) async fn start(flags: &[&str]) -> Running {
    let flags: Vec<_> = ["--threads", "1"].iter().chain(flags).copied().collect();
    let server = Server::bind(&configured(&flags)).unwrap();
    let (address, service) = (server.address().unwrap(), Arc::clone(server.service()));
    let (stop, stopped) = oneshot::channel();
    let stopped = async { stopped.await.unwrap_or_default() };
    let served = tokio::spawn(server.run(stopped, std::future::pending()));
    Running { address, service, stop, served }
}

impl Running {
    pub(crate) fn pool(&self) -> AdaptiveThreadPool {
        self.service.engine.millpond().unwrap().processor().pool().clone()
    }

    /// Ends it, and says how it ended.
    pub(crate) async fn stop(self) -> Report {
        self.stop.send(()).unwrap();
        self.served.await.unwrap()
    }

    /// A request with these headers, on a connection of its own.
    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Got {
        send(self.address, request(path, headers, body)).await
    }

    /// The same for an RTF document.
    pub(crate) async fn convert_rtf(&self, body: impl Into<Bytes>) -> Got {
        self.post("/convert", &[("content-type", "application/rtf")], body).await
    }

    /// A connection for bytes of any kind.
    pub(crate) async fn raw(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends these bytes, and returns all that comes back until the service closes the connection.
    pub(crate) async fn say(&self, bytes: &[u8]) -> String {
        let mut stream = self.raw().await;
        stream.write_all(bytes).await.unwrap();
        rest(&mut stream).await
    }
}

pub(crate) fn request(path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let mut request = Request::post(path).header("host", "loopback");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(body.into())).unwrap()
}

/// All that comes until the service closes the connection.
pub(crate) async fn rest(stream: &mut TcpStream) -> String {
    let mut got = Vec::new();
    stream.read_to_end(&mut got).await.unwrap();
    String::from_utf8(got).unwrap()
}

/// All that comes until this has come.
pub(crate) async fn until_seen(stream: &mut TcpStream, what: &str) -> String {
    let mut got = Vec::new();
    let mut looked = 0;
    loop {
        let mut piece = [0; 64 << 10];
        let count = stream.read(&mut piece).await.unwrap();
        got.extend_from_slice(&piece[..count]);
        if got[looked..].windows(what.len()).any(|window| window == what.as_bytes()) {
            return String::from_utf8(got).unwrap();
        }
        assert!(count > 0, "closed after {} bytes", got.len());
        looked = got.len().saturating_sub(what.len());
    }
}

/// While the runtime goes on.
pub(crate) async fn until(mut so: impl FnMut() -> bool) {
    while !so() {
        tokio::task::yield_now().await;
    }
}
