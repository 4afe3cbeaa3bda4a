//! What real replies become, and that no reply breaks a limit or brings something captured to life.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{ActionRow, Around, Embed, Payload, all_steps, markdown, post, private, thread_name};
use crate::redact::SecretKind;
use crate::render::fixtures::{any_reply, by, captured, hostile, page_with};
use crate::reply::{Answer, Look, Offer, Post, Progress, Reply, Span, TeamCall, fill, words};
use crate::rules::{Piece, Rule, RuleId, RuleSet, Source, Text};

const AROUND: Around<'static> =
    Around { key: "11111111111111111111:22222222222222222222", may_call_team: true, may_delete_message: true };

/// A payload as a reviewer reads it; `¦` stands for a space without width.
fn readable(payload: &Payload) -> String {
    let mut text = String::new();
    if let Some(content) = &payload.content {
        text.push_str(&format!("{content}\n"));
    }
    for Embed { title, description, color, footer } in &payload.embeds {
        text.push_str(&format!("┌ {title} #{color:06x}\n"));
        for line in description.lines() {
            text.push_str(&format!("│ {line}\n"));
        }
        text.push_str(&footer.as_ref().map_or(String::new(), |footer| format!("└ {}\n", footer.text)));
    }
    for ActionRow { components, .. } in &payload.components {
        let buttons: Vec<String> =
            components.iter().map(|button| format!("({} → {})", button.label, button.custom_id)).collect();
        text.push_str(&format!("{}\n", buttons.join(" ")));
    }
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").replace('\u{200b}', "¦")
}

fn answer(rule: &Rule, value: Option<&str>) -> Answer {
    let captures = |text: &Text| -> BTreeMap<String, String> {
        let names = text.pieces().into_iter().filter_map(|piece| match piece {
            Piece::Capture { name, .. } => Some(name.clone()),
            Piece::Literal(_) => None,
        });
        names.filter_map(|name| Some((name, value?.to_owned()))).collect()
    };
    let filled = |texts: &[Text]| texts.iter().map(|text| fill(text, &captures(text))).collect();
    Answer {
        rule: rule.id.to_string(),
        title: rule.title.clone(),
        confidence: value.map(|_| "high".to_owned()),
        quote: value.map(str::to_owned),
        evidence: value.map(|_| "its message".to_owned()).into_iter().collect(),
        count: 1,
        cause: fill(&rule.page.cause, &captures(&rule.page.cause)),
        checks: filled(&rule.page.checks),
        for_user: filled(&rule.page.for_user),
        steps: filled(&rule.page.steps),
        fixed_by: rule.fixed_by.to_string(),
        engines: Vec::new(),
        sources: rule.sources.clone(),
        reviewed: rule.reviewed.clone(),
        preview: false,
    }
}

fn built_in() -> RuleSet {
    RuleSet::load(&[Source::BuiltIn]).0
}

fn rule_reply(value: Option<&str>) -> Reply {
    let rules = built_in();
    let rule = rules.get(&RuleId::parse("api/e0000011-invalid-token").unwrap()).unwrap();
    Reply { answers: vec![answer(rule, value)], ..Reply::default() }
}

