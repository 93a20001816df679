//! A document in parts becomes, byte for byte, what it becomes as a whole: Markdown.

use crate::chunked_support::{Chance, Way, check, check_markdown, dependencies, examples, files, options};
use millpond::{
    ConcurrentProcessorV2, ConversionOptions, ConversionRequest, Format, PoolConfig, ProcessorConfig,
};

/// Text that can be cut on both sides.
const TEXT: &str = "\n\nText, *marked* and [linked][foo].\n\n# And a heading\n\n";

/// Those that may stand side by side: most others define the same few labels, each in its own way.
fn examples_without_definitions() -> Vec<String> {
    examples().into_iter().filter(|example| !example.contains("]:")).collect()
}

#[test]
fn examples_of_the_specification_glued_together() {
    let (all, without_definitions) = (examples(), examples_without_definitions());
    let mut chance = Chance(1);
    let mut in_parts = 0;
    for _ in 0..400 {
        let mut text = String::new();
        let examples = *chance.pick(&[&all, &without_definitions]);
        for _ in 0..chance.below(30) + 2 {
            text += chance.pick::<String>(examples);
            text += *chance.pick(&["", "\n", "\n\n", TEXT, TEXT]);
        }
        if chance.below(4) == 0 {
            text = text.replace('\n', "\r\n");
        }
        let size = *chance.pick(&[1, 10, 100, 1000]);
        in_parts += usize::from(matches!(check_markdown(text.as_bytes(), size), Way::Parts(_)));
    }
    assert!(in_parts > 150, "{in_parts} of 400 were in parts");
}

#[test]
fn each_example_of_the_specification_before_and_after_text() {
    let examples = examples();
    let mut in_parts = 0;
    for example in &examples {
        let text = format!("Before.\n\n{example}{TEXT}After.\n");
        in_parts += usize::from(matches!(check_markdown(text.as_bytes(), 1), Way::Parts(_)));
    }
    let all = examples.len();
    assert!(10 * in_parts > 8 * all, "{in_parts} of {all} were in parts");
}

#[test]
fn documents_that_come_with_the_dependencies() {
    let (mut documents, mut in_parts, mut again) = (0, 0, Vec::new());
    for folder in dependencies() {
        for file in files(&folder, ".md") {
            let text = std::fs::read(&file).unwrap();
            if text.len() <= 1 << 10 {
                continue;
            }
            documents += 1;
            match check_markdown(&text, 1 << 10) {
                Way::Parts(_) => in_parts += 1,
                Way::Again => again.push(file),
                Way::Whole => {}
            }
        }
    }
    if documents == 0 {
        return;
    }
    println!("{documents} documents, {in_parts} in parts, in vain: {again:?}");
    assert!(2 * in_parts > documents && 20 * again.len() < documents, "{in_parts}, {again:?} of {documents}");
}

/// Documents that are made to be cut wrong, each with text to cut at after it.
#[test]
fn hostile_documents() {
    for hostile in [
        // Code and HTML that never end, or end elsewhere.
        "```\n",
        "~~~ a\n```\n",
        "- ```\n\n  a\n",
        "> ```\n> a\n",
        "    ```\n",
        "- a\n\n      ```\n",
        "<div>\n```\n",
        "<div>\n\n```\n",
        "<!--\n",
        "<!-- --\n",
        "<?a\n",
        "<!A\n",
        "<![CDATA[\n",
        "<pre>\n",
        "<PRE\n",
        "<script>\n</pre>\n",
        "<style>\n</script>\n",
        "<textarea>\n",
        "a\n<div>\n```\n",
        "a <pre>\n",
        "<pre>\n</pre> b <pre>\n",
        "> <!--\n",
        "- <pre>\n",
        "[a]: /b '\n```\n'\n",
        "`\n```\n`\n",
        "    <!--\n",
        "\\<!--\n",
        "a\n    ```\n",
        "<a\n```\n",
        "<a>\n```\n",
        "</a>\n```\n",
        // Lists with blank lines, lazy lines, quotes in quotes.
        "- a\n\n- b\n\n\n  c\n",
        "-\n\n  a\n",
        "-\n",
        "1.\n\n",
        "- - - a\n\n",
        "> > a\nb\n",
        "> - a\nb\n\n> c\n",
        ">>\n\n",
        "- > a\n\n",
        "* a\n*\n",
        // References before they are defined, twice, in other blocks, over lines.
        "[b]: /1\n\n[c]\n\n",
        "[b]: /1\n\n[b]: /2\n\n",
        "[b]: /1\n\n[B]: /1\n\n",
        "> [b]: /1\n\n",
        "- [b]: /1\n\n",
        "[b]:\n/1\n'title\nmore'\n",
        "[b\nc]: /1\n",
        "```\n[b]: /1\n```\n",
        "[b]: /1\n[b]: /2\n",
        "a\n[b]: /1\n",
        "[b]: <\n",
        "[b]: /1 \"a\n\nb\"\n",
        "[ẞ]: /1\n\n[SS]\n",
        "[^1]: a\n",
        "[^1]\n\n[^1]: a\n\n    b\n",
        "> [^1]: a\n",
        "[^1]: ```\n",
        "`[^1]: a`\n",
        "![b]\n\n[b]: /1\n",
        "[^b]: /1\n",
        // Tables, underlines, rules.
        "|a|\n|-|\n",
        "a|b\n-|-\n\n",
        "a\n|b|\n|-|\n",
        "a\n===\n",
        "===\n",
        "---\n",
        "a\n---\n",
        "#\n",
        "# #\n",
        "#\n\n    a\n",
        "    a\n\n    b\n",
        "***\n    a\n",
        // Bytes.
        "a\0b\n",
        "\0\n",
        "\ta\n",
        "a\t\n",
        " \t \n",
        "\u{a0}\n",
        "\u{feff}",
        "\u{feff}\u{feff}a\n",
        "a\u{2028}b\n",
        "a\rb\r\rc\r",
        "<div>\r \n",
        "a\r\n\r\nb\r\n",
        "\u{b}\n",
        "\u{c}\n",
    ] {
        for around in [
            "X\n\nb\n\n{}\n\nY [b] [B] [ss] [ẞ] [^1]\n\nZ\n",
            "{}\n\nY [b]\n\n    Z\n",
            "{}Y\n\nZ\n\n```\n\nA\n",
            "Y [b]\n\n{}\n\nZ\n\n{}\n\nA\n\n[b]: /9\n",
        ] {
            let text = around.replace("{}", hostile);
            check_markdown(text.as_bytes(), 1);
            check_markdown(text.replace('\n', "\r\n").as_bytes(), 1);
        }
    }
}

