//! The trait that a processor is generic over.

use std::ops::Range;

use bytes::BytesMut;

use super::{ConversionOptions, ConvertError, Format};

/// Turns a document of one format into another.
///
/// Only [`convert`](Self::convert) is required. A converter that can take a document apart also has
/// [`split`](Self::split), and then large documents are converted on several threads at once.
///
/// ```
/// use bytes::BytesMut;
/// use millpond::convert::{ConversionOptions, ConvertError, Converter};
///
/// struct Shout;
///
/// impl Converter for Shout {
///     fn convert(&self, input: &[u8], _: &ConversionOptions, out: &mut BytesMut) -> Result<(), ConvertError> {
///         let text = std::str::from_utf8(input).map_err(ConvertError::other)?;
///         out.extend_from_slice(text.to_uppercase().as_bytes());
///         Ok(())
///     }
/// }
/// # let mut out = BytesMut::new();
/// # Shout.convert(b"hey", &ConversionOptions::default(), &mut out).unwrap();
/// # assert_eq!(out, "HEY");
/// ```
pub trait Converter: Send + Sync + 'static {
    /// Converts the whole of `input` and appends the result to `out`.
    ///
    /// # Errors
    ///
    /// If the document can't be converted as asked. What was appended to `out` by then is of no use.
    fn convert(
        &self,
        input: &[u8],
        options: &ConversionOptions,
        out: &mut BytesMut,
    ) -> Result<(), ConvertError>;

    /// The formats that the request is from and to; a processor keeps its predictions of cost by them. As asked for,
    /// or detected, by default.
    ///
    /// # Errors
    ///
    /// If the converter can tell, at a glance, that it won't convert this.
    fn resolve(&self, input: &[u8], options: &ConversionOptions) -> Result<(Format, Format), ConvertError> {
        Ok(options.resolve(input))
    }

    /// Where `input` may be cut into parts of about `chunk_size` bytes, so that the parts
    /// [converted apart](Self::convert_part) and [joined](Self::join) are, byte for byte, what
    /// [`convert`](Self::convert) makes of the whole. `None`, the default: not at all.
    fn split(
        &self,
        input: &[u8],
        options: &ConversionOptions,
        chunk_size: usize,
    ) -> Option<Vec<Range<usize>>> {
        let _ = (input, options, chunk_size);
        None
    }

    /// Converts one part and appends the result to `out`. Only called with ranges that [`split`](Self::split) returned
    /// for this `input`. By default the part is converted as if it were a document.
    ///
    /// # Errors
    ///
    /// If the part can't be converted. A range outside `input` counts as an empty part.
    fn convert_part(
        &self,
        input: &[u8],
        part: Range<usize>,
        options: &ConversionOptions,
        out: &mut BytesMut,
    ) -> Result<(), ConvertError> {
        self.convert(input.get(part).unwrap_or_default(), options, out)
    }

    /// Appends the converted parts, which come in the order of [`split`](Self::split), to `out`. One after the other,
    /// by default.
    fn join(&self, parts: Vec<BytesMut>, out: &mut BytesMut) {
        out.reserve(parts.iter().map(BytesMut::len).sum());
        for part in parts {
            out.extend_from_slice(&part);
        }
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
        ) -> Result<(), ConvertError> {
            out.extend_from_slice(input);
            Ok(())
        }
    }

    #[test]
    fn the_defaults_convert_parts_as_documents_and_join_them_in_order() {
        let options = ConversionOptions::default();
        assert!(Same.split(b"abcd", &options, 2).is_none());
        let parts = [0..2, 2..4].map(|part| {
            let mut out = BytesMut::new();
            Same.convert_part(b"abcd", part, &options, &mut out).unwrap();
            out
        });
        let mut out = BytesMut::from("> ");
        Same.join(parts.into(), &mut out);
        assert_eq!(out, "> abcd");
    }

    #[test]
    fn a_part_outside_the_input_is_empty() {
        let mut out = BytesMut::new();
        Same.convert_part(b"abcd", 3..9, &ConversionOptions::default(), &mut out).unwrap();
        assert!(out.is_empty());
    }
}
