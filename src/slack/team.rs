//! The workspaces that the bot is in: who it is there, and what it may know of the people.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};
use tracing::warn;

use super::convert::Me;
use super::rest::{Api, CallError};

/// The members of a user group are asked for again after so long.
const GROUP_FRESH: Duration = Duration::from_secs(5 * 60);
/// A person who pressed a button waits so long at most for Slack to say who they are.
const WHO_MAX: Duration = Duration::from_millis(1_500);

/// A workspace.
pub(super) struct Team {
    pub(super) me: Me,
    pub(super) name: String,
    pub(super) api: Api,
    /// With what its requests are signed.
    pub(super) signing_secret: Option<SecretString>,
    groups: tokio::sync::Mutex<HashMap<String, (Instant, HashSet<String>)>>,
}

impl Team {
    /// Asks Slack whose token it is.
    pub(super) async fn find(api: Api, signing_secret: Option<SecretString>) -> Result<Self, (Api, CallError)> {
        let told = match api.get("auth.test", &[]).await {
            Ok(told) => told,
            Err(error) => return Err((api, error)),
        };
        let text = |name: &str| told[name].as_str().map(str::to_owned);
        let (Some(team), Some(user)) = (text("team_id"), text("user_id")) else {
            return Err((api, CallError::Unreachable("auth.test names no workspace".to_owned())));
        };
        let me = Me { team, user, bot: text("bot_id") };
        let name = text("team").unwrap_or_default();
        Ok(Self { me, name, api, signing_secret, groups: tokio::sync::Mutex::default() })
    }

    /// Whether a request that was verified with this secret may speak for the workspace.
    pub(super) fn is_signed_with(&self, secret: &SecretString) -> bool {
        self.signing_secret.as_ref().is_some_and(|own| own.expose_secret() == secret.expose_secret())
    }

    /// Whether a person administers the workspace, as far as Slack says.
    pub(super) async fn administers(&self, user: &str) -> bool {
        let asked = tokio::time::timeout(WHO_MAX, self.api.get("users.info", &[("user", user)])).await;
        match asked {
            Ok(Ok(told)) => ["is_admin", "is_owner", "is_primary_owner"].iter().any(|flag| told["user"][flag] == true),
            Ok(Err(error)) => {
                warn!(error = %error, "whether somebody administers the workspace is not known; is the scope users:read there?");
                false
            }
            Err(_) => false,
        }
    }

    /// Whether a person is in a user group, as far as Slack says.
    pub(super) async fn is_in_group(&self, user: &str, group: &str) -> bool {
        let mut groups = self.groups.lock().await;
        let fresh = groups.get(group).filter(|(asked, _)| asked.elapsed() < GROUP_FRESH);
        if let Some((_, members)) = fresh {
            return members.contains(user);
        }
        let asked = tokio::time::timeout(WHO_MAX, self.api.get("usergroups.users.list", &[("usergroup", group)])).await;
        let told = match asked {
            Ok(Ok(told)) => told,
            Ok(Err(error)) => {
                warn!(error = %error, "who is in the support group is not known; is the scope usergroups:read there?");
                return false;
            }
            Err(_) => return false,
        };
        let members: HashSet<String> = told["users"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|user| user.as_str().map(str::to_owned))
            .collect();
        let is_in = members.contains(user);
        groups.insert(group.to_owned(), (Instant::now(), members));
        is_in
    }
}

/// The workspaces that are known so far, by id.
#[derive(Clone, Default)]
pub(super) struct Teams(Arc<RwLock<HashMap<String, Arc<Team>>>>);

impl Teams {
    pub(super) fn add(&self, team: Team) {
        let mut teams = self.0.write().unwrap_or_else(PoisonError::into_inner);
        teams.insert(team.me.team.clone(), Arc::new(team));
    }

    pub(super) fn get(&self, team: &str) -> Option<Arc<Team>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(team).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Team>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
