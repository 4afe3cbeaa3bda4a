//! Which channels are watched, and how: what the settings say, and what people chose in the channels
//! themselves, which wins.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::event::{ChannelKey, Platform};
use super::policy::ChannelSettings;
use super::ports::{Store, StoreError};

/// The watched channels of all platforms.
pub struct Channels<S> {
    store: Arc<S>,
    configured: HashMap<ChannelKey, ChannelSettings>,
    /// `None` for a channel that is configured but was opted out.
    chosen: watch::Sender<HashMap<ChannelKey, Option<ChannelSettings>>>,
}

impl<S: Store> Channels<S> {
    /// The configured channels with what was chosen in earlier runs.
    pub async fn load(store: Arc<S>, configured: HashMap<ChannelKey, ChannelSettings>) -> Result<Self, StoreError> {
        let chosen = store.chosen_channels().await?.into_iter().collect();
        Ok(Self { store, configured, chosen: watch::Sender::new(chosen) })
    }

    /// Reads again what was chosen: it may have been in another process.
    pub async fn reload(&self) -> Result<(), StoreError> {
        let chosen = self.store.chosen_channels().await?.into_iter().collect();
        self.chosen.send_replace(chosen);
        Ok(())
    }

    /// How a channel is watched; `None` when it is not.
    pub fn settings(&self, channel: &ChannelKey) -> Option<ChannelSettings> {
        match self.chosen.borrow().get(channel) {
            Some(chosen) => chosen.clone(),
            None => self.configured.get(channel).cloned(),
        }
    }

    /// Whether anybody chose or configured anything for a channel, be it that it is not watched.
    pub fn is_known(&self, channel: &ChannelKey) -> bool {
        self.chosen.borrow().contains_key(channel) || self.configured.contains_key(channel)
    }

    /// How messages of a thread are watched: as the thread itself was chosen, else as its channel.
    pub fn settings_in(&self, channel: &ChannelKey, thread: Option<&str>) -> Option<ChannelSettings> {
        let of_thread =
            thread.and_then(|thread| self.settings(&ChannelKey { channel: thread.to_owned(), ..channel.clone() }));
        of_thread.or_else(|| self.settings(channel))
    }

    /// Watches a channel from now on, or no longer where `settings` is `None`; noted with who chose it.
    pub async fn choose(
        &self,
        channel: &ChannelKey,
        settings: Option<ChannelSettings>,
        by: &str,
    ) -> Result<(), StoreError> {
        self.store.choose_channel(channel, settings.as_ref(), by).await?;
        self.chosen.send_modify(|chosen| {
            chosen.insert(channel.clone(), settings);
        });
        Ok(())
    }

    /// The watched channels of a platform, in a fixed order.
    pub fn watched(&self, platform: Platform) -> Vec<(ChannelKey, ChannelSettings)> {
        let chosen = self.chosen.borrow();
        let mut channels: Vec<&ChannelKey> =
            self.configured.keys().chain(chosen.keys()).filter(|key| key.platform == platform).collect();
        channels.sort_by(|a, b| (&a.workspace, &a.channel).cmp(&(&b.workspace, &b.channel)));
        channels.dedup();
        channels
            .into_iter()
            .filter_map(|key| {
                let settings = chosen.get(key).cloned().unwrap_or_else(|| self.configured.get(key).cloned())?;
                Some((key.clone(), settings))
            })
            .collect()
    }
}
