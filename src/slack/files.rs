//! Text that was attached to a message: snippets and text files, fetched with the bot token from Slack's
//! own hosts only, bounded in size and time, and never executed or kept.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use tracing::{info, warn};

use super::rest::Api;
use crate::diagnosis::{PASTE_MAX, file};

/// Files of one message that are read.
const FILES_MAX: usize = 4;
/// How long one may take.
const FETCH_MAX: Duration = Duration::from_secs(10);
/// Endings of files that hold text.
const TEXT_ENDINGS: [&str; 16] =
    ["txt", "log", "json", "har", "xml", "csv", "out", "err", "md", "yaml", "yml", "toml", "ini", "html", "saml", "gz"];

/// A file as Slack describes it. <https://docs.slack.dev/reference/objects/file-object>
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct File {
    pub(super) id: String,
    name: Option<String>,
    mimetype: Option<String>,
    /// "snippet" for text that was pasted into Slack's own editor.
    mode: Option<String>,
    url_private: Option<String>,
    url_private_download: Option<String>,
    /// "check_file_info" where the rest is to be asked for.
    file_access: Option<String>,
}

/// Fetches files.
#[derive(Clone)]
pub(super) struct Files {
    client: reqwest::Client,
    hosts: Vec<String>,
}

impl Files {
    pub(super) fn new(client: reqwest::Client, hosts: Vec<String>) -> Self {
        Self { client, hosts }
    }

    /// The text of the files, each behind an empty line. What cannot be read is left out.
    pub(super) async fn text(&self, api: &Api, files: &[File]) -> String {
        let mut text = String::new();
        for file in files.iter().take(FILES_MAX) {
            let read = async {
                let file = self.whole(api, file).await?;
                if holds_text(&file) { self.fetch(api, &file).await } else { Ok(Vec::new()) }
            };
            let read = tokio::time::timeout(FETCH_MAX, read).await;
            match read.unwrap_or_else(|_| Err(format!("took longer than {} seconds", FETCH_MAX.as_secs()))) {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => {
                    text.push_str("\n\n");
                    text.push_str(&file::text(&bytes));
                }
                Err(reason) => warn!(file = file.id, reason, "a file cannot be read"),
            }
        }
        text
    }

    /// The description of a file of which the event told only the id.
    async fn whole(&self, api: &Api, file: &File) -> Result<File, String> {
        if file.file_access.as_deref() != Some("check_file_info") {
            return Ok(file.clone());
        }
        let told = api.get("files.info", &[("file", &file.id)]).await.map_err(|error| error.to_string())?;
        serde_json::from_value(told["file"].clone()).map_err(|error| error.to_string())
    }

    async fn fetch(&self, api: &Api, file: &File) -> Result<Vec<u8>, String> {
        let url = file.url_private_download.as_ref().or(file.url_private.as_ref()).ok_or("it has no address")?;
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        if !self.allowed(&url) {
            return Err("not one of Slack's hosts".to_owned());
        }
        let told = |error: reqwest::Error| error.without_url().to_string();
        let request = self.client.get(url).bearer_auth(api.token());
        let mut response = request.send().await.and_then(reqwest::Response::error_for_status).map_err(told)?;
        if !response.status().is_success() {
            return Err(format!("HTTP {}", response.status()));
        }
        // Without the scope Slack does not refuse, it shows the page where people sign in.
        let page = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        if page && !file.mimetype.as_deref().unwrap_or_default().starts_with("text/html") {
            return Err("Slack asks to sign in: does the token have the scope files:read?".to_owned());
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(told)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > PASTE_MAX {
                info!(limit = PASTE_MAX, "a file is longer than what is read of it");
                bytes.truncate(PASTE_MAX);
                break;
            }
        }
        Ok(bytes)
    }

    /// Only https, except on this machine itself (a proxy or a test): the token goes there, too.
    fn allowed(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let with_port = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let known = self.hosts.iter().any(|allowed| *allowed == host || *allowed == with_port);
        known && (url.scheme() == "https" || (url.scheme() == "http" && matches!(host, "127.0.0.1" | "localhost")))
    }
}

fn holds_text(file: &File) -> bool {
    let kind = file.mimetype.as_deref().unwrap_or_default();
    let name = file.name.as_deref().unwrap_or_default();
    let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    file.mode.as_deref() == Some("snippet")
        || kind.starts_with("text/")
        || kind.starts_with("application/json")
        || TEXT_ENDINGS.contains(&ending.as_str())
}

#[cfg(test)]
mod tests {
    use super::{File, Files, holds_text};

    #[test]
    fn only_slack_is_given_the_token() {
        let files = Files::new(reqwest::Client::new(), vec!["files.slack.com".into(), "127.0.0.1:9".into()]);
        for (url, allowed) in [
            ("https://files.slack.com/files-pri/T1-F1/a.log", true),
            ("http://files.slack.com/files-pri/T1-F1/a.log", false),
            ("https://files.slack.com.example.com/a.log", false),
            ("https://files.slack.com@example.com/a.log", false),
            ("http://127.0.0.1:9/a.log", true),
            ("http://127.0.0.1:10/a.log", false),
            ("http://localhost:9/a.log", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(files.allowed(&url.parse().unwrap()), allowed, "{url}");
        }
    }

    #[test]
    fn snippets_and_text_files_hold_text() {
        let file = |json: &str| serde_json::from_str::<File>(json).unwrap();
        assert!(holds_text(&file(r#"{"id":"F1","mode":"snippet","name":"Untitled"}"#)));
        assert!(holds_text(&file(r#"{"id":"F1","name":"agent.LOG","mimetype":"application/octet-stream"}"#)));
        assert!(holds_text(&file(r#"{"id":"F1","name":"x","mimetype":"text/plain"}"#)));
        assert!(!holds_text(&file(r#"{"id":"F1","name":"x.png","mimetype":"image/png","url_private":null}"#)));
    }
}
