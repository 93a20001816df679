//! Markdown that the parser would take quadratic time for is refused before it is parsed; other
//! documents are not.

use std::path::Path;

use crate::chunked_support::{
    Chance, Read, Way, check, check_markdown, check_read, examples, files, options,
};
use crate::support::convert;
use millpond::convert::{ConversionOptions, ConvertError, Format};

/// Shapes that take the parser quadratic time, each of about so many bytes.
fn quadratic(len: usize) -> Vec<String> {
    let lines = |line: &str, len: usize| line.repeat(len / line.len());
    vec![
        // Titles over many lines: for each, the nodes before are gone through.
        format!("[x](b \"{}", lines("y\n", len)),
        format!("> [x](\n> b 'z\n{}", lines("> y\n", len)),
        format!("![x](<b> (z\n{}", lines("*y*\n", len)),
        format!("- [x](b \"{}\")", lines("y\n  ", len)),
        // Lines below deep containers.
        format!("{}x\n{}", "> ".repeat(900), lines("y\n", len)),
        format!("{}```\n{}", "- ".repeat(450), lines("\n", len)),
        format!("{}x\n{}", "1. > ".repeat(300), lines("y\n", len)),
        format!("{}[a]: b\n{}", "> ".repeat(900), lines("[c]: d\n", len)),
        // Many containers on each line.
        format!("a\n\n{}", lines(&format!("{}x\n", "- > ".repeat(300)), 4 * len)),
        // Rows that lack nearly all their cells.
        lines(&format!("{}\n{}\n{}\n", "a|".repeat(512), "-|".repeat(512), "b\n".repeat(512)), len),
    ]
}

#[test]
fn shapes_that_take_quadratic_time_are_refused_whole_in_parts_and_while_they_are_read() {
    let mut chance = Chance(3);
    for (number, shape) in quadratic(1 << 18).into_iter().enumerate() {
        for before in ["", "Before.\n\n", "Before.\n\n# And more\n\n"] {
            let text = format!("{before}{shape}");
            for to in [Format::Html, Format::Rtf] {
                let error = convert(text.as_bytes(), Format::Markdown, to).unwrap_err();
                let ConvertError::TooComplex { limit, offset } = error else { panic!("{number}: {error}") };
                assert!(
                    limit == 1 << 26 && (before.len()..text.len()).contains(&offset),
                    "{number}: {offset}"
                );
                let options = options(Format::Markdown, to);
                assert!(matches!(check(text.as_bytes(), &options, 64), Way::Whole | Way::Again), "{number}");
            }
        }
    }
    for (number, shape) in quadratic(1 << 18).into_iter().enumerate() {
        let read = check_read(shape.as_bytes(), &options(Format::Markdown, Format::Html), &mut chance);
        assert!(matches!(read, Read::Failed | Read::Whole), "{number}: {read:?}");
    }
}

#[test]
fn the_same_shapes_are_read_where_they_are_short() {
    for shape in quadratic(1 << 10) {
        let result = convert(shape.as_bytes(), Format::Markdown, Format::Html);
        assert!(matches!(result, Ok(_) | Err(ConvertError::TooDeep { .. })), "{result:?}");
        check_markdown(format!("Before.\n\n{shape}\n\nAfter.\n\nText.\n").as_bytes(), 1);
    }
}

/// Each part may be below the limit, and all of them above it: the whole is what counts.
#[test]
fn what_is_too_complex_as_a_whole_is_so_in_parts() {
    let shape = format!("Text.\n\n[x](b \"{}\n\n", "y\n".repeat(3_000));
    for (count, is_refused) in [(2, false), (8, true)] {
        let text = shape.repeat(count);
        for to in [Format::Html, Format::Rtf] {
            let whole = convert(text.as_bytes(), Format::Markdown, to);
            assert_eq!(matches!(whole, Err(ConvertError::TooComplex { .. })), is_refused, "{count}");
            let way = check(text.as_bytes(), &options(Format::Markdown, to), 6_000);
            assert_eq!(matches!(way, Way::Parts(_)), !is_refused, "{count}: {way:?}");
        }
        let read = check_read(text.as_bytes(), &options(Format::Markdown, Format::Html), &mut Chance(5));
        assert_eq!(read == Read::Failed, is_refused, "{count}: {read:?}");
    }
}

#[test]
fn no_example_of_the_specification_is_refused() {
    for example in examples() {
        for to in [Format::Html, Format::Rtf] {
            let result = convert(example.as_bytes(), Format::Markdown, to);
            assert!(result.is_ok(), "{example}: {result:?}");
        }
    }
    let all = examples().join("\n\n");
    assert!(convert(all.as_bytes(), Format::Markdown, Format::Html).is_ok());
}

#[test]
fn no_document_of_the_corpus_is_refused() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/corpus");
    let mut documents = 0;
    for file in files(&corpus, ".md").into_iter().chain(files(&corpus, ".markdown")) {
        let text = std::fs::read(&file).unwrap();
        let result = convert(&text, Format::Markdown, Format::Html);
        let is_broken = file.parent().is_some_and(|folder| folder.ends_with("broken"));
        assert!(result.is_ok() || is_broken, "{}: {result:?}", file.display());
        documents += usize::from(result.is_ok());
    }
    assert!(documents > 10, "{documents}");
}

