//! All of the bot's own words. Everything else it says comes from the rules.

use crate::diagnosis::Evidence;
use crate::redact::SecretKind;
use crate::rules::FixedBy;

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
pub const NOTHING_SURE: &str = "No rule fits this well enough to be sure. These come near:";
/// When a command came without its text.
pub const LOOKUP_USAGE: &str =
    "Write what to look up: an error code, a rule id or a few words. Example: /okta lookup E0000014";
/// When a command came without its text.
pub const DIAGNOSE_USAGE: &str =
    "Paste the error behind the command. Example: /okta diagnose {\"errorCode\":\"E0000011\"}";
/// What the slash command can do.
pub const HELP: &str =
    "Commands: /okta lookup <code, id or words> · /okta diagnose <pasted error> · /okta status · /okta help";

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
        Evidence::CutMessage(share) => format!("its message, cut off after {:.0} %", share * 100.0),
        Evidence::Code(code) => format!("code {code}"),
        Evidence::Fact(name, value) => format!("{} {value}", name.as_str().replace('_', " ")),
        Evidence::Nearby(text) => format!("“{text}” near it"),
        Evidence::ImpliedByChannel => "an Okta channel is implied".to_owned(),
    }
}

/// Status of the bot for `/okta status`.
pub fn status(rules: usize, preview: usize, version: &str, channels: &str) -> String {
    format!("oktriage {version} is watching {channels}. {rules} rules, {preview} of them previews.")
}

/// A late answer says so.
pub fn late(minutes: u64) -> String {
    match minutes {
        0..=119 => format!("Sorry for the delay: this was posted {minutes} minutes ago, while the bot was away."),
        _ => format!("Sorry for the delay: this was posted {} hours ago, while the bot was away.", minutes / 60),
    }
}
