//! Conversions for other programs to judge: of real RTF files, which are not part of the project
//! (`scripts/check-rtf`), and of Markdown that LibreOffice is to open
//! (`scripts/check-libreoffice`).

use std::path::{Path, PathBuf};
use std::{env, fs};

use millpond::convert::{ConversionOptions, ConvertError, Format, MarkdownExtensions};

use crate::support::convert_with;

/// Converts each `*.rtf` in the folder that `MILLPOND_RTF_FILES` names to HTML, as `*.html` beside
/// it, for `scripts/check_rtf.py` to compare with what other readers find. Documents that are cut
/// short are read leniently, and `*.refused` says why the default options refuse them.
#[test]
#[ignore = "needs files that are not part of the project; see scripts/check-rtf"]
fn real_files_are_converted() {
    for file in files("MILLPOND_RTF_FILES", "rtf") {
        convert_file(&file);
    }
}

fn convert_file(file: &Path) {
    let name = file.file_name().unwrap().to_string_lossy();
    let rtf = fs::read(file).unwrap();
    let strict = ConversionOptions { from: Some(Format::Rtf), to: Some(Format::Html), ..Default::default() };
    let html = match convert_with(&rtf, strict.clone()) {
        Ok(html) => html,
        Err(ConvertError::Malformed { offset: 0, .. }) => return println!("{name} does not begin as RTF"),
        Err(error @ ConvertError::Malformed { .. }) => {
            fs::write(file.with_extension("refused"), error.to_string()).unwrap();
            let lenient = ConversionOptions { lenient: true, ..strict };
            convert_with(&rtf, lenient).unwrap_or_else(|error| panic!("{name}, read leniently: {error}"))
        }
        Err(error) => panic!("{name}: {error}"),
    };
    fs::write(file.with_extension("html"), html).unwrap();
}

/// Converts each `*.md` in the folder that `MILLPOND_MARKDOWN_FILES` names to RTF, as `*.rtf`
/// beside it, for `scripts/check-libreoffice` to open. Definition lists are on.
#[test]
#[ignore = "needs LibreOffice to judge what is written; see scripts/check-libreoffice"]
fn markdown_files_become_rtf() {
    let extensions = MarkdownExtensions { definition_lists: true, ..Default::default() };
    for file in files("MILLPOND_MARKDOWN_FILES", "md") {
        let (from, to) = (Some(Format::Markdown), Some(Format::Rtf));
        let options = ConversionOptions { from, to, extensions, ..Default::default() };
        let rtf = convert_with(&fs::read(&file).unwrap(), options).unwrap();
        fs::write(file.with_extension("rtf"), rtf).unwrap();
    }
}

/// The files with that ending in the folder that a variable names, in order.
fn files(variable: &str, ending: &str) -> Vec<PathBuf> {
    let folder = env::var_os(variable).unwrap_or_else(|| panic!("{variable} names a folder"));
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == ending));
    files.sort();
    assert!(!files.is_empty(), "there are no files");
    files
}
