//! A converter that does as the document says, and gates to hold it up.

#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use futures_util::{StreamExt, stream};
use millpond::convert::{Report, Split};
use millpond::{
    ConcurrentProcessorV2, ConversionOptions, ConversionRequest, ConvertError, Converter, Format, PoolConfig,
    ProcessorConfig, TaskContext,
};

/// Holds back whoever passes, until it is opened.
#[derive(Default)]
pub(crate) struct Gate {
    passes: Mutex<usize>,
    changed: Condvar,
}

impl Gate {
    /// Lets so many pass, now or later.
    pub(crate) fn admit(&self, passes: usize) {
        let mut open = self.passes.lock().unwrap();
        *open = open.saturating_add(passes);
        self.changed.notify_all();
    }

    /// Lets everybody pass from now on.
    pub(crate) fn open(&self) {
        self.admit(usize::MAX);
    }

    pub(crate) fn pass(&self) {
        let mut open = self.passes.lock().unwrap();
        while *open == 0 {
            open = self.changed.wait(open).unwrap();
        }
        *open = if *open == usize::MAX { *open } else { *open - 1 };
    }
}

/// What was seen of the conversions.
#[derive(Default)]
pub(crate) struct Seen {
    /// The documents in the order in which their conversions began, and on which thread.
    pub(crate) began: Mutex<Vec<(String, ThreadId)>>,
    running: Mutex<(usize, usize)>,
    looked_at: AtomicUsize,
}

impl Seen {
    /// How often a document was looked at, to find out what it is.
    pub(crate) fn looks(&self) -> usize {
        self.looked_at.load(Ordering::SeqCst)
    }

    pub(crate) fn documents(&self) -> Vec<String> {
        self.began.lock().unwrap().iter().map(|(document, _)| document.clone()).collect()
    }

    /// The most conversions that ran at the same time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.running.lock().unwrap().1
    }
}

/// `large ..` may hold 1,000 bytes a byte. `wait ..` passes the gate first, `patient ..` runs until
/// it is asked to stop, `panic ..` panics, `fail ..` is not accepted, `slow ..` takes 5 ms, `brief
/// ..` 0.3 ms. Everything that is accepted is converted to upper case. Documents can be split at
/// any byte.
pub(crate) struct Scripted {
    pub(crate) gate: Arc<Gate>,
    pub(crate) seen: Arc<Seen>,
    begun: Mutex<mpsc::Sender<String>>,
}

impl Scripted {
    pub(crate) fn new() -> (Self, Arc<Gate>, Arc<Seen>, mpsc::Receiver<String>) {
        let (begun, events) = mpsc::channel();
        let (gate, seen) = (Arc::<Gate>::default(), Arc::<Seen>::default());
        let converter = Self { gate: Arc::clone(&gate), seen: Arc::clone(&seen), begun: Mutex::new(begun) };
        (converter, gate, seen, events)
    }
}

impl Converter for Scripted {
    fn resolve(&self, _: &[u8], options: &ConversionOptions) -> Result<(Format, Format), ConvertError> {
        self.seen.looked_at.fetch_add(1, Ordering::SeqCst);
        Ok((Format::Markdown, options.to.unwrap_or(Format::Html)))
    }

    fn convert(
        &self,
        input: &[u8],
        _: &ConversionOptions,
        out: &mut BytesMut,
    ) -> Result<Report, ConvertError> {
        let text = String::from_utf8_lossy(input).into_owned();
        self.seen.began.lock().unwrap().push((text.clone(), std::thread::current().id()));
        {
            let mut running = self.seen.running.lock().unwrap();
            running.0 += 1;
            running.1 = running.1.max(running.0);
        }
        struct Leave<'a>(&'a Seen);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.0.running.lock().unwrap().0 -= 1;
            }
        }
        let _leave = Leave(&self.seen);
        // A test that is not interested has dropped the receiver.
        let _ = self.begun.lock().unwrap().send(text.clone());
        match text.split(' ').next() {
            Some("wait") => self.gate.pass(),
            Some("patient") => {
                while !TaskContext::current().is_some_and(|task| task.is_cancelled()) {
                    std::thread::yield_now();
                }
            }
            Some("panic") => panic!("as the document says"),
            Some("fail") => return Err(refusal()),
            // The work of this test: a conversion that takes long.
            Some("slow") => std::thread::sleep(Duration::from_millis(5)),
            // The same, but awake: to be woken takes up to milliseconds on a busy machine.
            Some("brief") => {
                let start = Instant::now();
                while start.elapsed() < Duration::from_micros(300) {}
            }
            _ => {}
        }
        out.extend_from_slice(text.to_uppercase().as_bytes());
        Ok(Report::default())
    }

    fn memory(&self, input: &[u8], _: &ConversionOptions) -> usize {
        if input.starts_with(b"large") { 1_000 * input.len() } else { input.len() }
    }

    fn split(&self, input: &[u8], _: &ConversionOptions, chunk_size: usize) -> Option<Split> {
        Some(in_chunks(input, chunk_size))
    }
}

