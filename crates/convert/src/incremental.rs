//! Documents that are converted while they are read.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::{ConvertError, Report};

/// A document that is converted while it is read: what [`Converter::incremental`](super::Converter::incremental) begins.
///
/// It is shown the document through a window. Each time it says how much of the window is done with, and what became of that; the
/// window then begins there, and goes on further than before. So a document of any length is converted in the memory of a window and of
/// what is remembered beside it ([`held`](Self::held)).
///
/// All that is appended, from the first window to the last, must be, byte for byte, what
/// [`Converter::convert`](super::Converter::convert) makes of the whole document, or an error must come of it. What can't be told
/// from what is in the window must wait until more is; what turns out wrong after it was appended is
/// [`ConvertError::NeedsWhole`].
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use millpond::convert::{ConversionOptions, ConvertError, Converter, DocumentConverter, Format, Incremental, OneByOne};
///
/// let options = ConversionOptions { to: Some(Format::Html), ..Default::default() };
/// let document = Bytes::from("One.\n\nTwo, *marked*.\n\nThree.\n");
/// let mut html = BytesMut::new();
/// let mut conversion = DocumentConverter::new().incremental(&document[..24], &options)?.expect("it can be");
/// // The second paragraph may go on.
/// let done = conversion.convert(&document.slice(..24), false, &OneByOne, &mut html)?;
/// assert_eq!((done, &html[..]), (6, &b"<p>One.</p>\n"[..]));
/// let done = conversion.convert(&document.slice(6..), true, &OneByOne, &mut html)?;
/// assert_eq!(done, document.len() - 6);
/// assert_eq!(html, "<p>One.</p>\n<p>Two, <em>marked</em>.</p>\n<p>Three.</p>\n");
/// # Ok::<(), ConvertError>(())
/// ```
pub trait Incremental: Send {
    /// Converts as much as can be of `input`, which goes on where the last call said that it was done, and appends the result to `out`.
    /// Says how many bytes of `input` are done with: all of them if it `is_last`, the end of the document. If it is none, more is
    /// needed.
    ///
    /// `parts` is there for what can be converted at the same time.
    ///
    /// # Errors
    ///
    /// If the document can't be converted as asked, or not piece by piece. It is not called again then, and what was appended to `out`
    /// in this call is of no use.
    fn convert(
        &mut self,
        input: &Bytes,
        is_last: bool,
        parts: &dyn Parts,
        out: &mut BytesMut,
    ) -> Result<usize, ConvertError>;

    /// How many bytes it remembers, about: what it has read and could not append yet, and what later parts may refer to. Whoever
    /// bounds the memory of the conversion takes them for part of the window. 0 by default.
    fn held(&self) -> usize {
        0
    }

    /// What the conversion left out so far. Nothing, by default.
    fn report(&self) -> Report {
        Report::default()
    }
}

/// Appends what becomes of one part, counted from 0, to the buffer, and returns what was left out. It may be called on any
/// thread.
pub type ConvertPart = Arc<dyn Fn(usize, &mut BytesMut) -> Result<Report, ConvertError> + Send + Sync>;

/// Where parts of a document are converted, at the same time if there are threads for it.
pub trait Parts {
    /// Converts a part for each of `lengths`, of about so many bytes, and appends the results to `out`, in order.
    /// Returns what all of them left out.
    ///
    /// # Errors
    ///
    /// The first of the parts' errors that is met; `out` is as it was then.
    ///
    /// # Panics
    ///
    /// If `part` does.
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
