//! The command line.

use std::path::PathBuf;

use clap::Parser;
use millpond::Format;

/// Converts RTF and Markdown documents, many at a time.
///
/// Files and folders are searched for documents (.rtf, .md, .markdown); what a document is, its content decides. RTF
/// becomes Markdown and Markdown becomes RTF, unless --to says otherwise. Without PATHS the documents that the repository
/// carries are converted.
#[derive(Debug, Parser)]
#[command(name = "convert", after_help = AFTER)]
pub(crate) struct Args {
    /// Files and folders to convert; folders with all that is in them
    pub(crate) paths: Vec<PathBuf>,

    /// Where the converted documents go; made if it is not there. Documents that would have the same name get numbers
    #[arg(short, long, value_name = "DIR", default_value = "converted")]
    pub(crate) out: PathBuf,

    /// Replace files that are in DIR already; without it, a document whose file is there and differs is a failure
    #[arg(long)]
    pub(crate) overwrite: bool,

    /// What to convert to: rtf, markdown or html
    #[arg(short, long, value_name = "FORMAT", value_parser = format)]
    pub(crate) to: Option<Format>,

    /// Also convert them one after another, and say how much faster the pool is
    #[arg(long)]
    pub(crate) compare: bool,

    /// Threads at most [default: twice the cores]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

const AFTER: &str = "Exit code: 0 if all documents were converted, 1 if some failed (those that the repository carries \
                     are partly broken on purpose and do not count), 2 if a path or an option is wrong or the \
                     report can't be written.";

fn format(name: &str) -> Result<Format, String> {
    name.parse().map_err(|_| String::from("rtf, markdown and html are known"))
}
