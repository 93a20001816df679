//! Converts one document, whole or in parts, on whatever thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;

use super::ProcessError;
use super::inline;
use super::inner::{Inner, Location};
use super::parts::Here;
use super::request::{Job, Outcome};
use crate::contain::contain;
use crate::convert::{ConvertPart, Converter, Format, Report, Split};
use crate::error::Panic;
use crate::memory::PooledBuf;
use crate::pool::TaskContext;

/// A converted document.
struct Converted {
    out: PooledBuf,
    chunks: usize,
    report: Report,
}

impl<C: Converter> Inner<C> {
    /// Converts a document that was asked for at `asked`, from `start`. Does not panic.
    pub(super) fn convert(
        self: &Arc<Self>,
        job: Job,
        asked: Instant,
        start: Instant,
        location: Location,
    ) -> Outcome {
        let caught = catch_unwind(AssertUnwindSafe(|| self.try_convert(&job, location)));
        let end = Instant::now();
        let inlined = matches!(location, Location::Caller(_));
        if inlined {
            inline::spent(start, end);
        }
        let (result, formats) = match caught {
            Ok((converted, formats)) => (converted, formats),
            Err(payload) => (Err(ProcessError::Panicked(Box::new(Panic::new(payload)))), None),
        };
        let (result, chunks, report) = match result {
            Ok(Converted { out, chunks, report }) => (Ok(out.into_bytes()), chunks, report),
            Err(error) => (Err(error), 0, Report::default()),
        };
        let outcome = Outcome {
            result,
            formats,
            bytes_in: job.content.len(),
            queued: start.saturating_duration_since(asked),
            took: end.saturating_duration_since(start),
            inlined,
            chunks,
            report,
        };
        self.learn(&outcome, location);
        // The document may be a user's own memory, with a drop of its own.
        contain(|| drop(job));
        outcome
    }

    fn try_convert(
        self: &Arc<Self>,
        job: &Job,
        location: Location,
    ) -> (Result<Converted, ProcessError>, Option<(Format, Format)>) {
        let (formats, parts) = match location {
            Location::Caller(formats) => (formats, None),
            Location::Worker => match self.converter.resolve(&job.content, &job.options) {
                Ok(formats) => (formats, in_parts(self, job, formats)),
                Err(error) => return (Err(error.into()), None),
            },
        };
        let result = parts.unwrap_or_else(|| {
            let mut out = self.buffer(formats, job.content.len());
            let report = self.converter.convert(&job.content, &job.options, &mut out)?;
            Ok(Converted { out, chunks: 1, report })
        });
        (result, Some(formats))
    }
}

/// Converts in parts, if that was asked for and the converter can. Returns `None` if the document
/// has to be converted whole.
fn in_parts<C: Converter>(
    inner: &Arc<Inner<C>>,
    job: &Job,
    formats: (Format, Format),
) -> Option<Result<Converted, ProcessError>> {
    let size = inner.chunk_size(&job.options);
    if !job.options.parallel_chunks || job.content.len() <= size {
        return None;
    }
    let context = TaskContext::current()?;
    let split = Arc::new(inner.converter.split(&job.content, &job.options, size)?);
    let chunks = split.len();
    if chunks < 2 {
        return None;
    }
    contain(|| tracing::debug!(bytes = job.content.len(), parts = chunks, "document in parts"));
    let lengths = (0..chunks).map(|part| split.part(part).len());
    let done = match (Here { inner, formats, context }).convert_each(lengths, &part(inner, job, &split)) {
        Ok(Ok(mut outs)) => {
            let mut out = inner.memory.take(outs.iter().map(|(out, _)| out.len()).sum());
            // The converter gets the contents of the buffers. Their memory goes back to the pool
            // when the converter has dropped them.
            let contents = outs.iter_mut().map(|(out, _)| out.split()).collect();
            let joined = inner.converter.join(&split, contents, &job.options, &mut out);
            joined.map(|mut report| {
                outs.iter().for_each(|(_, part)| report.merge(part));
                Converted { out, chunks, report }
            })
        }
        Ok(Err(error)) => Err(error),
        Err(error) => return Some(Err(error)),
    };
    match done {
        Ok(converted) => Some(Ok(converted)),
        // An error in the document will show when it is converted whole.
        Err(error) => {
            contain(|| tracing::debug!(%error, "the parts do not make the whole: it is converted again"));
            None
        }
    }
}

fn part<C: Converter>(inner: &Arc<Inner<C>>, job: &Job, split: &Arc<Split>) -> ConvertPart {
    let (inner, content, split) = (Arc::clone(inner), job.content.clone(), Arc::clone(split));
    let options = job.options.clone();
    Arc::new(move |part, out: &mut BytesMut| {
        inner.converter.convert_part(&content, &split, part, &options, out)
    })
}