#[test]
fn a_rule_as_a_post() {
    let reply = rule_reply(Some("Invalid token provided"));
    insta::assert_snapshot!(readable(&post(&Post::answer(reply), &AROUND)), @r#"
    ┌ E0000011: the token sent to Okta is not valid #4a6fa5
    │ **Recognised** by its message
    │ > `Invalid token provided`
    │
    │ **Cause**
    │ Okta does not accept the token that was sent. An API token stops working when it was revoked, when it was not used for 30 days, or when the admin who created it was deactivated, suspended or deleted. It also fails with a token of another org, a token that was cut off while copying, or an OAuth access token sent with `SSWS`. On a sign-in page the token is the page's own state token, and it expired while the page stood open.
    │
    │ **For you**
    │ - If you see this on a sign-in page, close the tab and start again from the app or the Okta dashboard, not from a bookmark or an old email.
    ┌ Solution #4a6fa5
    │ 1. As the admin, open **Security > API > Tokens** and look for the token the integration uses.
    │ 2. If the owner's account is inactive, reactivate it, or better: create a service account with only the admin role the job needs.
    │ 3. Signed in as that account, select **Security > API > Tokens > Create token** and copy the value at once; it is shown only this time.
    │ 4. Put the new token into the integration's secret store and rotate it everywhere the old one was used.
    │ 5. Send it as `Authorization: SSWS {token}` to the same org that issued it. Use `Bearer` only for OAuth access tokens, and only those of the org authorization server for `/api/v1`.
    │ 6. Repeat the call; you should see 200. If it still fails with a fresh token, check the network zone set on the token, then ask Okta Support with Invalid token provided.
    │
    │ **Check**
    │ - **Security > API > Tokens**: is the token still listed, who created it, and when does it expire?
    │ - **Directory > People**: the creator of the token must be Active.
    │ - System Log: `eventType eq "system.api_token.revoke"` shows a revoked token and who did it.
    │
    │ Sources: [1](https://developer.okta.com/docs/reference/error-codes/) [2](https://support.okta.com/help/s/article/HTTP-401-Okta-E0000011-Invalid-Token-provided-error) [3](https://support.okta.com/help/s/article/How-an-API-Token-is-expired-and-get-deactivated)
    └ an Okta admin can fix this · api/e0000011-invalid-token · reviewed 2026-11-22 · confidence high · Independent of Okta
    (Fixed it → fixed:11111111111111111111:22222222222222222222) (Not my problem → not-mine:11111111111111111111:22222222222222222222) (Ask the team → ask:11111111111111111111:22222222222222222222) (Remove → remove:11111111111111111111:22222222222222222222)
    "#);
}

#[test]
fn secrets_come_first_and_progress_last() {
    let mut reply = Reply {
        answers: vec![page_with(&captured("@everyone <@1> **b** [a](http://x.y) discord.gg/z"))],
        ..Reply::default()
    };
    reply.secrets = vec![words::secret(SecretKind::OktaApiToken).to_owned()];
    reply.note = Some(words::late(7));
    let progress = Progress { fixed: Some(by("42")), not_mine: None, asked: Some(by("<@&9>")) };
    insta::assert_snapshot!(readable(&post(&Post::Answer { reply, progress }, &AROUND)), @r#"
    Sorry for the delay: this was posted 7 minutes ago, while the bot was away.
    ┌  #c0392b
    │ ⚠ This message contains an Okta API token (revoke under Security > API > Tokens). Treat it as known to others: delete the message and revoke it.
    ┌ T #4a6fa5
    │ *Preview: not confirmed yet*
    │
    │ **Recognised** by \@¦everyone \<\@1\> \*\*b\*\* \[a\](http\:\/\/x.y) discord.gg\/z (2 times in this paste)
    │ > `@everyone <@1> **b** [a](http://x.y) discord.gg/z`
    │
    │ **Cause**
    │ \@¦everyone \<\@1\> \*\*b\*\* \[a\](http\:\/\/x.y) discord.gg\/z
    │
    │ **For you**
    │ - \@¦everyone \<\@1\> \*\*b\*\* \[a\](http\:\/\/x.y) discord.gg\/z
    ┌ Solution #4a6fa5
    │ 1. \@¦everyone \<\@1\> \*\*b\*\* \[a\](http\:\/\/x.y) discord.gg\/z
    │
    │ **Check**
    │ - \@¦everyone \<\@1\> \*\*b\*\* \[a\](http\:\/\/x.y) discord.gg\/z
    │
    │ Sources: [1](https://example.com/a_%28b%29?c=1&d)
    └ an Okta admin can fix this · a/b · reviewed 2026-11-22 · Independent of Okta
    ┌  #3b8c5a
    │ 🙋 The team was asked by somebody <t:1795000000:R>
    │ ✅ Fixed, says <@42> <t:1795000000:R>
    (Remove → remove:11111111111111111111:22222222222222222222) (Delete my message → delete:11111111111111111111:22222222222222222222)
    "#);
}

#[test]
fn what_is_offered_and_who_is_called() {
    let reply = rule_reply(None);
    let call = TeamCall {
        role: "77".to_owned(),
        asked: by("42"),
        about: vec!["E0000011: `Invalid` *token*".to_owned()],
        ids: vec!["oaeABC".to_owned(), "a`b".to_owned()],
    };
    let called = post(&Post::Call(call), &AROUND);
    let near = Reply {
        note: Some(words::NOTHING_SURE.to_owned()),
        offers: vec![Offer { rule: "api/x".to_owned(), title: "X: a_b".to_owned() }],
        ..Reply::default()
    };
    assert_eq!(
        serde_json::to_value(&called.allowed_mentions).unwrap(),
        serde_json::json!({"parse": [], "roles": ["77"]})
    );
    assert_eq!(thread_name(&Reply { secrets: vec!["x".to_owned()], ..Reply::default() }), words::THREAD_NEUTRAL);
    let all = [post(&Post::Suggestion { reply }, &AROUND), called, private(&near, true)];
    insta::assert_snapshot!(all.iter().map(readable).collect::<Vec<_>>().join("\n═\n"), @r#"
    This looks like a known Okta error.
    (Show the answer → show:11111111111111111111:22222222222222222222) (Remove → remove:11111111111111111111:22222222222222222222)
    ═
    <@&77> <@42> asks for help <t:1795000000:R>
    **About**
    - E0000011: \`Invalid\` \*token\*
    **Ids**
    `oaeABC` ``a`b``
    ═
    No rule fits this well enough to be sure.
    ┌ Comes near #7a8594
    │ - X: a\_b `api/x`
    │
    │ To read one: `/okta lookup <rule id>`
    "#);
}

#[test]
fn what_does_not_fit_is_counted_and_behind_a_button() {
    let mut long = page_with(&captured("x"));
    long.steps = vec![vec![captured(&"word ".repeat(160))]; 12];
    let reply = Reply { answers: vec![long.clone(), long.clone()], ..Reply::default() };
    let shown = post(&Post::answer(reply.clone()), &AROUND);
    assert!(readable(&shown).contains("more steps and 1 more point"), "{}", readable(&shown));
    let labels: Vec<&str> = shown.components[1].components.iter().map(|button| button.label.as_str()).collect();
    assert_eq!(labels, ["Show all steps (1)", "Show all steps (2)"]);
    assert_eq!(private(&reply, true).components[1].components[0].custom_id, "steps:a/b");
    let all = all_steps(&long);
    assert!(all.len() > 1 && readable(all.last().unwrap()).contains("Independent of Okta"));
    let numbers = all.iter().map(|payload| readable(payload).matches(". word").count()).sum::<usize>();
    assert_eq!(numbers, 12);
}

#[test]
fn text_looks_as_written() {
    let shown =
        |text: &str, look: Look| markdown::rich(&[Span { text: text.to_owned(), look, link: None, captured: false }]);
    assert_eq!(shown("*.okta.com and user_id: a", Look::Plain), r"\*.okta.com and user\_id: a");
    assert_eq!(shown("1. Security > API", Look::Strong), r"**1\. Security > API**");
    assert_eq!(shown("a``b`", Look::Code), "``a`\u{200b}`b` ``");
    assert_eq!(shown("http://a and @here", Look::Plain), "http\\://a and \\@\u{200b}here");
}

#[test]
fn every_built_in_rule_fits_one_message() {
    let mut behind_a_button = Vec::new();
    for rule in built_in().iter() {
        for value in [None, Some("x".repeat(80)), Some("_".repeat(80))] {
            let reply = Reply { answers: vec![answer(rule, value.as_deref())], ..Reply::default() };
            let shown = post(&Post::answer(reply), &AROUND);
            check(&shown);
            if shown.components.len() > 1 {
                behind_a_button.push(format!("{} {:?}", rule.id, value.map(|value| value[..1].to_owned())));
            }
        }
    }
    assert_eq!(behind_a_button, Vec::<String>::new());
}

/// Every limit of Discord's.
fn check(payload: &Payload) {
    let units = |text: &str| text.encode_utf16().count();
    let content = payload.content.as_deref().unwrap_or_default();
    assert!(units(content) <= 2000);
    assert!(!content.trim().is_empty() || !payload.embeds.is_empty());
    assert!(payload.embeds.len() <= 10);
    let mut total = 0;
    for embed in &payload.embeds {
        let footer = embed.footer.as_ref().map_or(0, |footer| units(&footer.text));
        assert!(units(&embed.title) <= 256 && units(&embed.description) <= 4096 && footer <= 2048);
        assert!(!embed.title.trim().is_empty() || !embed.description.trim().is_empty());
        total += units(&embed.title) + units(&embed.description) + footer;
    }
    assert!(total <= 6000, "{total}");
    assert!(payload.components.len() <= 5);
    let mut ids = Vec::new();
    for row in &payload.components {
        assert!((1..=5).contains(&row.components.len()));
        for button in &row.components {
            assert!((1..=80).contains(&units(&button.label)) && (1..=100).contains(&units(&button.custom_id)));
            assert!(!ids.contains(&&button.custom_id), "{} twice", button.custom_id);
            ids.push(&button.custom_id);
        }
    }
    assert!(payload.allowed_mentions.parse.is_empty());
}

/// Markdown as Discord reads it: without what is escaped, in code or the target of a link.
fn live(text: &str) -> String {
    let (chars, mut live, mut at): (Vec<char>, _, _) = (text.chars().collect(), String::new(), 0);
    let run = |from: usize| chars[from..].iter().take_while(|char| **char == '`').count();
    while at < chars.len() {
        match chars[at] {
            '\\' if chars.get(at + 1).is_some_and(|next| next.is_ascii_punctuation()) => {
                live.push('·');
                at += 2;
            }
            '`' => {
                let fence = run(at);
                let mut end = at + fence;
                while end < chars.len() && run(end) != fence {
                    end += run(end).max(1);
                }
                assert!(end < chars.len() && fence < 3, "an open code span: {text}");
                live.push('C');
                at = end + fence;
            }
            char => {
                live.push(char);
                at += 1;
            }
        }
    }
    let mut rest = live;
    for (open, close) in [("](https://example.com/", ')'), ("<https://example.com/", '>')] {
        let mut parts = rest.split(open);
        let first = parts.next().unwrap_or_default().to_owned();
        let others = parts.map(|part| format!("L{}", part.split_once(close).expect("the end of a link").1));
        rest = std::iter::once(first).chain(others).collect();
    }
    rest
}

/// Nothing captured mentions, links or formats: only the renderer's own marks are live.
fn check_dead(payload: &Payload) {
    let texts = payload.embeds.iter().flat_map(|embed| [&embed.title, &embed.description]);
    for text in texts.chain(&payload.content) {
        let live = live(text);
        let dead =
            live.replace("<@42>", "").replace("<@&77>", "").replace("<t:1795000000:R>", "").replace("\n> C", "\n");
        assert!(!dead.contains(['~', '|', '_', '<', ']', '`', '\\']), "{dead}\n{text}");
        assert!(
            !["://", "discord.gg/", "/invite/", ":smile:", "@everyone", "@here"].iter().any(|live| dead.contains(live)),
            "{dead}"
        );
        for line in dead.lines().filter(|line| *line != "-") {
            let item = line.trim_start_matches(|char: char| char.is_ascii_digit());
            let item = item.strip_prefix(". ").or(line.strip_prefix("- ")).unwrap_or(line);
            assert!(!item.trim_start().starts_with(['>', '#', '-', '+']), "{dead}\n{text}");
        }
        assert!(!text.chars().any(|char| matches!(char, '\u{202e}' | '\u{200d}' | '\u{7}')), "{text}");
    }
}

/// A sound id, or something that is none.
fn id(sound: &'static str) -> impl Strategy<Value = String> {
    let none = hostile().prop_filter("no id", |text| !text.bytes().all(|byte| byte.is_ascii_digit()));
    prop_oneof![Just(sound.to_owned()), none]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_reply_is_valid_and_dead(reply in any_reply(), people in prop::array::uniform3(prop::option::of(id("42"))), role in id("77")) {
        let [fixed, not_mine, asked] = people.map(|person| person.map(|person| by(&person)));
        let progress = Progress { fixed, not_mine, asked };
        let call = TeamCall {
            role,
            asked: by("42"),
            about: reply.answers.iter().map(|answer| answer.title.clone()).chain(reply.secrets.clone()).collect(),
            ids: reply.offers.iter().map(|offer| offer.rule.clone()).collect(),
        };
        let name = thread_name(&reply).encode_utf16().count();
        prop_assert!((1..=100).contains(&name));
        let whole = reply.answers.iter().take(2).flat_map(all_steps);
        let posts = [Post::Answer { reply: reply.clone(), progress }, Post::Suggestion { reply: reply.clone() }, Post::Call(call)];
        for payload in posts.iter().map(|said| post(said, &AROUND)).chain([private(&reply, true)]).chain(whole) {
            check(&payload);
            check_dead(&payload);
            serde_json::to_string(&payload).unwrap();
        }
    }
}
