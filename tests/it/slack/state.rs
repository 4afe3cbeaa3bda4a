//! What the double remembers, and the JSON that Slack makes of it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// What the bot's token may do: what the app's manifest asks for, and no more.
pub(crate) const SCOPES: [&str; 9] = [
    "app_mentions:read",
    "channels:history",
    "chat:write",
    "commands",
    "files:read",
    "groups:history",
    "im:history",
    "usergroups:read",
    "users:read",
];

/// Events that the app has subscribed to, by its manifest.
pub(crate) const EVENTS: [&str; 7] = [
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "message.channels",
    "message.groups",
    "message.im",
    "tokens_revoked",
];

/// A workspace in which the app is installed.
#[derive(Clone, Debug)]
pub(crate) struct Team {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The name in addresses; "domain/channel" names a channel of this workspace.
    pub(crate) domain: String,
    pub(crate) bot_token: String,
    pub(crate) bot_user: String,
    pub(crate) bot_id: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) installed: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) team: String,
    pub(crate) name: String,
    pub(crate) bot: bool,
    pub(crate) admin: bool,
    pub(crate) deleted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Public,
    Private,
    Im,
    Mpim,
}

impl Kind {
    /// As events name it in `channel_type`.
    pub(crate) fn channel_type(self) -> &'static str {
        match self {
            Self::Public => "channel",
            Self::Private => "group",
            Self::Im => "im",
            Self::Mpim => "mpim",
        }
    }

    /// The first half of the scopes and subscriptions that concern it.
    pub(crate) fn family(self) -> &'static str {
        match self {
            Self::Public => "channels",
            Self::Private => "groups",
            Self::Im => "im",
            Self::Mpim => "mpim",
        }
    }

    /// As `types` of the listing methods name it.
    pub(crate) fn listed(self) -> &'static str {
        match self {
            Self::Public => "public_channel",
            Self::Private => "private_channel",
            Self::Im => "im",
            Self::Mpim => "mpim",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) id: String,
    pub(crate) team: String,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) members: Vec<String>,
    pub(crate) archived: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    /// The double's own number; grows with time and is the same for no two messages anywhere.
    pub(crate) id: u64,
    pub(crate) team: String,
    pub(crate) channel: String,
    /// Unique in its channel only.
    pub(crate) ts: String,
    /// The first message of the thread that this one stands in, if it stands in one.
    pub(crate) thread_ts: Option<String>,
    pub(crate) user: String,
    pub(crate) bot_id: Option<String>,
    /// The name under which an integration posted.
    pub(crate) username: Option<String>,
    pub(crate) subtype: Option<String>,
    pub(crate) text: String,
    pub(crate) blocks: Vec<Value>,
    /// Among them, the previews of links.
    pub(crate) attachments: Vec<Value>,
    pub(crate) files: Vec<Value>,
    pub(crate) metadata: Value,
    /// When it was edited, as a `ts`.
    pub(crate) edited: Option<String>,
    pub(crate) deleted: bool,
    /// The only person who sees it.
    pub(crate) ephemeral_to: Option<String>,
    /// Who was notified: ids of users and groups, `here`, `channel`, `everyone`.
    pub(crate) notified: Vec<String>,
    /// Links in it get a preview.
    pub(crate) unfurls: bool,
    /// Slack no longer lets the bot edit it.
    pub(crate) frozen: bool,
    /// Reactions by name, with who gave them.
    pub(crate) reactions: BTreeMap<String, Vec<String>>,
    /// The interaction that this message answers.
    pub(crate) interaction: Option<u64>,
}

impl Message {
    pub(crate) fn is_ephemeral(&self) -> bool {
        self.ephemeral_to.is_some()
    }

    /// Whether it is a reply in a thread, not its first message.
    pub(crate) fn is_reply(&self) -> bool {
        self.thread_ts.as_ref().is_some_and(|thread| *thread != self.ts)
    }
}

/// A surface with blocks: a modal or a person's Home tab.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) id: String,
    pub(crate) team: String,
    pub(crate) user: String,
    /// What the app gave, with Slack's own fields.
    pub(crate) json: Value,
    /// The modal below it.
    pub(crate) previous: Option<String>,
    pub(crate) open: bool,
}

