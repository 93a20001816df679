//! Accepts connections, and ends in good order.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use millpond::{Dashboard, ShutdownReport};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::task::TaskTracker;

use super::config::Config;
use super::connection::{Host, serve};
use super::files::{self, Places};
use super::service::{Service, router};
use super::socket::Socket;

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: u32 = 4096;

/// How long nothing is accepted after the process has run out of files: some are closed meanwhile.
const OUT_OF_FILES: Duration = Duration::from_millis(50);

/// A service that listens.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    host: Host,
    /// A permit a connection, the reserve among them.
    doors: Arc<Semaphore>,
    reserve: usize,
    write_timeout: Duration,
    drain: Duration,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) accepted: u64,
    pub(crate) answered: u64,
    pub(crate) given_up: u64,
    /// Cut off, without an answer.
    pub(crate) unanswered: u64,
    /// Connections that were still open when the time was over.
    pub(crate) cut_off: usize,
    pub(crate) pool: Option<ShutdownReport>,
}

impl Server {
    /// # Errors
    /// The address can't be had, or the engine's threads can't be started.
    pub(crate) fn bind(config: &Config) -> io::Result<Self> {
        let listener = listen(config.listen).map_err(|error| because(config.listen, &error))?;
        let service = Service::new(config).map_err(|error| because("threads that convert", &error))?;
        let service = Arc::new(service);
        let Places { connections, reserve } = Places::new(config.limits.max_connections, files::limit());
        let host = Host { router: router(Arc::clone(&service)), service, is_crowded: false };
        Ok(Self {
            listener,
            host,
            doors: Arc::new(Semaphore::new(connections + reserve)),
            reserve,
            write_timeout: config.limits.write_timeout,
            drain: config.drain,
        })
    }

    /// # Errors
    /// The operating system does not know it.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    #[allow(dead_code, reason = "tests look into it")]
    pub(crate) fn service(&self) -> &Arc<Service> {
        &self.host.service
    }

    /// Serves until `stop` is there, then finishes what was accepted; no longer than the drain's time, nor than until
    /// `hurry` is there.
    pub(crate) async fn run(self, stop: impl Future<Output = ()>, hurry: impl Future<Output = ()>) -> Report {
        let Self { listener, host, doors, reserve, write_timeout, drain } = self;
        let service = Arc::clone(&host.service);
        let (stopping, stopped) = watch::channel(false);
        let (cutting, cut) = watch::channel(false);
        let connections = TaskTracker::new();
        tokio::pin!(stop, hurry);
        loop {
            let (stream, door) = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = accept(&listener, &doors) => accepted,
            };
            let is_crowded = doors.available_permits() < reserve;
            let host = Host { is_crowded, ..host.clone() };
            let (stop, cut) = (told(stopped.clone()), told(cut.clone()));
            let open = Open::new(&service);
            connections.spawn(async move {
                serve(Socket::new(stream, write_timeout), host, stop, cut).await;
                drop((door, open));
            });
        }
        // From here on nobody can connect; those whose request is under way get their answer.
        drop(listener);
        stopping.send_replace(true);
        // Those who look at the dashboard would stay for ever.
        service.dashboard.iter().for_each(Dashboard::close);
        let end = Instant::now() + drain;
        connections.close();
        let hurried = tokio::select! {
            _ = timeout_at(end, connections.wait()) => false,
            () = &mut hurry => true,
        };
        let (cut_off, given_up) = (connections.len(), service.ledger.given_up());
        cutting.send_replace(true);
        connections.wait().await;
        let drain = if hurried { Duration::ZERO } else { end.saturating_duration_since(Instant::now()) };
        let pool = tokio::select! {
            report = service.engine.shutdown(drain) => report,
            // Whoever shuts down again with less time, decides.
            () = &mut hurry, if !hurried => service.engine.shutdown(Duration::ZERO).await,
        };
        let (accepted, answered) = (service.ledger.accepted(), service.ledger.answered());
        let unanswered = accepted.saturating_sub(answered + given_up);
        Report { accepted, answered, given_up, unanswered, cut_off, pool }
    }
}

/// Until that is said. Who serves no longer has said it, too.
async fn told(mut that: watch::Receiver<bool>) {
    let _ = that.wait_for(|said| *said).await;
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // A service that is started again need not wait for its last connections to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The error, with what it is about.
fn because(what: impl fmt::Display, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

/// The next connection for which there is a door. Cancel safe: a door that leads nowhere is free again.
async fn accept(listener: &TcpListener, doors: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        let Ok(door) = Arc::clone(doors).acquire_owned().await else {
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                // Else a small answer waits for the acknowledgement of the one before. Without it, it is only slow.
                let _ = stream.set_nodelay(true);
                return (stream, door);
            }
            // A client who has gone already is no reason to wait.
            Err(error) if is_of_the_client(&error) => {}
            Err(_) => sleep(OUT_OF_FILES).await,
        }
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Counts a connection for as long as it is open.
#[derive(Debug)]
struct Open(Arc<Service>);

impl Open {
    fn new(service: &Arc<Service>) -> Self {
        service.connections.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(service))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, answered, given_up, unanswered, cut_off, pool } = self;
        write!(f, "accepted {accepted}, answered {answered}, given up by their clients {given_up}, ")?;
        write!(f, "cut off {unanswered}; connections cut off {cut_off}")?;
        let Some(ShutdownReport { cancelled, still_running, .. }) = pool else { return Ok(()) };
        write!(f, "; tasks cancelled {cancelled}, still running {still_running}")
    }
}
