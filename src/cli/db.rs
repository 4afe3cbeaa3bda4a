//! `oktriage db`: the database in the hands of its operator.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use secrecy::SecretString;

use super::{EXIT_NOTHING, EXIT_OK, output};
use crate::config::Settings;
use crate::store::{DeadLetter, Location, SqlStore};

/// Dead letters that are listed at most.
const LISTED: u32 = 1_000;

/// Back up, restore and move the database; see and retry what could not be delivered
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Settings file (see `oktriage config example`)
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write everything into a new file, while the bot goes on
    Backup {
        /// The file; an SQLite database, whatever the source is
        file: PathBuf,
    },
    /// Fill the database from a backup; no bot may run on it
    Restore {
        /// The backup
        file: PathBuf,
        /// Replace everything that the database holds
        #[arg(long)]
        force: bool,
    },
    /// Copy everything into another, empty database; no bot may run on either
    MigrateTo {
        /// Where to: postgres://USER:PASSWORD@HOST:PORT/DATABASE, or sqlite:FILE; - reads it from standard input,
        /// so that no list of processes shows the password
        url: String,
        /// Replace everything that the other database holds
        #[arg(long)]
        force: bool,
    },
    /// Replies that could not be delivered
    #[command(subcommand)]
    Dead(Dead),
}

#[derive(Debug, clap::Subcommand)]
enum Dead {
    /// List them with the reason
    List,
    /// Try again: one by its number, or all
    Retry(Which),
    /// Give up for good: one by its number, or all
    Drop(Which),
}

#[derive(Debug, clap::Args)]
#[group(required = true)]
struct Which {
    /// The number in the list
    id: Option<i64>,
    /// All of them
    #[arg(long, conflicts_with = "id")]
    all: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let settings = Settings::load(args.config.as_deref())?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(async {
        let store = SqlStore::open(&settings.storage.location()?).await?;
        let done = execute(&args.command, &store).await;
        store.close().await;
        done
    })
}

async fn execute(command: &Command, store: &SqlStore) -> anyhow::Result<u8> {
    let mut out = output::stdout();
    match command {
        Command::Backup { file } => {
            let counts = store.backup(file).await?;
            writeln!(out, "backed up {} to {}: {counts}", store.location(), file.display())?;
        }
        Command::Restore { file, force } => {
            let _alone = store.alone().await?;
            let counts = store.restore(file, *force).await?;
            writeln!(out, "restored {} from {}: {counts}", store.location(), file.display())?;
        }
        Command::MigrateTo { url, force } => {
            let url = match url.as_str() {
                "-" => {
                    let mut text = String::new();
                    std::io::stdin().read_to_string(&mut text).context("cannot read the URL from standard input")?;
                    text.trim().to_owned()
                }
                url => url.to_owned(),
            };
            let help = "this is no URL of a database\n  help: write postgres://USER:PASSWORD@HOST:PORT/DATABASE, or sqlite:FILE";
            let location = Location::from_url(&SecretString::from(url)).context(help)?;
            let target = SqlStore::open(&location).await?;
            let copied = async {
                let _alone = store.alone().await?;
                let _alone_there = target.alone().await?;
                anyhow::Ok(store.copy_into(&target, *force).await?)
            }
            .await;
            target.close().await;
            writeln!(out, "moved {} to {location}: {}", store.location(), copied?)?;
            writeln!(out, "now set storage.url, or OKTRIAGE__STORAGE__URL, to it")?;
        }
        Command::Dead(Dead::List) => {
            let letters = store.dead_letters(LISTED).await?;
            if letters.is_empty() {
                writeln!(out, "no reply was given up")?;
                return Ok(EXIT_NOTHING);
            }
            for DeadLetter { id, key, part, removal, decided_at, attempts, reason } in letters {
                let what = if removal { "removal of the " } else { "" };
                let age = age(decided_at);
                writeln!(out, "{id}  {what}{part} to {key}, decided {age} ago, attempts: {attempts}; {reason}")?;
            }
        }
        Command::Dead(Dead::Retry(which)) => {
            return told(&mut out, store.retry_dead(which.id).await?, "will be tried again");
        }
        Command::Dead(Dead::Drop(which)) => {
            return told(&mut out, store.drop_dead(which.id).await?, "given up for good");
        }
    }
    Ok(EXIT_OK)
}

fn told(out: &mut impl std::io::Write, count: u64, what: &str) -> anyhow::Result<u8> {
    match count {
        0 => writeln!(out, "there is no such dead letter")?,
        1 => writeln!(out, "1 reply: {what}")?,
        _ => writeln!(out, "{count} replies: {what}")?,
    }
    Ok(if count == 0 { EXIT_NOTHING } else { EXIT_OK })
}

/// How long ago a time was, in one unit.
fn age(millis: i64) -> String {
    let then = SystemTime::UNIX_EPOCH + Duration::from_millis(millis.max(0).unsigned_abs());
    let seconds = SystemTime::now().duration_since(then).unwrap_or_default().as_secs();
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
