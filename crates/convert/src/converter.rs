//! The trait that a processor is generic over.

use bytes::BytesMut;

use super::{ConversionOptions, ConvertError, Format, Incremental, Report, Split};

/// Turns a document of one format into another.
///
/// Only [`convert`](Self::convert) is required. A converter that can take a document apart also has
/// [`split`](Self::split), and then large documents are converted on several threads at once: each part by
/// [`convert_part`](Self::convert_part), on whatever thread, in any order; then [`join`](Self::join) puts them together. The
/// three must make, byte for byte, what `convert` makes of the whole. Where that can't be told before, they may find out:
/// if a part or the join fails, the document is converted whole, and it is that result which counts.
///
/// One that can convert a document while it is read has [`incremental`](Self::incremental).
///
/// ```
/// use bytes::BytesMut;
/// use millpond::convert::{ConversionOptions, ConvertError, Converter, Report};
///
/// struct Shout;
///
/// impl Converter for Shout {
///     fn convert(&self, input: &[u8], _: &ConversionOptions, out: &mut BytesMut) -> Result<Report, ConvertError> {
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
    /// Converts the whole of `input` and appends the result to `out`. Returns what it left out, which may be nothing:
    /// `Report::default()`.
    ///
    /// # Errors
    ///
    /// If the document can't be converted as asked. What was appended to `out` by then is of no use.
    fn convert(
        &self,
        input: &[u8],
        options: &ConversionOptions,
        out: &mut BytesMut,
    ) -> Result<Report, ConvertError>;

    /// The formats that the request is from and to; a processor keeps its predictions of cost by them. As asked for,
    /// or detected, by default. Of a document that is converted while it is read, `input` is the beginning.
    ///
    /// # Errors
    ///
    /// If the converter can tell, at a glance, that it won't convert this.
    fn resolve(&self, input: &[u8], options: &ConversionOptions) -> Result<(Format, Format), ConvertError> {
        Ok(options.resolve(input))
    }

    /// How many bytes the conversion of `input` may hold at the most, the document and its output included. A processor counts
    /// that much for it against the pool's byte budget while it waits and runs. The length of the input, by default.
    ///
    /// This runs before anything else is known of the document: it should look at lengths and formats, not read.
    fn memory(&self, input: &[u8], options: &ConversionOptions) -> usize {
        let _ = options;
        input.len()
    }

    /// Cuts `input` into parts of about `chunk_size` bytes. `None`, the default: it is to be converted whole, as is a
    /// document of less than two parts.
    ///
    /// This runs before any part does, while other threads may have nothing to do: it should look, not read.
    fn split(&self, input: &[u8], options: &ConversionOptions, chunk_size: usize) -> Option<Split> {
        let _ = (input, options, chunk_size);
        None
    }

    /// Converts one part, counted from 0, and appends the result to `out`. Only called with what [`split`](Self::split)
    /// returned for this `input`. By default the part is converted as if it were a document.
    ///
    /// # Errors
    ///
    /// If the part can't be converted, or not without the others: then the document is converted whole. A range outside
    /// `input` counts as an empty part.
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

    /// Appends the converted parts, all of them, in order, to `out`. One after the other, by default. Returns what the join
    /// itself left out; the reports of the parts are added to it.
    ///
    /// # Errors
    ///
    /// If the parts turn out not to make the whole: then the document is converted whole.
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

    /// Begins to convert a document that is not all there yet. `head` is its beginning, of which nothing is done with by this: 64
    /// bytes of it, at the least, unless it is shorter. `None`, the default: it must be read whole, and then
    /// [`convert`](Self::convert)ed.
    ///
    /// `options.chunk_size` says how large the parts are to be that are converted at the same time.
    ///
    /// # Errors
    ///
    /// If it can be told by now that the document can't be converted as asked.
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
