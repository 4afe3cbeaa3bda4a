//! Modals and Home tabs: opened once and in time, replaced, stacked.

use serde_json::{Value, json};

use super::blocks;
use super::methods::{required, with_ids};
use super::state::{State, View};
use super::web::{Answer, Arguments, Refusal};

/// Modals that may lie on each other.
pub(super) const VIEWS_MAX: usize = 3;

impl State {
    fn read_view(arguments: &Arguments, kind: &str) -> Result<Value, Refusal> {
        let Some(view) = arguments.json("view") else {
            return Err(required(arguments, "view").expect_err("no view"));
        };
        let view = view.map_err(|()| Refusal::from("invalid_arguments"))?;
        blocks::view(&view, kind)?;
        Ok(view)
    }

    /// Stores a view and gives it Slack's own fields.
    pub(super) fn store_view(
        &mut self,
        team: &str,
        user: &str,
        given: &Value,
        known: Option<&str>,
        below: Option<&str>,
    ) -> Value {
        let id = known.map_or_else(|| self.name_id('V'), str::to_owned);
        let stamp = self.id();
        let previous = known.and_then(|known| self.views.get(known)).and_then(|view| view.previous.clone());
        let previous = below.map(str::to_owned).or(previous);
        let root = previous.as_ref().and_then(|below| self.views.get(below));
        let root =
            root.map_or_else(|| id.clone(), |below| below.json["root_view_id"].as_str().unwrap_or_default().into());
        let mut json = json!({
            "private_metadata": "", "callback_id": "", "clear_on_close": false, "notify_on_close": false,
            "close": null, "submit": null, "external_id": "", "title": {"type": "plain_text", "text": "View Title"},
        });
        for (name, value) in given.as_object().into_iter().flatten() {
            json[name] = value.clone();
        }
        json["blocks"] = with_ids(given["blocks"].as_array().cloned().unwrap_or_default(), stamp).into();
        let state = known.and_then(|known| self.views.get(known)).map(|view| view.json["state"].clone());
        json["id"] = id.clone().into();
        json["team_id"] = team.into();
        json["app_id"] = self.app.clone().into();
        json["app_installed_team_id"] = team.into();
        json["bot_id"] = self.team(team).bot_id.clone().into();
        json["hash"] = format!("{}.{:08x}", stamp / 1_000_000, stamp % 1_000_000).into();
        json["root_view_id"] = root.into();
        json["previous_view_id"] = json!(previous);
        json["state"] = state.unwrap_or_else(|| json!({"values": {}}));
        let view = View {
            id: id.clone(),
            team: team.to_owned(),
            user: user.to_owned(),
            json: json.clone(),
            previous,
            open: true,
        };
        self.views.insert(id, view);
        json
    }

    pub(super) fn publish_view(&mut self, team: &str, arguments: &Arguments) -> Answer {
        let user = required(arguments, "user_id")?;
        if self.user_by_id(&user).is_none_or(|known| known.team != team) {
            return Err("user_not_found".into());
        }
        let view = Self::read_view(arguments, "home")?;
        let known = self.home(team, &user).map(|view| (view.id.clone(), view.json["hash"].clone()));
        if let Some((_, hash)) = &known
            && arguments.text("hash").is_some_and(|given| *hash != given)
        {
            return Err("hash_conflict".into());
        }
        let json = self.store_view(team, &user, &view, known.as_ref().map(|(id, _)| id.as_str()), None);
        Ok(json!({"view": json}))
    }

    /// A person's Home tab.
    pub(crate) fn home(&self, team: &str, user: &str) -> Option<&View> {
        self.views.values().find(|view| view.team == team && view.user == user && view.json["type"] == "home")
    }

    pub(super) fn open_view(&mut self, team: &str, method: &str, arguments: &Arguments) -> Answer {
        let trigger = arguments.text("trigger_id").or_else(|| arguments.text("interactivity_pointer"));
        let trigger = trigger.ok_or_else(|| required(arguments, "trigger_id").expect_err("no trigger"))?;
        let limit = self.trigger_limit;
        let asked = self.asked_by_trigger(&trigger).filter(|asked| asked.team == team);
        let asked = asked.ok_or_else(|| Refusal::from("invalid_trigger_id"))?;
        if asked.trigger_used {
            return Err("exchanged_trigger_id".into());
        }
        if asked.age() > limit {
            return Err("expired_trigger_id".into());
        }
        let (id, user, below) = (asked.id, asked.user.clone(), asked.view.clone());
        let view = Self::read_view(arguments, "modal")?;
        let below = below.filter(|below| self.views.get(below).is_some_and(|view| view.json["type"] == "modal"));
        if method == "views.push" {
            let Some(below) = &below else { return Err("not_found".into()) };
            if self.depth(below) >= VIEWS_MAX {
                return Err("push_limit_reached".into());
            }
        }
        self.unique_external_id(team, &view, None)?;
        if let Some(asked) = self.interactions.get_mut(&id) {
            asked.trigger_used = true;
        }
        let below = below.filter(|_| method == "views.push");
        let json = self.store_view(team, &user, &view, None, below.as_deref());
        if let Some(asked) = self.interactions.get_mut(&id) {
            asked.opened = json["id"].as_str().map(str::to_owned);
        }
        Ok(json!({"view": json}))
    }

    pub(super) fn depth(&self, view: &str) -> usize {
        let below = self.views.get(view).and_then(|view| view.previous.as_deref());
        1 + below.map_or(0, |below| self.depth(below))
    }

    fn unique_external_id(&self, team: &str, view: &Value, own: Option<&str>) -> Result<(), Refusal> {
        let Some(external) = view["external_id"].as_str().filter(|id| !id.is_empty()) else { return Ok(()) };
        let mut others = self.views.values().filter(|known| known.team == team && Some(known.id.as_str()) != own);
        let taken = others.any(|known| known.open && known.json["external_id"] == external);
        if taken { Err("duplicate_external_id".into()) } else { Ok(()) }
    }

    pub(super) fn update_view(&mut self, team: &str, arguments: &Arguments) -> Answer {
        let (id, external) = (arguments.text("view_id"), arguments.text("external_id"));
        let named = |view: &&View| {
            Some(&view.id) == id.as_ref() || external.as_deref().is_some_and(|it| view.json["external_id"] == it)
        };
        let known = self.views.values().find(|view| view.team == team && view.open && named(view)).cloned();
        let known = known.ok_or_else(|| Refusal::from("not_found"))?;
        if arguments.text("hash").is_some_and(|hash| known.json["hash"] != hash) {
            return Err("hash_conflict".into());
        }
        let view = Self::read_view(arguments, known.json["type"].as_str().unwrap_or_default())?;
        self.unique_external_id(team, &view, Some(&known.id))?;
        Ok(json!({"view": self.store_view(team, &known.user, &view, Some(&known.id), None)}))
    }
}
