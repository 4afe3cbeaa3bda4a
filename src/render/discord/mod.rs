//! Replies as Discord messages: what Discord's API takes, within its limits, with nothing live in it
//! that was captured. No network.

mod budget;
mod components;
mod markdown;
mod page;
#[cfg(test)]
mod tests;

use serde::{Serialize, Serializer};

pub use budget::{Embed, Footer};
pub use components::{ActionRow, ButtonComponent};

use super::limits;
use super::text::cut;
use crate::reply::{Answer, Button, By, Post, Progress, Reply, TeamCall, words};
use budget::{Budget, Cards};
use components::{Style, button, rows};
use limits::{DISCORD_CONTENT, DISCORD_ROW, DISCORD_THREAD_NAME, DISCORD_TITLE};
use markdown::{clean, units};
use page::Page;

/// Answers: a quiet blue, which reads on Discord's light and dark ground and is no warning.
const CALM: u32 = 0x4A_6F_A5;
/// Secrets: the only red, so that it is seen.
const WARNING: u32 = 0xC0_39_2B;
/// Something is done: green like the button that says so.
const DONE: u32 = 0x3B_8C_5A;
/// By the way: grey steps back behind the answer.
const QUIET: u32 = 0x7A_85_94;

/// Only who asked sees the message.
const EPHEMERAL: u64 = 1 << 6;
/// The warning about secrets is cut at this length; it names each kind once.
const SECRETS_MAX: usize = 1_100;
/// So many answers are named in short below others …
const SHORT_MAX: usize = DISCORD_ROW - 1;
/// … each with this much of its title and of its cause.
const SHORT_TEXT_MAX: usize = 110;
/// Offers take at most this much.
const OFFERS_MAX: usize = 900;
/// Ids take at most this much of a call for the team.
const IDS_MAX: usize = 800;
/// One id is cut at this length; the longest that Okta makes are half of it.
const ID_MAX: usize = 100;
/// The last second that a date on Discord can show.
const TIME_MAX: i64 = 8_640_000_000_000;

/// A message as Discord's API takes it. All fields but the flags are always written, so that an
/// edit also takes away what is no longer there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Payload {
    /// Words above the embeds; written as an empty text when there are none.
    #[serde(serialize_with = "text_or_empty")]
    pub content: Option<String>,
    /// Cards.
    pub embeds: Vec<Embed>,
    /// Buttons.
    pub components: Vec<ActionRow>,
    /// Whom it may notify.
    pub allowed_mentions: AllowedMentions,
    /// Discord's bits; 64 is "only for who asked".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<u64>,
}

/// Whom a message may notify: nobody but the roles that are named.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct AllowedMentions {
    /// Kinds of mentions that Discord looks for in the text: always none.
    pub parse: Vec<String>,
    /// Ids of roles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

/// What the channel and the bot's rights allow below a post.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// `<channel id>:<message id>`, at most 41 characters; ends each custom id.
    pub key: &'a str,
    /// There is a team that can be called.
    pub may_call_team: bool,
    /// The bot may delete the message on behalf of its author.
    pub may_delete_message: bool,
}

/// What stands publicly for a message.
pub fn post(post: &Post, around: &Around<'_>) -> Payload {
    match post {
        Post::Answer { reply, progress } => public(reply, progress, around),
        Post::Suggestion { reply } => suggestion(reply, around),
        Post::Call(call) => team_call(call),
    }
}

/// An answer that only who asked sees, with a button that shares it if there is something to share.
pub fn private(reply: &Reply, share: bool) -> Payload {
    let laid = lay(reply, Vec::new(), offers(reply));
    let several = laid.left_out.len() > 1;
    let steps = laid.left_out.iter().filter_map(|index| {
        let rule = &reply.answers.get(*index)?.rule;
        button(Button::Steps, rule, &steps_label(*index, several), Style::Secondary)
    });
    let share = (share && !reply.answers.is_empty())
        .then(|| button(Button::Share, "", words::SHARE, Style::Secondary))
        .flatten();
    Payload {
        content: note(reply, &laid.embeds),
        components: rows([share.into_iter().collect(), steps.collect()]),
        embeds: laid.embeds,
        flags: Some(EPHEMERAL),
        ..Payload::default()
    }
}

/// Everything of one answer, only for who asked, over as many messages as it needs.
pub fn all_steps(answer: &Answer) -> Vec<Payload> {
    Page::new(answer, true)
        .spread()
        .into_iter()
        .map(|embeds| Payload { embeds, flags: Some(EPHEMERAL), ..Payload::default() })
        .collect()
}

/// The name of a thread for a reply: the title of its first answer.
pub fn thread_name(reply: &Reply) -> String {
    let title = reply.answers.first().map(|answer| clean(&answer.title)).unwrap_or_default();
    let name = cut(title.trim(), DISCORD_THREAD_NAME);
    if name.is_empty() { words::THREAD_NEUTRAL.to_owned() } else { name }
}

