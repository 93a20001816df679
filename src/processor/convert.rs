//! Converts one document on any thread: whole, or in parts at the same time.
//!
//! The parts are subtasks, so only the document's task counts for its tenant's limit, and no step
//! waits for the caller to be polled. A worker that waits for its parts converts those that have
//! not started.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;

use super::ProcessError;
use super::inline;
use super::inner::{Inner, TARGET};
use super::request::{Job, Outcome};
use crate::contain::contain;
use crate::convert::{ConvertError, ConvertPart, Converter, Format, OneByOne, Parts, Report, Split};
use crate::error::Panic;
use crate::memory::PooledBuf;
use crate::pool::{JoinHandle, TaskContext, note_caught_panic};

/// A converted document.
struct Converted {
    out: PooledBuf,
    chunks: usize,
    report: Report,
}

impl<C: Converter> Inner<C> {
    /// Converts a document that was asked for at `asked`, from `start`: on the caller's thread,
    /// which knows the formats, or on a worker. Does not panic.
    pub(super) fn convert(
        self: &Arc<Self>,
        job: Job,
        asked: Instant,
        start: Instant,
        inlined: Option<(Format, Format)>,
    ) -> Outcome {
        let caught = catch_unwind(AssertUnwindSafe(|| self.try_convert(&job, inlined)));
        let end = Instant::now();
        let inlined = inlined.is_some();
        if inlined {
            inline::spent(start, end);
        }
        let (result, formats) = caught.unwrap_or_else(|payload| {
            let panic = Box::new(Panic::new(payload));
            note_caught_panic(panic.message());
            (Err(ProcessError::Panicked(panic)), None)
        });
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
        self.learn(&outcome);
        // The document may be a user's own memory, with a drop of its own.
        contain(|| drop(job));
        outcome
    }

    fn try_convert(
        self: &Arc<Self>,
        job: &Job,
        inlined: Option<(Format, Format)>,
    ) -> (Result<Converted, ProcessError>, Option<(Format, Format)>) {
        let (formats, parts) = match inlined {
            Some(formats) => (formats, None),
            None => match self.converter.resolve(&job.content, &job.options) {
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

/// Converts a long document in parts, if that was asked for and the converter can. Returns `None`
/// if the document has to be converted whole.
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
    let bytes = job.content.len();
    contain(|| tracing::debug!(target: TARGET, bytes, parts = chunks, "document in parts"));
    let lengths = (0..chunks).map(|part| split.part(part).len());
    let outs = Here { inner, formats, context }.convert_each(lengths, &part(inner, job, &split));
    let done = outs.and_then(|mut outs| {
        let mut out = inner.memory.take(outs.iter().map(|(out, _)| out.len()).sum());
        // The converter gets the contents of the buffers. Their memory goes back to the pool when
        // the converter has dropped them.
        let contents = outs.iter_mut().map(|(out, _)| out.split()).collect();
        let mut report = inner.converter.join(&split, contents, &job.options, &mut out)?;
        outs.iter().for_each(|(_, part)| report.merge(part));
        Ok(Converted { out, chunks, report })
    });
    match done {
        // An error in the document will show when it is converted whole.
        Err(ProcessError::Convert(error)) => {
            let message = "the parts do not make the whole: it is converted again";
            contain(|| tracing::debug!(target: TARGET, %error, "{message}"));
            None
        }
        done => Some(done),
    }
}

fn part<C: Converter>(inner: &Arc<Inner<C>>, job: &Job, split: &Arc<Split>) -> ConvertPart {
    let (inner, content, split) = (Arc::clone(inner), job.content.clone(), Arc::clone(split));
    let options = job.options.clone();
    Arc::new(move |part, out: &mut BytesMut| {
        inner.converter.convert_part(&content, &split, part, &options, out)
    })
}

/// The current task, whose pool converts the parts.
pub(super) struct Here<'e, C> {
    pub(super) inner: &'e Arc<Inner<C>>,
    pub(super) formats: (Format, Format),
    pub(super) context: TaskContext,
}

impl<C: Converter> Here<'_, C> {
    /// Converts a part for each length. Returns the results in order, or the first failure, which
    /// aborts the other parts.
    fn convert_each(
        &self,
        lengths: impl Iterator<Item = usize>,
        convert: &ConvertPart,
    ) -> Result<Vec<(PooledBuf, Report)>, ProcessError> {
        // Subtasks, which are cancelled with the document.
        let spawn = |(part, length)| {
            let (inner, formats, convert) = (Arc::clone(self.inner), self.formats, Arc::clone(convert));
            self.context.spawn(move || {
                let mut out = inner.buffer(formats, length);
                convert(part, &mut out).map(|report| (out, report))
            })
        };
        let mut parts: Vec<JoinHandle<Result<_, ConvertError>>> = lengths.enumerate().map(spawn).collect();
        let mut outs = Vec::with_capacity(parts.len());
        // The last part was spawned last, so this worker starts there, and other workers at the
        // other end.
        while let Some(part) = parts.pop() {
            let done = part.blocking_join().map_err(ProcessError::from);
            match done.and_then(|done| Ok(done?)) {
                Ok(out) => outs.push(out),
                Err(error) => {
                    parts.iter().for_each(JoinHandle::abort);
                    return Err(error);
                }
            }
        }
        outs.reverse();
        Ok(outs)
    }
}

impl<C: Converter> Parts for Here<'_, C> {
    fn convert(
        &self,
        lengths: &[usize],
        part: ConvertPart,
        out: &mut BytesMut,
    ) -> Result<Report, ConvertError> {
        if lengths.len() < 2 {
            return OneByOne.convert(lengths, part, out);
        }
        let outs = match self.convert_each(lengths.iter().copied(), &part) {
            Ok(outs) => outs,
            Err(ProcessError::Convert(error)) => return Err(error),
            Err(ProcessError::Panicked(panic)) => resume_unwind(panic.into_payload()),
            // The document was cancelled.
            Err(error) => return Err(ConvertError::other(error)),
        };
        out.reserve(outs.iter().map(|(out, _)| out.len()).sum());
        let mut sum = Report::default();
        for (part, report) in &outs {
            out.extend_from_slice(part);
            sum.merge(report);
        }
        Ok(sum)
    }
}
