//! All of the bot's own words. Everything else it says comes from the rules.

use crate::diagnosis::Evidence;
use crate::redact::SecretKind;
use crate::rules::{FixedBy, Scope};

/// Heading above the cause.
pub const CAUSE: &str = "Cause";
/// Heading above the ways to confirm it.
pub const CHECK: &str = "Check";
/// Heading above what the person who hit it can do.
pub const FOR_USER: &str = "For you";
/// Heading above the steps.
pub const SOLUTION: &str = "Solution";
/// Heading above the quotation.
pub const RECOGNISED: &str = "Recognised";
/// Heading above rules that come near.
pub const NEAR: &str = "Comes near";
/// Label of the sources.
pub const SOURCES: &str = "Sources";
/// Stands in every footer.
pub const INDEPENDENT: &str = "Independent of Okta";
/// Marks a rule whose facts are not confirmed yet.
pub const PREVIEW: &str = "Preview: not confirmed yet";
/// When somebody asked and no rule fits.
pub const NOTHING_KNOWN: &str =
    "No rule knows this. If it is an error that others may paste too, please add a rule for it.";
/// When somebody asked and only near matches exist.
pub const NOTHING_SURE: &str = "No rule fits this well enough to be sure.";
/// When a command came without its text.
pub const LOOKUP_USAGE: &str =
    "Write what to look up: an error code, a rule id or a few words. Example: /okta lookup E0000014";
/// When a command came without its text.
pub const DIAGNOSE_USAGE: &str =
    "Paste the error behind the command. Example: /okta diagnose {\"errorCode\":\"E0000011\"}";
/// What the slash command can do.
pub const HELP: &str =
    "Commands: /okta lookup <code, id or words> · /okta diagnose <pasted error> · /okta status · /okta help";

/// When a button belongs to a reply that is not stored any more.
pub const REPLY_FORGOTTEN: &str =
    "This reply is too old for its buttons. Paste the error again, or use /okta diagnose.";
/// When a button belongs to a reply that was taken back.
pub const REPLY_GONE: &str = "This reply was taken back.";
/// When somebody else wants to read what is offered to the poster.
pub const ONLY_POSTER_READS: &str = "This is offered to the person who posted the message. Use the message menu “Diagnose Okta error” to see it yourself.";
/// When somebody presses a button that is not theirs.
pub const ONLY_POSTER_CLOSES: &str = "Only the person who posted the message and the support team can do this.";
/// When nobody can be called.
pub const NO_TEAM: &str =
    "No support role is set for this channel. Somebody who may manage the server can set one with /okta watch.";
/// When the team was called already.
pub const TEAM_ASKED_BEFORE: &str = "The team was asked already.";
/// When a secret's message cannot be deleted.
pub const CANNOT_DELETE: &str = "I may not delete messages here. Please delete yours yourself.";
/// When somebody without the right chooses where the bot answers.
pub const ONLY_MANAGERS: &str = "Only members who may manage the server can do this.";
/// When a cooldown was not understood.
pub const COOLDOWN_USAGE: &str =
    "Write the cooldown as answers/time: 10/5m means at most 10 answers in 5 minutes; up to 1000 answers, up to 24h.";
/// When a channel was opted out.
pub const NOT_WATCHED_ANY_MORE: &str = "I no longer answer here by myself. Questions are still answered.";
/// When no channel is watched.
pub const NO_CHANNEL: &str = "No channel of this server is watched. Use /okta watch in one.";
/// Title of the form to paste into.
pub const FORM_TITLE: &str = "Diagnose an Okta error";
/// Label of the form's field.
pub const FORM_LABEL: &str = "Paste the error; only you see the answer";
/// When something changed while a button was pressed.
pub const TRY_AGAIN: &str = "Something changed at the same moment. Please try again.";
/// When something went wrong that is not the person's fault; details are in the log.
pub const FAILED: &str = "This did not work just now. Please try again in a moment.";
/// Heading above further answers that are only named.
pub const ALSO: &str = "Also recognised";
/// Says publicly that an answer is known, without repeating anything of the message.
pub const SUGGESTION: &str = "This looks like a known Okta error.";
/// How to read a rule that comes near.
pub const OFFER_HINT: &str = "To read one: `/okta lookup <rule id>`";
/// The name of a thread that must not say what it is about.
pub const THREAD_NEUTRAL: &str = "About your message";
/// A person whose id is not known.
pub const SOMEBODY: &str = "somebody";
/// The support team, when it has no role.
pub const TEAM: &str = "Support team:";
/// Heading above what the team is called for.
pub const ABOUT: &str = "About";
/// Heading above ids that a supporter needs.
pub const IDS: &str = "Ids";
/// Button: it fixed the problem.
pub const FIXED_IT: &str = "Fixed it";
/// Button: it is about something else.
pub const NOT_MY_PROBLEM: &str = "Not my problem";
/// Button: call the team.
pub const ASK_TEAM: &str = "Ask the team";
/// Button: take the reply away.
pub const REMOVE: &str = "Remove";
/// Button: delete the message that holds a secret.
pub const DELETE_MESSAGE: &str = "Delete my message";
/// Button: read the answer that is offered.
pub const SHOW_ANSWER: &str = "Show the answer";
/// Button: show a private answer to everybody.
pub const SHARE: &str = "Share in channel";