/// Something that a person did and that waits for an answer of the bot.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) id: u64,
    /// `slash_commands`, or the type of the interaction.
    pub(crate) kind: &'static str,
    pub(crate) team: String,
    pub(crate) user: String,
    pub(crate) channel: Option<String>,
    pub(crate) trigger: String,
    pub(crate) trigger_used: bool,
    /// The path of its `response_url`, if it has one.
    pub(crate) response_path: Option<String>,
    pub(crate) response_uses: u32,
    pub(crate) made: Instant,
    /// By how much a test made it older.
    pub(crate) aged: Duration,
    /// The message whose part was used.
    pub(crate) source: Option<u64>,
    /// The view that was used.
    pub(crate) view: Option<String>,
    /// What the acknowledgement held; null if it was empty.
    pub(crate) ack: Option<Value>,
    /// Nobody acknowledged it in time: the person saw an error.
    pub(crate) failed: bool,
    /// Messages that came of it, by the acknowledgement or the `response_url`.
    pub(crate) messages: Vec<u64>,
    /// The view that was opened, pushed or shown instead.
    pub(crate) opened: Option<String>,
    /// What the person was told about fields of a modal.
    pub(crate) errors: Option<Value>,
}

impl Asked {
    pub(crate) fn age(&self) -> Duration {
        self.made.elapsed() + self.aged
    }
}

/// An event, interaction or command on its way to the app.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) id: u64,
    /// `events_api`, `interactive` or `slash_commands`.
    pub(crate) kind: &'static str,
    pub(crate) payload: Value,
    pub(crate) accepts_response: bool,
    pub(crate) asked: Option<u64>,
    /// The envelope of every attempt.
    pub(crate) envelopes: Vec<String>,
    /// How often it was tried again.
    pub(crate) attempt: u32,
    pub(crate) reason: &'static str,
    pub(crate) due: Instant,
    /// Where it waits for its acknowledgement (0 is HTTP), and since when.
    pub(crate) out: Option<(u64, Instant)>,
    pub(crate) acked: bool,
    /// Slack has given up.
    pub(crate) lost: bool,
}

/// A Socket Mode connection.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) id: u64,
    pub(crate) open: bool,
    /// How many envelopes went out here.
    pub(crate) given: u32,
    pub(super) to_say: VecDeque<Value>,
    /// Ends after what is to be said; `Some(false)` cuts it without a farewell.
    pub(super) close: Option<bool>,
}

/// A request that reached the double.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// `GET`, `POST`, …
    pub(crate) method: String,
    /// The method of the Web API, or the path if it is none.
    pub(crate) path: String,
    pub(crate) team: Option<String>,
    pub(crate) arguments: Value,
    pub(crate) status: u16,
    /// The error that Slack named.
    pub(crate) error: Option<String>,
}

/// A signed request as it went to the bot's address.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// The answer; 0 when there was none.
    pub(crate) status: u16,
}

#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// 429; `Retry-After` in seconds.
    RateLimited { retry_after: u64 },
    /// A refusal with Slack's word for it.
    Error(&'static str),
    /// A status with no meaning for Slack's API, as a proxy in trouble answers.
    Status(u16),
    /// Does what was asked and drops the connection instead of answering.
    LostAnswer,
    /// Does what was asked, when this says so.
    Held(Arc<Semaphore>),
}

pub(crate) struct Knob {
    /// A method such as `chat.postMessage`, or a path such as `/files-pri/`; `POST ` may stand before it.
    pub(crate) prefix: String,
    pub(crate) left: u32,
    pub(crate) failure: Failure,
}

/// Where the app takes what Slack sends, when it does not use Socket Mode.
#[derive(Clone, Debug)]
pub(crate) struct Urls {
    pub(crate) events: String,
    pub(crate) interactions: String,
    pub(crate) commands: String,
}

