//! A private PostgreSQL: made in a temporary directory, on a free port of this machine, gone
//! afterwards whatever becomes of the tests.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// Starts a server in `$1` with the programs in `$2` as the user `$3` (empty: as who runs this) on port `$4`; says
/// "ready", and stops and removes it when standard input ends: when who started this ends, by whatever.
const KEEPER: &str = r#"
trap '' INT TERM HUP
dir=$1 bin=$2 user=$3 port=$4
as() { if [ -n "$user" ]; then runuser -u "$user" -- "$@"; else "$@"; fi; }
cd "$dir"
printf 'secret' >"$dir/password"
[ -z "$user" ] || chown -R "$user" "$dir"
as "$bin/initdb" -D "$dir/data" -U okt --pwfile="$dir/password" --auth=scram-sha-256 --encoding=UTF8 --no-sync >"$dir/log" 2>&1 &&
as "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -t 60 start \
    -o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories= -c max_connections=300 -c shared_buffers=32MB $5" >>"$dir/log" 2>&1 &&
echo ready || { cat "$dir/log" "$dir/server.log"; echo failed; }
cat >/dev/null
as "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >>"$dir/log" 2>&1
rm -rf "$dir"
"#;

/// A running server; it ends when this is dropped, and when the process ends.
pub(crate) struct Cluster {
    /// What goes on living until the server is gone.
    keeper: Child,
    lifeline: Option<ChildStdin>,
    dir: PathBuf,
    bin: PathBuf,
    user: &'static str,
    port: u16,
}

impl Cluster {
    /// Starts a server. Without `durable` it does not wait for the disk, which only a power failure could tell.
    pub(crate) fn start(durable: bool) -> Self {
        let bin = programs();
        let is_root = fs::metadata("/proc/self").map(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        let user = match is_root.unwrap_or(false) {
            // PostgreSQL refuses to run as root.
            true if Command::new("id").args(["-u", "postgres"]).output().is_ok_and(|id| id.status.success()) => {
                "postgres"
            }
            true => "nobody",
            false => "",
        };
        let dir = tempfile::Builder::new().prefix("oktriage-postgres-").tempdir().expect("a directory").keep();
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let mut keeper = Command::new("setsid")
            .args(["sh", "-c", KEEPER, "keeper"])
            .arg(&dir)
            .arg(&bin)
            .args([user, &port.to_string(), if durable { "" } else { "-c fsync=off" }])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("setsid runs");
        let lifeline = keeper.stdin.take();
        let mut said = BufReader::new(keeper.stdout.take().expect("piped"));
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(said.read_line(&mut line).expect("readable"), 0, "PostgreSQL did not start:\n{seen}");
            match line.trim() {
                "ready" => break,
                "failed" => panic!("PostgreSQL did not start:\n{seen}"),
                _ => seen.push_str(&line),
            }
        }
        Self { keeper, lifeline, dir, bin, user, port }
    }

    /// The server that tests share; each has a database of its own.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(false))
    }

    /// Makes a database and returns its URL.
    pub(crate) async fn database(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("oktriage{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut server = PgConnection::connect(&self.url("postgres")).await.expect("the server answers");
        server.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.expect("a database");
        server.close().await.expect("closed");
        self.url(&name)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://okt:secret@127.0.0.1:{}/{database}", self.port)
    }

    /// Stops the server in the middle of whatever it does and starts it again.
    pub(crate) fn crash_and_restart(&self) {
        let pg_ctl = self.bin.join("pg_ctl");
        let mut command = match self.user {
            "" => Command::new(pg_ctl),
            user => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(pg_ctl);
                command
            }
        };
        let log = self.dir.join("server.log");
        let restart =
            command.arg("-D").arg(self.dir.join("data")).arg("-l").arg(log).args(["-m", "immediate", "-w", "restart"]);
        let done = restart.current_dir("/").stdout(Stdio::null()).stderr(Stdio::null()).status().expect("pg_ctl runs");
        assert!(done.success(), "PostgreSQL did not come back");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.keeper.wait();
    }
}

/// Where PostgreSQL's programs are; Debian keeps them out of the path.
fn programs() -> PathBuf {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for entry in fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten() {
        let version = entry.file_name().to_string_lossy().parse().unwrap_or(0);
        let bin = entry.path().join("bin");
        if bin.join("initdb").exists() {
            found.push((version, bin));
        }
    }
    if let Some((_, bin)) = found.into_iter().max() {
        return bin;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let bin = std::env::split_paths(&path).find(|dir| dir.join("initdb").exists() && dir.join("pg_ctl").exists());
    bin.expect("PostgreSQL is not installed; ./test installs it")
}