/// Button: read everything of an answer; with its number when there are several such buttons.
pub fn show_all_steps(number: Option<usize>) -> String {
    match number {
        None => "Show all steps".to_owned(),
        Some(number) => format!("Show all steps ({number})"),
    }
}

/// What of an answer did not fit.
pub fn left_out(steps: usize, points: usize) -> String {
    let some = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 more {what}")),
        _ => Some(format!("{count} more {what}s")),
    };
    let parts: Vec<String> = some(steps, "step").into_iter().chain(some(points, "point")).collect();
    if parts.is_empty() { "… and more".to_owned() } else { format!("… and {}", parts.join(" and ")) }
}

/// Things of a list that are not shown.
pub fn others(count: usize) -> String {
    format!("… and {count} more")
}

/// What a diagnosis rests on, behind the heading of the quotation.
pub fn recognised_by(evidence: &[String]) -> String {
    format!("by {}", evidence.join(", "))
}

/// When the facts of a rule were last checked.
pub fn reviewed(date: &str) -> String {
    format!("reviewed {date}")
}

/// How sure the diagnosis is.
pub fn confidence(word: &str) -> String {
    format!("confidence {word}")
}

/// Somebody says that it is fixed.
pub fn fixed(who: &str, when: &str) -> String {
    format!("✅ Fixed, says {who} {when}")
}

/// Somebody says that it is about something else.
pub fn not_mine(who: &str, when: &str) -> String {
    format!("➖ Not the problem, says {who} {when}")
}

/// The team was asked.
pub fn asked(who: &str, when: &str) -> String {
    format!("🙋 The team was asked by {who} {when}")
}

/// Calls the team.
pub fn call(team: &str, who: &str, when: &str) -> String {
    format!("{team} {who} asks for help {when}")
}

/// Who can fix it, for a reader.
pub fn fixed_by(who: FixedBy) -> &'static str {
    match who {
        FixedBy::EndUser => "you can fix this yourself",
        FixedBy::OktaAdmin => "an Okta admin can fix this",
        FixedBy::AppAdmin => "an admin of the other system can fix this",
        FixedBy::Developer => "a developer can fix this",
    }
}

/// Told at once when a paste holds live secrets.
pub fn secret_warning(kinds: &[String]) -> String {
    format!(
        "⚠ This message contains {}. Treat it as known to others: delete the message and revoke it.",
        kinds.join(" and ")
    )
}

/// A kind of secret with its way to revoke it, without repeating the secret.
pub fn secret(kind: SecretKind) -> &'static str {
    match kind {
        SecretKind::OktaApiToken => "an Okta API token (revoke under Security > API > Tokens)",
        SecretKind::Jwt => "a JSON Web Token (revoke the session or grant that it belongs to)",
        SecretKind::OauthToken => {
            "an access or refresh token (revoke it at the authorization server's /revoke endpoint)"
        }
        SecretKind::ClientSecret => {
            "a client secret (generate a new one in the app's General tab and deactivate this one)"
        }
        SecretKind::PrivateKey => "a private key (replace the key pair and remove the old public key)",
        SecretKind::Session => "a session cookie or token (sign out; an admin can clear the user's sessions)",
        SecretKind::OneTimeToken => {
            "a one-time sign-in or recovery token (start the sign-in or recovery again, so that this one expires)"
        }
        SecretKind::SamlAssertion => {
            "a SAML response (valid for some minutes; sign out of the app if it was just issued)"
        }
        SecretKind::Password => "a password (change it wherever it is used)",
        SecretKind::ApiKey => "an API key (replace it where it was issued)",
    }
}

/// How many times the paste has the same error.
pub fn seen(count: usize) -> String {
    format!("{count} times in this paste")
}

