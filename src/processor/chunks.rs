//! Converts a long document in parts at the same time.

use std::sync::Arc;

use bytes::BytesMut;

use super::ProcessError;
use super::inner::Inner;
use super::parts::Here;
use super::request::Job;
use crate::contain::contain;
use crate::convert::{ConvertPart, Converter, Format, Report, Split};
use crate::memory::PooledBuf;
use crate::pool::TaskContext;

/// A converted document.
pub(super) struct Converted {
    pub(super) out: PooledBuf,
    pub(super) chunks: usize,
    pub(super) report: Report,
}

/// Converts in parts, if that was asked for and the converter can. Returns `None` if the document
/// has to be converted whole.
pub(super) fn convert<C: Converter>(
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
