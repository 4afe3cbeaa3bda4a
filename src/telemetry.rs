//! Logging: what the program is doing, to standard error. Pasted text is never logged.

use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{LogFormat, LogSettings};

/// Caps on libraries that would log what people write, whatever the settings say: serenity tells what it cannot read.
const CAPS: [&str; 5] =
    ["serenity=warn", "serenity::gateway::ws=off", "slack_morphism=warn", "tungstenite=warn", "tokio_tungstenite=warn"];

/// Starts logging; says what is wrong with the filter otherwise.
pub fn init(settings: &LogSettings) -> anyhow::Result<()> {
    let mut filter = EnvFilter::try_new(&settings.filter).map_err(|error| {
        anyhow::anyhow!("log.filter: {error}\n  help: write a level such as info, or target=level pairs")
    })?;
    for cap in CAPS {
        filter = filter.add_directive(cap.parse()?);
    }
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.format {
        LogFormat::Text => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}
