//! What real replies become, and that no reply breaks a limit or brings something captured to life.

mod checker;

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    Around, Home, Key, Payload, Pressed, all_steps, block_id, diagnose_form, home, parse_block_id, post, pressed,
    private, results_view, utc,
};
use crate::diagnosis::Engine;
use crate::redact::SecretKind;
use crate::render::fixtures::{any_reply, by, captured, hostile, page_with};
use crate::render::limits::SLACK_BLOCKS_TOTAL;
use crate::reply::words::WatchedAs;
use crate::reply::{Button, Composer, Offer, Post, Progress, Reply, Span, TeamCall, words};
use crate::rules::{RuleSet, Scope, Source};
use checker::{check, check_view};

fn key() -> Key {
    Key { team: "T0123ABCD".to_owned(), channel: "C0123ABCD".to_owned(), ts: "1795000000.000100".to_owned() }
}

fn around(key: &Key) -> Around<'_> {
    Around { key, may_call_team: true }
}

fn shown(said: &Post) -> Payload {
    post(said, &around(&key()))
}

/// A payload as a reviewer reads it; `¦` stands for a space without width.
fn readable(payload: &Payload) -> String {
    format!("text: {}\n{}", payload.text, readable_blocks(&json!(payload.blocks))).replace('\u{200b}', "¦")
}

