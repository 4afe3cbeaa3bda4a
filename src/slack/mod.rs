//! The bot on Slack. slack-morphism and the library for WebSockets are named in this room only.
//!
//! Events come over Socket Mode (`socket`) or as signed requests (`http`); both hand them to the
//! `handler`, which says when they may be acknowledged. Messages become the bot's own (`convert`,
//! with the text of `files`) and go through [`crate::bot::Intake`]. Replies come back through the
//! outbox by the `courier`, over `rest`. Slash commands are in `commands`; buttons, shortcuts, forms
//! and App Home in `press`; `doctor` says what is missing.

mod catch_up;
mod commands;
mod connection;
mod convert;
mod courier;
mod doctor;
mod files;
mod handler;
mod http;
mod press;
mod rest;
mod socket;
mod team;

pub use connection::{Connected, Connection, connect};
pub use courier::SlackCourier;
pub use doctor::examine;
pub use http::{Answer, Endpoint, PATHS, Request};

use crate::bot::{ChannelKey, ChannelSettings, Cooldown, Mode, Platform};
use crate::config::SlackSettings;
use crate::rules::Keyword as _;

/// The key of a channel.
fn channel_key(team: &str, channel: &str) -> ChannelKey {
    ChannelKey { platform: Platform::Slack, workspace: team.to_owned(), channel: channel.to_owned() }
}

/// The channels that the settings watch.
pub fn configured(settings: &SlackSettings) -> Vec<(ChannelKey, ChannelSettings)> {
    let channel = |channel: &crate::config::SlackChannel| {
        let how = ChannelSettings {
            scope: channel.scope.into(),
            mode: Mode::from_word(&channel.mode).unwrap_or(Mode::Answer),
            support_role: channel.support_group.clone(),
            cooldown: channel.cooldown.as_deref().and_then(Cooldown::parse),
        };
        (channel_key(&channel.team, &channel.channel), how)
    };
    settings.channels.iter().map(channel).collect()
}

/// A `ts` in microseconds since 1970; `None` if it is none.
fn micros(ts: &str) -> Option<i64> {
    let (seconds, fraction) = ts.split_once('.').unwrap_or((ts, ""));
    let digits = |text: &str| text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if seconds.is_empty() || fraction.len() > 6 || !digits(seconds) || !digits(fraction) {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
    Some(seconds * 1_000_000 + fraction)
}

/// Microseconds since 1970 as a `ts`.
fn ts_of(micros: i64) -> String {
    let micros = micros.max(0);
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::{micros, ts_of};

    #[test]
    fn times_of_messages() {
        for (ts, expected) in [
            ("1700000000.000100", Some(1_700_000_000_000_100)),
            ("1700000000.0001", Some(1_700_000_000_000_100)),
            ("1700000000", Some(1_700_000_000_000_000)),
            ("", None),
            (".5", None),
            ("-1.5", None),
            ("17000000000000.1", None),
            ("1700000000.0000001", None),
            ("1.5e3", None),
        ] {
            assert_eq!(micros(ts), expected, "{ts}");
        }
        assert_eq!(ts_of(1_700_000_000_000_100), "1700000000.000100");
    }
}
