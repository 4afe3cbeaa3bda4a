//! What the double remembers, and the JSON that Discord makes of it.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// Bits of permissions.
pub(crate) mod permission {
    pub(crate) const ADMINISTRATOR: u64 = 1 << 3;
    pub(crate) const MANAGE_GUILD: u64 = 1 << 5;
    pub(crate) const VIEW_CHANNEL: u64 = 1 << 10;
    pub(crate) const SEND_MESSAGES: u64 = 1 << 11;
    pub(crate) const MANAGE_MESSAGES: u64 = 1 << 13;
    pub(crate) const EMBED_LINKS: u64 = 1 << 14;
    pub(crate) const ATTACH_FILES: u64 = 1 << 15;
    pub(crate) const READ_MESSAGE_HISTORY: u64 = 1 << 16;
    pub(crate) const USE_APPLICATION_COMMANDS: u64 = 1 << 31;
    pub(crate) const MANAGE_THREADS: u64 = 1 << 34;
    pub(crate) const CREATE_PUBLIC_THREADS: u64 = 1 << 35;
    pub(crate) const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;
    /// What everyone may do in a fresh guild.
    pub(crate) const USUAL: u64 = VIEW_CHANNEL
        | SEND_MESSAGES
        | EMBED_LINKS
        | ATTACH_FILES
        | READ_MESSAGE_HISTORY
        | USE_APPLICATION_COMMANDS
        | CREATE_PUBLIC_THREADS
        | SEND_MESSAGES_IN_THREADS;
    pub(crate) const ALL: u64 = (1 << 50) - 1;
}

/// Bits of intents.
pub(crate) mod intent {
    pub(crate) const GUILDS: u64 = 1;
    pub(crate) const GUILD_MEMBERS: u64 = 1 << 1;
    pub(crate) const GUILD_PRESENCES: u64 = 1 << 8;
    pub(crate) const GUILD_MESSAGES: u64 = 1 << 9;
    pub(crate) const DIRECT_MESSAGES: u64 = 1 << 12;
    pub(crate) const MESSAGE_CONTENT: u64 = 1 << 15;
}

/// Kinds of channels.
pub(crate) mod kind {
    pub(crate) const TEXT: u8 = 0;
    pub(crate) const DM: u8 = 1;
    pub(crate) const ANNOUNCEMENT: u8 = 5;
    pub(crate) const THREAD: u8 = 11;
    pub(crate) const FORUM: u8 = 15;
}

pub(crate) const EPHEMERAL: u64 = 1 << 6;
pub(crate) const LOADING: u64 = 1 << 7;
pub(crate) const HAS_THREAD: u64 = 1 << 5;
/// The first thing in a thread: a sign that points at the message which the thread hangs on.
pub(crate) const THREAD_STARTER: u8 = 21;

#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) bot: bool,
    pub(crate) roles: Vec<u64>,
    pub(crate) takes_dms: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) id: u64,
    pub(crate) guild: u64,
    pub(crate) name: String,
    pub(crate) permissions: u64,
    pub(crate) of_bot: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Guild {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) owner: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Overwrite {
    /// A role or a user.
    pub(crate) id: u64,
    pub(crate) of_user: bool,
    pub(crate) allow: u64,
    pub(crate) deny: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) id: u64,
    pub(crate) guild: Option<u64>,
    pub(crate) kind: u8,
    pub(crate) name: String,
    pub(crate) parent: Option<u64>,
    pub(crate) owner: Option<u64>,
    /// The other person of a direct conversation.
    pub(crate) recipient: Option<u64>,
    pub(crate) overwrites: Vec<Overwrite>,
    pub(crate) archived: bool,
    pub(crate) locked: bool,
    pub(crate) auto_archive: u64,
    pub(crate) last_message: Option<u64>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) channel: u64,
    pub(crate) author: u64,
    pub(crate) kind: u8,
    pub(crate) content: String,
    pub(crate) embeds: Vec<Value>,
    pub(crate) components: Vec<Value>,
    pub(crate) attachments: Vec<Value>,
    /// The message that this one replies to.
    pub(crate) replies_to: Option<u64>,
    pub(crate) flags: u64,
    pub(crate) nonce: Value,
    pub(crate) edited: Option<u64>,
    pub(crate) deleted: bool,
    /// Users who were notified.
    pub(crate) mentions: Vec<u64>,
    pub(crate) mention_roles: Vec<u64>,
    pub(crate) mention_everyone: bool,
    /// The interaction that this message answers.
    pub(crate) interaction: Option<u64>,
    /// The message that this one forwards, as it was.
    pub(crate) forwards: Option<Box<Message>>,
}