fn readable_blocks(blocks: &Value) -> String {
    let mut text = String::new();
    for block in blocks.as_array().unwrap() {
        match block["type"].as_str().unwrap() {
            "header" => text.push_str(&format!("# {}", words_of(&block["text"]))),
            "section" => {
                let said = words_of(&block["text"]).replace('\n', "\n  ");
                text.push_str(&format!("§ {said}{}", button(&block["accessory"])));
            }
            "context" => {
                let elements: Vec<String> = list(&block["elements"]).iter().map(words_of).collect();
                text.push_str(&format!("· {}{}", elements.join(" | "), id(block)));
            }
            "actions" => {
                let buttons: Vec<String> = list(&block["elements"]).iter().map(button).collect();
                text.push_str(&format!("{}{}", buttons.join("").trim(), id(block)));
            }
            "rich_text" => {
                let parts: Vec<String> = list(&block["elements"]).iter().map(rich_part).collect();
                text.push_str(&parts.join("\n"));
            }
            "divider" => text.push_str("———"),
            "input" => {
                let (label, hint) = (words_of(&block["label"]), words_of(&block["hint"]));
                let field = &block["element"];
                text.push_str(&format!(
                    "[{label}: {} → {}] {hint}",
                    words_of(&field["placeholder"]),
                    field["action_id"]
                ));
            }
            other => panic!("{other}"),
        }
        text.push('\n');
    }
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn words_of(text: &Value) -> String {
    text["text"].as_str().unwrap_or_default().to_owned()
}

fn id(block: &Value) -> String {
    block["block_id"].as_str().map_or(String::new(), |id| format!(" ⟨{id}⟩"))
}

fn button(button: &Value) -> String {
    let Some(action) = button["action_id"].as_str() else { return String::new() };
    let style = button["style"].as_str().map_or(String::new(), |style| format!(" {style}"));
    let confirm = if button["confirm"].is_object() { " ?" } else { "" };
    let value = button["value"].as_str().unwrap_or_default().replace(&key().to_string(), "KEY");
    format!(" ({}{style}{confirm} → {action} {value})", words_of(&button["text"])).replace(" )", ")")
}

fn rich_part(part: &Value) -> String {
    let elements = list(&part["elements"]);
    match part["type"].as_str().unwrap() {
        "rich_text_list" => {
            let first = part["offset"].as_u64().unwrap_or_default() + 1;
            let mark = |at: u64| if part["style"] == "ordered" { format!("{at}. ") } else { "- ".to_owned() };
            let items = elements.iter().zip(first..).map(|(item, at)| mark(at) + &rich_part(item));
            items.collect::<Vec<_>>().join("\n")
        }
        "rich_text_preformatted" => format!("┃ {}", elements.iter().map(inline).collect::<String>()),
        _ => elements.iter().map(inline).collect(),
    }
}

fn inline(inline: &Value) -> String {
    let text = inline["text"].as_str().unwrap();
    let mut text = text.to_owned();
    for (look, mark) in [("code", "`"), ("bold", "**"), ("italic", "_")] {
        if inline["style"][look] == true {
            text = format!("{mark}{text}{mark}");
        }
    }
    inline["url"].as_str().map_or(text.clone(), |url| format!("[{text}]({url})"))
}

fn built_in() -> Engine {
    Engine::new(Arc::new(RuleSet::load(&[Source::BuiltIn]).0))
}

fn rule_reply(paste: &str) -> Reply {
    let engine = built_in();
    Composer::new(&engine).asked(&engine.diagnose(paste, Scope::Okta))
}

const PASTE: &str = r#"{"errorCode":"E0000011","errorSummary":"Invalid token provided","errorLink":"E0000011","errorId":"oaeMADEUP0123"}"#;

#[test]
fn a_rule_as_a_post() {
    insta::assert_snapshot!(readable(&shown(&Post::answer(rule_reply(PASTE)))), @r#"
    text: E0000011: the token sent to Okta is not valid – As the admin, open Security &gt; API &gt; Tokens and look for the token the integration uses.
    # E0000011: the token sent to Okta is not valid
    **Recognised** by code E0000011
    ┃ E0000011
    **Cause**
    Okta does not accept the token that was sent. An API token stops working when it was revoked, when it was not used for 30 days, or when the admin who created it was deactivated, suspended or deleted. It also fails with a token of another org, a token that was cut off while copying, or an OAuth access token sent with `SSWS`. On a sign-in page the token is the page's own state token, and it expired while the page stood open.
    **For you**
    - If you see this on a sign-in page, close the tab and start again from the app or the Okta dashboard, not from a bookmark or an old email.
    **Solution**
    1. As the admin, open **Security > API > Tokens** and look for the token the integration uses.
    2. If the owner's account is inactive, reactivate it, or better: create a service account with only the admin role the job needs.
    3. Signed in as that account, select **Security > API > Tokens > Create token** and copy the value at once; it is shown only this time.
    4. Put the new token into the integration's secret store and rotate it everywhere the old one was used.
    5. Send it as `Authorization: SSWS {token}` to the same org that issued it. Use `Bearer` only for OAuth access tokens, and only those of the org authorization server for `/api/v1`.
    6. Repeat the call; you should see 200. If it still fails with a fresh token, check the network zone set on the token, then ask Okta Support with `oaeMADEUP0123`.
    **Check**
    - **Security > API > Tokens**: is the token still listed, who created it, and when does it expire?
    - **Directory > People**: the creator of the token must be Active.
    - System Log: `eventType eq "system.api_token.revoke"` shows a revoked token and who did it.
    · an Okta admin can fix this · Sources: <https://developer.okta.com/docs/reference/error-codes/|developer.okta.com>, <https://support.okta.com/help/s/article/HTTP-401-Okta-E0000011-Invalid-Token-provided-error|support.okta.com>, <https://support.okta.com/help/s/article/How-an-API-Token-is-expired-and-get-deactivated|support.okta.com (2)>
    · api/e0000011-invalid-token · reviewed 2026-11-22 · confidence high · Independent of Okta
    (Fixed it primary → fixed KEY) (Not my problem → not-mine KEY) (Ask the team → ask KEY) (Remove ? → remove KEY) ⟨oktriage:reply:T0123ABCD:C0123ABCD:1795000000.000100⟩
    "#);
}

#[test]
fn the_json_is_what_slack_documents() {
    let said =
        shown(&Post::Suggestion { reply: Reply { answers: vec![page_with(&captured("x"))], ..Reply::default() } });
    insta::assert_snapshot!(serde_json::to_string_pretty(&said).unwrap(), @r#"
    {
      "text": "This looks like a known Okta error.",
      "blocks": [
        {
          "type": "rich_text",
          "elements": [
            {
              "type": "rich_text_section",
              "elements": [
                {
                  "type": "text",
                  "text": "This looks like a known Okta error."
                }
              ]
            }
          ]
        },
        {
          "type": "actions",
          "block_id": "oktriage:reply:T0123ABCD:C0123ABCD:1795000000.000100",
          "elements": [
            {
              "type": "button",
              "text": {
                "type": "plain_text",
                "text": "Show the answer",
                "emoji": false
              },
              "action_id": "show",
              "value": "T0123ABCD:C0123ABCD:1795000000.000100",
              "style": "primary"
            },
            {
              "type": "button",
              "text": {
                "type": "plain_text",
                "text": "Remove",
                "emoji": false
              },
              "action_id": "remove",
              "value": "T0123ABCD:C0123ABCD:1795000000.000100",
              "confirm": {
                "title": {
                  "type": "plain_text",
                  "text": "Remove this reply?",
                  "emoji": false
                },
                "text": {
                  "type": "plain_text",
                  "text": "It disappears for everybody, and I will not answer this message again.",
                  "emoji": false
                },
                "confirm": {
                  "type": "plain_text",
                  "text": "Remove",
                  "emoji": false
                },
                "deny": {
                  "type": "plain_text",
                  "text": "Keep it",
                  "emoji": false
                },
                "style": "danger"
              }
            }
          ]
        }
      ],
      "unfurl_links": false,
      "unfurl_media": false
    }
    "#);
}

#[test]
fn secrets_come_first_and_progress_last() {
    let mut reply = Reply {
        answers: vec![page_with(&captured("<!channel> <@U1> @here *b* `c` http://x.example &amp; :smile:"))],
        ..Reply::default()
    };
    reply.secrets = vec![words::secret(SecretKind::OktaApiToken).to_owned()];
    reply.note = Some(words::late(7));
    let progress = Progress { fixed: Some(by("U042")), not_mine: None, asked: Some(by("<!here>")) };
    insta::assert_snapshot!(readable(&shown(&Post::Answer { reply, progress })), @r#"
    text: ⚠ This message contains an Okta API token (revoke under Security &gt; API &gt; Tokens). Treat it as known to others: delete the message and revoke it. Sorry for the delay: this was posted 7 minutes ago, while the bot was away. T – &lt;!channel&gt; &lt;@¦U1&gt; @¦here b c http:¦//x.¦example &amp;amp; :¦smile:
    **⚠ This message contains an Okta API token (revoke under Security > API > Tokens). Treat it as known to others: delete the message and revoke it.**
    Sorry for the delay: this was posted 7 minutes ago, while the bot was away.
    # T
    _Preview: not confirmed yet_
    **Recognised** by `<!channel> <@U1> @here *b* `c` http://x.example &amp; :smile:` (2 times in this paste)
    ┃ <!channel> <@U1> @here *b* `c` http://x.example &amp; :smile:
    **Cause**
    `<!channel> <@U1> @here *b* `c` http://x.example &amp; :smile:`
    **For you**
    - `<!channel> <@U1> @here *b* `c` http://x.example &amp; :smile:`
    **Solution**
    1. `<!channel> <@U1> @here *b* `c` http://x.example &amp; :smile:`
    **Check**
    - `<!channel> <@U1> @here *b* `c` http://x.example &amp; :smile:`
    · an Okta admin can fix this · Sources: <https://example.com/a_%28b%29?c=1&amp;d|example.com>
    · a/b · reviewed 2026-11-22 · Independent of Okta
    · 🙋 The team was asked by somebody <!date^1795000000^{date_short_pretty} at {time}|2026-11-18 11:06 UTC>
    · ✅ Fixed, says <@U042> <!date^1795000000^{date_short_pretty} at {time}|2026-11-18 11:06 UTC>
    (Remove ? → remove KEY) ⟨oktriage:reply:T0123ABCD:C0123ABCD:1795000000.000100⟩
    "#);
}

#[test]
fn what_is_offered_and_who_is_called() {
    let reply = rule_reply(PASTE);
    let call = TeamCall {
        role: "S0SUPPORT".to_owned(),
        asked: by("U042"),
        about: vec!["E0000011: `Invalid` *token* <!channel>".to_owned()],
        ids: vec!["oaeABC".to_owned(), "a`b".to_owned(), " ".to_owned()],
    };
    let near = Reply {
        note: Some(words::NOTHING_SURE.to_owned()),
        offers: vec![Offer { rule: "api/x".to_owned(), title: "X: a_b <c>".to_owned() }],
        ..Reply::default()
    };
    let looked_up = Reply {
        answers: vec![page_with(&Span { captured: false, ..captured("Reset the `key`.") })],
        offers: vec![Offer { rule: "api/y".to_owned(), title: "Y".to_owned() }],
        ..Reply::default()
    };
    let all = [
        shown(&Post::Suggestion { reply }),
        shown(&Post::Call(call)),
        private(&near, true),
        private(&looked_up, true),
        private(&Reply::note(words::NOTHING_KNOWN), true),
    ];
    all.iter().for_each(check);
    insta::assert_snapshot!(all.iter().map(readable).collect::<Vec<_>>().join("\n═\n"), @r#"
    text: This looks like a known Okta error.
    This looks like a known Okta error.
    (Show the answer primary → show KEY) (Remove ? → remove KEY) ⟨oktriage:reply:T0123ABCD:C0123ABCD:1795000000.000100⟩
    ═
    text: <!subteam^S0SUPPORT> somebody asks for help – E0000011: Invalid token &lt;!channel&gt;
    § <!subteam^S0SUPPORT> <@U042> asks for help <!date^1795000000^{date_short_pretty} at {time}|2026-11-18 11:06 UTC>
    **Ids**
    - `oaeABC`
    - `a`b`
    **About**
    - E0000011: `Invalid` *token* <!channel>
    · Independent of Okta ⟨oktriage:call:T0123ABCD:C0123ABCD:1795000000.000100⟩
    ═
    text: No rule fits this well enough to be sure.
    No rule fits this well enough to be sure.
    **Comes near**
    § X: a_b <c>
      api/x (Read → show:0 api/x)
    ═
    text: T – Reset the key.
    # T
    _Preview: not confirmed yet_
    **Recognised** by Reset the `key`. (2 times in this paste)
    ┃ Reset the `key`.
    **Cause**
    Reset the `key`.
    **For you**
    - Reset the `key`.
    **Solution**
    1. Reset the `key`.
    **Check**
    - Reset the `key`.
    · an Okta admin can fix this · Sources: <https://example.com/a_%28b%29?c=1&amp;d|example.com>
    · a/b · reviewed 2026-11-22 · Independent of Okta
    **Comes near**
    § Y
      api/y (Read → show:0 api/y)
    (Share in channel → share a/b)
    ═
    text: No rule knows this. If it is an error that others may paste too, please add a rule for it.
    No rule knows this. If it is an error that others may paste too, please add a rule for it.
    "#);
}

#[test]
fn what_does_not_fit_is_counted_and_behind_a_button() {
    let mut long = page_with(&captured("x"));
    long.steps = vec![vec![captured(&"word ".repeat(240))]; 12];
    let reply = Reply { answers: vec![long.clone(), long.clone()], ..Reply::default() };
    let said = shown(&Post::answer(reply.clone()));
    check(&said);
    let text = readable(&said);
    let tail: Vec<&str> = text.lines().filter(|line| !line.contains("word word")).collect();
    insta::assert_snapshot!(tail.join("\n"), @r#"
    # T
    _Preview: not confirmed yet_
    **Recognised** by x (2 times in this paste)
    ┃ x
    **Cause**
    `x`
    **For you**
    - `x`
    **Solution**
    · … and 6 more steps and 1 more point
    · an Okta admin can fix this · Sources: <https://example.com/a_%28b%29?c=1&amp;d|example.com>
    · a/b · reviewed 2026-11-22 · Independent of Okta
    **Also recognised**
    - **2. T**
    `x`
    (Fixed it primary → fixed KEY) (Not my problem → not-mine KEY) (Ask the team → ask KEY) (Show all steps (1) → steps:0 KEY) (Show all steps (2) → steps:1 KEY) (Remove ? → remove KEY) ⟨oktriage:reply:T0123ABCD:C0123ABCD:1795000000.000100⟩
    "#);
    let private = private(&reply, true);
    check(&private);
    assert!(readable(&private).contains("(Show all steps (1) → steps:0 a/b)"), "{}", readable(&private));

    let all = all_steps(&long);
    all.iter().for_each(check);
    assert!(all.len() > 1 && readable(all.last().unwrap()).contains("Independent of Okta"));
    let numbers: Vec<String> = (1..=12).map(|number| format!("\n{number}. `word word")).collect();
    let whole: String = all.iter().map(readable).collect();
    assert!(numbers.iter().all(|number| whole.matches(number).count() == 1), "{whole}");
}

#[test]
fn a_long_item_goes_on_in_the_next_message() {
    let mut long = page_with(&captured("x"));
    long.steps = vec![vec![Span { captured: false, ..captured(&"word ".repeat(4_000)) }], vec![captured("last")]];
    let all = all_steps(&long);
    all.iter().for_each(check);
    let whole: String = all.iter().map(readable).collect();
    assert_eq!(whole.matches("word").count(), 4_000 + whole.matches("text: T").count() * 40);
    assert!(whole.contains("\n2. `last`"), "{whole}");
}

#[test]
fn app_home_says_what_is_watched_and_what_was_found() {
    let watched = |has_team| WatchedAs { scope: Scope::Okta, mode: "answer", has_team, cooldown: None, shadowed: 0 };
    let channels = [("C0123".to_owned(), watched(true)), ("<!here>".to_owned(), watched(false))];
    let found = Reply {
        answers: vec![page_with(&Span { captured: false, ..captured("Reset it.") })],
        offers: vec![Offer { rule: "api/y".to_owned(), title: "Y".to_owned() }],
        ..Reply::default()
    };
    let shown = home(&Home {
        rules: 180,
        previews: 1,
        version: "3f2a91c0",
        channels: &channels,
        search: Some(("*E0000014*", &found)),
    });
    check_view(&shown);
    let text = readable_blocks(&shown["blocks"]).replace(env!("CARGO_PKG_VERSION"), "VERSION");
    insta::assert_snapshot!(text, @r#"
    # Look something up
    [An error code, a rule id or a few words: E0000014 → "search"]
    (Diagnose a pasted error → open-form)
    ———
    # Found for “*E0000014*”
    # T
    _Preview: not confirmed yet_
    **Recognised** by Reset it. (2 times in this paste)
    ┃ Reset it.
    **Cause**
    Reset it.
    **For you**
    - Reset it.
    **Solution**
    1. Reset it.
    **Check**
    - Reset it.
    · an Okta admin can fix this · Sources: <https://example.com/a_%28b%29?c=1&amp;d|example.com>
    · a/b · reviewed 2026-11-22 · Independent of Okta
    **Comes near**
    § Y
      api/y (Read → show:0 api/y)
    ———
    # Where I answer
    § • <#C0123>: an Okta support channel, errors are answered in threads
      • a channel: an Okta support channel, errors are answered in threads; no team to ask
    # How to use me
    - Paste an Okta error in a watched channel: the answer comes in its thread, or nothing if no rule fits.
    - In any channel: the message shortcut “Diagnose Okta error”; it works in threads, too.
    - /okta lookup with a code, a rule id or words; /okta diagnose with an error. Only you see the answer.
    - Mention me in a channel, or write to me directly.
    - Never paste tokens or keys. If you did, I say so at once and how to revoke them.
    · 180 rules, 1 of them a preview · rule set 3f2a91c0 · oktriage VERSION | Independent of Okta
    "#);
    let empty = home(&Home { rules: 180, previews: 0, version: "3f2a91c0", channels: &[], search: None });
    check_view(&empty);
    assert!(readable_blocks(&empty["blocks"]).contains(words::slack::NO_CHANNEL));
    let many: Vec<_> = (0..400).map(|at| (format!("C{at}"), watched(true))).collect();
    let none = Reply::note(words::NOTHING_KNOWN);
    let shown = home(&Home { rules: 1, previews: 0, version: "", channels: &many, search: Some(("", &none)) });
    check_view(&shown);
    assert!(readable_blocks(&shown["blocks"]).contains("… and 370 more"));
}

#[test]
fn windows() {
    let form = diagnose_form("C0123:1.2");
    check_view(&form);
    assert_eq!(form["private_metadata"], "C0123:1.2");
    assert!(diagnose_form(&"x".repeat(3_001)).get("private_metadata").is_none());
    insta::assert_snapshot!(readable_blocks(&form["blocks"]), @r#"[Paste the error; only you see the answer: Paste the error as you have it → "paste"] Up to 3,000 characters. For longer pastes, send me a direct message or attach a text file."#);
    let result = results_view(&rule_reply(PASTE));
    check_view(&result);
    assert!(readable_blocks(&result["blocks"]).starts_with("# E0000011"));
    check_view(&results_view(&Reply::default()));
}

#[test]
fn ids_lead_back() {
    let key = key();
    assert_eq!(parse_block_id(&block_id("call", &key)), Some(("call", key.clone())));
    for foreign in ["", "oktriage", "oktriage:reply:T:C", "oktriage:reply:T:C:1:2", "other:reply:T:C:1", "aB3x"] {
        assert_eq!(parse_block_id(foreign), None, "{foreign}");
    }
    let on_post = |button, answer| Some(Pressed::OnPost { button, key: key.clone(), answer });
    let value = key.to_string();
    assert_eq!(pressed("fixed", &value), on_post(Button::Fixed, 0));
    assert_eq!(pressed("steps:2", &value), on_post(Button::Steps, 2));
    assert_eq!(pressed("steps:2", "api/x"), Some(Pressed::Steps("api/x".to_owned())));
    assert_eq!(pressed("show:1", "api/x"), Some(Pressed::Page("api/x".to_owned())));
    assert_eq!(pressed("share", "api/x,api/y"), Some(Pressed::Share(vec!["api/x".to_owned(), "api/y".to_owned()])));
    assert_eq!(pressed("search", "E0000014"), Some(Pressed::Search("E0000014".to_owned())));
    assert_eq!(pressed("open-form", ""), Some(Pressed::Form));
    for (action, value) in [("fixed", "api/x"), ("steps:x", &value), ("other", &value), ("show", ""), ("", "")] {
        assert_eq!(pressed(action, value), None, "{action} {value}");
    }
}

#[test]
fn times_in_utc() {
    assert_eq!(utc(0), "1970-01-01 00:00 UTC");
    assert_eq!(utc(951_827_696), "2000-02-29 12:34 UTC");
    assert_eq!(utc(1_798_761_599), "2026-12-31 23:59 UTC");
    assert_eq!(utc(super::TIME_MAX), "9999-12-31 23:59 UTC");
}

#[test]
fn every_built_in_rule_fits_one_message() {
    let long = "_".repeat(80);
    let mut behind_a_button = Vec::new();
    for rule in RuleSet::load(&[Source::BuiltIn]).0.iter() {
        // Which rule answers what is tested elsewhere; alone, each answers its examples sooner.
        let engine = Engine::new(Arc::new(RuleSet::of(vec![rule.clone()])));
        let composer = Composer::new(&engine);
        let page = composer.looked_up(std::slice::from_ref(&rule.id));
        let outcomes =
            rule.examples.iter().map(|example| composer.asked(&engine.diagnose(&example.text, example.scope)));
        let mut largest = page.clone();
        for answer in &mut largest.answers {
            answer.quote = Some("<&>\"".repeat(200));
            answer.evidence = vec![long.clone(); 3];
            let texts = [&mut answer.checks, &mut answer.for_user, &mut answer.steps].into_iter().flatten();
            for text in texts.chain([&mut answer.cause]) {
                text.push(captured(&long));
            }
        }
        check(&private(&page, true));
        check_view(&results_view(&page));
        page.answers.iter().flat_map(all_steps).for_each(|payload| check(&payload));
        for reply in outcomes {
            assert_eq!(reply.answers.first().map(|answer| answer.rule.clone()), Some(rule.id.to_string()));
            let said = shown(&Post::answer(reply));
            check(&said);
            if said.blocks.iter().any(|block| format!("{block:?}").contains("steps:0")) {
                behind_a_button.push(rule.id.to_string());
            }
        }
        check(&shown(&Post::answer(largest)));
    }
    assert_eq!(behind_a_button, Vec::<String>::new());
}

/// A sound id, or something that is none.
fn id_or_not(sound: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![Just(sound.to_owned()), hostile()]
}

/// The built-in rules, each with what it says to one of its examples.
static SAID: LazyLock<Vec<(Reply, Reply)>> = LazyLock::new(|| {
    let rules = RuleSet::load(&[Source::BuiltIn]).0;
    let said = rules.iter().filter_map(|rule| {
        let engine = Engine::new(Arc::new(RuleSet::of(vec![rule.clone()])));
        let composer = Composer::new(&engine);
        let example = rule.examples.first()?;
        let page = composer.looked_up(std::slice::from_ref(&rule.id));
        Some((page, composer.asked(&engine.diagnose(&example.text, example.scope))))
    });
    said.collect()
});

/// The same words with something else captured.
fn capturing(mut reply: Reply, text: &str) -> Reply {
    for answer in &mut reply.answers {
        answer.quote = answer.quote.as_ref().map(|_| text.to_owned());
        answer.evidence.iter_mut().for_each(|evidence| text.clone_into(evidence));
        let texts = [&mut answer.checks, &mut answer.for_user, &mut answer.steps].into_iter().flatten();
        for span in texts.chain([&mut answer.cause]).flatten().filter(|span| span.captured) {
            text.clone_into(&mut span.text);
        }
    }
    reply
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn any_rule_with_any_capture_fits(at in any::<prop::sample::Index>(), others in prop::collection::vec(any::<prop::sample::Index>(), 0..5), text in hostile()) {
        let (page, said) = at.get(&SAID);
        // A paste can hold several errors.
        let mut reply = capturing(said.clone(), &text);
        reply.answers.extend(others.iter().flat_map(|at| capturing(at.get(&SAID).1.clone(), &text).answers));
        let posts = [Post::answer(reply.clone()), Post::Suggestion { reply: reply.clone() }];
        let whole = reply.answers.iter().flat_map(all_steps);
        for payload in posts.iter().map(shown).chain([private(&reply, true), private(page, true)]).chain(whole) {
            check(&payload);
            prop_assert!(json!(payload.blocks).to_string().len() <= SLACK_BLOCKS_TOTAL);
            prop_assert!(!payload.text.contains("<"), "{}", payload.text);
        }
        check_view(&results_view(&reply));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_reply_is_valid_and_dead(
        reply in any_reply(),
        people in prop::array::uniform3(prop::option::of(id_or_not("U042"))),
        role in id_or_not("S077"),
    ) {
        let [fixed, not_mine, asked] = people.map(|person| person.map(|person| by(&person)));
        let progress = Progress { fixed, not_mine, asked };
        let call = TeamCall {
            role: role.clone(),
            asked: by(&role),
            about: reply.answers.iter().map(|answer| answer.title.clone()).chain(reply.secrets.clone()).collect(),
            ids: reply.offers.iter().map(|offer| offer.rule.clone()).collect(),
        };
        let whole = reply.answers.iter().take(2).flat_map(all_steps);
        let posts = [Post::Answer { reply: reply.clone(), progress }, Post::Suggestion { reply: reply.clone() }, Post::Call(call)];
        for payload in posts.iter().map(shown).chain([private(&reply, true)]).chain(whole) {
            check(&payload);
            prop_assert!(json!(payload.blocks).to_string().len() <= SLACK_BLOCKS_TOTAL);
        }
        check_view(&results_view(&reply));
        let question = reply.note.clone().unwrap_or_default();
        let watched = WatchedAs { scope: Scope::Mixed, mode: "shadow", has_team: false, cooldown: Some((1, 60)), shadowed: 7 };
        let channels: Vec<_> = reply.offers.iter().map(|offer| (offer.rule.clone(), watched)).collect();
        check_view(&home(&Home { rules: 1, previews: 2, version: &question, channels: &channels, search: Some((&question, &reply)) }));
        check_view(&diagnose_form(&question));
    }

    #[test]
    fn whatever_is_captured_is_code(text in hostile()) {
        let mut answer = page_with(&captured(&text));
        answer.steps = vec![vec![captured("before "), captured(&text)]];
        let blocks = json!(shown(&Post::answer(Reply { answers: vec![answer], ..Reply::default() })).blocks);
        for inline in checker::inlines(&blocks) {
            let address = inline["text"].as_str().unwrap().contains("://");
            prop_assert!(!address || inline["style"]["code"] == true || inline["preformatted"] == true, "{}", inline);
        }
    }
}