#[test]
fn what_is_not_text_is_not_in_parts() {
    for broken in [&b"a\n\nb\xff\n\nc\n"[..], b"\xff\xfe\n\nb\n\nc", b"a\n\n\xc3\n\nb", b"a\n\nb\n\n\xe6\x97"]
    {
        for to in [Format::Html, Format::Rtf] {
            assert_ne!(check(broken, &options(Format::Markdown, to), 1), Way::Parts(3));
        }
    }
}

#[test]
fn the_limits_are_those_of_the_whole() {
    let text = "Some *text* here.\n\nMore.\n\n> > - deep\n\nEnd.\n\n1. a\n\nb\n\n1. c\n\nd\n";
    for to in [Format::Html, Format::Rtf] {
        for limit in (0..4000).step_by(7) {
            let small = ConversionOptions { max_output: limit, ..options(Format::Markdown, to) };
            check(text.as_bytes(), &small, 1);
            let flat = ConversionOptions { max_depth: limit % 9, ..options(Format::Markdown, to) };
            check(text.as_bytes(), &flat, 1);
        }
    }
}

/// The parser resolves references until they have expanded to a certain length: that of the
/// document, or 100,000 bytes.
#[test]
fn references_that_expand_to_much_are_those_of_the_whole() {
    let long = "x".repeat(3_000);
    for count in [10, 30, 36, 60] {
        let text = format!("{}[a]: /{long}\n", "Text [a].\n\n".repeat(count));
        let way = check_markdown(text.as_bytes(), 1);
        assert_eq!(matches!(way, Way::Parts(_)), count * (long.len() + 1) < 100_000, "{count}: {way:?}");
    }
}

#[test]
fn parts_are_about_as_long_as_they_are_asked_for() {
    use millpond::{Converter, DocumentConverter};
    let text = "A paragraph of some words.\n\n".repeat(1_000);
    let split = DocumentConverter::new()
        .split(text.as_bytes(), &options(Format::Markdown, Format::Html), 7_000)
        .unwrap();
    let lengths: Vec<_> = (0..split.len()).map(|part| split.part(part).len()).collect();
    assert_eq!(lengths.iter().sum::<usize>(), text.len());
    assert!(lengths.iter().all(|length| (6_900..=7_050).contains(length)), "{lengths:?}");
}

#[tokio::test]
async fn a_processor_converts_in_parts_what_is_long_and_can_be_split() {
    let examples = examples_without_definitions();
    let pool = PoolConfig { max_threads: 3, ..PoolConfig::default() };
    let config = ProcessorConfig { pool, chunk_size: 2 << 10, ..ProcessorConfig::default() };
    let processor = ConcurrentProcessorV2::with_config(config);
    let mut chance = Chance(7);
    let mut in_parts = 0;
    for _ in 0..60 {
        let mut text = String::new();
        while text.len() < 10 << 10 {
            text += chance.pick::<String>(&examples);
            text += TEXT;
        }
        let to = *chance.pick(&[Format::Html, Format::Rtf]);
        let ask = |parallel_chunks| {
            let options = ConversionOptions { parallel_chunks, ..options(Format::Markdown, to) };
            ConversionRequest::new("", text.clone()).with_options(options)
        };
        let mut answers = processor.process_batch(vec![ask(true), ask(false)]).await;
        let (whole, parts) = (answers.pop().unwrap(), answers.pop().unwrap());
        assert_eq!(whole.chunks, 1);
        assert_eq!(whole.result.unwrap(), parts.result.unwrap(), "{text}");
        in_parts += u64::from(parts.chunks > 1);
    }
    let metrics = processor.get_metrics();
    assert!(in_parts > 20 && metrics.chunked == in_parts && metrics.chunks >= 2 * in_parts, "{metrics:?}");
}
