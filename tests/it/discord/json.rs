//! The JSON that Discord makes of what it remembers.

use serde_json::{Value, json};

use super::bits::{THREAD_STARTER, kind};
use super::state::{Channel, Message, Role, State, User, iso, made};

impl State {
    pub(crate) fn user_json(&self, id: u64) -> Value {
        let Some(user) = self.user_by_id(id) else { return Value::Null };
        let mut json = json!({
            "id": user.id.to_string(), "username": user.name, "discriminator": "0", "global_name": user.name,
            "avatar": null, "banner": null, "accent_color": null, "public_flags": 0, "flags": 0,
        });
        if user.bot {
            json["bot"] = true.into();
        }
        json
    }

    pub(super) fn member_json(&self, user: &User, guild: u64) -> Value {
        let roles = user.roles.iter().filter(|id| self.roles.iter().any(|role| role.id == **id && role.guild == guild));
        json!({
            "user": self.user_json(user.id), "nick": null, "avatar": null, "banner": null,
            "roles": roles.map(u64::to_string).collect::<Vec<_>>(), "joined_at": iso(made(guild)),
            "premium_since": null, "deaf": false, "mute": false, "flags": 0, "pending": false,
            "communication_disabled_until": null,
        })
    }

    pub(super) fn role_json(&self, role: &Role) -> Value {
        let mut json = json!({
            "id": role.id.to_string(), "name": role.name, "permissions": role.permissions.to_string(),
            "color": 0, "colors": {"primary_color": 0, "secondary_color": null, "tertiary_color": null},
            "hoist": false, "managed": role.of_bot, "mentionable": false, "icon": null, "unicode_emoji": null,
            "position": i32::from(role.id != role.guild), "flags": 0,
        });
        if role.of_bot {
            json["tags"] = json!({"bot_id": self.bot.to_string()});
        }
        json
    }

    pub(super) fn guild_json(&self, id: u64) -> Value {
        let Some(guild) = self.guilds.iter().find(|guild| guild.id == id) else { return Value::Null };
        let channels = |thread: bool| {
            let here = self.channels.iter().filter(|channel| channel.guild == Some(id));
            let kept = here.filter(|channel| (channel.kind == kind::THREAD) == thread && !channel.archived);
            // A bot receives the channels that it cannot see as well, but not their threads.
            let kept = kept.filter(|channel| !thread || self.bot_sees(channel.id));
            kept.map(|channel| self.channel_json(channel)).collect::<Vec<_>>()
        };
        let roles = self.roles.iter().filter(|role| role.guild == id);
        let mut json = json!({
            "id": id.to_string(), "name": guild.name, "owner_id": guild.owner.to_string(), "icon": null,
            "icon_hash": null, "splash": null, "discovery_splash": null, "afk_channel_id": null, "afk_timeout": 300,
            "widget_enabled": false, "widget_channel_id": null, "verification_level": 0,
            "default_message_notifications": 0, "explicit_content_filter": 0,
            "mfa_level": 0, "system_channel_flags": 0,
            "max_presences": null, "max_members": 500_000, "vanity_url_code": null,
            "description": null, "banner": null, "premium_tier": 0, "premium_subscription_count": 0,
            "preferred_locale": "en-US", "max_video_channel_users": 25,
            "nsfw_level": 0, "premium_progress_bar_enabled": false, "joined_at": iso(made(id)),
            "large": false, "unavailable": false, "member_count": self.users.len(),
            "guild_scheduled_events": [], "soundboard_sounds": [],
            "safety_alerts_channel_id": null, "incidents_data": null,
        });
        let bot = self.user_by_id(self.bot).map(|bot| self.member_json(bot, id));
        json["roles"] = roles.map(|role| self.role_json(role)).collect();
        json["members"] = bot.into_iter().collect();
        json["channels"] = channels(false).into();
        json["threads"] = channels(true).into();
        for absent in ["application_id", "system_channel_id", "rules_channel_id", "public_updates_channel_id"] {
            json[absent] = Value::Null;
        }
        for none in ["emojis", "features", "stickers", "voice_states", "presences", "stage_instances"] {
            json[none] = json!([]);
        }
        json
    }

