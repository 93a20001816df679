//! A stream of documents.

use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use futures_util::stream::FuturesUnordered;

use super::{ConcurrentProcessorV2, ConversionRequest, ConversionResponse};
use crate::convert::Converter;

/// The default number of documents in flight for each thread: enough to keep it busy while the
/// caller handles answers.
const PER_THREAD: usize = 4;

impl<C: Converter> ConcurrentProcessorV2<C> {
    /// Converts the documents of a stream. The answers are a stream in the order of the requests,
    /// unless it is made [`unordered`](ProcessStream::unordered).
    ///
    /// When it is polled, the stream pulls the next request while fewer than
    /// [`max_in_flight`](ProcessStream::max_in_flight) are in flight (by default four for each
    /// thread that the pool may have) and the pool has room. One is always pulled, and waits as
    /// with [`process_single`](Self::process_single). So the memory for documents and answers is
    /// bounded, and the source is slowed down while answers are not taken.
    ///
    /// Documents in flight need no polls. Each is a task of its own; many small ones are converted
    /// faster in [batches](Self::process_batch). `batch_timeout` does not apply.
    ///
    /// # Cancel safety
    /// An answer that is not there yet is not lost if the future of `next()` is dropped. Dropping
    /// the stream drops its documents as [`process_single`](Self::process_single) does.
    ///
    /// ```
    /// # #[cfg(feature = "documents")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::{StreamExt, stream};
    /// use millpond::{ConcurrentProcessorV2, ConversionRequest, Format};
    ///
    /// let processor = ConcurrentProcessorV2::new();
    /// let requests = stream::iter(0..100).map(|n| ConversionRequest::new(format!("{n}"), format!("# {n}")).with_to(Format::Html));
    /// let mut responses = processor.process_stream(requests);
    /// let mut n = 0;
    /// while let Some(response) = responses.next().await {
    ///     assert_eq!(response.result?, format!("<h1 id=\"{n}\">{n}</h1>\n"));
    ///     n += 1;
    /// }
    /// assert_eq!(n, 100);
    /// # Ok(()) }
    /// # #[cfg(not(feature = "documents"))] fn main() {}
    /// ```
    pub fn process_stream<S>(&self, requests: S) -> ProcessStream<S, C>
    where
        S: Stream<Item = ConversionRequest>,
    {
        ProcessStream {
            processor: self.clone(),
            requests: Some(Box::pin(requests)),
            max_in_flight: PER_THREAD.saturating_mul(self.pool.config().max_threads),
            ordered: true,
            under_way: FuturesUnordered::new(),
            done: BTreeMap::new(),
            pulled: 0,
            next: 0,
        }
    }
}

type UnderWay = Pin<Box<dyn Future<Output = (u64, ConversionResponse)> + Send>>;

/// The answers to a stream of requests; see [`ConcurrentProcessorV2::process_stream`].
#[must_use = "streams do nothing unless polled"]
pub struct ProcessStream<S, C> {
    processor: ConcurrentProcessorV2<C>,
    /// `None` after its end.
    requests: Option<Pin<Box<S>>>,
    max_in_flight: usize,
    ordered: bool,
    under_way: FuturesUnordered<UnderWay>,
    /// Answers that wait for earlier ones.
    done: BTreeMap<u64, ConversionResponse>,
    pulled: u64,
    /// The number of the next answer, if they are ordered.
    next: u64,
}

impl<S, C> std::fmt::Debug for ProcessStream<S, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessStream")
            .field("ordered", &self.ordered)
            .field("in_flight", &self.in_flight())
            .field("max_in_flight", &self.max_in_flight)
            .finish_non_exhaustive()
    }
}

impl<S, C> ProcessStream<S, C> {
    /// Yields each answer when it is ready, not in the order of the requests. Its `id` identifies
    /// it.
    pub fn unordered(mut self) -> Self {
        self.ordered = false;
        self
    }

    /// Sets the largest number of pulled requests whose answers were not yielded yet.
    pub fn max_in_flight(mut self, requests: NonZeroUsize) -> Self {
        self.max_in_flight = requests.get();
        self
    }

    /// Returns the number of pulled requests whose answers were not yielded yet.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.under_way.len() + self.done.len()
    }
}

impl<S, C> Stream for ProcessStream<S, C>
where
    S: Stream<Item = ConversionRequest>,
    C: Converter,
{
    type Item = ConversionResponse;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            // The last request takes its place in the pool here, before the next is pulled.
            while let Poll::Ready(Some((number, response))) = Pin::new(&mut this.under_way).poll_next(cx) {
                this.done.insert(number, response);
            }
            if let Some(first) = this.done.first_entry() {
                if !this.ordered || *first.key() == this.next {
                    this.next += 1;
                    return Poll::Ready(Some(first.remove()));
                }
            }
            // One is always in flight: otherwise nothing would wake this stream when there is room.
            let in_flight = this.in_flight();
            let may_pull = in_flight < this.max_in_flight && this.processor.pool.has_room();
            if in_flight > 0 && !may_pull {
                return Poll::Pending;
            }
            let Some(requests) = &mut this.requests else {
                return if in_flight == 0 { Poll::Ready(None) } else { Poll::Pending };
            };
            match requests.as_mut().poll_next(cx) {
                Poll::Ready(Some(request)) => {
                    let (number, processor) = (this.pulled, this.processor.clone());
                    this.pulled += 1;
                    let answer = async move { (number, processor.process_single(request).await) };
                    this.under_way.push(Box::pin(answer));
                }
                Poll::Ready(None) => this.requests = None,
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let in_flight = self.in_flight();
        let (least, most) = self.requests.as_ref().map_or((0, Some(0)), |requests| requests.size_hint());
        (least.saturating_add(in_flight), most.and_then(|most| most.checked_add(in_flight)))
    }
}
