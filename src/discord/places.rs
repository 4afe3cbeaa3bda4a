//! Where messages stand: whether a channel is a thread, and of which channel.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serenity::cache::Cache;
use serenity::http::Route;
use serenity::model::id::{ChannelId, GuildId};
use tracing::warn;

use super::channel_key;
use super::rest::Rest;
use crate::bot::ChannelKey;

/// Discord's name for kinds of channels that are threads. <https://docs.discord.com/developers/resources/channel#channel-object-channel-types>
const THREADS: [u64; 3] = [10, 11, 12];
/// Threads whose channel is remembered.
const PLACES_MAX: usize = 10_000;
/// How often it is asked when Discord is in trouble.
const TRIES: u32 = 4;

/// Where a message stands: its channel, and the thread in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) channel: ChannelKey,
    pub(super) thread: Option<String>,
}

/// What is known of places.
#[derive(Default)]
pub(super) struct Places {
    asked: Mutex<HashMap<ChannelId, Place>>,
    /// Held by who asks Discord, so that a busy thread is asked about once.
    asking: tokio::sync::Mutex<()>,
}

impl Places {
    /// The place of a channel, from what the gateway told or what was asked before.
    pub(super) fn known(&self, cache: &Cache, guild: Option<GuildId>, channel: ChannelId) -> Option<Place> {
        let Some(guild) = guild else {
            return Some(Place { channel: channel_key(None, channel.get()), thread: None });
        };
        if let Some(known) = cache.guild(guild) {
            if known.channels.contains_key(&channel) {
                return Some(plain(guild, channel));
            }
            let thread = known.threads.iter().find(|thread| thread.id == channel);
            if let Some(parent) = thread.and_then(|thread| thread.parent_id) {
                return Some(in_thread(guild, parent.get(), channel));
            }
        }
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).get(&channel).cloned()
    }

    /// The place of a channel; Discord is asked where it is not known. `None` where the bot sees no such
    /// channel, or Discord does not answer.
    pub(super) async fn find(
        &self,
        cache: &Cache,
        rest: &Rest,
        guild: Option<GuildId>,
        channel: ChannelId,
    ) -> Option<Place> {
        if let Some(known) = self.known(cache, guild, channel) {
            return Some(known);
        }
        let guild = guild?;
        let _asking = self.asking.lock().await;
        if let Some(known) = self.known(cache, Some(guild), channel) {
            return Some(known);
        }
        let found = match rest.read(Route::Channel { channel_id: channel }, &[], TRIES).await {
            Ok(found) => found,
            Err(error) => {
                warn!(channel = %channel, error = %error, "a channel is not known; its message is passed over");
                return None;
            }
        };
        let parent = found["parent_id"].as_str().and_then(|id| id.parse().ok());
        let place = match (found["type"].as_u64()?, parent) {
            (kind, Some(parent)) if THREADS.contains(&kind) => in_thread(guild, parent, channel),
            _ => plain(guild, channel),
        };
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() >= PLACES_MAX {
            asked.clear();
        }
        asked.insert(channel, place.clone());
        Some(place)
    }
}

fn plain(guild: GuildId, channel: ChannelId) -> Place {
    Place { channel: channel_key(Some(guild.get()), channel.get()), thread: None }
}

fn in_thread(guild: GuildId, parent: u64, thread: ChannelId) -> Place {
    Place { channel: channel_key(Some(guild.get()), parent), thread: Some(thread.to_string()) }
}
