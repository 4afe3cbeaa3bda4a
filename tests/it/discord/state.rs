//! What the double remembers.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::bits::{EPHEMERAL, HAS_THREAD, THREAD_STARTER, intent, kind, permission};

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
    /// Which shard of how many this is.
    pub(crate) shard: (u64, u64),
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
    pub(crate) body: Value,
    pub(crate) status: u16,
    /// When it had arrived.
    #[allow(dead_code, reason = "the benchmark reads it")]
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
    /// Who identifies is sent away with this code.
    pub(crate) refuse_identify: Option<u16>,
    /// Connections are taken, but nothing is said on any.
    pub(crate) mute: bool,
    pub(crate) ack_heartbeats: bool,
    pub(crate) heartbeat_interval: u64,
    /// How many shards Discord recommends.
    pub(crate) shards: u64,
    /// How many sessions may be started, and in how many milliseconds there will be more.
    pub(crate) starts: (u64, u64),
    /// Requests to what begins so wait.
    pub(crate) held: Option<String>,
    /// What was limited, and until when; `None` is everything.
    pub(super) limits: Vec<(Option<String>, Instant)>,
    /// Requests that came although they were to wait.
    pub(crate) impatient: Vec<String>,
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
            refuse_identify: None,
            mute: false,
            ack_heartbeats: true,
            heartbeat_interval: 41_250,
            shards: 1,
            starts: (999, 0),
            held: None,
            limits: Vec::new(),
            impatient: Vec::new(),
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
            let json = self.guild_json(id);
            self.dispatch("GUILD_CREATE", intent::GUILDS, Some(id), &json);
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
        self.dispatch("CHANNEL_CREATE", intent::GUILDS, Some(guild), &json);
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
        self.dispatch("THREAD_CREATE", intent::GUILDS, above.guild, &json);
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

    pub(crate) fn asked_by_token(&mut self, token: &str) -> Option<&mut Asked> {
        self.interactions.values_mut().find(|asked| asked.token == token)
    }
}