    pub(super) fn channel_json(&self, channel: &Channel) -> Value {
        let last = channel.last_message.map(|id| id.to_string());
        let id = channel.id.to_string();
        if let Some(recipient) = channel.recipient {
            return json!({
                "id": id, "type": channel.kind, "flags": 0, "last_message_id": last,
                "recipients": [self.user_json(recipient)],
            });
        }
        let overwrites = channel.overwrites.iter().map(|overwrite| {
            json!({
                "id": overwrite.id.to_string(), "type": i32::from(overwrite.of_user),
                "allow": overwrite.allow.to_string(), "deny": overwrite.deny.to_string(),
            })
        });
        let mut json = json!({
            "id": id, "type": channel.kind, "flags": 0, "last_message_id": last, "name": channel.name,
            "guild_id": channel.guild.map(|id| id.to_string()), "parent_id": channel.parent.map(|id| id.to_string()),
            "rate_limit_per_user": 0,
        });
        if channel.kind != kind::THREAD {
            json["position"] = 0.into();
            json["nsfw"] = false.into();
            json["topic"] = Value::Null;
            json["permission_overwrites"] = overwrites.collect();
            if channel.kind == kind::FORUM {
                json["available_tags"] = json!([]);
                json["default_reaction_emoji"] = Value::Null;
                json["default_sort_order"] = Value::Null;
                json["default_forum_layout"] = 0.into();
            }
            return json;
        }
        let inside = self.shown(channel.id).len();
        let since = iso(made(channel.id));
        json["owner_id"] = channel.owner.map(|id| id.to_string()).into();
        json["message_count"] = inside.into();
        json["total_message_sent"] = inside.into();
        json["member_count"] = 1.into();
        json["thread_metadata"] = json!({
            "archived": channel.archived, "auto_archive_duration": channel.auto_archive, "archive_timestamp": since,
            "locked": channel.locked, "create_timestamp": since,
        });
        if channel.owner == Some(self.bot) {
            json["member"] = json!({"id": id, "user_id": self.bot.to_string(), "join_timestamp": since, "flags": 0});
        }
        json
    }

    /// A message as the bot may see it: `readable` is whether it may read what others write.
    pub(crate) fn message_json(&self, message: &Message, readable: bool) -> Value {
        let mut json = self.message_alone(message, readable);
        if let Some(replied) = message.replies_to {
            let there = if message.kind == THREAD_STARTER {
                self.channel(message.channel).and_then(|thread| thread.parent).unwrap_or_default()
            } else {
                message.channel
            };
            let guild = self.channel(there).and_then(|channel| channel.guild).map(|id| id.to_string());
            json["message_reference"] = json!({
                "type": 0, "message_id": replied.to_string(), "channel_id": there.to_string(), "guild_id": guild,
            });
            let replied = self.message(replied);
            json["referenced_message"] = replied.map_or(Value::Null, |replied| self.message_alone(replied, readable));
        }
        json
    }

    fn message_alone(&self, message: &Message, readable: bool) -> Value {
        let direct = self.channel(message.channel).is_some_and(|channel| channel.kind == kind::DM);
        let readable = readable || direct || message.author == self.bot || message.mentions.contains(&self.bot);
        let of = |list: &[Value]| if readable { list.to_vec() } else { Vec::new() };
        let mentions: Vec<Value> = message.mentions.iter().map(|id| self.user_json(*id)).collect();
        let mut json = json!({
            "id": message.id.to_string(), "channel_id": message.channel.to_string(), "type": message.kind,
            "author": self.user_json(message.author), "content": if readable { message.content.as_str() } else { "" },
            "timestamp": iso(made(message.id)), "edited_timestamp": message.edited.map(iso), "tts": false,
            "mention_everyone": message.mention_everyone, "mentions": mentions,
            "mention_roles": message.mention_roles.iter().map(u64::to_string).collect::<Vec<_>>(),
            "attachments": of(&message.attachments), "embeds": of(&message.embeds),
            "components": of(&message.components), "pinned": false, "flags": message.flags,
        });
        if !message.nonce.is_null() {
            json["nonce"] = message.nonce.clone();
        }
        if let Some(forwarded) = &message.forwards {
            let alone = self.message_alone(forwarded, readable);
            let mut snapshot = json!({"mention_roles": [], "mentions": []});
            for field in ["content", "timestamp", "edited_timestamp", "attachments", "embeds", "type", "flags"] {
                snapshot[field] = alone[field].clone();
            }
            let from = forwarded.channel.to_string();
            json["message_reference"] = json!({"type": 1, "message_id": forwarded.id.to_string(), "channel_id": from});
            json["message_snapshots"] = of(&[json!({"message": snapshot})]).into();
        }
        if message.interaction.is_some() {
            json["webhook_id"] = self.application.to_string().into();
            json["application_id"] = self.application.to_string().into();
        }
        let thread = self.channel(message.id).filter(|thread| thread.id != message.channel);
        if let Some(thread) = thread {
            json["thread"] = self.channel_json(thread);
        }
        json
    }
}
