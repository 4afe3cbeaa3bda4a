//! `oktriage db`, and starting on databases that cannot be used.

use oktriage::bot::event::Platform;
use oktriage::bot::ports::Store as _;

use crate::cases::SHAREFILE;
use crate::program::{Server, oktriage, seen, temp};
use crate::store::{Place, key, wanted};

/// Runs `oktriage db` on a database.
fn db(place: &Place, arguments: &[&str]) -> String {
    let output = oktriage()
        .arg("db")
        .args(arguments)
        .env("OKTRIAGE__STORAGE__URL", &place.url)
        .stdin(std::process::Stdio::null())
        .output()
        .expect("the binary ends");
    seen(&output).replace(&place.location.to_string(), "DATABASE")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_backs_up_restores_and_moves() {
    let dir = temp();
    let (from, to) = (Place::sqlite(), Place::postgres().await);
    let server = Server::start_with(dir.path(), &[], &[("OKTRIAGE__STORAGE__URL", &from.url)]);
    let id = server.post("okta-support", SHAREFILE[0]).await;
    server.answer_to(id).await;
    let file = dir.path().join("backup.db");
    let file = file.to_str().unwrap();
    let shown = |text: String| text.replace(file, "BACKUP").replace(&to.location.to_string(), "OTHER");

    // While the bot runs: a backup, yes; a restore or a move, no.
    insta::assert_snapshot!(shown(db(&from, &["backup", file])), @r"
    backed up DATABASE to BACKUP: cursors: 1, chosen channels: 0, replies: 1, messages of the local workspace: 2, feedback: 0
    --- exit 0
    ");
    insta::assert_snapshot!(shown(db(&from, &["restore", file, "--force"])), @r"
    --- stderr
    oktriage: a bot is running on the database DATABASE
      help: stop it first
    --- exit 2
    ");
    insta::assert_snapshot!(shown(db(&from, &["migrate-to", &to.url])), @r"
    --- stderr
    oktriage: a bot is running on the database DATABASE
      help: stop it first
    --- exit 2
    ");
    assert!(server.stop().success());

    insta::assert_snapshot!(shown(db(&from, &["restore", file])), @r"
    --- stderr
    oktriage: the database DATABASE is not empty
      help: name an empty one, or add --force to replace everything in it
    --- exit 2
    ");
    insta::assert_snapshot!(shown(db(&from, &["restore", file, "--force"])), @r"
    restored DATABASE from BACKUP: cursors: 1, chosen channels: 0, replies: 1, messages of the local workspace: 2, feedback: 0
    --- exit 0
    ");
    insta::assert_snapshot!(shown(db(&from, &["migrate-to", "mysql://okt:secret@example.com/x"])), @r"
    --- stderr
    oktriage: this is no URL of a database
      help: write postgres://USER:PASSWORD@HOST:PORT/DATABASE, or sqlite:FILE
    --- exit 2
    ");
    insta::assert_snapshot!(shown(db(&from, &["migrate-to", &to.url])), @r"
    moved DATABASE to OTHER: cursors: 1, chosen channels: 0, replies: 1, messages of the local workspace: 2, feedback: 0
    now set storage.url, or OKTRIAGE__STORAGE__URL, to it
    --- exit 0
    ");
    // Once is enough.
    insta::assert_snapshot!(shown(db(&from, &["migrate-to", &to.url])), @r"
    --- stderr
    oktriage: the database OTHER is not empty
      help: name an empty one, or add --force to replace everything in it
    --- exit 2
    ");

    // The bot goes on where it was: the answer is there, and what is new is answered.
    let server = Server::start_with(dir.path(), &[], &[("OKTRIAGE__STORAGE__URL", &to.url)]);
    let new = server.post("okta-support", SHAREFILE[1]).await;
    server.answer_to(new).await;
    let mut answered = server.answered("okta-support").await;
    answered.sort_unstable();
    assert_eq!(answered, [id, new]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_looks_after_what_could_not_be_delivered() {
    let place = Place::postgres().await;
    insta::assert_snapshot!(db(&place, &["dead", "list"]), @r"
    no reply was given up
    --- exit 1
    ");
    let store = place.open().await;
    store.decide(&wanted("m"), None).await.unwrap();
    let claimed = store.claim(Platform::Discord, std::time::Duration::from_secs(10), 1).await.unwrap();
    store.failed(&claimed[0], "Missing Access (50001)", None).await.unwrap();
    let listed = db(&place, &["dead", "list"]);
    let ago = listed.split("decided ").nth(1).and_then(|rest| rest.split(" ago").next()).unwrap_or_default().to_owned();
    insta::assert_snapshot!(listed.replace(&ago, "AGE"), @r"
    1  reply to discord/guild/support/m, decided AGE ago, attempts: 1; Missing Access (50001)
    --- exit 0
    ");
    insta::assert_snapshot!(db(&place, &["dead", "retry", "77"]), @r"
    there is no such dead letter
    --- exit 1
    ");
    insta::assert_snapshot!(db(&place, &["dead", "retry", "--all"]), @r"
    1 reply: will be tried again
    --- exit 0
    ");
    let claimed = store.claim(Platform::Discord, std::time::Duration::from_secs(10), 1).await.unwrap();
    assert_eq!(claimed[0].wanted.key, key("m"));
    store.failed(&claimed[0], "Missing Access (50001)", None).await.unwrap();
    // Whoever watches the bot's health is told.
    let dir = temp();
    let server = Server::start_with(dir.path(), &[], &[("OKTRIAGE__STORAGE__URL", &place.url)]);
    server.wait_for_log("could not be delivered");
    let health = server.http.get(format!("{}/healthz", server.url)).send().await.unwrap();
    insta::assert_snapshot!(
        health.text().await.unwrap(),
        @r#"{"help":"oktriage db dead list","ok":true,"platforms":{},"undelivered_replies":1}"#
    );
    server.kill();
    insta::assert_snapshot!(db(&place, &["dead", "drop", "1"]), @r"
    1 reply: given up for good
    --- exit 0
    ");
    assert_eq!(store.count_dead().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_used_is_told_without_its_password() {
    let place = Place::postgres().await;
    let serve = |url: &str| {
        let output = oktriage()
            .arg("serve")
            .env("OKTRIAGE__LOCAL__LISTEN", "127.0.0.1:0")
            .env("OKTRIAGE__STORAGE__URL", url)
            .output()
            .expect("the binary ends");
        let seen = seen(&output);
        assert!(!seen.contains("secret") && !seen.contains("hunter2"), "{seen}");
        // Which line of PostgreSQL's source said so changes with its version.
        let told = seen.lines().filter(|line| !line.contains(" INFO "));
        told.map(|line| line.split(" at line ").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(serve("postgres://okt:hunter2@127.0.0.1:1/okt"), @r#"
    --- stderr
    oktriage: cannot open the database postgres://127.0.0.1:1/okt: error communicating with database: Connection refused (os error 111)
      help: check that PostgreSQL runs there and lets this user in: storage.url = "postgres://USER:PASSWORD@HOST:PORT/DATABASE"
    --- exit 2
    "#);
    insta::assert_snapshot!(serve(&place.url.replace("okt:secret", "okt:hunter2")).replace(&place.location.to_string(), "DATABASE"), @r#"
    --- stderr
    oktriage: cannot open the database DATABASE: error returned from database: password authentication failed for user "okt"
      help: check that PostgreSQL runs there and lets this user in: storage.url = "postgres://USER:PASSWORD@HOST:PORT/DATABASE"
    --- exit 2
    "#);
    insta::assert_snapshot!(serve("postgres://okt:hunter2@"), @r"
    --- stderr
    oktriage: storage.url is no URL of a database
      help: write postgres://USER:PASSWORD@HOST:PORT/DATABASE, with @, : and / in the password as %40, %3A and %2F
    --- exit 2
    ");
    insta::assert_snapshot!(serve("redis://okt:hunter2@127.0.0.1"), @r"
    --- stderr
    oktriage: storage.url is no URL of a database
      help: write postgres://USER:PASSWORD@HOST:PORT/DATABASE, with @, : and / in the password as %40, %3A and %2F
    --- exit 2
    ");
}
