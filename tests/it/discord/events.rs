//! What happens, and which sessions are told of it.

use serde_json::{Value, json};

use super::bits::intent;
use super::state::{Message, Session, State};

/// The numbers in `<@…>` or `<@&…>`.
fn mentioned(text: &str, opening: &str) -> Vec<u64> {
    let ids =
        text.split(opening).skip(1).filter_map(|rest| rest.split_once('>')?.0.trim_start_matches('!').parse().ok());
    let mut found: Vec<u64> = Vec::new();
    ids.for_each(|id| {
        if !found.contains(&id) {
            found.push(id);
        }
    });
    found
}

impl State {
    /// Notifies whom a text mentions, as far as `allowed` lets it.
    pub(super) fn set_mentions(&self, message: &mut Message, allowed: &Value) {
        let may = |kind: &str| match &allowed["parse"] {
            Value::Array(kinds) => kinds.iter().any(|known| known == kind),
            _ => allowed.is_null(),
        };
        let listed = |kind: &str, id: u64| {
            let text = id.to_string();
            allowed[kind].as_array().is_some_and(|ids| ids.iter().any(|it| *it == id || *it == text))
        };
        message.mentions = mentioned(&message.content, "<@");
        message.mentions.retain(|id| self.user_by_id(*id).is_some() && (may("users") || listed("users", *id)));
        message.mention_roles = mentioned(&message.content, "<@&");
        message
            .mention_roles
            .retain(|id| self.roles.iter().any(|role| role.id == *id) && (may("roles") || listed("roles", *id)));
        let loud = ["@everyone", "@here"].iter().any(|word| message.content.contains(word));
        message.mention_everyone = loud && may("everyone");
        let pinged = allowed["replied_user"].as_bool().unwrap_or(allowed.is_null());
        if let Some(replied) = message.replies_to.and_then(|id| self.message(id)).filter(|_| pinged)
            && !message.mentions.contains(&replied.author)
        {
            message.mentions.push(replied.author);
        }
    }

    /// Stores a message and tells of it.
    pub(super) fn post(&mut self, mut message: Message) -> u64 {
        if message.id == 0 {
            message.id = self.id();
        }
        let id = message.id;
        if let Some(channel) = self.channel_mut(message.channel) {
            channel.last_message = Some(id);
        }
        let woken = self.channel_mut(message.channel).filter(|channel| channel.archived && !channel.locked);
        if let Some(channel) = woken {
            channel.archived = false;
            let channel = channel.clone();
            let json = self.channel_json(&channel);
            self.dispatch("THREAD_UPDATE", intent::GUILDS, channel.guild, &json);
        }
        self.messages.insert(id, message);
        self.tell_message("MESSAGE_CREATE", id);
        id
    }

    /// Forgets a message and tells of it.
    pub(super) fn remove(&mut self, id: u64) {
        let Some(message) = self.messages.get_mut(&id) else { return };
        message.deleted = true;
        let message = message.clone();
        if message.is_ephemeral() || !self.bot_sees(message.channel) {
            return;
        }
        let (guild, needed) = self.audience(message.channel);
        let mut json = json!({"id": id.to_string(), "channel_id": message.channel.to_string()});
        if let Some(guild) = guild {
            json["guild_id"] = guild.to_string().into();
        }
        self.dispatch("MESSAGE_DELETE", needed, guild, &json);
    }

    fn audience(&self, channel: u64) -> (Option<u64>, u64) {
        let guild = self.channel(channel).and_then(|channel| channel.guild);
        (guild, if guild.is_some() { intent::GUILD_MESSAGES } else { intent::DIRECT_MESSAGES })
    }

    pub(super) fn tell_message(&mut self, name: &str, id: u64) {
        let Some(message) = self.messages.get(&id).cloned() else { return };
        if message.is_ephemeral() || !self.bot_sees(message.channel) {
            return;
        }
        let (guild, needed) = self.audience(message.channel);
        let versions = [true, false].map(|readable| {
            let mut json = self.message_json(&message, readable);
            if let Some(guild) = guild {
                json["guild_id"] = guild.to_string().into();
                if let Some(author) = self.user_by_id(message.author) {
                    let mut member = self.member_json(author, guild);
                    member.as_object_mut().expect("an object").remove("user");
                    json["member"] = member;
                }
            }
            json
        });
        let hears = |session: &&mut Session| session.intents & needed != 0 && session.is_of(guild);
        for session in self.sessions.iter_mut().filter(hears) {
            let readable = session.intents & intent::MESSAGE_CONTENT != 0;
            session.tell(name, versions[usize::from(!readable)].clone());
        }
    }

    /// Tells every session of the guild's shard that has the intent; 0 is for all. What is of no guild goes to the
    /// first shard.
    pub(crate) fn dispatch(&mut self, name: &str, needed: u64, guild: Option<u64>, data: &Value) {
        for session in &mut self.sessions {
            if session.is_of(guild) && (needed == 0 || session.intents & needed != 0) {
                session.tell(name, data.clone());
            }
        }
    }
}

impl Session {
    /// Whether a guild, or what is of none, belongs to its shard.
    pub(super) fn is_of(&self, guild: Option<u64>) -> bool {
        let (shard, of) = self.shard;
        guild.map_or(0, |guild| (guild >> 22) % of) == shard
    }

    pub(super) fn tell(&mut self, name: &str, data: Value) {
        self.sequence += 1;
        self.dispatched.push((self.sequence, json!({"op": 0, "s": self.sequence, "t": name, "d": data})));
    }
}
