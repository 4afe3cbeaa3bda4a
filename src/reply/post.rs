//! What stands on a platform for one message: a reply with its buttons, the offer of one, or a call
//! for the team.

use serde::{Deserialize, Serialize};

use super::Reply;
use crate::rules::keywords;

/// Everything that may be visible for a message, as the outbox keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "lowercase")]
pub enum Post {
    /// The reply, for everybody.
    Answer {
        /// What is said.
        reply: Reply,
        /// What people did with it.
        #[serde(default)]
        progress: Progress,
    },
    /// That an answer is known, and a button by which the person who posted the message reads it.
    Suggestion {
        /// What that person will read.
        reply: Reply,
    },
    /// The support team is called.
    Call(TeamCall),
}

impl Post {
    /// A reply that nobody has done anything with.
    pub fn answer(reply: Reply) -> Self {
        Self::Answer { reply, progress: Progress::default() }
    }

    /// What is said, or would be.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Answer { reply, .. } | Self::Suggestion { reply } => Some(reply),
            Self::Call(_) => None,
        }
    }

    /// What people did with it.
    pub fn progress(&self) -> Progress {
        match self {
            Self::Answer { progress, .. } => progress.clone(),
            Self::Suggestion { .. } | Self::Call(_) => Progress::default(),
        }
    }
}

/// Who did something, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// The person's id on the platform.
    pub person: String,
    /// Seconds since 1970.
    pub at: i64,
}

/// What people did with a reply.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// It fixed the problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<By>,
    /// It is about something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_mine: Option<By>,
    /// The team was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<By>,
}

impl Progress {
    /// Nothing more is to be done.
    pub fn is_closed(&self) -> bool {
        self.fixed.is_some() || self.not_mine.is_some()
    }
}

/// A call for the support team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamCall {
    /// The role that is called, as its id on the platform; the only thing that a post ever mentions.
    pub role: String,
    /// Who asked.
    pub asked: By,
    /// What was diagnosed: titles of the rules.
    pub about: Vec<String>,
    /// Ids from the paste that a supporter needs: error ids and request ids.
    pub ids: Vec<String>,
}

keywords! {
    /// What can be pressed below a post.
    Button {
        /// Read the answer that is offered.
        Show = "show",
        /// Read all steps of an answer that did not fit.
        Steps = "steps",
        /// It fixed the problem.
        Fixed = "fixed",
        /// It is about something else.
        NotMine = "not-mine",
        /// Call the team.
        AskTeam = "ask",
        /// Take the reply away.
        Remove = "remove",
        /// Delete the message that holds a secret.
        DeleteMessage = "delete",
        /// Show a private answer to everybody.
        Share = "share",
    }
}
