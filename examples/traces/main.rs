//! A trace that begins in another program and goes on through pool and processor.
//!
//! ```text
//! cargo run --example traces
//! ```
//!
//! A request comes with a `traceparent` (W3C Trace Context). Its handler counts words on the pool
//! and converts the document on the processor. The spans go to a collector within the program,
//! which prints them as a tree.

mod collector;
mod handler;

use collector::Collector;
use handler::{Handler, Request};

/// As another program would send it: the trace, the span that it calls from, and that it is
/// sampled.
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let collector = Collector::install()?;
    let handler = Handler::new()?;
    let request = Request {
        headers: [("traceparent".to_owned(), TRACEPARENT.to_owned())].into(),
        body: "# Pond\n\nA mill *pond* is still.".to_owned(),
    };
    let response = handler.handle(request).await?;
    println!("{response}");
    handler.shut_down().await;
    print!("{}", collector.tree());
    Ok(())
}
