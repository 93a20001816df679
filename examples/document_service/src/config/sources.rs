//! Where values come from: the command line, before the environment, before the file, before the defaults.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};

use super::super::index::{NAME, VERSION};
use super::ConfigError;
use super::fields::{FIELDS, Field, PREFIX, find};

/// Who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Flag(String),
    Variable(String),
    File(PathBuf),
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "from --{flag}"),
            Self::Variable(name) => write!(f, "from {name}"),
            Self::File(path) => write!(f, "from {}", path.display()),
            Self::Default => f.write_str("by default"),
        }
    }
}

/// For each setting that somebody named: what was said, as it was said, and by whom.
#[derive(Debug, Default)]
pub(crate) struct Sources(Said);

/// The command line, as `--help` shows it.
pub(crate) fn command() -> Command {
    let config = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help("TOML file with any of the settings below (queue_limit = 100)")
        .help_heading("Service");
    let args = FIELDS.iter().map(|field| {
        Arg::new(field.name)
            .long(field.flag())
            .value_name(field.value)
            .allow_hyphen_values(true)
            .help(format!("{} [default: {}]", field.help, field.default))
            .help_heading(field.heading)
    });
    Command::new(NAME)
        .version(VERSION)
        .about("Converts RTF and Markdown documents over HTTP")
        .after_help(AFTER)
        .arg(config)
        .args(args)
}

const AFTER: &str = "Every setting is also a variable (MILLPOND_QUEUE_LIMIT, and MILLPOND_CONFIG for the file) and a key of the file \
                     (queue_limit). A flag counts before a variable, that before the file.\nTimes are written as 500ms, 10s or 1m 30s, \
                     sizes as 8MiB, 500kB or a number of bytes.\nExit code: 0 after a shutdown that was asked for, 1 if the service \
                     can't listen or start its threads, 2 if its configuration is wrong.";

impl Sources {
    /// Asks all of them. The environment is a parameter, so that a test need not change that of its process.
    pub(crate) fn gather(
        matches: &ArgMatches,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let (file, variables) = environment(variables)?;
        let mut values = HashMap::new();
        if let Some(path) = matches.get_one::<PathBuf>("config").cloned().or(file) {
            read_file(&path, &mut values)?;
        }
        values.extend(variables);
        for field in FIELDS {
            if let Some(value) = matches.get_one::<String>(field.name) {
                values.insert(field.name, (value.clone(), Source::Flag(field.flag())));
            }
        }
        Ok(Self(values))
    }

    /// What counts for this setting, and who said it.
    pub(crate) fn of(&self, field: &Field) -> (&str, Source) {
        match self.0.get(field.name) {
            Some((value, source)) => (value, source.clone()),
            None => (field.default, Source::Default),
        }
    }
}

/// What was said, as it was said, and by whom.
type Said = HashMap<&'static str, (String, Source)>;

/// The file that the environment names, and its settings. The error is about the first wrong one by
/// name.
fn environment(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(Option<PathBuf>, Said), ConfigError> {
    let (mut file, mut values) = (None, Said::new());
    let named = variables.into_iter().map(|(name, value)| (name.to_string_lossy().into_owned(), value));
    let ours: BTreeMap<_, _> = named.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    for (variable, value) in ours {
        if variable == "MILLPOND_CONFIG" {
            file = Some(PathBuf::from(value));
            continue;
        }
        let Some(field) = FIELDS.iter().find(|field| field.variable() == variable) else {
            let setting = variable.trim_start_matches(PREFIX).to_ascii_lowercase();
            return Err(ConfigError::Variable { variable, setting });
        };
        let value = value.into_string().map_err(|_| ConfigError::NotText(variable.clone()))?;
        values.insert(field.name, (value, Source::Variable(variable)));
    }
    Ok((file, values))
}

fn read_file(path: &Path, values: &mut Said) -> Result<(), ConfigError> {
    let wrong = |reason: String| ConfigError::File { path: path.to_owned(), reason };
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| wrong(error.to_string()))?;
    for (name, value) in table {
        let field = find(&name).ok_or_else(|| wrong(format!("there is no setting `{name}`")))?;
        let value = match value {
            toml::Value::String(value) => value,
            toml::Value::Integer(value) => value.to_string(),
            other => {
                let is = other.type_str();
                return Err(wrong(format!(
                    "{name} is a value of type {is}, but must be a string or a whole number"
                )));
            }
        };
        values.insert(field.name, (value, Source::File(path.to_owned())));
    }
    Ok(())
}
