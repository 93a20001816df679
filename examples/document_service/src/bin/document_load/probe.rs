//! Somebody who looks at `/health` again and again.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::connection::Connection;
use super::request::Request;
use super::tally::quantile;

/// Between two looks.
const PACE: Duration = Duration::from_millis(5);

/// A look that takes longer has failed.
const LOOK: Duration = Duration::from_secs(5);

/// Looks until `end`, and says how long that took.
pub(crate) fn watch(address: SocketAddr, begin: Instant, end: Instant) -> io::Result<String> {
    let health = Request::health();
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let (mut connection, mut times, mut failed) = (Connection::new(address), Vec::new(), 0);
        let mut tick = interval(PACE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while Instant::now() < end {
            tick.tick().await;
            let asked = Instant::now();
            let answer = timeout(LOOK, connection.ask(&health)).await;
            // One that hangs since before it counts is a failed one, too.
            if Instant::now() < begin {
                continue;
            }
            match answer {
                Ok(Ok(answer)) if answer.status == 200 => times.push(asked.elapsed().as_secs_f64() * 1e3),
                _ => failed += 1,
            }
        }
        let (p50, p99) = (quantile(&times, 0.5), quantile(&times, 0.99));
        Ok(format!(
            "looks={} looks_failed={failed} health_p50_ms={p50:.3} health_p99_ms={p99:.3}",
            times.len()
        ))
    })
}
