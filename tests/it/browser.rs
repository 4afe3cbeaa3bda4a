//! The page in a real headless Chromium.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;

use crate::cases::{CHATTER, SHAREFILE};
use crate::program::{PATIENCE, Server, temp};

struct Browser {
    driver: Child,
    /// Where the driver listens.
    address: String,
    page: Client,
}

/// Starts a driver; where that listens.
fn driver() -> Option<(Child, String)> {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .spawn()
        .expect("chromedriver is there: ./test installs it");
    let mut said = BufReader::new(driver.stdout.take().expect("piped"));
    let mut line = String::new();
    let port = loop {
        line.clear();
        if said.read_line(&mut line).expect("readable") == 0 {
            driver.wait().expect("ended");
            return None;
        }
        if let Some((_, rest)) = line.split_once("started successfully on port ") {
            break rest.trim().trim_end_matches('.').to_owned();
        }
    };
    std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    Some((driver, format!("http://127.0.0.1:{port}")))
}

impl Browser {
    async fn open(url: &str) -> Self {
        // A free port for both of the machine's addresses is not always free by the time it is taken.
        let (driver, address) = (0..5).find_map(|_| driver()).expect("chromedriver starts");
        let arguments = json!({"goog:chromeOptions": {"args": [
            "--headless=new", "--force-prefers-reduced-motion", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,900",
        ]}});
        let capabilities = arguments.as_object().expect("an object").clone();
        let page = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&address)
            .await
            .expect("a session");
        page.goto(url).await.expect("the page opens");
        Self { driver, address, page }
    }

    async fn find(&self, css: &str) -> fantoccini::elements::Element {
        self.page.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await.unwrap_or_else(|_| panic!("no {css}"))
    }

    async fn text(&self, css: &str) -> String {
        loop {
            match self.find(css).await.text().await {
                Err(error) if error.is_stale_element_reference() => {}
                text => return text.expect("text"),
            }
        }
    }

    /// Waits until the page says this of its connection.
    async fn is_told(&self, what: &str) {
        let told = format!("//*[@id='connection'][contains(., '{what}')]");
        let waiting = self.page.wait().at_most(PATIENCE).every(Duration::from_millis(100));
        waiting.for_element(Locator::XPath(&told)).await.unwrap_or_else(|_| panic!("not told: {what}"));
    }

    /// Clicks what is there; the page may just then draw it anew.
    async fn click(&self, css: &str) {
        loop {
            match self.find(css).await.click().await {
                Err(error) if error.is_stale_element_reference() => {}
                clicked => return clicked.expect("clicked"),
            }
        }
    }

    async fn type_and_send(&self, text: &str) {
        let input = self.find("#text").await;
        input.click().await.expect("clicked");
        // A paste, line breaks included, arrives at once.
        self.page
            .execute(
                "arguments[0].value = arguments[1]",
                vec![serde_json::to_value(&input).expect("JSON"), json!(text)],
            )
            .await
            .expect("pasted");
        input.send_keys(&Key::Enter.to_string()).await.expect("sent");
    }

    /// Shows the page as to somebody who prefers a dark one.
    async fn dark(&self) {
        let dark = json!({"name": "prefers-color-scheme", "value": "dark"});
        self.emulate("Emulation.setEmulatedMedia", json!({"features": [dark]})).await;
    }

    /// Shows the page on a screen of this size, in CSS pixels; up to 640 of width it is a phone's.
    async fn on_screen(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width <= 640});
        self.emulate("Emulation.setDeviceMetricsOverride", size).await;
    }

    async fn emulate(&self, command: &str, parameters: serde_json::Value) {
        let session = self.page.session_id().await.expect("answered").expect("a session");
        let url = format!("{}/session/{session}/goog/cdp/execute", self.address);
        let command = json!({"cmd": command, "params": parameters});
        let answer = reqwest::Client::new().post(url).json(&command).send().await.expect("sent");
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// Waits until the whole of an element is where a person looks, with nothing in front of it.
    async fn comes_into_view(&self, css: &str) {
        let script = "const it = document.querySelector(arguments[0]), box = it?.getBoundingClientRect();
            const at = box && document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
            return !!at && box.x >= 0 && box.right <= innerWidth && box.y >= 0 && box.bottom <= innerHeight && it.contains(at);";
        let mut looks = tokio::time::interval(Duration::from_millis(100));
        let looking = async {
            while self.page.execute(script, vec![json!(css)]).await.expect("looked") != json!(true) {
                looks.tick().await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, looking).await.is_ok(), "{css} is not in view");
    }

    /// Whether something is wider than the screen or than what it stands in.
    async fn is_too_wide(&self, css: &str) -> bool {
        let script = "const it = document.querySelector(arguments[0]);
            return it.scrollWidth > it.clientWidth + 1 || document.documentElement.scrollWidth > innerWidth;";
        self.page.execute(script, vec![json!(css)]).await.expect("looked") == json!(true)
    }

    async fn screenshot(&self, name: &str) {
        if let Some(dir) = std::env::var_os("SCREENSHOTS") {
            let dir = std::path::PathBuf::from(dir);
            std::fs::create_dir_all(&dir).expect("created");
            std::fs::write(dir.join(format!("{name}.png")), self.page.screenshot().await.expect("taken"))
                .expect("written");
        }
    }

    async fn close(mut self) {
        self.page.clone().close().await.expect("closed");
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_pastes_an_error_and_reads_the_answer() {
    let dir = temp();
    let server = Server::start(dir.path());
    let browser = Browser::open(&server.url).await;
    assert_eq!(browser.text("#channel-name").await, "#okta-support");
    assert!(browser.text(".empty").await.starts_with("Nothing here yet."));

    browser.type_and_send(SHAREFILE[1]).await;
    assert_eq!(browser.text(".person .text").await, SHAREFILE[1]);
    // The answer arrives by itself, in the thread of the message.
    assert_eq!(
        browser.text(".person .thread .bot h3").await,
        "ShareFile provisioning: the API credentials are invalid"
    );
    assert!(browser.text(".bot ol").await.contains("Retry Selected"));
    browser.screenshot("answer").await;

    browser.type_and_send(CHATTER[0]).await;
    browser.find("#message-3").await;
    server.settled("okta-support").await;
    assert_eq!(browser.page.find_all(Locator::Css(".bot")).await.expect("found").len(), 1);

    browser.type_and_send("/okta lookup E0000014").await;
    assert!(browser.text("#private .answer").await.contains("E0000014"));
    assert!(browser.text("#private .head").await.contains("Only visible to you"));
    browser.screenshot("lookup").await;

    // The other channel is empty; the first one is still there after a reload.
    browser.click("#channels button[data-channel=general]").await;
    assert!(browser.text(".empty").await.starts_with("Nothing here yet."));
    browser.click("#channels button[data-channel=okta-support]").await;
    browser.page.refresh().await.expect("reloaded");
    assert!(browser.text(".person .thread .bot h3").await.starts_with("ShareFile"));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_previewed_as_slack_and_discord_show_it() {
    let dir = temp();
    let server = Server::start(dir.path());
    let browser = Browser::open(&server.url).await;
    browser.type_and_send(SHAREFILE[0]).await;
    browser.click(".bot .actions button").await;
    let title = "ShareFile provisioning: the API credentials are invalid";
    assert_eq!(browser.text("#preview[open] .slack h4.header").await, title);
    assert!(browser.text("#preview .slack pre").await.contains("credentials used to connect to the API were invalid"));
    assert!(browser.text("#preview .slack ol li").await.len() > 20);
    assert!(browser.text("#preview .slack .keys").await.contains("Not my problem"));
    assert_eq!(browser.text("#preview .discord h4").await, title);
    assert!(browser.text("#preview .discord code").await.contains("were invalid"));
    // The marks of Discord's Markdown are drawn, not shown.
    let discord = browser.text("#preview .discord").await;
    assert!(!discord.contains("**") && !discord.contains('\\') && discord.contains("Independent of Okta"), "{discord}");
    browser.screenshot("preview").await;
    browser.dark().await;
    browser.screenshot("preview-dark").await;
    browser
        .page
        .execute("document.querySelector('#preview .columns').scrollTop = 1e6", vec![])
        .await
        .expect("scrolled");
    browser.screenshot("preview-end").await;

    // The keyboard closes it, and the answer is still there.
    browser.find("#preview .columns").await.send_keys(&Key::Escape.to_string()).await.expect("sent");
    browser.find("#preview:not([open])").await;
    assert_eq!(browser.text(".bot h3").await, title);

    // Only what the bot said has other forms.
    let of_a_person = server.http.get(format!("{}/api/messages/1/preview", server.url)).send().await.expect("answered");
    assert_eq!(of_a_person.status(), 404);

    // What is hostile in a paste is text there, too.
    let hostile = SHAREFILE[0].replace("dana@example.com", "<img src=x onerror=document.title='owned'>");
    browser.type_and_send(&hostile).await;
    browser.click("#message-3 .bot .actions button").await;
    assert!(browser.text("#preview[open] .slack pre").await.contains("onerror"));
    assert_eq!(browser.page.find_all(Locator::Css("#preview img")).await.expect("found").len(), 0);
    assert_eq!(browser.page.title().await.expect("a title"), "oktriage");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preview_is_at_hand_on_a_screen_and_on_a_phone() {
    let dir = temp();
    let server = Server::start(dir.path());
    let browser = Browser::open(&server.url).await;
    for (name, width, height) in [("screen", 1280, 800), ("phone", 390, 844)] {
        browser.on_screen(width, height).await;
        browser.page.refresh().await.expect("reloaded");
        let paste = server.post("okta-support", SHAREFILE[0]).await;
        let button = format!("#message-{paste} .bot .actions button");
        browser.find(&button).await;
        browser.screenshot(&format!("answer-{name}")).await;
        // Who read the answer sees the button.
        browser.comes_into_view(&button).await;
        browser.click(&button).await;
        browser.find("#preview[open] .slack h4.header").await;
        browser.screenshot(&format!("preview-{name}")).await;
        for part in ["#preview", "#preview .columns", "#preview .slack .said", "#preview .discord .said"] {
            assert!(!browser.is_too_wide(part).await, "on a {name}, {part} fits");
        }
        // It can be closed.
        browser.comes_into_view("#preview > header button").await;
        // Slack comes first.
        browser.comes_into_view("#preview .slack h4.header").await;
        let head = browser.find("#preview > header").await.rectangle().await.expect("a place");
        assert!(head.3 < f64::from(height) / 6.0, "on a {name}, what it is about takes little room: {head:?}");
        browser.click("#preview > header button").await;
        browser.find("#preview:not([open])").await;
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pasted_stays_text() {
    let dir = temp();
    let server = Server::start(dir.path());
    let browser = Browser::open(&server.url).await;
    let hostile = SHAREFILE[0].replace("dana@example.com", "<img src=x onerror=document.title='owned'>");
    browser.type_and_send(&hostile).await;
    browser.find(".bot .answer").await;
    assert_eq!(browser.page.find_all(Locator::Css("#messages img")).await.expect("found").len(), 0);
    assert_eq!(browser.page.title().await.expect("a title"), "oktriage");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_arrives_before_an_older_history_stays() {
    let dir = temp();
    let server = Server::start(dir.path());
    let browser = Browser::open(&server.url).await;
    browser.is_told("Connected").await;
    browser.find(".empty").await;
    // The next history is read at once, and arrives late.
    let held = "const real = window.fetch;
        window.fetch = async (...asked) => {
            const answer = await real(...asked);
            if (String(asked[0]).endsWith('/messages')) await new Promise((letGo) => { window.letGo = letGo; });
            return answer;
        };";
    browser.page.execute(held, Vec::new()).await.expect("held");
    browser.click("#channels button[data-channel=okta-support]").await;
    let waiting = browser.page.wait().at_most(PATIENCE);
    let is_held = Locator::XPath("//body[@data-held]");
    browser
        .page
        .execute(
            "const look = () => window.letGo ? document.body.dataset.held = 1 : setTimeout(look, 20); look();",
            Vec::new(),
        )
        .await
        .expect("looking");
    waiting.for_element(is_held).await.expect("held");
    let paste = server.post("okta-support", SHAREFILE[0]).await;
    browser.find(&format!("#message-{paste} .bot")).await;
    let script = "document.getElementById(arguments[0]).dataset.before = 1; window.letGo();";
    browser.page.execute(script, vec![json!(format!("message-{paste}"))]).await.expect("let go");
    browser.find(&format!("#message-{paste}:not([data-before]) .bot")).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_told_and_comes_back() {
    let dir = temp();
    let server = Server::start(dir.path());
    let address = server.url.trim_start_matches("http://").to_owned();
    let browser = Browser::open(&server.url).await;
    browser.is_told("Connected").await;
    server.kill();
    browser.is_told("lost").await;
    let server = Server::start_with(dir.path(), &[], &[("OKTRIAGE__LOCAL__LISTEN", &address)]);
    browser.is_told("Connected").await;
    let id = server.post("okta-support", SHAREFILE[0]).await;
    browser.find(&format!("#message-{id} .bot")).await;
    browser.close().await;
}
