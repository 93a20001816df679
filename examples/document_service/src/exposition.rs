//! Prometheus' text format, version 0.0.4.

use std::fmt::{Display, Write};

/// The media type of it.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A page of metrics that is being written.
#[derive(Debug, Default)]
pub(crate) struct Exposition(String);

impl Exposition {
    /// A metric that only rises; by custom its name ends in `_total`.
    pub(crate) fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "counter", help).sample(&[], value);
    }

    /// A metric that rises and falls.
    pub(crate) fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help).sample(&[], value);
    }

    /// A metric of any kind, whose samples follow.
    pub(crate) fn family<'e>(&'e mut self, name: &'e str, kind: &str, help: &str) -> Family<'e> {
        let help = help.replace('\\', r"\\").replace('\n', r"\n");
        // To write to a string can't fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family { page: &mut self.0, name }
    }

    /// The page.
    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// A metric whose samples are being written.
#[derive(Debug)]
pub(crate) struct Family<'e> {
    page: &'e mut String,
    name: &'e str,
}

impl Family<'_> {
    pub(crate) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.page.push_str(self.name);
        for (at, (label, value)) in labels.iter().enumerate() {
            let value = value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            let _ = write!(self.page, "{}{label}=\"{value}\"", if at == 0 { '{' } else { ',' });
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.page, "{end} {value}");
    }
}
