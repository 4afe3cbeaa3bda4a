//! Text that was attached to a message: fetched from Discord's own hosts only, at once (the links
//! expire), bounded in size and time, and never executed or kept.

use std::time::Duration;

use reqwest::Url;
use serenity::model::channel::Attachment;
use tracing::{info, warn};

use crate::diagnosis::{PASTE_MAX, file};

/// Attachments of one message that are read.
const FILES_MAX: usize = 4;
/// How long one may take.
const FETCH_MAX: Duration = Duration::from_secs(10);
/// Endings of files that hold text.
const TEXT_ENDINGS: [&str; 16] =
    ["txt", "log", "json", "har", "xml", "csv", "out", "err", "md", "yaml", "yml", "toml", "ini", "html", "saml", "gz"];

/// Fetches attachments.
#[derive(Clone)]
pub(super) struct Attachments {
    client: reqwest::Client,
    hosts: Vec<String>,
}

impl Attachments {
    pub(super) fn new(client: reqwest::Client, hosts: Vec<String>) -> Self {
        Self { client, hosts }
    }

    /// The text of the attachments, each behind an empty line. What cannot be read is left out.
    pub(super) async fn text<'a>(&self, attachments: impl IntoIterator<Item = &'a Attachment>) -> String {
        let mut text = String::new();
        for attachment in attachments.into_iter().filter(|attachment| holds_text(attachment)).take(FILES_MAX) {
            match self.fetch(&attachment.url).await {
                Ok(bytes) => {
                    text.push_str("\n\n");
                    text.push_str(&file::text(&bytes));
                }
                Err(reason) => warn!(attachment = %attachment.id, reason, "an attachment cannot be read"),
            }
        }
        text
    }

    async fn fetch(&self, url: &str) -> Result<Vec<u8>, String> {
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        if !self.allowed(&url) {
            return Err("not one of Discord's hosts".to_owned());
        }
        let fetching = async {
            let mut response = self.client.get(url).send().await?.error_for_status()?;
            let mut bytes = Vec::new();
            while let Some(chunk) = response.chunk().await? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() > PASTE_MAX {
                    info!(limit = PASTE_MAX, "an attachment is longer than what is read of it");
                    bytes.truncate(PASTE_MAX);
                    break;
                }
            }
            Ok::<_, reqwest::Error>(bytes)
        };
        match tokio::time::timeout(FETCH_MAX, fetching).await {
            Ok(fetched) => fetched.map_err(|error| error.without_url().to_string()),
            Err(_) => Err(format!("took longer than {} seconds", FETCH_MAX.as_secs())),
        }
    }

    /// Only https, except on this machine itself (a proxy or a test).
    fn allowed(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let with_port = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let known = self.hosts.iter().any(|allowed| *allowed == host || *allowed == with_port);
        known && (url.scheme() == "https" || (url.scheme() == "http" && host == "127.0.0.1"))
    }
}

fn holds_text(attachment: &Attachment) -> bool {
    let kind = attachment.content_type.as_deref().unwrap_or_default();
    let ending = attachment.filename.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    kind.starts_with("text/") || kind.starts_with("application/json") || TEXT_ENDINGS.contains(&ending.as_str())
}

#[cfg(test)]
mod tests {
    use super::Attachments;

    #[test]
    fn only_discord_is_asked() {
        let attachments =
            Attachments::new(reqwest::Client::new(), vec!["cdn.discordapp.com".into(), "127.0.0.1:9".into()]);
        for (url, allowed) in [
            ("https://cdn.discordapp.com/attachments/1/2/a.log?ex=1", true),
            ("http://cdn.discordapp.com/attachments/1/2/a.log", false),
            ("https://cdn.discordapp.com.example.com/a.log", false),
            ("https://user@example.com/a.log", false),
            ("http://127.0.0.1:9/a.log", true),
            ("http://127.0.0.1:10/a.log", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(attachments.allowed(&url.parse().unwrap()), allowed, "{url}");
        }
    }
}
