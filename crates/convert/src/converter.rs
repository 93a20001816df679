//! The trait that a processor is generic over.

use bytes::BytesMut;

use super::{ConversionOptions, ConvertError, Format, Incremental, Report, Split};

/// Converts documents from one format to another.
///
/// Only [`convert`](Self::convert) is required. A converter that can divide a document also
/// implements [`split`](Self::split). Large documents are then converted on several threads:
/// [`convert_part`](Self::convert_part) converts each part, on any thread and in any order, and
/// [`join`](Self::join) assembles the results. The three together must produce, byte for byte, the
/// output of `convert` for the whole document. If a converter detects only later that this does not
/// hold, the part or the join fails. The document is then converted whole, and that result counts.
///
/// A converter that can convert a document while it is read implements
/// [`incremental`](Self::incremental).
///
/// ```
/// use bytes::BytesMut;
/// use millpond::convert::{ConversionOptions, ConvertError, Converter, Report};
///
/// struct Shout;
///
/// impl Converter for Shout {
///     fn convert(
///         &self,
///         input: &[u8],
///         _: &ConversionOptions,
///         out: &mut BytesMut,
///     ) -> Result<Report, ConvertError> {
///         let text = std::str::from_utf8(input).map_err(ConvertError::other)?;
///         out.extend_from_slice(text.to_uppercase().as_bytes());
///         Ok(Report::default())
///     }
/// }
/// # let mut out = BytesMut::new();
/// # Shout.convert(b"hey", &ConversionOptions::default(), &mut out).unwrap();
/// # assert_eq!(out, "HEY");
/// ```
pub trait Converter: Send + Sync + 'static {
    /// Converts the whole of `input` and appends the result to `out`. Returns the report of what
    /// the output lacks; `Report::default()` if it lacks nothing.
    ///
    /// # Errors
    ///
    /// If the document can't be converted as requested. The bytes appended to `out` until then must
    /// not be used.
    fn convert(
        &self,
        input: &[u8],
        options: &ConversionOptions,
        out: &mut BytesMut,
    ) -> Result<Report, ConvertError>;

    /// Returns the source and target formats of the request. A processor keeps its cost predictions
    /// for each such pair. By default these are the formats requested or detected. For a document
    /// that is converted while it is read, `input` is its beginning.
    ///
    /// # Errors
    ///
    /// If the converter can tell from the first bytes that it does not support the conversion.
    fn resolve(&self, input: &[u8], options: &ConversionOptions) -> Result<(Format, Format), ConvertError> {
        Ok(options.resolve(input))
    }

    /// Returns an upper bound, in bytes, of the memory that the conversion of `input` holds,
    /// including the document and its output. A processor counts this number against the pool's
    /// byte budget while the conversion waits and runs, if the pool has one; otherwise this is not
    /// called. By default it is the length of the input.
    ///
    /// This runs before anything else is known about the document. It should use lengths and
    /// formats only, and not parse.
    fn memory(&self, input: &[u8], options: &ConversionOptions) -> usize {
        let _ = options;
        input.len()
    }

    /// Divides `input` into parts of about `chunk_size` bytes. `None`, the default: the document is
    /// converted whole, and so is a document with fewer than two parts.
    ///
    /// This runs before any part, while other threads may be idle. It should scan, and not parse.
    fn split(&self, input: &[u8], options: &ConversionOptions, chunk_size: usize) -> Option<Split> {
        let _ = (input, options, chunk_size);
        None
    }

    /// Converts one part, counted from 0, and appends the result to `out`. It is called only with
    /// the value that [`split`](Self::split) returned for this `input`. By default the part is
    /// converted as if it were a document.
    ///
    /// # Errors
    ///
    /// If the part can't be converted, or can't be converted separately: the document is then
    /// converted whole. A range outside `input` counts as an empty part.
    fn convert_part(
        &self,
        input: &[u8],
        split: &Split,
        part: usize,
        options: &ConversionOptions,
        out: &mut BytesMut,
    ) -> Result<Report, ConvertError> {
        self.convert(input.get(split.part(part)).unwrap_or_default(), options, out)
    }

    /// Appends all converted parts to `out`, in order. By default it concatenates them. Returns the
    /// report of the join itself; the reports of the parts are added to it.
    ///
    /// # Errors
    ///
    /// If the parts do not produce the output of the whole document: the document is then converted
    /// whole.
    fn join(
        &self,
        split: &Split,
        parts: Vec<BytesMut>,
        options: &ConversionOptions,
        out: &mut BytesMut,
    ) -> Result<Report, ConvertError> {
        let _ = (split, options);
        out.reserve(parts.iter().map(BytesMut::len).sum());
        for part in parts {
            out.extend_from_slice(&part);
        }
        Ok(Report::default())
    }

    /// Begins to convert a document that is not complete yet. `head` is its beginning: at least 64
    /// bytes, unless the document is shorter. This call consumes none of it. `None`, the default:
    /// the document must be read completely, and then [`convert`](Self::convert)ed.
    ///
    /// `options.chunk_size` is the size of the parts that are converted in parallel.
    ///
    /// # Errors
    ///
    /// If `head` already shows that the document can't be converted as requested.
    fn incremental(
        &self,
        head: &[u8],
        options: &ConversionOptions,
    ) -> Result<Option<Box<dyn Incremental>>, ConvertError> {
        let _ = (head, options);
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Same;

    impl Converter for Same {
        fn convert(
            &self,
            input: &[u8],
            _: &ConversionOptions,
            out: &mut BytesMut,
        ) -> Result<Report, ConvertError> {
            out.extend_from_slice(input);
            Ok(Report::default())
        }
    }

    #[test]
    fn the_defaults_convert_parts_as_documents_and_join_them_in_order() {
        let options = ConversionOptions::default();
        assert!(Same.split(b"abcd", &options, 2).is_none());
        let split = Split::new(vec![0..2, 2..4]);
        let parts = [0, 1].map(|part| {
            let mut out = BytesMut::new();
            Same.convert_part(b"abcd", &split, part, &options, &mut out).unwrap();
            out
        });
        let mut out = BytesMut::from("> ");
        Same.join(&split, parts.into(), &options, &mut out).unwrap();
        assert_eq!(out, "> abcd");
    }

    #[test]
    fn a_part_outside_the_input_is_empty() {
        let (mut out, split) = (BytesMut::new(), Split::new(vec![0..3, 3..9]));
        for part in [1, 2] {
            Same.convert_part(b"abcd", &split, part, &ConversionOptions::default(), &mut out).unwrap();
        }
        assert!(out.is_empty());
    }
}