fn public(reply: &Reply, progress: &Progress, around: &Around<'_>) -> Payload {
    let mut lines = Vec::new();
    let said = [
        (&progress.asked, words::asked as fn(&str, &str) -> String),
        (&progress.fixed, words::fixed),
        (&progress.not_mine, words::not_mine),
    ];
    for (by, say) in said {
        lines.extend(by.as_ref().map(|by| say(&person(&by.person), &when(by))));
    }
    let color = if progress.fixed.is_some() { DONE } else { QUIET };
    // Who asked in public is told in public what comes near; unasked, nothing is offered.
    let laid = lay(reply, lines, offers(reply)).colored_last(color, progress);
    let open = !reply.answers.is_empty() && !progress.is_closed();
    let ask = open && around.may_call_team && progress.asked.is_none();
    let delete = !reply.secrets.is_empty() && around.may_delete_message;
    let buttons = [
        (open, Button::Fixed, words::FIXED_IT, Style::Success),
        (open, Button::NotMine, words::NOT_MY_PROBLEM, Style::Secondary),
        (ask, Button::AskTeam, words::ASK_TEAM, Style::Primary),
        (true, Button::Remove, words::REMOVE, Style::Secondary),
        (delete, Button::DeleteMessage, words::DELETE_MESSAGE, Style::Danger),
    ];
    let several = laid.left_out.len() > 1;
    let steps = laid.left_out.iter().filter_map(|index| {
        let about = format!("{}:{index}", around.key);
        button(Button::Steps, &about, &steps_label(*index, several), Style::Secondary)
    });
    Payload {
        content: note(reply, &laid.embeds),
        components: rows([shown(&buttons, around), steps.collect()]),
        embeds: laid.embeds,
        ..Payload::default()
    }
}

fn suggestion(reply: &Reply, around: &Around<'_>) -> Payload {
    // A secret concerns everybody who can read the message; the answer does not.
    let warning = Reply { secrets: reply.secrets.clone(), ..Reply::default() };
    let delete = !reply.secrets.is_empty() && around.may_delete_message;
    let buttons = [
        (true, Button::Show, words::SHOW_ANSWER, Style::Primary),
        (true, Button::Remove, words::REMOVE, Style::Secondary),
        (delete, Button::DeleteMessage, words::DELETE_MESSAGE, Style::Danger),
    ];
    Payload {
        content: Some(words::SUGGESTION.to_owned()),
        embeds: lay(&warning, Vec::new(), None).embeds,
        components: rows([shown(&buttons, around), Vec::new()]),
        ..Payload::default()
    }
}

fn team_call(call: &TeamCall) -> Payload {
    let role = is_id(&call.role).then(|| call.role.clone());
    let team = role.as_ref().map_or_else(|| words::TEAM.to_owned(), |role| format!("<@&{role}>"));
    let mut content = words::call(&team, &person(&call.asked.person), &when(&call.asked));
    let ids: Vec<String> =
        call.ids.iter().map(|id| markdown::code_within(id, ID_MAX)).filter(|id| !id.is_empty()).collect();
    let ids = listed(words::IDS, &ids, " ", IDS_MAX);
    let titles: Vec<String> =
        call.about.iter().map(|title| format!("- {}", markdown::captured(title, DISCORD_TITLE))).collect();
    content.push_str(&listed(words::ABOUT, &titles, "\n", DISCORD_CONTENT - units(&content) - units(&ids)));
    content.push_str(&ids);
    Payload {
        content: Some(content),
        allowed_mentions: AllowedMentions { parse: Vec::new(), roles: role.into_iter().collect() },
        ..Payload::default()
    }
}

/// A heading with as many items as fit; nothing without items.
fn listed(heading: &str, items: &[String], between: &str, max: usize) -> String {
    if items.is_empty() {
        return String::new();
    }
    let mut text = format!("\n**{heading}**");
    let mut between_first = "\n";
    for (index, item) in items.iter().enumerate() {
        let more = format!("{between}{}", words::others(items.len() - index));
        let reserve = if index + 1 < items.len() { units(&more) } else { 0 };
        if units(&text) + units(between) + units(item) + reserve > max {
            text.push_str(&more);
            break;
        }
        text.push_str(between_first);
        text.push_str(item);
        between_first = between;
    }
    text
}

/// Embeds, and the numbers of the answers that do not stand in full.
struct Laid {
    embeds: Vec<Embed>,
    left_out: Vec<usize>,
}

impl Laid {
    /// What people did stands in the last embed, if anything was done.
    fn colored_last(mut self, color: u32, progress: &Progress) -> Self {
        if *progress != Progress::default()
            && let Some(last) = self.embeds.last_mut()
        {
            last.color = color;
        }
        self
    }
}