fn in_chunks(input: &[u8], chunk_size: usize) -> Split {
    let starts = (0..input.len()).step_by(chunk_size);
    Split::new(starts.map(|start| start..(start + chunk_size).min(input.len())).collect())
}

/// What a document is refused with.
pub(crate) fn refusal() -> ConvertError {
    ConvertError::other("as the document says")
}

/// A processor that does as its documents say.
pub(crate) struct Bench {
    pub(crate) processor: ConcurrentProcessorV2<Scripted>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) seen: Arc<Seen>,
    /// Each document as its conversion begins.
    pub(crate) begun: mpsc::Receiver<String>,
}

/// Never inlines, so that every document goes through the pool.
pub(crate) fn shipping() -> ProcessorConfig {
    ProcessorConfig { inline_budget: Duration::ZERO, ..ProcessorConfig::default() }
}

/// A pool of exactly `threads` threads.
pub(crate) fn exactly(threads: usize, pool: PoolConfig) -> PoolConfig {
    PoolConfig {
        min_threads: threads,
        max_threads: threads,
        max_blocked_threads: 0,
        worker_niceness: 0,
        ..pool
    }
}

pub(crate) fn bench(threads: usize, config: ProcessorConfig) -> Bench {
    let (converter, gate, seen, begun) = Scripted::new();
    let pool = exactly(threads, config.pool);
    let config = ProcessorConfig { pool, ..config };
    let processor = ConcurrentProcessorV2::with_converter(converter, config);
    Bench { processor, gate, seen, begun }
}

/// The document is its own name.
pub(crate) fn request(document: &str) -> ConversionRequest {
    ConversionRequest::new(document, document.as_bytes().to_vec())
}

pub(crate) fn requests<const N: usize>(documents: [&str; N]) -> Vec<ConversionRequest> {
    documents.into_iter().map(request).collect()
}

/// The ways to have a document converted and to wait for it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    Single,
    Batch,
    Stream,
    Reader,
}

impl Way {
    pub(crate) const ALL: [Self; 4] = [Self::Single, Self::Batch, Self::Stream, Self::Reader];

    /// Converts `request` in this way; `None` if there is no result.
    pub(crate) async fn convert<C: Converter>(
        self,
        processor: ConcurrentProcessorV2<C>,
        request: ConversionRequest,
    ) -> Option<String> {
        let response = match self {
            Self::Single => processor.process_single(request).await,
            Self::Batch => processor.process_batch(vec![request]).await.pop()?,
            Self::Stream => processor.process_stream(stream::iter([request])).next().await?,
            Self::Reader => {
                let ConversionRequest { id, content, options, task } = request;
                let request = ConversionRequest::new(id, "").with_options(options).with_task(task);
                let mut out = Vec::new();
                processor.process_reader(request, &content[..], &mut out).await.ok()?;
                return String::from_utf8(out).ok();
            }
        };
        String::from_utf8(response.result.ok()?.into()).ok()
    }
}

/// Does what it is made of with each document, or part, and copies it. Documents can be split at
/// any byte.
pub(crate) struct Does<F>(pub(crate) F);

impl<F: Fn(&[u8]) + Send + Sync + 'static> Converter for Does<F> {
    fn convert(
        &self,
        input: &[u8],
        _: &ConversionOptions,
        out: &mut BytesMut,
    ) -> Result<Report, ConvertError> {
        (self.0)(input);
        out.extend_from_slice(input);
        Ok(Report::default())
    }

    fn split(&self, input: &[u8], _: &ConversionOptions, chunk_size: usize) -> Option<Split> {
        Some(in_chunks(input, chunk_size))
    }
}
