//! The rules: what an error is recognised by and what a person is told about it.
//!
//! A rule is one Markdown file with TOML front matter; `responses/README.md` is the format by
//! example. This module turns files into [`Rule`]s and sets of files into a [`RuleSet`], and names
//! every [`Problem`] on the way. It knows nothing about matching: that is [`crate::diagnosis`].

mod built_in;
mod front_matter;
mod load;
mod page;
mod problem;
mod rule_regex;
mod template;
mod wildcard;
mod words;

use std::fmt;

pub use load::{RuleFile, RuleSet, Source};
pub use page::{Inline, Page, Piece, Text};
pub use problem::{Place, Problem, nearest};
pub use rule_regex::RuleRegex;
pub use template::{Part, Template};
pub use wildcard::Wildcard;

/// The path of a rule file below its rule directory, without `.md`: `provisioning/sharefile-invalid-credentials`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(String);

impl RuleId {
    /// Accepts `family/slug` where both are lower-case words joined by hyphens.
    pub fn parse(text: &str) -> Option<Self> {
        let word = |part: &str| {
            !part.is_empty()
                && !part.starts_with('-')
                && !part.ends_with('-')
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        let (family, slug) = text.split_once('/')?;
        (word(family) && word(slug)).then(|| Self(text.to_owned()))
    }

    /// The whole id, `family/slug`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder of the rule, e.g. `saml`.
    pub fn family(&self) -> &str {
        self.0.split_once('/').map_or("", |(family, _)| family)
    }

    /// The file name of the rule without extension.
    pub fn slug(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, slug)| slug)
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One rule, as written in its file.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Where the rule stands in the rule set; also what other rules link to.
    pub id: RuleId,
    /// Names the problem as the reader sees it.
    pub title: String,
    /// What the rule is about: products, apps, tools.
    pub products: Vec<String>,
    /// The Okta engines on which the error appears.
    pub engines: Vec<Engine>,
    /// Who can fix it.
    pub fixed_by: FixedBy,
    /// ISO 8601 date on which somebody last checked the facts.
    pub reviewed: String,
    /// Pages that support the facts.
    pub sources: Vec<String>,
    /// Sibling rules that a reader may need instead.
    pub related: Vec<RuleId>,
    /// Whether the bot may post the rule unasked.
    pub status: Status,
    /// A family-level catch-all, which speaks only when no other rule explains the same error.
    pub generic: bool,
    /// The ways to recognise the error; any one suffices.
    pub matches: Vec<MatchSpec>,
    /// Pastes that this rule must answer best.
    pub examples: Vec<Example>,
    /// Texts that this rule must leave alone.
    pub counterexamples: Vec<Example>,
    /// What a person reads.
    pub page: Page,
    /// The file, for messages about it.
    pub file: RuleFile,
}

/// One way to recognise an error: everything that is given must hold together.
#[derive(Debug, Clone, Default)]
pub struct MatchSpec {
    /// The words of the message, with holes.
    pub message: Option<Template>,
    /// What captures must look like: any of the wildcards of each.
    pub captures_like: Vec<(String, Vec<Wildcard>)>,
    /// Error codes, any of which must be reported in the paste.
    pub codes: Vec<String>,
    /// Facts that must hold: any of the wildcards of each.
    pub facts: Vec<(FactName, Vec<Wildcard>)>,
    /// Texts that must all be near.
    pub contains: Vec<String>,
    /// Texts of which none may be near.
    pub absent: Vec<String>,
    /// A regular expression over the decoded text near the rest.
    pub regex: Option<RuleRegex>,
    /// The message must stand by itself, not inside a sentence.
    pub standalone: bool,
    /// Whether Okta must be involved for other reasons than this text.
    pub needs_context: ContextNeed,
    /// Where the match starts in its file.
    pub place: Place,
}

