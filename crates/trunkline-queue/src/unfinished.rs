//! How much is not finished: what relays and whoever waits for rest ask again and again.

/// How much of a topic, or of a whole queue, is not finished: [`MessageQueue::unfinished`] has the promises.
///
/// [`MessageQueue::unfinished`]: crate::MessageQueue::unfinished
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// Messages that are kept: some group has not finished them, dead letters included, or they wait for a
    /// first group. Each is counted once, however many groups there are.
    pub kept: u64,
    /// Messages that subscribed groups can be handed or hold, counted for each such group.
    pub due: u64,
    /// Messages that wait for their time, counted for each subscribed group. A retry that waits may be counted
    /// as due instead, where a broker holds it as it holds what is leased.
    pub delayed: u64,
    /// Messages that wait for a dead letter of their key to be decided about, counted for each subscribed group.
    pub held: u64,
    /// What the group has left that has the most: messages that it can be handed or holds, and those that wait for
    /// their time. Those that a group has left that isn't subscribed any more count too; what dead letters hold doesn't.
    /// Where a topic has no group, it is what waits for a first one. Of a whole queue, it is that of the topic that has
    /// the most.
    pub longest: u64,
}

impl Unfinished {
    /// Whether no subscribed group has a message to handle, now or later, unless somebody decides about a dead letter.
    pub fn is_at_rest(&self) -> bool {
        self.due + self.delayed == 0
    }
}
