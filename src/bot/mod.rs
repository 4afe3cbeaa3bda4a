//! The bot: from what a platform delivered to what is to be posted. It owns the ports it needs
//! ([`ports`]) and knows no platform and no database.

pub mod catch_up;
pub mod channels;
pub mod commands;
pub mod delivery;
pub mod event;
pub mod feedback;
pub mod finding;
pub mod health;
pub mod intake;
pub mod leases;
pub mod marks;
pub mod policy;
pub mod ports;
pub mod watermark;

use std::sync::Arc;
use std::time::Duration;

pub use channels::Channels;
pub use commands::Commands;
pub use delivery::Delivery;
pub use event::{Author, ChannelKey, Event, Message, MessageKey, Platform};
pub use feedback::{Feedback, Pressed, Presser};
pub use finding::Finding;
pub use intake::{Decision, Intake};
pub use leases::Keeper;
pub use marks::Marks;
pub use policy::{ChannelSettings, Cooldown, Cooldowns, Mode, Silence};
pub use watermark::Watermark;

/// Everything that a platform's events need.
pub struct Bot<S> {
    /// Takes the events.
    pub intake: Arc<Intake<S>>,
    /// Which channels are watched.
    pub channels: Arc<Channels<S>>,
    /// Takes what people press.
    pub feedback: Feedback<S>,
    /// Answers questions.
    pub commands: Arc<Commands>,
    /// Remembers how far was read.
    pub store: Arc<S>,
    /// Says which of the platform's connections this process keeps up.
    pub keeper: Keeper<S>,
    /// Tells whether the platform is heard from.
    pub pulse: Arc<health::Pulse>,
    /// Messages older than this are passed over after a start.
    pub catch_up: Duration,
}