#[test]
fn long_documents_that_people_write_are_not_refused() {
    let paragraph = "A line with *words*, a [link](http://a.example/b \"Title\"), `code` and \"quotes\".\n";
    for text in [
        // No blank line at all.
        paragraph.repeat(20_000),
        // A quotation mark that is never closed, in each paragraph.
        format!("{}[a](b \"c\n\n", paragraph.repeat(20)).repeat(1_000),
        // Mail that quotes mail.
        format!("{}text of the mail\n", "> ".repeat(20)).repeat(20_000),
        // A table, a list, an outline.
        format!("| a | b | c |\n|---|---|---|\n{}", "| 1 | 2 | 3 |\n".repeat(50_000)),
        format!("a | b | c\n--|---|--\n{}", "1 | 2\n".repeat(50_000)),
        "- item\n".repeat(100_000),
        (0..30_000).map(|at| format!("{}- item {at}\n", "  ".repeat(at % 12))).collect(),
        "1984. Was a year.\n\nText.\n\n".repeat(20_000),
        // Rules, and code that looks like quotes.
        format!("{}\n\ntext\n\n", "* ".repeat(40)).repeat(5_000),
        format!("```\n{}```\n\n", "> > > > x\n".repeat(20_000)),
        "Words of an old computer.\r".repeat(50_000),
    ] {
        for to in [Format::Html, Format::Rtf] {
            let result = convert(text.as_bytes(), Format::Markdown, to);
            assert!(result.is_ok(), "{}: {:?}", &text[..80], result.err());
        }
    }
}

/// A long document is read in pieces, which is not seen in what becomes of it.
#[test]
fn a_long_document_is_what_the_parser_makes_of_it() {
    use pulldown_cmark::{Options, Parser, html::push_html};
    let extensions = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS;
    let piece = "# Part\n\nText [a] and ~~b~~.\n\n1. c\n\n   d\n2. e\n\n| f |\n|---|\n| g |\n\nMore.\n\n";
    for end in ["[a]: /h 'i'\n", "```\n\nj\n", "note[^k]\n\n[^k]: l\n", "<!--\n\nm\n"] {
        let text = format!("{}{end}", piece.repeat(5_000));
        let mut expected = String::new();
        push_html(&mut expected, Parser::new_ext(&text, extensions));
        let extensions = millpond::convert::MarkdownExtensions::none();
        let options = ConversionOptions { extensions, ..options(Format::Markdown, Format::Html) };
        assert!(crate::support::convert_with(text.as_bytes(), options).unwrap() == expected, "{end}");
    }
}

#[test]
fn a_carriage_return_ends_a_line() {
    for (text, expected) in [
        ("# a\r\rb\rc\r", "# a\n\nb\nc\n"),
        ("```\ra\rb\r```\r", "```\na\nb\n```\n"),
        ("- a\r- b\r\n- c", "- a\n- b\n- c"),
        ("a\r\n\r\nb\r", "a\n\nb\n"),
    ] {
        for to in [Format::Html, Format::Rtf] {
            let [text, expected] =
                [text, expected].map(|text| convert(text.as_bytes(), Format::Markdown, to));
            assert_eq!(text.unwrap(), expected.unwrap());
        }
        check_markdown(format!("a\n\n{text}\n\nb\n\nc\n").as_bytes(), 1);
    }
}

#[test]
fn the_depth_is_bounded_before_the_parse_and_where_the_limit_allows_any() {
    let deep = format!("{}a", "> ".repeat(1 << 20));
    let error = convert(deep.as_bytes(), Format::Markdown, Format::Html).unwrap_err();
    assert!(matches!(error, ConvertError::TooDeep { limit: 1000, offset: 2000 }), "{error}");
    let any = ConversionOptions { max_depth: usize::MAX, ..options(Format::Markdown, Format::Html) };
    let error = crate::support::convert_with(deep.as_bytes(), any.clone()).unwrap_err();
    assert!(matches!(error, ConvertError::TooComplex { .. }), "{error}");
    let deep = format!("{}a", "> ".repeat(3_000));
    assert!(crate::support::convert_with(deep.as_bytes(), any).is_ok());
    // Code that looks deep is not.
    let code = ConversionOptions { max_depth: 2, ..options(Format::Markdown, Format::Html) };
    assert!(crate::support::convert_with(b"```\n> > > > - - a\n```\n", code).is_ok());
}

/// A piece repeated, after another and before a third, by chance: each becomes something or is
/// refused, in parts as in the whole.
#[test]
fn repeated_patterns() {
    const PIECES: &[&str] = &[
        "[",
        "]",
        "(",
        ")",
        "<",
        ">",
        "!",
        "*",
        "**",
        "_",
        "~",
        "`",
        "```",
        "\n",
        "\n\n",
        "\r",
        " ",
        "    ",
        "\t",
        "a",
        "\"",
        "'",
        "\\",
        "&amp;",
        ":",
        "[^a]:",
        "[^a]",
        "[a]: ",
        "](",
        "](b \"",
        "<a ",
        "<!--",
        "-->",
        "<?",
        "<![CDATA[",
        "<div>",
        "<pre>",
        "|",
        "|-|\n",
        "-",
        "- ",
        "1. ",
        "> ",
        "# ",
        "---\n",
        "===\n",
        "$",
        "{",
        "}",
        "^",
        "é",
        "a|\n",
    ];
    let mut chance = Chance(11);
    for _ in 0..300 {
        let mut pattern =
            |most: usize| -> String { (0..=chance.below(most)).map(|_| *chance.pick(PIECES)).collect() };
        let (before, piece, after) = (pattern(3), pattern(4), pattern(3));
        let text =
            format!("Before.\n\n{before}{}{after}\n\nAfter.\n\nEnd.\n", piece.repeat(2_000 / piece.len()));
        for to in [Format::Html, Format::Rtf] {
            let result = convert(text.as_bytes(), Format::Markdown, to);
            let is_typed =
                matches!(result, Ok(_) | Err(ConvertError::TooDeep { .. } | ConvertError::TooComplex { .. }));
            assert!(is_typed, "{text}: {result:?}");
        }
        check_markdown(text.as_bytes(), 1);
    }
}