/// What a diagnosis rests on.
pub fn evidence(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Message => "its message".to_owned(),
        Evidence::CutMessage(share) => format!("its message, of which {:.0} % is there", share * 100.0),
        Evidence::Code(code) => format!("code {code}"),
        Evidence::Fact(name, value) => format!("{} {value}", name.as_str().replace('_', " ")),
        Evidence::Nearby(text) => format!("“{text}” near it"),
        Evidence::ImpliedByChannel => "an Okta channel is implied".to_owned(),
    }
}

/// Status of the bot for `/okta status`.
pub fn status(rules: usize, preview: usize, version: &str, channels: &str) -> String {
    let watching = if channels.is_empty() { String::new() } else { format!(" is watching {channels}") };
    format!("oktriage {version}{watching}. {}.", counted(rules, preview))
}

/// The rules in force.
fn counted(rules: usize, previews: usize) -> String {
    let previews = match previews {
        0 => String::new(),
        1 => ", 1 of them a preview".to_owned(),
        _ => format!(", {previews} of them previews"),
    };
    format!("{rules} rules{previews}")
}

/// How a channel is watched, in one line.
pub fn watched_channel(channel: &str, settings: &WatchedAs<'_>) -> String {
    let WatchedAs { scope, mode, has_team, cooldown, shadowed } = *settings;
    let about = match scope {
        Scope::Okta => "an Okta support channel",
        Scope::Mixed => "a mixed channel",
    };
    let done = match mode {
        "suggest" => "answers are offered to the poster".to_owned(),
        "shadow" => format!("nothing is posted; {} would have been answered so far", some(shadowed, "message")),
        _ => "errors are answered in threads".to_owned(),
    };
    let most = match cooldown {
        None => String::new(),
        Some((answers, minutes)) => format!("; at most {} in {}", some(answers, "answer"), time(minutes)),
    };
    let team = if has_team { "" } else { "; no team to ask" };
    format!("{channel}: {about}, {done}{most}{team}")
}

