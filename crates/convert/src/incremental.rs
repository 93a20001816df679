//! Documents that are converted while they are read.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::{ConvertError, Report};

/// A document that is converted while it is read.
/// [`Converter::incremental`](super::Converter::incremental) returns it.
///
/// The caller presents the document through a window. Each call returns how many bytes of the
/// window it consumed, and appends their output. The next window begins after those bytes and
/// extends further. So a document of any length is converted in the memory of one window and of the
/// state kept beside it ([`held`](Self::held)).
///
/// All output, from the first window to the last, must be, byte for byte, the output of
/// [`Converter::convert`](super::Converter::convert) for the whole document; otherwise the
/// conversion must fail. If the window is not sufficient to decide, the conversion must wait for
/// more input. If bytes that were already appended turn out to be wrong, the error is
/// [`ConvertError::NeedsWhole`].
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use millpond::convert::{
///     ConversionOptions, ConvertError, Converter, DocumentConverter, Format, Incremental, OneByOne,
/// };
///
/// let options = ConversionOptions { to: Some(Format::Html), ..Default::default() };
/// let document = Bytes::from("One.\n\nTwo, *marked*.\n\nThree.\n");
/// let mut html = BytesMut::new();
/// let converter = DocumentConverter::new();
/// let mut conversion = converter.incremental(&document[..24], &options)?.expect("it can be");
/// // The second paragraph may go on.
/// let done = conversion.convert(&document.slice(..24), false, &OneByOne, &mut html)?;
/// assert_eq!((done, &html[..]), (6, &b"<p>One.</p>\n"[..]));
/// let done = conversion.convert(&document.slice(6..), true, &OneByOne, &mut html)?;
/// assert_eq!(done, document.len() - 6);
/// assert_eq!(html, "<p>One.</p>\n<p>Two, <em>marked</em>.</p>\n<p>Three.</p>\n");
/// # Ok::<(), ConvertError>(())
/// ```
pub trait Incremental: Send {
    /// Converts as much of `input` as possible and appends the result to `out`. `input` begins
    /// after the bytes that the last call consumed. Returns how many bytes of `input` this call
    /// consumed. It is all of them if the window `is_last`, the end of the document. It is 0 if
    /// more input is needed.
    ///
    /// `parts` converts independent parts in parallel.
    ///
    /// # Errors
    ///
    /// If the document can't be converted as requested, or not piece by piece. No further call
    /// follows then, and the bytes that this call appended to `out` must not be used.
    fn convert(
        &mut self,
        input: &Bytes,
        is_last: bool,
        parts: &dyn Parts,
        out: &mut BytesMut,
    ) -> Result<usize, ConvertError>;

    /// Returns about how many bytes the conversion retains: input that has no output yet, and data
    /// that later parts may refer to. A caller that limits the memory of the conversion counts
    /// these bytes as part of the window. 0 by default.
    fn held(&self) -> usize {
        0
    }

    /// Returns the report so far. Empty by default.
    fn report(&self) -> Report {
        Report::default()
    }
}

/// Appends the output of one part, counted from 0, to the buffer, and returns its report. It may be
/// called on any thread.
pub type ConvertPart = Arc<dyn Fn(usize, &mut BytesMut) -> Result<Report, ConvertError> + Send + Sync>;

/// Executes the parts of a document, in parallel if threads are available.
pub trait Parts {
    /// Converts one part for each of `lengths`, of about that many bytes, and appends the results
    /// to `out`, in order. Returns the combined report.
    ///
    /// # Errors
    ///
    /// The first error of a part that is encountered. `out` is then unchanged.
    ///
    /// # Panics
    ///
    /// If `part` panics.
    fn convert(
        &self,
        lengths: &[usize],
        part: ConvertPart,
        out: &mut BytesMut,
    ) -> Result<Report, ConvertError>;
}

/// Converts parts one after the other, on the calling thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct OneByOne;

impl Parts for OneByOne {
    fn convert(
        &self,
        lengths: &[usize],
        part: ConvertPart,
        out: &mut BytesMut,
    ) -> Result<Report, ConvertError> {
        let before = out.len();
        let done = (0..lengths.len()).try_fold(Report::default(), |mut sum, number| {
            sum.merge(&part(number, out)?);
            Ok(sum)
        });
        if done.is_err() {
            out.truncate(before);
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_by_one_appends_all_or_nothing() {
        let part = |good: usize| -> ConvertPart {
            Arc::new(move |number, out: &mut BytesMut| {
                out.extend_from_slice(&[b'a' + number as u8]);
                if number < good { Ok(Report::default()) } else { Err(ConvertError::other("no")) }
            })
        };
        let mut out = BytesMut::from("> ");
        OneByOne.convert(&[1, 1], part(2), &mut out).unwrap();
        assert_eq!(out, "> ab");
        assert!(OneByOne.convert(&[1, 1], part(1), &mut out).is_err());
        assert_eq!(out, "> ab");
    }
}
