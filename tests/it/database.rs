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
    insta::assert_snapshot!(shown(db(&from, &["backup", file])), @"");
    insta::assert_snapshot!(shown(db(&from, &["restore", file, "--force"])), @"");
    insta::assert_snapshot!(shown(db(&from, &["migrate-to", &to.url])), @"");
    assert!(server.stop().success());

    insta::assert_snapshot!(shown(db(&from, &["restore", file])), @"");
    insta::assert_snapshot!(shown(db(&from, &["restore", file, "--force"])), @"");
    insta::assert_snapshot!(shown(db(&from, &["migrate-to", "mysql://okt:secret@example.com/x"])), @"");
    insta::assert_snapshot!(shown(db(&from, &["migrate-to", &to.url])), @"");
    // Once is enough.
    insta::assert_snapshot!(shown(db(&from, &["migrate-to", &to.url])), @"");

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
    insta::assert_snapshot!(db(&place, &["dead", "list"]), @"");
    let store = place.open().await;
    store.decide(&wanted("m"), None).await.unwrap();
    let claimed = store.claim(Platform::Discord, std::time::Duration::from_secs(10), 1).await.unwrap();
    store.failed(&claimed[0], "Missing Access (50001)", None).await.unwrap();
    let listed = db(&place, &["dead", "list"]);
    let ago = listed.split("decided ").nth(1).and_then(|rest| rest.split(" ago").next()).unwrap_or_default().to_owned();
    insta::assert_snapshot!(listed.replace(&ago, "AGE"), @"");
    insta::assert_snapshot!(db(&place, &["dead", "retry", "77"]), @"");
    insta::assert_snapshot!(db(&place, &["dead", "retry", "--all"]), @"");
    let claimed = store.claim(Platform::Discord, std::time::Duration::from_secs(10), 1).await.unwrap();
    assert_eq!(claimed[0].wanted.key, key("m"));
    store.failed(&claimed[0], "Missing Access (50001)", None).await.unwrap();
    insta::assert_snapshot!(db(&place, &["dead", "drop", "1"]), @"");
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
        seen.lines().filter(|line| !line.contains(" INFO ")).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(serve("postgres://okt:hunter2@127.0.0.1:1/okt"), @"");
    insta::assert_snapshot!(serve(&place.url.replace("okt:secret", "okt:hunter2")).replace(&place.location.to_string(), "DATABASE"), @"");
    insta::assert_snapshot!(serve("postgres://okt:hunter2@"), @"");
    insta::assert_snapshot!(serve("redis://okt:hunter2@127.0.0.1"), @"");
}