/// The embeds of a reply: warning, answers, answers that are only named, then `lines` and `offers`.
fn lay(reply: &Reply, lines: Vec<String>, offers: Option<String>) -> Laid {
    let mut cards = Cards::new();
    let mut left_out = Vec::new();
    if !reply.secrets.is_empty() {
        cards.card(String::new(), WARNING);
        cards.text("", &markdown::own(&words::secret_warning(&reply.secrets), SECRETS_MAX), Budget::default());
    }
    let lines = lines.join("\n");
    let mut after = Budget::default();
    if !lines.is_empty() {
        after = after + Budget { embeds: 1, units: units(&lines) };
    }
    if let Some(offers) = &offers {
        after = after + Budget { embeds: 1, units: units(offers) + units(words::NEAR) };
    }

    let mut named: Vec<String> = Vec::new();
    let mut unnamed = 0;
    for (index, answer) in reply.answers.iter().enumerate() {
        let next = reply.answers.iter().enumerate().skip(index + 1).take(SHORT_MAX - named.len());
        let names = next.map(|(index, answer)| short(index, answer));
        let keep = after + names_budget(&named.iter().cloned().chain(names).collect::<Vec<_>>());
        let mut laid = cards.clone();
        let left = Page::new(answer, false).lay(&mut laid, keep);
        if index == 0 || left.is_nothing() {
            cards = laid;
            if !left.is_nothing() {
                left_out.push(index);
            }
        } else if named.len() < SHORT_MAX {
            named.push(short(index, answer));
            left_out.push(index);
        } else {
            unnamed += 1;
        }
    }
    if !named.is_empty() {
        if unnamed > 0 {
            named.push(words::others(unnamed));
        }
        cards.card(words::ALSO.to_owned(), QUIET);
        cards.text("", &named.join("\n"), after);
    }
    if !lines.is_empty() {
        cards.card(String::new(), QUIET);
        cards.text("", &lines, Budget::default());
    }
    if let Some(offers) = offers {
        cards.card(words::NEAR.to_owned(), QUIET);
        cards.text("", &offers, Budget::default());
    }
    Laid { embeds: cards.take(), left_out }
}

/// What naming answers takes, with the line that counts those which are not even named.
fn names_budget(names: &[String]) -> Budget {
    const COUNT_LINE: usize = 40;
    if names.is_empty() {
        return Budget::default();
    }
    let lines: usize = names.iter().map(|name| units(name) + 1).sum();
    Budget { embeds: 1, units: units(words::ALSO) + lines + COUNT_LINE }
}

/// A further answer that does not fit: its title and the start of its cause.
fn short(index: usize, answer: &Answer) -> String {
    let title = markdown::own(&answer.title, SHORT_TEXT_MAX);
    let (cause, _) = markdown::first(&answer.cause, SHORT_TEXT_MAX);
    format!("**{}. {}**\n{}", index + 1, title.trim(), cause.trim())
}

/// The rules that come near, and how to read them.
fn offers(reply: &Reply) -> Option<String> {
    if reply.offers.is_empty() {
        return None;
    }
    let lines: Vec<String> = reply
        .offers
        .iter()
        .map(|offer| {
            let title = markdown::own(&offer.title, DISCORD_TITLE);
            format!("- {title} {}", markdown::code_within(&offer.rule, ID_MAX)).trim_end().to_owned()
        })
        .collect();
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        if units(&text) + units(line) > OFFERS_MAX {
            text.push_str(&words::others(lines.len() - index));
            text.push('\n');
            break;
        }
        text.push_str(line);
        text.push('\n');
    }
    Some(format!("{text}\n{}", words::OFFER_HINT))
}

/// The bot's own sentence above the embeds. A message must say something.
fn note(reply: &Reply, embeds: &[Embed]) -> Option<String> {
    let note = reply.note.as_deref().map(|note| match note {
        words::HELP => words::discord::HELP.to_owned(),
        _ => markdown::captured(note, DISCORD_CONTENT),
    });
    note.filter(|note| !note.trim().is_empty()).or_else(|| embeds.is_empty().then(|| words::NOTHING_KNOWN.to_owned()))
}

fn shown(buttons: &[(bool, Button, &str, Style)], around: &Around<'_>) -> Vec<ButtonComponent> {
    let shown = buttons.iter().filter(|(shown, ..)| *shown);
    shown.filter_map(|(_, what, label, style)| button(*what, around.key, label, *style)).collect()
}

fn steps_label(index: usize, several: bool) -> String {
    words::show_all_steps(several.then_some(index + 1))
}

/// A person by name; Discord fills it in and notifies nobody, because no mention is allowed.
fn person(id: &str) -> String {
    if is_id(id) { format!("<@{id}>") } else { words::SOMEBODY.to_owned() }
}

fn is_id(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// How long ago, counted by the reader's Discord.
fn when(by: &By) -> String {
    format!("<t:{}:R>", by.at.clamp(0, TIME_MAX))
}

fn text_or_empty<S: Serializer>(content: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(content.as_deref().unwrap_or_default())
}
