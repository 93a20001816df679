//! How much faster the pool is than one thread.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use millpond::{ConcurrentProcessorV2, ConversionRequest, Converter, DocumentConverter};

/// Rounds of each kind, in turn, so that whatever else the machine does hits both alike.
const ROUNDS: usize = 5;
/// Documents are converted several times over if one pass takes less than this.
const AT_LEAST: Duration = Duration::from_millis(200);

/// What was measured, both for the same documents, in memory.
pub(crate) struct Comparison {
    /// Documents in a round.
    pub(crate) documents: usize,
    /// How often each was converted in a round.
    pub(crate) repeated: usize,
    /// The median round, one after another on this thread.
    pub(crate) sequential: Duration,
    /// The median round as a batch.
    pub(crate) pooled: Duration,
}

/// Converts `requests` both ways.
pub(crate) async fn compare(processor: &ConcurrentProcessorV2, requests: &[ConversionRequest]) -> Comparison {
    let once = sequential(requests).max(Duration::from_nanos(1));
    let repeated = (AT_LEAST.as_secs_f64() / once.as_secs_f64()).ceil().clamp(1.0, 10_000.0) as usize;
    // A clone of a request shares its content.
    let requests: Vec<_> = std::iter::repeat_n(requests, repeated).flatten().cloned().collect();
    let (mut alone, mut pooled) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(sequential(&requests));
        let batch = processor.batch(requests.clone()).timeout(Duration::MAX);
        let start = Instant::now();
        black_box(batch.await);
        pooled.push(start.elapsed());
    }
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[ROUNDS / 2]
    };
    Comparison { documents: requests.len(), repeated, sequential: median(alone), pooled: median(pooled) }
}

/// What a batch does for each document, without the pool; the answers are kept until the end, as a batch keeps them.
fn sequential(requests: &[ConversionRequest]) -> Duration {
    let converter = DocumentConverter::default();
    let start = Instant::now();
    let mut answers = Vec::with_capacity(requests.len());
    for request in requests {
        let mut out = BytesMut::with_capacity(request.content.len() * 5 / 4 + 64);
        // A failure is an answer, too, and takes its time on both sides.
        let result = converter.convert(&request.content, &request.options, &mut out);
        answers.push(result.map(|_| out.freeze()));
    }
    black_box(answers);
    start.elapsed()
}
