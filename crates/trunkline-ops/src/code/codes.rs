//! The codes of errors that are no mistakes of a file, each with its page.

trunkline_config::error_codes! {
    /// A store, a queue or a backup that is not there.
    NOT_THERE = "TL3001";
    /// A store or a queue that another process has open.
    IN_USE = "TL3002";
    /// Stored bytes that are damaged.
    DAMAGED = "TL3003";
    /// The disk took no more.
    NO_ROOM = "TL3004";
    /// Others were first.
    MOVED_ON = "TL3005";
    /// An id that is taken.
    ID_TAKEN = "TL3006";
    /// A name that nothing has.
    UNKNOWN = "TL3007";
    /// A projection that stopped at an event.
    PROJECTION_STOPPED = "TL3008";
    /// A place that holds something else.
    OCCUPIED = "TL3009";
    /// A message that its saga no longer waits for.
    SAGA_MOVED_ON = "TL3014";
    /// A clock that was never set.
    CLOCK = "TL3016";
    /// A limit of threads that is reached.
    THREADS = "TL3017";
    /// A place that this process may not write, or that takes no writing at all.
    NOT_WRITABLE = "TL2530";
    /// A store that was restored and not reconciled with what stands beside it.
    RESTORED = "TL3019";
}
