//! What converts: this crate's processor, or what a service would be built on without it. All have the same limits.

mod millpond;
mod peer;

use std::io;
use std::time::{Duration, Instant};

use ::millpond::convert::HtmlPolicy;
use ::millpond::service::axum::Problem;
use ::millpond::{ConversionOptions, ShutdownReport};
use bytes::Bytes;

pub(crate) use self::millpond::Millpond;
use self::peer::Peer;
use super::config::{EngineKind, WorkConfig};
use super::media::Conversion;

/// A document and what it is to become.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) content: Bytes,
    pub(crate) conversion: Conversion,
}

pub(crate) type Converted = Result<Bytes, Problem>;

/// The engine, and how long an answer is of use.
#[derive(Debug)]
pub(crate) struct Engine {
    kind: Kind,
    max_output: usize,
    deadline: Duration,
}

#[derive(Debug)]
enum Kind {
    Millpond(Millpond),
    Peer(Peer),
}

impl Engine {
    /// # Errors
    /// Its threads can't be started.
    pub(crate) fn new(kind: EngineKind, config: &WorkConfig) -> io::Result<Self> {
        let kind = match kind {
            EngineKind::Millpond => Kind::Millpond(Millpond::new(config).map_err(io::Error::other)?),
            EngineKind::SpawnBlocking => Kind::Peer(Peer::spawn_blocking(config)),
            EngineKind::Rayon => Kind::Peer(Peer::rayon(config)?),
        };
        Ok(Self { kind, max_output: config.max_output, deadline: config.deadline })
    }

    /// Asked before a body is read: when there is no place it would be read in vain. It keeps no place, for the client may take
    /// its time.
    ///
    /// # Errors
    /// 503 when the queue is full.
    pub(crate) fn has_room(&self) -> Result<(), Problem> {
        match &self.kind {
            Kind::Millpond(millpond) => millpond.has_room(),
            Kind::Peer(peer) => peer.has_room(),
        }
    }

    /// Converts a document.
    ///
    /// # Errors
    /// 422 if it can't be converted, 503 without a place, 504 when its deadline passes before it has begun.
    pub(crate) async fn convert(&self, document: Document) -> Converted {
        let (options, deadline) = (self.options(document.conversion), self.deadline());
        match &self.kind {
            Kind::Millpond(millpond) => millpond.convert(document.content, options, deadline).await,
            Kind::Peer(peer) => peer.convert(document.content, options, deadline).await,
        }
    }

    /// When what comes now is of no use any more, unless it has begun.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.deadline
    }

    /// How long a result may be.
    pub(crate) fn max_output(&self) -> usize {
        self.max_output
    }

    /// Converts documents, the answers in their order, each no longer than `longest`. They wait for places as long as their deadline
    /// allows.
    pub(crate) async fn convert_all(
        &self,
        documents: Vec<Document>,
        longest: usize,
        deadline: Instant,
    ) -> Vec<Converted> {
        let max_output = self.max_output.min(longest);
        let requests = documents.into_iter().map(|Document { content, conversion }| {
            (content, ConversionOptions { max_output, ..self.options(conversion) })
        });
        match &self.kind {
            Kind::Millpond(millpond) => millpond.convert_all(requests, deadline).await,
            Kind::Peer(peer) => peer.convert_all(requests, deadline).await,
        }
    }

    /// Runs something that takes long enough to hold up the runtime. It waits for a place as long as its deadline allows, if it
    /// has one.
    ///
    /// # Errors
    /// 504 when it has not begun in time.
    pub(crate) async fn compute<T, F>(&self, deadline: Option<Instant>, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        match &self.kind {
            Kind::Millpond(millpond) => millpond.compute(deadline, work).await,
            Kind::Peer(peer) => peer.compute(deadline, work).await,
        }
    }

    /// This crate's, if it is that; the others can't convert piece by piece.
    pub(crate) fn millpond(&self) -> Option<&Millpond> {
        match &self.kind {
            Kind::Millpond(millpond) => Some(millpond),
            Kind::Peer(_) => None,
        }
    }

    /// Stops taking work and waits for what was taken; without a report where nobody keeps books.
    pub(crate) async fn shutdown(&self, drain: Duration) -> Option<ShutdownReport> {
        match &self.kind {
            Kind::Millpond(millpond) => Some(millpond.processor().shutdown(drain).await),
            Kind::Peer(_) => None,
        }
    }

    /// What a conversion of this kind may do.
    pub(crate) fn options(&self, Conversion { from, to }: Conversion) -> ConversionOptions {
        // The HTML is a stranger's, and is shown on somebody's page.
        let (max_output, html) = (self.max_output, HtmlPolicy::Safe);
        ConversionOptions { from: Some(from), to: Some(to), max_output, html, ..ConversionOptions::default() }
    }
}
