//! Holds what ARCHITECTURE.md promises about the tree.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The rooms from the inside out; each may use itself and those before it.
const ROOMS: [&str; 16] = [
    "redact",
    "rules",
    "diagnosis",
    "reply",
    "render",
    "lint",
    "lookup",
    "bot",
    "local",
    "store",
    "reload",
    "config",
    "telemetry",
    "discord",
    "slack",
    "web",
];
/// Rooms at the same distance that must not know each other: (room, what it may not use).
const STRANGERS: [(&str, &str); 13] = [
    ("render", "bot"),
    ("lint", "bot"),
    ("local", "store"),
    ("discord", "local"),
    ("discord", "store"),
    ("store", "web"),
    ("web", "store"),
    ("web", "config"),
    ("web", "discord"),
    ("slack", "local"),
    ("slack", "store"),
    ("slack", "discord"),
    ("web", "slack"),
];
/// Libraries that are named in some rooms only.
const AT_HOME: [(&str, &[&str]); 10] = [
    ("notify", &["reload"]),
    ("sqlx", &["store"]),
    ("axum", &["web"]),
    ("tantivy", &["lookup"]),
    ("pulldown_cmark", &["rules"]),
    ("serenity", &["discord"]),
    ("poise", &["discord"]),
    ("slack_morphism", &["slack"]),
    ("tokio_tungstenite", &["slack"]),
    ("reqwest", &["discord", "slack"]),
];

fn room(path: &Path) -> String {
    let below = path.strip_prefix("src").expect("below src");
    let first = below.components().next().expect("a room").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn imports_point_inwards() {
    for path in sources(Path::new("src")) {
        let room = room(&path);
        let Some(rank) = ROOMS.iter().position(|known| *known == room) else { continue };
        let text = fs::read_to_string(&path).expect("readable");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (used_rank, used) in ROOMS.iter().enumerate() {
            let uses = code
                .lines()
                .any(|line| !line.trim_start().starts_with("//") && line.contains(&format!("crate::{used}")));
            let strangers = STRANGERS.contains(&(room.as_str(), used));
            assert!(!uses || (used_rank <= rank && !strangers), "{} uses crate::{used}", path.display());
        }
    }
}

#[test]
fn libraries_stay_in_their_room() {
    for path in sources(Path::new("src")) {
        let text = fs::read_to_string(&path).expect("readable");
        for (library, homes) in AT_HOME {
            // In a text, it is a name in the log.
            let path_of = format!("{library}::");
            let named = text.match_indices(&path_of).any(|(at, _)| !text[..at].ends_with('"'));
            assert!(homes.contains(&room(&path).as_str()) || !named, "{} names {library}", path.display());
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for path in sources(Path::new("src")).into_iter().chain(sources(Path::new("tests"))) {
        assert!(fs::read_to_string(&path).expect("readable").starts_with("//! "), "{}", path.display());
    }
}

#[test]
fn paths_that_the_documents_name_exist() {
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(document).expect("readable");
        for word in text.split(['`', '(', ')', ' ', '\n']) {
            let names_path = ["src/", "tests/", "config/", "responses/", "docs/", "fuzz/", ".ci/"]
                .iter()
                .any(|dir| word.starts_with(dir));
            let pattern = word.contains(['<', '*', '{', '…']) || word.contains("example");
            assert!(!names_path || pattern || Path::new(word).exists(), "{document} names {word}");
        }
    }
}
