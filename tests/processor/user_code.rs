//! A converter or a document that panics in an odd place costs one answer, not its neighbours'.

use bytes::{Bytes, BytesMut};
use millpond::convert::Report;
use millpond::{
    ConcurrentProcessorV2, ConversionOptions, ConversionRequest, ConvertError, Converter, Format,
    ProcessError, ProcessorBuilder, ProcessorConfig,
};

/// Copies; panics as soon as it sees a document that begins with `!`.
struct Touchy;

impl Converter for Touchy {
    fn resolve(&self, input: &[u8], _: &ConversionOptions) -> Result<(Format, Format), ConvertError> {
        assert!(!input.starts_with(b"!"), "in `resolve`, on purpose");
        Ok((Format::Markdown, Format::Html))
    }

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

/// Memory of a user's own.
struct Grenade;

impl AsRef<[u8]> for Grenade {
    fn as_ref(&self) -> &[u8] {
        b"text"
    }
}

impl Drop for Grenade {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("in the drop of a document, on purpose");
        }
    }
}

fn processor() -> ConcurrentProcessorV2<Touchy> {
    ProcessorBuilder::default().build_with(Touchy).unwrap()
}

#[tokio::test]
async fn a_panic_while_a_document_is_looked_at_is_one_answer() {
    let processor = processor();
    let single = processor.process_single(ConversionRequest::new("a", "!")).await;
    assert!(matches!(single.result, Err(ProcessError::Panicked(_))));
    let requests = ["one", "!", "two"].map(|text| ConversionRequest::new(text, text));
    let answers = processor.process_batch(requests.into()).await;
    assert_eq!(answers[0].result.as_deref().unwrap(), b"one");
    assert!(matches!(answers[1].result, Err(ProcessError::Panicked(_))));
    assert_eq!(answers[2].result.as_deref().unwrap(), b"two");
}

#[tokio::test]
async fn a_document_that_panics_in_its_drop_is_converted_and_so_are_those_after_it() {
    let processor = processor();
    let mut requests: Vec<_> = (0..4).map(|n| ConversionRequest::new(n.to_string(), "text")).collect();
    requests[1].content = Bytes::from_owner(Grenade);
    for answer in processor.process_batch(requests).await {
        assert_eq!(answer.result.as_deref().unwrap(), b"text");
    }
}

#[tokio::test]
async fn a_document_that_is_refused_and_panics_in_its_drop_is_one_answer() {
    let config = ProcessorConfig { max_document_size: 3, ..ProcessorConfig::default() };
    let processor = ConcurrentProcessorV2::with_converter(Touchy, config);
    let grenade = || ConversionRequest::new("too long", Bytes::from_owner(Grenade));
    let told = |result| assert!(matches!(result, Err(ProcessError::TooLarge { size: 4, limit: 3 })));
    let requests = vec![ConversionRequest::new("a", "one"), grenade(), ConversionRequest::new("b", "two")];
    let mut answers = processor.process_batch(requests).await;
    told(answers.remove(1).result);
    assert!(answers.iter().all(|answer| answer.is_ok()));
    told(processor.process_single(grenade()).await.result);
    told(processor.try_process_single(grenade()).unwrap().await.result);
}
