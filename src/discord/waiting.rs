//! What waits for its turn. serenity hands out every event at once, each in a task of its own, and a
//! task that waits keeps all of its event. So nothing waits there: what is needed of an event is put
//! here, and there is an end to it. Messages beyond that are not held at all; their channel is
//! remembered and read again when everything else is done.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serenity::model::id::{ChannelId, GuildId, MessageId};

use super::convert::Said;
use crate::bot::ChannelKey;

/// Messages that are held until it is their turn.
const MESSAGES_MAX: usize = 2_000;
/// Messages of which only the ids are held: deletions, and what can only be read one by one.
const IDS_MAX: usize = 20_000;
/// Workers, each with one thing at a time.
const SIDE_BY_SIDE: usize = 32;

/// Which message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) guild: Option<GuildId>,
    pub(super) channel: ChannelId,
    pub(super) message: MessageId,
}

/// Something to do.
#[derive(Debug)]
pub(super) enum Job {
    /// Decide about a message, which is marked as under way in a channel.
    Message(Box<Said>, Option<ChannelKey>),
    /// Read a message, and decide about it.
    Look(Ids),
    /// A message is gone.
    Gone(Ids),
    /// Read a stretch of a channel of which messages were not held.
    Read(Stretch),
}

/// Messages of a channel or thread that were not held; others among them were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    /// The channel or thread.
    pub(super) channel: ChannelId,
    /// The channel whose progress is noted, which stays before `first` until all is read.
    pub(super) key: ChannelKey,
    /// The first of them.
    pub(super) first: MessageId,
    /// The last of them.
    pub(super) last: MessageId,
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// How many of the jobs hold a message.
    messages: usize,
    stretches: HashMap<ChannelId, Stretch>,
    workers: usize,
    /// A stretch is being read; one after the other is enough.
    reading: bool,
}

impl Waiting {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job at the end, an `urgent` one at the front. Gives it back when there is no room.
    pub(super) fn put(&self, job: Job, urgent: bool) -> Result<(), Job> {
        let mut queue = self.queue();
        let is_message = matches!(job, Job::Message(..));
        let full =
            if is_message { queue.messages >= MESSAGES_MAX } else { queue.jobs.len() - queue.messages >= IDS_MAX };
        if full {
            return Err(job);
        }
        queue.messages += usize::from(is_message);
        match urgent {
            true => queue.jobs.push_front(job),
            false => queue.jobs.push_back(job),
        }
        Ok(())
    }

    /// Notes that a message was not held. Returns the message that need not be marked as under way, for
    /// one before it is: `None` where this one is the first of its channel.
    pub(super) fn pass(&self, key: &ChannelKey, channel: ChannelId, message: MessageId) -> Option<MessageId> {
        let mut queue = self.queue();
        let Some(stretch) = queue.stretches.get_mut(&channel) else {
            let stretch = Stretch { channel, key: key.clone(), first: message, last: message };
            queue.stretches.insert(channel, stretch);
            return None;
        };
        stretch.last = stretch.last.max(message);
        let covered = stretch.first.max(message);
        stretch.first = stretch.first.min(message);
        Some(covered)
    }

    /// Whether one more worker may begin.
    pub(super) fn begin(&self) -> bool {
        let mut queue = self.queue();
        let may = queue.workers < SIDE_BY_SIDE;
        queue.workers += usize::from(may);
        may
    }

    /// What a worker is to do next; `None` ends it. Stretches come when nothing else waits.
    pub(super) fn next(&self) -> Option<Job> {
        let mut queue = self.queue();
        if let Some(job) = queue.jobs.pop_front() {
            queue.messages -= usize::from(matches!(job, Job::Message(..)));
            return Some(job);
        }
        let stretch = queue.stretches.keys().next().copied().filter(|_| !queue.reading);
        if let Some(stretch) = stretch.and_then(|channel| queue.stretches.remove(&channel)) {
            queue.reading = true;
            return Some(Job::Read(stretch));
        }
        queue.workers -= 1;
        None
    }

    /// A stretch was read.
    pub(super) fn read(&self) {
        self.queue().reading = false;
    }
}

/// A worker that dies of a job gives its place to another one.
pub(super) struct Shift<'w>(pub(super) &'w Waiting);

impl Drop for Shift<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut queue = self.0.queue();
            queue.workers -= 1;
            queue.reading = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use serenity::model::id::{ChannelId, MessageId};

    use super::{IDS_MAX, Ids, Job, SIDE_BY_SIDE, Stretch, Waiting};
    use crate::bot::{ChannelKey, Platform};

    fn ids(message: u64) -> Ids {
        Ids { guild: None, channel: ChannelId::new(1), message: MessageId::new(message) }
    }

    fn key() -> ChannelKey {
        ChannelKey { platform: Platform::Discord, workspace: "1".into(), channel: "1".into() }
    }

    #[test]
    fn workers_begin_while_there_is_work_and_end_without() {
        let waiting = Waiting::default();
        assert_eq!((0..100).filter(|_| waiting.begin()).count(), SIDE_BY_SIDE);
        assert!(waiting.next().is_none());
        assert!(waiting.begin());
        waiting.put(Job::Gone(ids(1)), false).unwrap();
        waiting.put(Job::Gone(ids(2)), true).unwrap();
        assert!(matches!(waiting.next(), Some(Job::Gone(found)) if found == ids(2)));
        assert!(matches!(waiting.next(), Some(Job::Gone(found)) if found == ids(1)));
    }

    #[test]
    fn there_is_an_end_to_what_is_held() {
        let waiting = Waiting::default();
        assert_eq!((1..=30_000).filter(|id| waiting.put(Job::Look(ids(*id)), false).is_ok()).count(), IDS_MAX);
    }

    #[test]
    fn what_was_not_held_is_one_stretch_that_is_read_last() {
        let waiting = Waiting::default();
        let channel = ChannelId::new(1);
        assert!(waiting.begin() && waiting.begin());
        let pass = |id| waiting.pass(&key(), channel, MessageId::new(id)).map(MessageId::get);
        assert_eq!([pass(5), pass(7), pass(4), pass(6)], [None, Some(7), Some(5), Some(6)]);
        waiting.put(Job::Look(ids(1)), false).unwrap();
        assert!(matches!(waiting.next(), Some(Job::Look(_))));
        let Some(Job::Read(stretch)) = waiting.next() else { panic!("no stretch") };
        assert_eq!(stretch, Stretch { channel, key: key(), first: MessageId::new(4), last: MessageId::new(7) });
        // What is passed meanwhile is a stretch of its own, and waits until this one is read.
        assert_eq!(pass(9), None);
        assert!(waiting.next().is_none());
        waiting.read();
        assert!(matches!(waiting.next(), Some(Job::Read(_))));
    }
}
