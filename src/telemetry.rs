//! Logging: what the program is doing, to standard error. Pasted text is never logged.

use tracing::{Level, Subscriber, warn};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{LogFormat, LogSettings};

/// Where serenity says that it cannot read an event of the gateway, with the whole event.
const UNREADABLE_EVENTS: &str = "serenity::gateway::ws";
/// Caps on libraries that would log what people write, whatever the settings say.
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
    let log = fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(UnreadableEvents);
    match settings.format {
        LogFormat::Text => {
            let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
            registry.with(log.with_ansi(colours).with_filter(filter)).init();
        }
        LogFormat::Json => registry.with(log.json().with_filter(filter)).init(),
    }
    Ok(())
}

/// Says that an event was passed over, without what is in it.
struct UnreadableEvents;

impl<S: Subscriber> Layer<S> for UnreadableEvents {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if metadata.target() == UNREADABLE_EVENTS && *metadata.level() <= Level::WARN {
            warn!("an event of Discord's gateway cannot be read and is passed over");
        }
    }
}