impl Message {
    pub(crate) fn is_ephemeral(&self) -> bool {
        self.flags & EPHEMERAL != 0
    }
}

/// An interaction as Discord sees it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) id: u64,
    pub(crate) token: String,
    /// 2 a command, 3 a component, 4 autocompletion, 5 a modal.
    pub(crate) kind: u8,
    pub(crate) user: u64,
    pub(crate) channel: u64,
    pub(crate) made: Instant,
    /// The message whose component was used.
    pub(crate) source: Option<u64>,
    /// The callback: its type and data.
    pub(crate) ack: Option<(u64, Value)>,
    /// The message that `@original` means.
    pub(crate) original: Option<u64>,
    /// How often `@original` was changed after the acknowledgement.
    pub(crate) edits: u32,
    pub(crate) follow_ups: Vec<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) intents: u64,
    pub(crate) connection: u64,
    pub(crate) connected: bool,
    pub(crate) sequence: u64,
    pub(crate) dispatched: Vec<(u64, Value)>,
    /// The code to close the connection with; 0 cuts it without a word.
    pub(super) close: Option<u16>,
}

/// A request that reached the double.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Without `/api/v10`.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: Value,
    pub(crate) status: u16,
    /// When it had arrived.
    pub(crate) at: Instant,
}

#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// 429; `retry_after` in seconds.
    RateLimited { retry_after: f64, global: bool },
    /// A status with no meaning for Discord's API, as a proxy in trouble answers.
    Status(u16),
    /// Does what was asked and drops the connection instead of answering.
    LostAnswer,
    /// Answers rightly, but late.
    Slow(Duration),
}

pub(crate) struct Knob {
    /// `/channels/…`, or `POST /channels/…` for one method.
    pub(crate) prefix: String,
    pub(crate) left: u32,
    pub(crate) failure: Failure,
}

pub(crate) struct State {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) application: u64,
    pub(crate) bot: u64,
    /// The privileged intents that the application has.
    pub(crate) granted: u64,
    pub(crate) guilds: Vec<Guild>,
    pub(crate) roles: Vec<Role>,
    pub(crate) users: Vec<User>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) messages: BTreeMap<u64, Message>,
    pub(crate) files: HashMap<String, Vec<u8>>,
    pub(crate) interactions: BTreeMap<u64, Asked>,
    /// Commands by guild; `None` for the global ones.
    pub(crate) commands: HashMap<Option<u64>, Vec<Value>>,
    pub(crate) command_puts: u32,
    pub(crate) requests: Vec<Request>,
    /// Requests that no route of the double fits.
    pub(crate) unknown: Vec<String>,
    pub(crate) knobs: Vec<Knob>,
    pub(crate) sessions: Vec<Session>,
    pub(crate) identifies: u32,
    pub(crate) resumes: u32,
    pub(crate) heartbeats: u32,
    /// What the client was refused with, newest last.
    pub(crate) closed: Vec<u16>,
    pub(crate) refuse_resume: bool,
    pub(crate) ack_heartbeats: bool,
    pub(crate) heartbeat_interval: u64,
    pub(crate) interaction_limit: Duration,
    pub(super) connections: u64,
    last_id: u64,
}

const EPOCH: u64 = 1_420_070_400_000;

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// When a snowflake was made, in milliseconds of Unix time.
pub(crate) fn made(id: u64) -> u64 {
    (id >> 22) + EPOCH
}

