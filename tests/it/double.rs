//! What the doubles of platforms have in common: a state that tests look at, turn and wait for, served beside them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use tokio::sync::{oneshot, watch};

use crate::program::PATIENCE;

/// The state of a double.
pub(crate) trait World {
    /// Which platform it is.
    const NAME: &'static str;

    /// Does what follows from any change.
    fn settle(&mut self) {}

    /// The latest requests, for who waits in vain.
    fn last_requests(&self) -> Vec<String>;
}

/// A state that is shared with those who serve it.
pub(crate) struct Shared<W> {
    state: Mutex<W>,
    pub(crate) changes: watch::Sender<u64>,
}

impl<W: World> Shared<W> {
    pub(crate) fn new(state: W) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(state), changes: watch::Sender::new(0) })
    }

    pub(crate) fn look<T>(&self, looking: impl FnOnce(&mut W) -> T) -> T {
        looking(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn change<T>(&self, changing: impl FnOnce(&mut W) -> T) -> T {
        let result = self.look(|state| {
            let result = changing(state);
            state.settle();
            result
        });
        self.changes.send_modify(|changes| *changes += 1);
        result
    }

    /// Waits until a look at the state finds something.
    pub(crate) async fn wait_for<T>(&self, what: &str, looking: impl FnMut(&W) -> Option<T>) -> T {
        self.wait_within(PATIENCE, what, looking).await
    }

    /// Waits so long until a look at the state finds something.
    pub(crate) async fn wait_within<T>(
        &self,
        patience: Duration,
        what: &str,
        mut looking: impl FnMut(&W) -> Option<T>,
    ) -> T {
        let mut changes = self.changes.subscribe();
        let waiting = async {
            loop {
                if let Some(found) = self.look(|state| looking(state)) {
                    return found;
                }
                changes.changed().await.expect("the double is here");
            }
        };
        if let Ok(found) = tokio::time::timeout(patience, waiting).await {
            return found;
        }
        let seen = self.look(|state| state.last_requests());
        panic!("not seen on {}: {what}; the last requests were {seen:#?}", W::NAME)
    }
}

/// A double at work; it ends when this is dropped.
pub(crate) struct Serving {
    ending: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.ending.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A free port, and its address.
pub(crate) fn listener() -> (std::net::TcpListener, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("no blocking");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

/// Serves, and does something `beside` that never ends; on a thread of its own, for a test may stand still while
/// the program starts.
pub(crate) fn serve(
    listener: std::net::TcpListener,
    router: Router,
    beside: impl Future<Output = ()> + Send + 'static,
) -> Serving {
    let (ending, ended) = oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            tokio::select! {
                served = axum::serve(listener, router).into_future() => served.expect("served"),
                () = beside => {}
                _ = ended => {}
            }
        });
        runtime.shutdown_background();
    });
    Serving { ending: Some(ending), thread: Some(thread) }
}