pub(crate) struct State {
    pub(crate) url: String,
    pub(crate) app: String,
    pub(crate) app_token: String,
    pub(crate) app_scopes: Vec<String>,
    pub(crate) signing_secret: String,
    /// The old way to prove that a request is Slack's; nobody should look at it.
    pub(crate) verification_token: String,
    pub(crate) teams: Vec<Team>,
    pub(crate) users: Vec<User>,
    pub(crate) channels: Vec<Channel>,
    /// User groups by handle: (id, team, members).
    pub(crate) groups: BTreeMap<String, (String, String, Vec<String>)>,
    pub(crate) messages: BTreeMap<u64, Message>,
    /// Files by id: (their JSON, what is in them).
    pub(crate) files: BTreeMap<String, (Value, Vec<u8>)>,
    pub(crate) views: BTreeMap<String, View>,
    pub(crate) interactions: BTreeMap<u64, Asked>,
    pub(crate) commands: Vec<String>,
    pub(crate) events: Vec<String>,
    pub(crate) requests: Vec<Request>,
    /// Methods and paths that the double does not have.
    pub(crate) unknown: Vec<String>,
    pub(crate) knobs: Vec<Knob>,
    /// Requests allowed in a time, by method, for each workspace; `chat.postMessage channel` for each channel.
    pub(crate) rates: HashMap<String, (u32, Duration)>,
    pub(super) hits: HashMap<String, VecDeque<Instant>>,
    /// The most messages in one answer of the history methods: 999, or 15 for apps sold outside of the marketplace.
    pub(crate) history_page: usize,
    /// After this time, the bot may not edit its messages; `None` is for ever.
    pub(crate) edit_window: Option<Duration>,
    pub(crate) trigger_limit: Duration,
    /// Time for an acknowledgement.
    pub(crate) ack_limit: Duration,
    /// Time before each new attempt.
    pub(crate) retries: Vec<Duration>,
    /// What happens while the app is away never reaches it, as after Slack's last attempt.
    pub(crate) forgets: bool,
    pub(crate) max_connections: usize,
    pub(crate) socket_mode: bool,
    pub(crate) urls: Option<Urls>,
    pub(super) tickets: Vec<String>,
    pub(crate) links: Vec<Link>,
    pub(crate) deliveries: Vec<Delivery>,
    /// Acknowledgements that fit no envelope.
    pub(crate) strange_acks: Vec<Value>,
    pub(crate) sent: Vec<Sent>,
    last_id: u64,
    serial: u32,
}

/// Microseconds of Unix time.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

/// Slack's way to name a moment, and a message by it.
pub(crate) fn ts(id: u64) -> String {
    format!("{}.{:06}", id / 1_000_000, id % 1_000_000)
}

/// The moment of a `ts`, if it is one.
pub(crate) fn moment(ts: &str) -> Option<u64> {
    let (seconds, micros) = ts.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.chars().all(|char| char.is_ascii_digit());
    if !digits(seconds) || !digits(micros) || micros.len() != 6 || seconds.len() > 12 {
        return None;
    }
    Some(seconds.parse::<u64>().ok()? * 1_000_000 + micros.parse::<u64>().ok()?)
}

impl State {
    pub(super) fn new(url: String) -> Self {
        let mut state = Self {
            url,
            app: "A0DOUBLE001".to_owned(),
            app_token: "xapp-1-A0DOUBLE001-1-double".to_owned(),
            app_scopes: vec!["connections:write".to_owned()],
            signing_secret: "8f742231b10e8888abcd99yyyzzz85a5".to_owned(),
            verification_token: "verification-token".to_owned(),
            teams: Vec::new(),
            users: Vec::new(),
            channels: Vec::new(),
            groups: BTreeMap::new(),
            messages: BTreeMap::new(),
            files: BTreeMap::new(),
            views: BTreeMap::new(),
            interactions: BTreeMap::new(),
            commands: vec!["/okta".to_owned()],
            events: EVENTS.map(str::to_owned).to_vec(),
            requests: Vec::new(),
            unknown: Vec::new(),
            knobs: Vec::new(),
            rates: HashMap::new(),
            hits: HashMap::new(),
            history_page: 999,
            edit_window: None,
            trigger_limit: Duration::from_secs(3),
            ack_limit: Duration::from_secs(3),
            retries: [0, 60, 300].map(Duration::from_secs).to_vec(),
            forgets: false,
            max_connections: 10,
            socket_mode: true,
            urls: None,
            tickets: Vec::new(),
            links: Vec::new(),
            deliveries: Vec::new(),
            strange_acks: Vec::new(),
            sent: Vec::new(),
            last_id: 0,
            serial: 0,
        };
        state.add_team("Example");
        state
    }

    /// A number of this moment, above all others.
    pub(crate) fn id(&mut self) -> u64 {
        self.last_id = (self.last_id + 1).max(now());
        self.last_id
    }

