//! The mistakes that an application file can have beyond those of the language, each with its page.

trunkline_config::error_codes! {
    // Expressions.
    /// A text that is not an expression.
    NOT_AN_EXPRESSION = "TL2001";
    /// An expression uses a name that is not known there.
    UNKNOWN_NAME = "TL2002";
    /// An expression uses a function that does not exist, or with other arguments.
    UNKNOWN_FUNCTION = "TL2003";

    // Aggregates, commands, handlers.
    /// A name that names nothing of its kind may have.
    BAD_NAME = "TL2101";
    /// An aggregate that is not declared.
    UNKNOWN_AGGREGATE = "TL2102";
    /// A JSON Schema that is not one.
    BAD_SCHEMA = "TL2103";
    /// A word of a JSON Schema that asks nothing of data, though it looks as if it did.
    VAIN_SCHEMA = "TL2520";
    /// A handler that the program did not register.
    UNRESOLVED = "TL2104";
    /// A handler that the program registered and nothing names.
    UNUSED = "TL2105";
    /// A command or query without a handler.
    NO_HANDLER = "TL2106";
    /// A command with two handlers.
    HANDLED_TWICE = "TL2107";
    /// A scenario that says nothing that can be tested.
    BAD_SCENARIO = "TL2108";
    /// A section that this version does nothing with.
    NOT_YET = "TL2109";
    /// A DSN that is not one.
    BAD_DSN = "TL2110";
    /// A field of a state that nothing sets.
    UNSET_FIELD = "TL2111";

    // Events over the years.
    /// An upcast that can't be one.
    BAD_UPCAST = "TL2301";
    /// A version of an event from which nothing leads to the present one.
    BROKEN_CHAIN = "TL2302";
    /// Upcasts that lead round in a circle.
    ENDLESS_CHAIN = "TL2303";
    /// A command emits an event of which every one becomes another.
    EMITS_GONE = "TL2304";
    /// A persisted shape that was changed without a new version.
    SHAPE_CHANGED = "TL2310";
    /// A persisted event that is not in the file any more.
    SHAPE_GONE = "TL2311";
    /// A lock file that can't be read.
    BAD_LOCK = "TL2312";

    // Projections and queries.
    /// An SQL text with a mistake.
    BAD_SQL = "TL2201";
    /// A name that a projection cannot have.
    BAD_PROJECTION = "TL2202";
    /// A default that is not of the parameter's type.
    BAD_DEFAULT = "TL2203";
    /// Names that differ by case alone, where places take them for one.
    NAMES_DIFFER_BY_CASE = "TL2205";
    // Messages.
    /// A consumer without topics.
    NO_TOPICS = "TL2401";
    /// A consumer that doesn't say what becomes of its messages.
    NO_ACTION = "TL2402";
    /// A webhook without a usable address.
    BAD_WEBHOOK = "TL2403";
    /// A consumer without order that says what its dead letters hold.
    HOLDS_NOTHING = "TL2410";

    // Sagas.
    /// A saga without steps.
    NO_STEPS = "TL2501";
    /// Two steps of one name.
    STEP_TWICE = "TL2502";
    /// A saga or a projection names an event that nothing emits.
    UNKNOWN_EVENT = "TL2503";
    /// A consumer gets a command that nothing handles.
    UNHANDLED = "TL2504";
    /// A step that doesn't say what undoes it.
    NO_COMPENSATION = "TL2505";
    /// Something is sent, and nothing ever says that it was done.
    NEVER_DONE = "TL2506";
    /// A step that may wait for ever.
    WAITS_FOR_EVER = "TL2507";
    /// A step that is never taken, or a saga that never starts.
    NEVER_TAKEN = "TL2508";
    /// A saga sends to a topic that no consumer takes from.
    NO_CONSUMER = "TL2509";
    /// A saga or a step that was called as another one is called.
    BAD_WAS = "TL2510";
    /// A place in the log to start from that is none.
    BAD_START = "TL2511";
}
