//! The signals that end the service.

use std::io;

use tokio::sync::watch;

/// Counts SIGTERM and SIGINT from now on. (Whoever listened for the second by itself might miss it: signals that come before they are
/// heard are one.)
///
/// # Errors
/// The operating system does not tell of them.
pub(crate) fn count() -> io::Result<watch::Receiver<usize>> {
    let mut signals = Signals::new()?;
    let (counts, counted) = watch::channel(0);
    tokio::spawn(async move {
        loop {
            signals.next().await;
            counts.send_modify(|count| *count += 1);
        }
    });
    Ok(counted)
}

/// Waits until there were so many. Nobody stops counting, so it can't fail.
pub(crate) async fn heard(mut count: watch::Receiver<usize>, number: usize) {
    let _ = count.wait_for(|count| *count >= number).await;
}

/// Hears SIGTERM and SIGINT (elsewhere: Ctrl-C) from the moment it is made.
#[derive(Debug)]
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// The next of them.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
