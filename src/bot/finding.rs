//! What is right and what is wrong with the bot's place on a platform.

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is the case.
    pub what: String,
    /// What to do about it; `None` when it is as it should be.
    pub help: Option<String>,
}

impl Finding {
    /// As it should be.
    pub fn good(what: impl Into<String>) -> Self {
        Self { what: what.into(), help: None }
    }

    /// Not as it should be.
    pub fn bad(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { what: what.into(), help: Some(help.into()) }
    }
}