    /// An id as Slack writes them.
    pub(crate) fn name_id(&mut self, prefix: char) -> String {
        self.serial += 1;
        format!("{prefix}0DBL{:05X}", self.serial)
    }

    /// A workspace with "okta-support", "general", the private "okta-admins", and "elsewhere", where the
    /// bot is not; with dana, owner, and robin of the group "support".
    pub(crate) fn add_team(&mut self, name: &str) -> String {
        let id = self.name_id('T');
        let domain = name.to_lowercase().replace(' ', "-");
        let (bot_user, bot_id) = (self.name_id('U'), self.name_id('B'));
        self.teams.push(Team {
            id: id.clone(),
            name: name.to_owned(),
            bot_token: format!("xoxb-{domain}-double"),
            domain,
            bot_user: bot_user.clone(),
            bot_id,
            scopes: SCOPES.map(str::to_owned).to_vec(),
            installed: true,
        });
        let user = |id: String, name: &str, bot, admin| User {
            id,
            team: String::new(),
            name: name.to_owned(),
            bot,
            admin,
            deleted: false,
        };
        let people = [("owner", true), ("dana", false), ("robin", false)].map(|(name, admin)| {
            let id = self.name_id('U');
            user(id, name, false, admin)
        });
        let ids: Vec<String> = people.iter().map(|user| user.id.clone()).collect();
        self.users.push(User { team: id.clone(), ..user(bot_user.clone(), "oktriage", true, false) });
        self.users.extend(people.map(|user| User { team: id.clone(), ..user }));
        let everyone = || ids.iter().cloned();
        let with_bot: Vec<String> = everyone().chain([bot_user]).collect();
        for (name, kind, members) in [
            ("okta-support", Kind::Public, &with_bot),
            ("general", Kind::Public, &with_bot),
            ("okta-admins", Kind::Private, &with_bot),
            ("elsewhere", Kind::Public, &ids),
        ] {
            self.add_channel(&id, name, kind, members.clone());
        }
        let group = self.name_id('S');
        let handle = if self.teams.len() == 1 { "support".to_owned() } else { format!("support-{id}") };
        self.groups.insert(handle, (group, id.clone(), vec![ids[2].clone()]));
        id
    }

    pub(crate) fn add_user(&mut self, team: &str, name: &str) -> String {
        let id = self.name_id('U');
        let (team, name) = (team.to_owned(), name.to_owned());
        self.users.push(User { id: id.clone(), team, name, bot: false, admin: false, deleted: false });
        id
    }

    pub(crate) fn add_channel(&mut self, team: &str, name: &str, kind: Kind, members: Vec<String>) -> String {
        let id = self.name_id(if kind == Kind::Im { 'D' } else { 'C' });
        let (team, name) = (team.to_owned(), name.to_owned());
        self.channels.push(Channel { id: id.clone(), team, name, kind, members, archived: false });
        id
    }

    /// The direct conversation of the bot with someone.
    pub(crate) fn dm_channel(&mut self, user: &str) -> String {
        let user = self.user_by_id(user).expect("a user").clone();
        let known = self.channels.iter().find(|it| it.kind == Kind::Im && it.members.contains(&user.id));
        if let Some(channel) = known {
            return channel.id.clone();
        }
        let bot = self.team(&user.team).bot_user.clone();
        self.add_channel(&user.team, "", Kind::Im, vec![user.id, bot])
    }

    pub(crate) fn team(&self, id: &str) -> &Team {
        self.teams.iter().find(|team| team.id == id).unwrap_or_else(|| panic!("no workspace {id}"))
    }

    pub(crate) fn team_mut(&mut self, id: &str) -> &mut Team {
        self.teams.iter_mut().find(|team| team.id == id).unwrap_or_else(|| panic!("no workspace {id}"))
    }