/// A number of things.
fn some(count: impl Into<u64>, what: &str) -> String {
    match count.into() {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

/// A time in minutes, in words.
fn time(minutes: u64) -> String {
    match (minutes / 60, minutes % 60) {
        (hours @ 1.., 0) => some(hours, "hour"),
        _ => some(minutes, "minute"),
    }
}

/// How a channel is watched, for [`watched_channel`].
#[derive(Debug, Clone, Copy)]
pub struct WatchedAs<'m> {
    /// What it is about.
    pub scope: Scope,
    /// The mode's name.
    pub mode: &'m str,
    /// There is a team that can be asked.
    pub has_team: bool,
    /// The channel's own cooldown: so many answers in so many minutes.
    pub cooldown: Option<(u32, u64)>,
    /// Messages that would have been answered in shadow mode.
    pub shadowed: u32,
}

/// What the bot lacks where it was told to answer.
pub fn missing_permissions(names: &str) -> String {
    format!("⚠ I lack permissions here: {names}. Edit Channel > Permissions: switch them on for my role.")
}

/// A late answer says so.
pub fn late(minutes: u64) -> String {
    match minutes {
        0..=119 => format!("Sorry for the delay: this was posted {minutes} minutes ago, while the bot was away."),
        _ => format!("Sorry for the delay: this was posted {} hours ago, while the bot was away.", minutes / 60),
    }
}

/// Words that differ on Discord, because things have other names there.
pub mod discord {
    /// What the bot can do, in Discord's markup.
    pub const HELP: &str = "Paste an Okta error in a channel that I watch, and the answer comes in a thread. In any channel, only you see the answer to:\n- `/okta lookup`: an error code, a rule id or a few words\n- `/okta diagnose`: a form to paste an error into\n- **Apps > Diagnose Okta error** in the menu of a message: what is wrong there\n\nOr mention me with your question, or write to me directly.\n`/okta status` shows where I answer by myself; who may manage the server chooses it with `/okta watch` and `/okta unwatch`.";
}

/// Words that differ on Slack, because things have other names there.
pub mod slack {
    /// What the slash command can do …
    pub const HELP: &str = "I recognise pasted Okta errors. You can ask:";
    /// … in Slack's markup.
    pub const HELP_LINES: [&str; 5] = [
        "• `/okta lookup E0000014`: what an error means, by its code, a rule id or a few words",
        "• `/okta diagnose` with a pasted error behind it, or alone for a form to paste into",
        "• `/okta status`: where I answer, and how many errors I know",
        "• `/okta watch`, `/okta unwatch`: choose where I answer, for those who may change my settings",
        "In a thread: the message shortcut “Diagnose Okta error”, or mention me.",
    ];
    /// When `/okta watch` was not understood …
    pub const WATCH_USAGE: &str =
        "Write what the channel is about; if you like, then what to do, how often and whom to call.";
    /// … in Slack's markup.
    pub const WATCH_LINES: [&str; 5] = [
        "• about: `okta` (a dedicated Okta support channel) or `mixed` (any other)",
        "• what to do: `answer` (in threads), `suggest` (to the poster, behind a button) or `shadow` (post nothing, only count)",
        "• how often: `10/5m` is at most 10 answers in 5 minutes",
        "• whom to call: a user group or a person",
        "Examples: `/okta watch okta` · `/okta watch mixed suggest` · `/okta watch okta answer 10/5m @support-group`",
    ];
    /// When it was chosen how a channel is watched; the line about it follows.
    pub const WATCHED_NOW: &str = "Noted. From now on:";
    /// When a command about a channel was given elsewhere.
    pub const NOT_A_CHANNEL: &str = "Only channels can be watched. Direct messages to me are always answered.";
    /// When nobody can be called.
    pub const NO_TEAM: &str =
        "No support group is set for this channel. Somebody who may change my settings can set one with /okta watch.";
    /// When somebody else wants to read what is offered to the poster.
    pub const ONLY_POSTER_READS: &str = "This is offered to the person who posted the message. Use the message shortcut “Diagnose Okta error” to see it yourself.";
    /// When somebody without the right chooses where the bot answers.
    pub const ONLY_MANAGERS: &str = "Only people who may change my settings can do this.";
    /// When no channel is watched.
    pub const NO_CHANNEL: &str = "No channel of this workspace is watched yet. Invite me to one with /invite.";
    /// Title of the form to paste into; at most 24 characters.
    pub const FORM_TITLE: &str = "Diagnose an Okta error";
    /// Stands in the form's empty field.
    pub const FORM_PLACEHOLDER: &str = "Paste the error as you have it";
    /// Below the form's field, which takes less than a message does.
    pub const FORM_HINT: &str =
        "Up to 3,000 characters. For longer pastes, send me a direct message or attach a text file.";
    /// The button that sends the form.
    pub const FORM_SUBMIT: &str = "Diagnose";
    /// The button that closes a window.
    pub const CLOSE: &str = "Close";
    /// Title of the window with a diagnosis; at most 24 characters.
    pub const RESULT_TITLE: &str = "Diagnosis";
    /// Button beside an offer.
    pub const READ: &str = "Read";
    /// The question before a reply is taken away.
    pub const REMOVE_TITLE: &str = "Remove this reply?";
    /// What happens when a reply is taken away.
    pub const REMOVE_TEXT: &str = "It disappears for everybody, and I will not answer this message again.";
    /// Does not take it away.
    pub const KEEP: &str = "Keep it";
    /// Heading of App Home above the watched channels.
    pub const HOME_WATCHED: &str = "Where I answer";
    /// A channel whose id is not known.
    pub const A_CHANNEL: &str = "a channel";
    /// Heading of App Home above the ways to use the bot.
    pub const HOME_USE: &str = "How to use me";
    /// The ways to use the bot.
    pub const HOME_WAYS: [&str; 5] = [
        "Paste an Okta error in a watched channel: the answer comes in its thread, or nothing if no rule fits.",
        "In any channel: the message shortcut “Diagnose Okta error”; it works in threads, too.",
        "/okta lookup with a code, a rule id or words; /okta diagnose with an error. Only you see the answer.",
        "Mention me in a channel, or write to me directly.",
        "Never paste tokens or keys. If you did, I say so at once and how to revoke them.",
    ];
    /// Heading of App Home above the search field.
    pub const HOME_SEARCH: &str = "Look something up";
    /// Label of the search field.
    pub const SEARCH_LABEL: &str = "An error code, a rule id or a few words";
    /// Stands in the empty search field.
    pub const SEARCH_PLACEHOLDER: &str = "E0000014";
    /// Button that opens the form to paste into.
    pub const OPEN_FORM: &str = "Diagnose a pasted error";

    /// The rules in force, in App Home.
    pub fn home_rules(rules: usize, previews: usize, version: &str, bot: &str) -> String {
        format!("{} · rule set {version} · oktriage {bot}", super::counted(rules, previews))
    }

    /// Heading of what a search found.
    pub fn found_for(question: &str) -> String {
        format!("Found for “{question}”")
    }
}
