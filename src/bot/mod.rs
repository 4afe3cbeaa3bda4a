//! The bot: from what a platform delivered to what is to be posted. It owns the ports it needs
//! ([`ports`]) and knows no platform and no database.

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
