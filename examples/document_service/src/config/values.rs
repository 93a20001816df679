//! From text to values. Every error names the setting, what was said, who said it and what is accepted.

use std::fmt::Display;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;

use super::fields::{Field, find};
use super::sources::Sources;
use super::{ConfigError, EngineKind};

pub(crate) struct Values<'s>(pub(crate) &'s Sources);

impl Values<'_> {
    pub(crate) fn address(&self, name: &'static str) -> Result<SocketAddr, ConfigError> {
        self.get(name, "an IP address and a port, as 127.0.0.1:3000 or [::1]:3000", |text| text.parse().ok())
    }

    pub(crate) fn engine(&self, name: &'static str) -> Result<EngineKind, ConfigError> {
        self.get(name, "millpond, spawn-blocking or rayon", |text| match text {
            "millpond" => Some(EngineKind::Millpond),
            "spawn-blocking" => Some(EngineKind::SpawnBlocking),
            "rayon" => Some(EngineKind::Rayon),
            _ => None,
        })
    }

    /// `None` is "auto".
    pub(crate) fn switch(&self, name: &'static str) -> Result<Option<bool>, ConfigError> {
        self.get(name, "auto, on or off", |text| match text {
            "auto" => Some(None),
            "on" => Some(Some(true)),
            "off" => Some(Some(false)),
            _ => None,
        })
    }

    /// `None` is "auto".
    pub(crate) fn threads(&self, name: &'static str) -> Result<Option<usize>, ConfigError> {
        self.get(name, "auto, or 1 to 1024", |text| match text {
            "auto" => Some(None),
            number => number.parse().ok().filter(|number| (1..=1024).contains(number)).map(Some),
        })
    }

    pub(crate) fn number<T>(&self, name: &'static str, least: T, most: T) -> Result<T, ConfigError>
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let accepted = format!("{least} to {most}");
        self.get(name, &accepted, |text| {
            text.parse().ok().filter(|number| least <= *number && *number <= most)
        })
    }

    /// In bytes.
    pub(crate) fn size(&self, name: &'static str, most: ByteSize) -> Result<usize, ConfigError> {
        let accepted = format!("1 KiB to {}, as 8MiB, 500kB or 4096", most.display().iec());
        self.get(name, &accepted, |text| {
            let size =
                text.parse::<ByteSize>().ok().filter(|size| (ByteSize::kib(1)..=most).contains(size))?;
            usize::try_from(size.as_u64()).ok()
        })
    }

    pub(crate) fn time(
        &self,
        name: &'static str,
        least: Duration,
        most: Duration,
    ) -> Result<Duration, ConfigError> {
        let [low, high] = [least, most].map(humantime::format_duration);
        let accepted = format!("{low} to {high}, as 500ms, 10s or 1m 30s");
        self.get(name, &accepted, |text| {
            humantime::parse_duration(text).ok().filter(|time| (least..=most).contains(time))
        })
    }

    fn get<T>(
        &self,
        name: &'static str,
        accepted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let value = find(name).and_then(|field: &Field| parse(self.0.of(field).0.trim()));
        value.ok_or_else(|| self.wrong(name, accepted))
    }

    /// The error for a value that is not accepted.
    pub(crate) fn wrong(&self, name: &'static str, accepted: &str) -> ConfigError {
        let (value, source_name) = match find(name) {
            Some(field) => {
                let (value, source) = self.0.of(field);
                (value.to_owned(), source.to_string())
            }
            None => (String::new(), String::from("no such setting")),
        };
        ConfigError::Value { field: name, value, source_name, accepted: accepted.to_owned() }
    }
}