    /// "domain/name" as (id of the workspace, name); without a domain, it is the first workspace.
    fn within<'a>(&self, name: &'a str) -> (String, &'a str) {
        let Some((domain, rest)) = name.split_once('/') else { return (self.teams[0].id.clone(), name) };
        let team = self.teams.iter().find(|team| team.domain == domain);
        (team.unwrap_or_else(|| panic!("no workspace {domain}")).id.clone(), rest)
    }

    /// Someone of the first workspace by name, of another by "domain/name", anyone by id.
    pub(crate) fn user(&self, name: &str) -> &User {
        let (team, short) = self.within(name);
        let found = self.users.iter().find(|user| user.id == name || (user.team == team && user.name == short));
        found.unwrap_or_else(|| panic!("no user {name}"))
    }

    /// Someone of a certain workspace.
    pub(crate) fn user_in(&self, team: &str, name: &str) -> &User {
        let found = self.users.iter().find(|user| user.team == team && (user.name == name || user.id == name));
        found.unwrap_or_else(|| panic!("no user {name} there"))
    }

    pub(crate) fn user_by_id(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// A channel of the first workspace by name, of another by "domain/name", any by id.
    pub(crate) fn channel_named(&self, name: &str) -> &Channel {
        let (team, short) = self.within(name);
        let found = self.channels.iter().find(|it| it.id == name || (it.team == team && it.name == short));
        found.unwrap_or_else(|| panic!("no channel {name}"))
    }

    pub(crate) fn channel(&self, id: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    pub(crate) fn channel_mut(&mut self, id: &str) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|channel| channel.id == id)
    }

    pub(crate) fn bot_is_in(&self, channel: &str) -> bool {
        self.channel(channel).is_some_and(|it| it.members.contains(&self.team(&it.team).bot_user))
    }

    /// A message that somebody can still see.
    pub(crate) fn message(&self, id: u64) -> Option<&Message> {
        self.messages.get(&id).filter(|message| !message.deleted)
    }

    pub(crate) fn message_at(&self, channel: &str, ts: &str) -> Option<&Message> {
        self.messages.values().find(|it| it.channel == channel && it.ts == ts && !it.deleted)
    }

    /// What everybody sees in a channel outside of threads, oldest first.
    pub(crate) fn shown(&self, channel: &str) -> Vec<Message> {
        let here = self.messages.values().filter(|it| it.channel == channel && !it.deleted && !it.is_ephemeral());
        here.filter(|it| !it.is_reply() || it.subtype.as_deref() == Some("thread_broadcast")).cloned().collect()
    }

    /// The replies in the thread of a message, oldest first.
    pub(crate) fn replies(&self, message: &Message) -> Vec<Message> {
        let here = self.messages.values().filter(|it| it.channel == message.channel && !it.deleted);
        let here = here.filter(|it| !it.is_ephemeral() && it.is_reply());
        here.filter(|it| it.thread_ts.as_deref() == Some(message.ts.as_str())).cloned().collect()
    }

    pub(crate) fn open_links(&self) -> usize {
        self.links.iter().filter(|link| link.open).count()
    }

    pub(super) fn user_json(&self, user: &User, with_email: bool) -> Value {
        let mut profile = json!({
            "title": "", "phone": "", "skype": "", "real_name": user.name, "real_name_normalized": user.name,
            "display_name": user.name, "display_name_normalized": user.name, "status_text": "", "status_emoji": "",
            "avatar_hash": "0", "first_name": user.name, "last_name": "", "team": user.team,
        });
        if with_email && !user.bot {
            profile["email"] = format!("{}@example.com", user.name).into();
        }
        json!({
            "id": user.id, "team_id": user.team, "name": user.name, "deleted": user.deleted, "color": "9f69e7",
            "real_name": user.name, "tz": "Europe/Amsterdam", "tz_label": "Central European Time", "tz_offset": 3600,
            "profile": profile, "is_admin": user.admin, "is_owner": user.admin, "is_primary_owner": user.admin,
            "is_restricted": false, "is_ultra_restricted": false, "is_bot": user.bot, "is_app_user": false,
            "updated": 1_700_000_000, "is_email_confirmed": true, "who_can_share_contact_card": "EVERYONE",
        })
    }

    pub(super) fn bot_json(&self, team: &Team) -> Value {
        json!({
            "id": team.bot_id, "deleted": false, "name": "oktriage", "updated": 1_700_000_000, "app_id": self.app,
            "user_id": team.bot_user, "team_id": team.id,
            "icons": {"image_36": "https://example.com/36.png", "image_48": "https://example.com/48.png",
                      "image_72": "https://example.com/72.png"},
        })
    }

    pub(super) fn channel_json(&self, channel: &Channel) -> Value {
        let team = self.team(&channel.team);
        let created = 1_700_000_000;
        let member = channel.members.contains(&team.bot_user);
        if channel.kind == Kind::Im {
            let other = channel.members.iter().find(|id| **id != team.bot_user);
            return json!({
                "id": channel.id, "created": created, "is_archived": false, "is_im": true, "is_org_shared": false,
                "user": other, "is_user_deleted": false, "priority": 0, "context_team_id": channel.team,
                "updated": 1_700_000_000_000_u64,
            });
        }
        json!({
            "id": channel.id, "name": channel.name, "is_channel": channel.kind == Kind::Public,
            "is_group": channel.kind == Kind::Private, "is_im": false, "is_mpim": channel.kind == Kind::Mpim,
            "is_private": channel.kind != Kind::Public, "created": created, "is_archived": channel.archived,
            "is_general": channel.name == "general", "unlinked": 0, "name_normalized": channel.name,
            "is_shared": false, "is_org_shared": false, "is_pending_ext_shared": false, "pending_shared": [],
            "context_team_id": channel.team, "updated": 1_700_000_000_000_u64, "creator": channel.members.first(),
            "is_ext_shared": false, "shared_team_ids": [channel.team], "is_member": member,
            "num_members": channel.members.len(), "previous_names": [],
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        })
    }

    /// A message as the history shows it.
    pub(super) fn message_json(&self, message: &Message, with_metadata: bool) -> Value {
        let team = self.team(&message.team);
        let own = message.bot_id.as_ref() == Some(&team.bot_id);
        let mut json = json!({"type": "message", "text": message.text, "ts": message.ts, "team": message.team});
        if !message.user.is_empty() {
            json["user"] = message.user.clone().into();
        }
        if message.bot_id.is_none() && message.subtype.is_none() {
            json["client_msg_id"] = format!("{:08x}-0000-4000-8000-{:012x}", message.id >> 32, message.id).into();
        }
        if let Some(bot) = &message.bot_id {
            json["bot_id"] = bot.clone().into();
            if own {
                json["app_id"] = self.app.clone().into();
                json["bot_profile"] = self.bot_json(team);
            }
        }
        for (name, value) in [("subtype", &message.subtype), ("username", &message.username)] {
            if let Some(value) = value {
                json[name] = value.clone().into();
            }
        }
        for (name, list) in
            [("blocks", &message.blocks), ("attachments", &message.attachments), ("files", &message.files)]
        {
            if !list.is_empty() {
                json[name] = list.clone().into();
            }
        }
        if !message.files.is_empty() {
            json["upload"] = false.into();
            json["display_as_bot"] = false.into();
        }
        if with_metadata && !message.metadata.is_null() {
            json["metadata"] = message.metadata.clone();
        }
        if let Some(edited) = &message.edited {
            json["edited"] = json!({"user": message.user, "ts": edited});
        }
        if !message.reactions.is_empty() {
            let all = message.reactions.iter();
            let all = all.map(|(name, users)| json!({"name": name, "users": users, "count": users.len()}));
            json["reactions"] = all.collect();
        }
        if let Some(thread) = &message.thread_ts {
            json["thread_ts"] = thread.clone().into();
            if let Some(parent) = self.message_at(&message.channel, thread).filter(|_| message.is_reply()) {
                json["parent_user_id"] = parent.user.clone().into();
                if message.subtype.as_deref() == Some("thread_broadcast") {
                    json["root"] = self.message_json(parent, false);
                }
            }
        }
        if !message.is_reply() {
            let replies = self.replies(message);
            if let Some(last) = replies.last() {
                let mut users: Vec<&String> = Vec::new();
                replies.iter().for_each(|reply| {
                    if !users.contains(&&reply.user) {
                        users.push(&reply.user);
                    }
                });
                json["thread_ts"] = message.ts.clone().into();
                json["reply_count"] = replies.len().into();
                json["reply_users_count"] = users.len().into();
                json["latest_reply"] = last.ts.clone().into();
                json["reply_users"] = json!(users);
                json["is_locked"] = false.into();
                json["subscribed"] = replies.iter().any(|reply| reply.user == team.bot_user).into();
            }
        }
        json
    }

    pub(crate) fn asked_by_trigger(&mut self, trigger: &str) -> Option<&mut Asked> {
        self.interactions.values_mut().find(|asked| asked.trigger == trigger)
    }
}
