//! Converts one document, whole or in parts, on any thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::ProcessError;
use super::chunks::{self, Converted};
use super::inline;
use super::inner::{Inner, Location};
use super::request::{Job, Outcome};
use crate::contain::contain;
use crate::convert::{Converter, Format, Report};
use crate::error::Panic;
use crate::pool::note_caught_panic;

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
            Err(payload) => {
                let panic = Box::new(Panic::new(payload));
                note_caught_panic(panic.message());
                (Err(ProcessError::Panicked(panic)), None)
            }
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
                Ok(formats) => (formats, chunks::convert(self, job, formats)),
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
