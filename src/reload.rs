//! Watches rule directories and swaps changed rules in, all at once. A broken edit keeps the last
//! good set and says what is wrong.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use notify::{EventKind, RecursiveMode, Watcher};
use tokio::sync::{Notify, watch};
use tracing::{error, info, warn};

use crate::diagnosis::Engine;
use crate::lookup::Lookup;
use crate::rules::Source;

/// An editor or a checkout writes several files; they are read once it has been quiet for so long.
const QUIET: Duration = Duration::from_millis(300);

/// The rules in force, for everybody who uses them.
pub struct InForce {
    /// The engine.
    pub engine: watch::Sender<Arc<Engine>>,
    /// The same rules, searchable.
    pub lookup: watch::Sender<Arc<Lookup>>,
}

/// Keeps the rules in force up to date until told to stop. Returns at once when no source is a directory.
pub async fn run(sources: Vec<Source>, in_force: InForce, mut shutdown: watch::Receiver<bool>) {
    let dirs: Vec<&PathBuf> =
        sources.iter().filter_map(|source| if let Source::Dir(dir) = source { Some(dir) } else { None }).collect();
    let changed = Arc::new(Notify::new());
    let tell = Arc::clone(&changed);
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading a file is an event, too.
        if !matches!(event, Ok(notify::Event { kind: EventKind::Access(_), .. })) {
            tell.notify_one();
        }
    });
    let watching = watcher.and_then(|mut watcher| {
        dirs.iter().try_for_each(|dir| watcher.watch(dir, RecursiveMode::Recursive))?;
        Ok(watcher)
    });
    let _watcher = match watching {
        Ok(watcher) => watcher,
        Err(error) => {
            warn!(error = %error, "rule directories cannot be watched; changes need a restart");
            return;
        }
    };
    while !dirs.is_empty() {
        tokio::select! {
            () = changed.notified() => {}
            _ = shutdown.wait_for(|stop| *stop) => return,
        }
        while tokio::time::timeout(QUIET, changed.notified()).await.is_ok() {}
        let sources = sources.clone();
        match tokio::task::spawn_blocking(move || load(&sources)).await {
            Ok(Ok((engine, lookup))) => {
                let rules = engine.rules().len();
                in_force.engine.send_replace(engine);
                in_force.lookup.send_replace(lookup);
                info!(rules, "rules reloaded");
            }
            Ok(Err(error)) => error!("the changed rules are not used, the last good ones are: {error:#}"),
            Err(error) => error!(error = %error, "reading the changed rules failed"),
        }
    }
}

/// Compiles the rules of all sources and indexes them.
pub fn load(sources: &[Source]) -> anyhow::Result<(Arc<Engine>, Arc<Lookup>)> {
    let engine = Arc::new(Engine::load(sources)?);
    let lookup = Arc::new(Lookup::new(Arc::clone(&engine))?);
    Ok((engine, lookup))
}