/// A text with what is expected of it.
#[derive(Debug, Clone)]
pub struct Example {
    /// The text as pasted.
    pub text: String,
    /// Captures that must come out with exactly these values.
    pub captures: Vec<(String, String)>,
    /// The kind of channel it is pasted into.
    pub scope: Scope,
    /// Where the example starts in its file.
    pub place: Place,
}

/// Words of the rule format that stand for one of a few values.
pub trait Keyword: Sized + Copy + 'static {
    /// Every value with the word that stands for it.
    const WORDS: &'static [(&'static str, Self)];

    /// The value that `word` stands for.
    fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
    }
}

/// Declares an enum whose values are written as words in rules, settings and JSON.
macro_rules! keywords {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_meta])* $variant),+ }

        impl $crate::rules::Keyword for $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];
        }

        impl $name {
            /// The word that stands for this value.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use keywords;

keywords! {
    /// An Okta engine.
    Engine {
        /// Okta Classic Engine.
        Classic = "classic",
        /// Okta Identity Engine.
        Identity = "identity",
    }
}

keywords! {
    /// Who can fix an error.
    FixedBy {
        /// The person who hit it.
        EndUser = "end-user",
        /// An administrator of the Okta org.
        OktaAdmin = "okta-admin",
        /// An administrator of the other system.
        AppAdmin = "app-admin",
        /// Whoever writes or configures the program that calls Okta.
        Developer = "developer",
    }
}

keywords! {
    /// The life cycle of a rule.
    Status {
        /// Answers look-ups and `diagnose`, is never posted unasked.
        Preview = "preview",
        /// Posted by the bot.
        Stable = "stable",
        /// Kept for look-ups only.
        Deprecated = "deprecated",
    }
}

keywords! {
    /// What a channel is about.
    Scope {
        /// A dedicated Okta support channel: Okta is implied.
        Okta = "okta",
        /// Any other channel: Okta must be evident from the paste.
        Mixed = "mixed",
    }
}

keywords! {
    /// How sure a diagnosis is.
    Confidence {
        /// Worth offering in a look-up, never posted unasked.
        Low = "low",
        /// Good enough to answer.
        Medium = "medium",
        /// As good as a text can tell.
        High = "high",
    }
}

keywords! {
    /// What must show that Okta is involved, besides the matched text.
    #[derive(Default)]
    ContextNeed {
        /// Nothing: the text is Okta's own.
        #[default]
        None = "none",
        /// The channel's scope or the paste.
        Implied = "implied",
        /// The paste itself.
        Evident = "evident",
    }
}

keywords! {
    /// A value that is read from the structure of a paste, whatever the rules say.
    FactName {
        /// An Okta error code (`E0000014`).
        ErrorCode = "error_code",
        /// Okta's id of one occurrence of an error (`oae…`), which Okta Support can look up.
        ErrorId = "error_id",
        /// `errorSummary` of an Okta API error or of one of its causes.
        ErrorSummary = "error_summary",
        /// OAuth `error` (RFC 6749 section 5.2, RFC 6750 section 3.1).
        OauthError = "oauth_error",
        /// OAuth `error_description`.
        OauthErrorDescription = "oauth_error_description",
        /// An HTTP status code of an error.
        HttpStatus = "http_status",
        /// `scimType` of a SCIM error (RFC 7644 section 3.12).
        ScimType = "scim_type",
        /// `detail` of a SCIM error.
        ScimDetail = "scim_detail",
        /// A SAML status or sub-status code, the part behind the last colon.
        SamlStatus = "saml_status",
        /// `eventType` of a System Log event.
        EventType = "event_type",
        /// `outcome.result` of a System Log event.
        OutcomeResult = "outcome_result",
        /// `outcome.reason` of a System Log event.
        OutcomeReason = "outcome_reason",
        /// A host name of an Okta org.
        OktaHost = "okta_host",
        /// The request id of an Okta response.
        RequestId = "request_id",
        /// The program that printed the error (`terraform`, `gimme-aws-creds`).
        Tool = "tool",
        /// An error code of another vendor (`AADSTS50011`).
        VendorCode = "vendor_code",
    }
}
