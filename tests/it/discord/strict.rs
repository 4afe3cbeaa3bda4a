//! Proves the double: a small client of the tests' own talks to it, and is refused as Discord would refuse it.

#![allow(unused_imports, reason = "a benchmark has the double without its tests")]

use serde_json::{Value, json};

use super::bits::permission;
use super::state::{Failure, State};
use super::{Discord, Place as _, readable};
use crate::program::PATIENCE;

/// The bot's side of the double.
struct Bot<'a> {
    discord: &'a Discord,
    http: reqwest::Client,
}

impl<'a> Bot<'a> {
    fn new(discord: &'a Discord) -> Self {
        Self { discord, http: reqwest::Client::builder().timeout(PATIENCE).build().expect("a client") }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Result<(u16, Value), reqwest::Error> {
        let method = method.parse().expect("a method");
        let token = format!("Bot {}", self.discord.look(|state| state.token.clone()));
        let request = self.http.request(method, format!("{}/api/v10{path}", self.discord.url));
        let response = request.header("authorization", token).json(&body).send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    async fn code(&self, method: &str, path: &str, body: Value) -> (u16, u64) {
        let (status, json) = self.call(method, path, body).await.expect("an answer");
        (status, json["code"].as_u64().unwrap_or_default())
    }
}

#[tokio::test]
async fn a_message_gets_one_thread_and_one_answer() {
    let discord = Discord::start().await;
    let bot = Bot::new(&discord);
    let asked = discord.say("okta-support", "dana", "It says E0000011");
    let channel = discord.look(|state| state.message(asked).expect("a message").channel);
    let threads = format!("/channels/{channel}/messages/{asked}/threads");
    assert_eq!(bot.code("POST", &threads, json!({"name": ""})).await, (400, 50035));
    let (status, thread) = bot.call("POST", &threads, json!({"name": "E0000011"})).await.expect("an answer");
    assert_eq!((status, thread["id"].as_str()), (201, Some(asked.to_string().as_str())));
    assert_eq!(bot.code("POST", &threads, json!({"name": "again"})).await, (400, 160_004));
    assert_eq!(discord.thread_of(asked), Some(asked));

    // The answer is lost on its way; the second try with the same nonce finds the same message.
    let messages = format!("/channels/{asked}/messages");
    let answer = json!({
        "embeds": [{"title": "Invalid token", "footer": {"text": "rule 1"}}], "nonce": "1", "enforce_nonce": true,
        "components": [{"type": 1, "components": [{"type": 2, "style": 1, "label": "Solved", "custom_id": "solved"}]}],
    });
    discord.fail("POST /channels/", 1, Failure::LostAnswer);
    bot.call("POST", &messages, answer.clone()).await.expect_err("a dropped connection");
    let (status, again) = bot.call("POST", &messages, answer).await.expect("an answer");
    let answers = discord.bot_messages(asked);
    assert_eq!((status, answers.len()), (200, 1));
    assert_eq!(again["id"], answers[0].id.to_string());
    assert_eq!(readable(&answers[0]), "Invalid token\nrule 1\n[Solved]");

    discord.fail("/channels/", 1, Failure::RateLimited { retry_after: 0.5, global: false });
    assert_eq!(bot.code("GET", &messages, Value::Null).await.0, 429);
    let (_, history) = bot.call("GET", &format!("{messages}?limit=1"), Value::Null).await.expect("an answer");
    assert_eq!(history[0]["id"], again["id"]);
}

#[tokio::test]
async fn what_discord_refuses() {
    let discord = Discord::start().await;
    let bot = Bot::new(&discord);
    let channel = discord.look(|state| "general".id_in(state));
    let messages = format!("/channels/{channel}/messages");
    for (body, code) in [
        (json!({}), 50006),
        (json!({"content": "x".repeat(2001)}), 50035),
        (json!({"embeds": [{"description": "x".repeat(4096)}, {"description": "x".repeat(1905)}]}), 50035),
        (json!({"content": "x", "message_reference": {"message_id": "1"}}), 50035),
        (json!({"content": "x", "nonce": "x".repeat(26)}), 50035),
    ] {
        assert_eq!(bot.code("POST", &messages, body).await, (400, code));
    }
    discord.deny("general", permission::SEND_MESSAGES);
    assert_eq!(bot.code("POST", &messages, json!({"content": "x"})).await, (403, 50013));
    discord.deny("general", permission::VIEW_CHANNEL);
    assert_eq!(bot.code("POST", &messages, json!({"content": "x"})).await, (403, 50001));
    assert_eq!(bot.code("GET", "/channels/1", Value::Null).await, (404, 10003));
    assert_eq!(bot.code("POST", "/interactions/1/x/callback", json!({"type": 5})).await, (404, 10062));
    assert_eq!(bot.code("GET", "/nowhere", Value::Null).await, (404, 0));
    assert_eq!(discord.look(|state| state.unknown.clone()), ["GET /nowhere"]);
    discord.change(|state| "another".clone_into(&mut state.token));
    let response = reqwest::get(format!("{}/api/v10/users/@me", discord.url)).await.expect("an answer");
    assert_eq!(response.status(), 401);
    assert!(discord.messages("general").is_empty());
}

#[tokio::test]
async fn serenity_reads_what_the_double_says() {
    use serenity::all::{
        ButtonStyle, Client, Context, CreateActionRow, CreateButton, CreateCommand, CreateInputText,
        CreateInteractionResponse, CreateInteractionResponseMessage, CreateMessage, CreateModal, EventHandler,
        GatewayIntents, HttpBuilder, InputTextStyle, Interaction as Received, Message as Heard, Ready,
    };

    struct Parrot;
    #[serenity::async_trait]
    impl EventHandler for Parrot {
        async fn ready(&self, context: Context, _: Ready) {
            let commands = vec![CreateCommand::new("ping").description("Answers")];
            serenity::all::Command::set_global_commands(&context, commands).await.expect("stored");
        }

        async fn message(&self, context: Context, heard: Heard) {
            if !heard.author.bot && heard.kind == serenity::all::MessageType::Regular {
                let said = CreateMessage::new().content(format!("heard: {}", heard.content)).reference_message(&heard);
                let button = CreateButton::new("more").label("More").style(ButtonStyle::Secondary);
                let said = said.components(vec![CreateActionRow::Buttons(vec![button])]);
                heard.channel_id.send_message(&context, said).await.expect("sent");
            }
        }

        async fn interaction_create(&self, context: Context, received: Received) {
            let quietly = |text: &str| {
                let message = CreateInteractionResponseMessage::new().content(text).ephemeral(true);
                CreateInteractionResponse::Message(message)
            };
            match received {
                Received::Command(it) => it.create_response(&context, quietly("pong")).await.expect("sent"),
                Received::Component(it) => {
                    let input = CreateInputText::new(InputTextStyle::Short, "Why", "why");
                    let modal = CreateModal::new("window", "Tell").components(vec![CreateActionRow::InputText(input)]);
                    it.create_response(&context, CreateInteractionResponse::Modal(modal)).await.expect("sent");
                }
                Received::Modal(it) => it.create_response(&context, quietly("thanks")).await.expect("sent"),
                _ => {}
            }
        }
    }

    let discord = Discord::start().await;
    let token = discord.look(|state| state.token.clone());
    // Serenity's own limiter does not know of the proxy and would ask the real Discord.
    let http = HttpBuilder::new(&token).proxy(&discord.url).ratelimiter_disabled(true).build();
    let intents = GatewayIntents::non_privileged() | GatewayIntents::MESSAGE_CONTENT;
    let client = serenity::all::ClientBuilder::new_with_http(http, intents).event_handler(Parrot);
    let mut client: Client = client.await.expect("a client");
    let running = tokio::spawn(async move { client.start().await.expect("a bot that runs") });

    let pong = discord.slash("dana", "general", json!({"name": "ping"})).await.response().await;
    assert_eq!(pong.text(), "pong\n(only you see this)");
    assert!(discord.messages("general").is_empty());

    discord.say("general", "dana", "one");
    let heard = |text: &'static str| {
        move |state: &State| {
            let shown = state.messages.values().find(|it| it.content == text);
            shown.map(|it| it.id)
        }
    };
    let answer = discord.wait_for("the first answer", heard("heard: one")).await;
    let window = discord.press("dana", answer, "More").await;
    assert_eq!(window.response().await.text(), "Tell\nWhy:");
    let thanks = discord.submit_modal("dana", &window, json!({"why": "because"})).await;
    assert_eq!(thanks.response().await.text(), "thanks\n(only you see this)");

    // What is said while the bot is away reaches it when it comes back.
    discord.disconnect(4000);
    discord.say_with_file("general", "robin", "two", "trace.log", "a line");
    discord.wait_for("the second answer", heard("heard: two")).await;
    assert_eq!(discord.look(|state| (state.identifies, state.resumes)), (1, 1));
    discord.forum_post("help", "dana", "A title", "three");
    discord.wait_for("the third answer", heard("heard: three")).await;
    discord.dm("dana", "four");
    discord.wait_for("the fourth answer", heard("heard: four")).await;
    assert!(discord.look(|state| state.unknown.is_empty()));
    running.abort();
}