/// Discord's way to write a time.
pub(crate) fn iso(millis: u64) -> String {
    let (days, rest) = (millis / 86_400_000, millis % 86_400_000);
    // Days to a civil date, counted in eras of 400 years from 1 March of the year 0.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:06}+00:00", rest % 1000 * 1000)
}

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
    pub(super) fn new(url: String) -> Self {
        let mut state = Self {
            url,
            token: "MTIz.double.token".to_owned(),
            application: 0,
            bot: 0,
            granted: intent::MESSAGE_CONTENT,
            guilds: Vec::new(),
            roles: Vec::new(),
            users: Vec::new(),
            channels: Vec::new(),
            messages: BTreeMap::new(),
            files: HashMap::new(),
            interactions: BTreeMap::new(),
            commands: HashMap::new(),
            command_puts: 0,
            requests: Vec::new(),
            unknown: Vec::new(),
            knobs: Vec::new(),
            sessions: Vec::new(),
            identifies: 0,
            resumes: 0,
            heartbeats: 0,
            closed: Vec::new(),
            refuse_resume: false,
            ack_heartbeats: true,
            heartbeat_interval: 41_250,
            interaction_limit: Duration::from_secs(3),
            connections: 0,
            last_id: 0,
        };
        state.bot = state.add_user("oktriage", true);
        // New applications share the id of their bot.
        state.application = state.bot;
        for name in ["owner", "dana", "robin", "kim"] {
            state.add_user(name, false);
        }
        let guild = state.add_guild("Example");
        state.add_channel(guild, "okta-support", kind::TEXT);
        state.add_channel(guild, "general", kind::TEXT);
        state.add_channel(guild, "help", kind::FORUM);
        let support = state.add_role(guild, "support", 0);
        let robin = state.user("robin").id;
        state.users.iter_mut().filter(|user| user.id == robin).for_each(|user| user.roles.push(support));
        state
    }

    /// A snowflake of this moment, above all others.
    pub(crate) fn id(&mut self) -> u64 {
        self.last_id = (self.last_id + 1).max((now() - EPOCH) << 22);
        self.last_id
    }

    pub(crate) fn add_user(&mut self, name: &str, bot: bool) -> u64 {
        let id = self.id();
        self.users.push(User { id, name: name.to_owned(), bot, roles: Vec::new(), takes_dms: true });
        id
    }

    pub(crate) fn add_guild(&mut self, name: &str) -> u64 {
        let id = self.id();
        let owner = self.user("owner").id;
        self.guilds.push(Guild { id, name: name.to_owned(), owner });
        let everyone = "@everyone".to_owned();
        self.roles.push(Role { id, guild: id, name: everyone, permissions: permission::USUAL, of_bot: false });
        let role = self.add_role(id, "oktriage", 0);
        let bot = self.bot;
        self.roles.iter_mut().filter(|known| known.id == role).for_each(|known| known.of_bot = true);
        self.users.iter_mut().filter(|user| user.id == bot).for_each(|user| user.roles.push(role));
        if !self.sessions.is_empty() {
            let guild = self.guild_json(id);
            self.dispatch("GUILD_CREATE", intent::GUILDS, &guild);
        }
        id
    }

    pub(crate) fn add_role(&mut self, guild: u64, name: &str, permissions: u64) -> u64 {
        let id = self.id();
        self.roles.push(Role { id, guild, name: name.to_owned(), permissions, of_bot: false });
        id
    }

    pub(crate) fn add_channel(&mut self, guild: u64, name: &str, kind: u8) -> u64 {
        let id = self.id();
        self.channels.push(Channel { guild: Some(guild), ..Self::bare_channel(id, kind, name) });
        let json = self.channel_json(self.channel(id).expect("just made"));
        self.dispatch("CHANNEL_CREATE", intent::GUILDS, &json);
        id
    }

    fn bare_channel(id: u64, kind: u8, name: &str) -> Channel {
        Channel {
            id,
            guild: None,
            kind,
            name: name.to_owned(),
            parent: None,
            owner: None,
            recipient: None,
            overwrites: Vec::new(),
            archived: false,
            locked: false,
            auto_archive: 1440,
            last_message: None,
        }
    }

    /// The direct conversation of the bot with someone.
    pub(crate) fn dm_channel(&mut self, user: u64) -> u64 {
        if let Some(channel) = self.channels.iter().find(|channel| channel.recipient == Some(user)) {
            return channel.id;
        }
        let id = self.id();
        self.channels.push(Channel { recipient: Some(user), ..Self::bare_channel(id, kind::DM, "") });
        id
    }

    /// Opens a thread and tells of it; `id` is that of the message which it hangs on, or 0.
    pub(crate) fn add_thread(&mut self, parent: u64, id: u64, owner: u64, name: &str, auto_archive: u64) -> u64 {
        let id = if id == 0 { self.id() } else { id };
        let above = self.channel(parent).expect("the channel of the thread").clone();
        let bare = Self::bare_channel(id, kind::THREAD, name);
        let place = Channel { guild: above.guild, parent: Some(parent), owner: Some(owner), auto_archive, ..bare };
        self.channels.push(place);
        let mut json = self.channel_json(self.channel(id).expect("just made"));
        json["newly_created"] = true.into();
        self.dispatch("THREAD_CREATE", intent::GUILDS, &json);
        if above.kind != kind::FORUM && self.messages.contains_key(&id) {
            if let Some(starter) = self.messages.get_mut(&id) {
                starter.flags |= HAS_THREAD;
            }
            self.tell_message("MESSAGE_UPDATE", id);
            let sign = Message { channel: id, author: owner, kind: THREAD_STARTER, ..Message::default() };
            self.post(Message { replies_to: Some(id), ..sign });
        }
        id
    }

    pub(crate) fn user(&self, name: &str) -> &User {
        self.users.iter().find(|user| user.name == name).unwrap_or_else(|| panic!("no user {name}"))
    }

    pub(crate) fn user_by_id(&self, id: u64) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub(crate) fn channel(&self, id: u64) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    pub(crate) fn channel_mut(&mut self, id: u64) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|channel| channel.id == id)
    }

    pub(crate) fn message(&self, id: u64) -> Option<&Message> {
        self.messages.get(&id).filter(|message| !message.deleted)
    }

    /// What people see in a channel, oldest first: no signs, nothing deleted, nothing ephemeral.
    pub(crate) fn shown(&self, channel: u64) -> Vec<Message> {
        let here = self.messages.values().filter(|message| message.channel == channel && !message.deleted);
        here.filter(|message| message.kind != THREAD_STARTER && !message.is_ephemeral()).cloned().collect()
    }

    /// What someone may do in a channel or, in a thread, in the channel above it.
    pub(crate) fn permissions(&self, user: u64, channel: u64) -> u64 {
        let Some(mut place) = self.channel(channel) else { return 0 };
        if let Some(above) = place.parent.and_then(|parent| self.channel(parent)) {
            place = above;
        }
        let Some(guild) = place.guild.and_then(|id| self.guilds.iter().find(|guild| guild.id == id)) else {
            return permission::USUAL;
        };
        let held = self.user_by_id(user).map(|user| user.roles.clone()).unwrap_or_default();
        let has = |role: u64| role == guild.id || held.contains(&role);
        let roles = self.roles.iter().filter(|role| role.guild == guild.id && has(role.id));
        let mut bits = roles.fold(0, |bits, role| bits | role.permissions);
        if guild.owner == user || bits & permission::ADMINISTRATOR != 0 {
            return permission::ALL;
        }
        let overwrites = &place.overwrites;
        let mut apply = |wanted: &dyn Fn(&Overwrite) -> bool| {
            let fitting: Vec<_> = overwrites.iter().filter(|overwrite| wanted(overwrite)).collect();
            bits &= !fitting.iter().fold(0, |all, overwrite| all | overwrite.deny);
            bits |= fitting.iter().fold(0, |all, overwrite| all | overwrite.allow);
        };
        apply(&|overwrite| !overwrite.of_user && overwrite.id == guild.id);
        apply(&|overwrite| !overwrite.of_user && overwrite.id != guild.id && held.contains(&overwrite.id));
        apply(&|overwrite| overwrite.of_user && overwrite.id == user);
        if bits & permission::VIEW_CHANNEL == 0 { 0 } else { bits }
    }

    pub(crate) fn bot_sees(&self, channel: u64) -> bool {
        self.permissions(self.bot, channel) & permission::VIEW_CHANNEL != 0
    }

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
            self.dispatch("THREAD_UPDATE", intent::GUILDS, &json);
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
        self.dispatch("MESSAGE_DELETE", needed, &json);
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
        for session in self.sessions.iter_mut().filter(|session| session.intents & needed != 0) {
            let readable = session.intents & intent::MESSAGE_CONTENT != 0;
            session.tell(name, versions[usize::from(!readable)].clone());
        }
    }

    /// Tells every session that has the intent; 0 is for all.
    pub(crate) fn dispatch(&mut self, name: &str, needed: u64, data: &Value) {
        for session in &mut self.sessions {
            if needed == 0 || session.intents & needed != 0 {
                session.tell(name, data.clone());
            }
        }
    }

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

    pub(crate) fn asked_by_token(&mut self, token: &str) -> Option<&mut Asked> {
        self.interactions.values_mut().find(|asked| asked.token == token)
    }
}

impl Session {
    pub(super) fn tell(&mut self, name: &str, data: Value) {
        self.sequence += 1;
        self.dispatched.push((self.sequence, json!({"op": 0, "s": self.sequence, "t": name, "d": data})));
    }
}
