//! The example `document_service` is configured by flags, before the environment, before a file, before the defaults; and says
//! exactly what is wrong.

use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, process};

use crate::document_service::config::{Config, ConfigError, EngineKind, FIELDS, command};

fn load(flags: &[&str], variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let flags = ["document_service"].iter().chain(flags);
    let matches = command().try_get_matches_from(flags).unwrap();
    Config::load(&matches, variables.iter().map(|(name, value)| (name.into(), value.into())))
}

/// A file of this test's own, gone at the end.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = env::temp_dir().join(format!("millpond-service-{name}-{}.toml", process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn a_flag_counts_before_a_variable_before_the_file_before_the_default() {
    let file =
        File::new("order", "queue_limit = 1\nmax_streams = 2\ndeadline = \"3s\"\nengine = \"rayon\"\n");
    let variables =
        [("MILLPOND_CONFIG", file.path()), ("MILLPOND_QUEUE_LIMIT", "10"), ("MILLPOND_MAX_STREAMS", "20")];
    let config = load(&["--queue-limit", "100"], &variables).unwrap();
    assert_eq!(config.work.queue_limit, 100, "the flag's");
    assert_eq!(config.limits.max_streams, 20, "the variable's");
    assert_eq!(config.work.deadline, Duration::from_secs(3), "the file's");
    assert_eq!(config.engine, EngineKind::Rayon, "the file's");
    assert_eq!(config.limits.max_connections, 4096, "the default");
    let other = File::new("other", "queue_limit = 7\n");
    let config = load(&["--config", other.path()], &variables).unwrap();
    assert_eq!((config.work.queue_limit, config.work.deadline), (10, Duration::from_secs(10)));
}

#[test]
fn every_default_is_accepted_from_every_source() {
    let default = load(&[], &[]).unwrap();
    for field in FIELDS {
        assert_eq!(load(&[&format!("--{}", field.flag()), field.default], &[]).unwrap(), default);
        assert_eq!(load(&[], &[(&field.variable(), field.default)]).unwrap(), default);
        let file = File::new(field.name, &format!("{} = \"{}\"", field.name, field.default));
        assert_eq!(load(&["--config", file.path()], &[]).unwrap(), default);
    }
}

#[test]
fn the_dashboard_is_on_by_itself_at_loopback_addresses_only() {
    for (listen, when, expected) in [
        ("127.0.0.1:0", "auto", true),
        ("[::1]:0", "auto", true),
        ("0.0.0.0:0", "auto", false),
        ("0.0.0.0:0", "on", true),
        ("127.0.0.1:0", "off", false),
    ] {
        let config = load(&["--listen", listen, "--dashboard", when], &[]).unwrap();
        assert_eq!(config.dashboard, expected, "{listen} {when}");
    }
}

#[test]
fn an_error_names_the_setting_the_value_who_said_it_and_what_is_accepted() {
    let said = |flags: &[&str], variables: &[(&str, &str)]| load(flags, variables).unwrap_err().to_string();
    assert_eq!(
        said(&["--queue-limit", "0"], &[]),
        "queue_limit is \"0\" (from --queue-limit), but must be 1 to 1000000"
    );
    assert_eq!(
        said(&[], &[("MILLPOND_DEADLINE", "soon")]),
        "deadline is \"soon\" (from MILLPOND_DEADLINE), but must be 1ms to 1day, as 500ms, 10s or 1m 30s"
    );
    let file = File::new("wrong", "max_document = \"2GiB\"");
    assert_eq!(
        said(&["--config", file.path()], &[]),
        format!(
            "max_document is \"2GiB\" (from {}), but must be 1 KiB to 1.0 GiB, as 8MiB, 500kB or 4096",
            file.path()
        )
    );
    for field in FIELDS {
        let error = said(&[], &[(&field.variable(), "?")]);
        let expected = format!("{} is \"?\" (from {}), but must be ", field.name, field.variable());
        assert!(error.starts_with(&expected), "{error}");
    }
    let budget = said(&["--upload-budget", "1MiB"], &[]);
    assert!(
        budget.starts_with("upload_budget is \"1MiB\" (from --upload-budget), but must be at least"),
        "{budget}"
    );
}

#[test]
fn a_file_that_is_not_understood_is_no_configuration() {
    for (name, text, reason) in [
        ("unknown", "queue_limt = 1", "there is no setting `queue_limt`"),
        (
            "type",
            "queue_limit = 1.5",
            "queue_limit is a value of type float, but must be a string or a whole number",
        ),
        ("syntax", "queue_limit = [", "TOML parse error at line 1"),
    ] {
        let file = File::new(name, text);
        let error = load(&["--config", file.path()], &[]).unwrap_err().to_string();
        assert!(error.starts_with(file.path()) && error.contains(reason), "{error}");
    }
    let error = load(&["--config", "not there.toml"], &[]).unwrap_err().to_string();
    assert!(error.starts_with("not there.toml: "), "{error}");
}

/// As an unknown key of the file is. Variables of others are none of the service's business.
#[test]
fn a_variable_that_is_no_setting_is_no_configuration() {
    let error = load(&[], &[("MILLPOND_QUEUE_LIMT", "1")]).unwrap_err().to_string();
    assert_eq!(error, "MILLPOND_QUEUE_LIMT: there is no setting `queue_limt`");
    let error = load(&[], &[("MILLPOND_queue_limit", "1")]).unwrap_err().to_string();
    assert_eq!(error, "MILLPOND_queue_limit: there is no setting `queue_limit`");
    let others = [("PATH", "?"), ("millpond_queue_limit", "?"), ("MILLPONDS", "?"), ("QUEUE_LIMIT", "?")];
    assert_eq!(load(&[], &others).unwrap(), load(&[], &[]).unwrap());
}

#[test]
fn help_and_documentation_list_every_setting_with_its_default() {
    let help = command().render_long_help().to_string();
    let guide = include_str!("../../../../docs/service.md");
    for field in FIELDS {
        assert!(help.contains(&format!("--{} <{}>", field.flag(), field.value)), "{}", field.name);
        assert!(help.contains(&format!("[default: {}]", field.default)), "{}", field.name);
        let row = format!("| `{}` | {} | {} |", field.name, field.default, field.help);
        assert!(guide.contains(&row), "docs/service.md lacks: {row}");
    }
}
