//! Parts of a document, converted at the same time by the task of the document.
//!
//! The parts are subtasks, so only the document's task counts for its tenant's limit, and no step
//! waits for the caller to be polled. A worker that waits for its parts converts those that have
//! not started.

use std::panic::resume_unwind;
use std::sync::Arc;

use bytes::BytesMut;

use super::ProcessError;
use super::inner::Inner;
use crate::convert::{ConvertError, ConvertPart, Converter, Format, OneByOne, Parts, Report};
use crate::memory::PooledBuf;
use crate::pool::{JoinHandle, TaskContext};

/// A converted part, and its report.
pub(super) type PartDone = (PooledBuf, Report);

/// The current task, whose pool converts the parts.
pub(super) struct Here<'e, C> {
    pub(super) inner: &'e Arc<Inner<C>>,
    pub(super) formats: (Format, Format),
    pub(super) context: TaskContext,
}

impl<C: Converter> Here<'_, C> {
    /// Converts a part for each length. Returns the results in order, or the first failure.
    pub(super) fn convert_each(
        &self,
        lengths: impl Iterator<Item = usize>,
        convert: &ConvertPart,
    ) -> Result<Result<Vec<PartDone>, ConvertError>, ProcessError> {
        join(self.spawn(lengths, convert))
    }

    /// Spawns the parts as subtasks, which are cancelled with the document.
    fn spawn(&self, lengths: impl Iterator<Item = usize>, convert: &ConvertPart) -> Vec<Part> {
        let parts = lengths.enumerate().map(|(part, length)| {
            let (inner, formats, convert) = (Arc::clone(self.inner), self.formats, Arc::clone(convert));
            self.context.spawn(move || {
                let mut out = inner.buffer(formats, length);
                convert(part, &mut out).map(|report| (out, report))
            })
        });
        parts.collect()
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
        match self.convert_each(lengths.iter().copied(), &part) {
            Ok(outs) => {
                let outs = outs?;
                out.reserve(outs.iter().map(|(out, _)| out.len()).sum());
                let mut sum = Report::default();
                for (part, report) in &outs {
                    out.extend_from_slice(part);
                    sum.merge(report);
                }
                Ok(sum)
            }
            Err(ProcessError::Panicked(panic)) => resume_unwind(panic.into_payload()),
            // The document was cancelled.
            Err(error) => Err(ConvertError::other(error)),
        }
    }
}

type Part = JoinHandle<Result<PartDone, ConvertError>>;

/// Returns the results in order, or the first failure, which aborts the other parts. The last part
/// was spawned last, so this worker starts there, and other workers at the other end.
fn join(mut parts: Vec<Part>) -> Result<Result<Vec<PartDone>, ConvertError>, ProcessError> {
    let mut outs = Vec::with_capacity(parts.len());
    while let Some(part) = parts.pop() {
        let failure = match part.blocking_join() {
            Ok(Ok(out)) => {
                outs.push(out);
                continue;
            }
            Ok(Err(error)) => Ok(Err(error)),
            Err(error) => Err(error.into()),
        };
        parts.iter().for_each(JoinHandle::abort);
        return failure;
    }
    outs.reverse();
    Ok(Ok(outs))
}
