//! Tree to values.
//!
//! Three steps, one after the other:
//!
//! 1. `arrange` walks the statements in order, follows includes, merges sections and blocks into
//!    containers, and turns every value into a *plan* in which each name is bound to what it means at that place.
//! 2. `settle` computes the plans in an order in which everything a plan needs is there before it,
//!    without recursion over references, and finds cycles.
//! 3. The containers become one tree.
//!
//! `compute` and `call` give a plan its value, the latter for operators.

mod arrange;
mod call;
mod compute;
mod date;
mod operator;
mod plan;
mod settle;

use std::collections::{BTreeSet, HashMap};

use trunkline_nearest::nearest;

use crate::codes;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::limits::{EXPANSION_BYTES_MAX, INCLUDE_DEPTH_MAX, INCLUDES_MAX, NESTING_MAX, SOURCE_BYTES_MAX};
use crate::outside::{LoadError, World};
use crate::source::{FileId, Sources, Span};
use crate::syntax::{self, Tree};
use crate::value::{Node, Object, Value};

pub(crate) use compute::number;
use plan::{Container, ContainerId, Item, Slot, SlotId, State};

/// What a file means.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The tree of values; the root is an object.
    pub root: Node,
    /// Every mistake, in the order of the text. With an error among them the tree has gaps.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether a text has mistakes of syntax, so that keys may be missing or misunderstood.
    pub misread: bool,
    /// The texts that were read.
    pub sources: Sources,
    /// Every `@go` in the files.
    pub hooks: Vec<HookUse>,
    /// What `@metrics` recorded.
    pub gauges: Vec<Gauge>,
}

impl Evaluated {
    /// The tree as it may be shown: without passwords in addresses, and without what the environment has under a name
    /// that says password, secret, token or key, whether that is the variable's or the value's.
    ///
    /// ```
    /// use trunkline_config::report::tree_to_json;
    /// use trunkline_config::{FixedClock, MemoryEnvironment, MemoryFiles, World, evaluate};
    ///
    /// let environment = MemoryEnvironment::new().with("API_TOKEN", "s3cr3t").with("P", "hunter2");
    /// let world = World { loader: &MemoryFiles::new(), environment: &environment, clock: &FixedClock(0) };
    /// let text = "$t: @env(\"API_TOKEN\")\nurl: \"http://h?t=${t}\"\npassword: @env(\"P\")\nkey: \"event.id\"\n";
    /// let shown = tree_to_json(&evaluate("app.tsk", text, world).shown());
    /// assert_eq!(shown, r#"{"url":"http://h?t=***","password":"***","key":"event.id"}"#);
    /// ```
    pub fn shown(&self) -> Node {
        self.sources.hidden.masked_tree(&self.root)
    }

    /// Whether there is an error among the diagnostics.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// A hook and where it is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookUse {
    /// The name, such as `events.ConfigureSagas`.
    pub name: String,
    /// The quoted name in the file.
    pub span: Span,
}

/// A number that a file recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Gauge {
    /// Its name.
    pub name: String,
    /// The number.
    pub value: f64,
    /// Labels, in the order of the file.
    pub labels: Vec<(String, String)>,
}

/// Loads a file and evaluates it. Mistakes in it are diagnostics; only a file that cannot be had is an error.
///
/// ```
/// use trunkline_config::{FixedClock, MemoryEnvironment, MemoryFiles, World, load};
///
/// let files = MemoryFiles::new().with("app.tsk", "$host: \"db\"\n[read_db]\ndsn: \"sqlite:${host}\"\n");
/// let environment = MemoryEnvironment::new();
/// let world = World { loader: &files, environment: &environment, clock: &FixedClock(0) };
/// let evaluated = load("app.tsk", world).unwrap();
/// assert!(evaluated.diagnostics.is_empty());
/// assert_eq!(serde_json::to_string(&evaluated.root).unwrap(), r#"{"read_db":{"dsn":"sqlite:db"}}"#);
/// ```
pub fn load(name: &str, world: World<'_>) -> Result<Evaluated, LoadError> {
    let bytes = world.loader.load(name)?;
    if bytes.len() > SOURCE_BYTES_MAX {
        return Err(LoadError::TooLarge);
    }
    let mut evaluator = Evaluator::new(world);
    let file = evaluator.take_in(name, bytes);
    let tree = evaluator.parse(file);
    evaluator.including.push(name.to_owned());
    Ok(evaluator.evaluate(file, tree))
}

/// Evaluates a text that is in memory already.
pub fn evaluate(name: &str, text: &str, world: World<'_>) -> Evaluated {
    let mut evaluator = Evaluator::new(world);
    let file = evaluator.sources.add(name, text);
    let tree = evaluator.parse(file);
    evaluator.including.push(name.to_owned());
    evaluator.evaluate(file, tree)
}

struct Evaluator<'w> {
    world: World<'w>,
    sources: Sources,
    diagnostics: Diagnostics,
    slots: Vec<Slot>,
    containers: Vec<Container>,
    /// What each variable means at the statement being arranged.
    variables: HashMap<String, SlotId>,
    /// Where each variable is first defined, known when everything is arranged.
    first_definitions: HashMap<String, Span>,
    undefined: Vec<(String, Span)>,
    hooks: Vec<HookUse>,
    gauges: Vec<Gauge>,
    /// What the environment brought.
    brought: BTreeSet<String>,
    /// Names of the files that are being included, outermost first.
    including: Vec<String>,
    includes: usize,
    bytes_loaded: usize,
    bytes_copied: usize,
    /// Statements are still being arranged: containers are not complete.
    misread: bool,
    arranging: bool,
}

impl<'w> Evaluator<'w> {
    const ROOT: ContainerId = ContainerId(0);

    fn new(world: World<'w>) -> Self {
        Self {
            world,
            sources: Sources::new(),
            diagnostics: Diagnostics::default(),
            slots: Vec::new(),
            containers: Vec::new(),
            variables: HashMap::new(),
            first_definitions: HashMap::new(),
            undefined: Vec::new(),
            hooks: Vec::new(),
            gauges: Vec::new(),
            brought: BTreeSet::new(),
            including: Vec::new(),
            includes: 0,
            bytes_loaded: 0,
            bytes_copied: 0,
            arranging: true,
            misread: false,
        }
    }

    fn evaluate(mut self, file: FileId, tree: Tree) -> Evaluated {
        let span = Span::new(file, 0, self.sources.text(file).len());
        self.containers.push(Container::new(None, 0, span));
        self.arrange(tree.statements, Self::ROOT, Self::ROOT);
        self.arranging = false;
        self.report_undefined();
        for slot in 0..self.slots.len() {
            self.settle(Item::Slot(SlotId(slot)));
        }
        let root = Node { value: Value::Object(self.take_object(Self::ROOT)), span };
        self.sources.hidden.add_named(&root, &self.brought);
        let mut diagnostics = self.diagnostics.into_vec();
        diagnostics.sort_by_key(Diagnostic::span);
        Evaluated {
            root,
            diagnostics,
            misread: self.misread,
            sources: self.sources,
            hooks: self.hooks,
            gauges: self.gauges,
        }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Takes a file's bytes in; what is not UTF-8 is reported once and replaced.
    fn take_in(&mut self, name: &str, bytes: Vec<u8>) -> FileId {
        let (text, bad) = match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                (String::from_utf8_lossy(error.as_bytes()).into_owned(), Some(at))
            }
        };
        let length = text.len();
        let file = self.sources.add(name, text);
        if let Some(at) = bad {
            // The text may have lost its byte order mark.
            let at = at - (length - self.sources.text(file).len());
            let span = Span::new(file, at, at + char::REPLACEMENT_CHARACTER.len_utf8());
            let diagnostic = Diagnostic::error(codes::NOT_UTF8, span, "the file is not UTF-8");
            self.report(diagnostic.here("the first byte that is not").fix("save the file as UTF-8"));
        }
        file
    }

    fn parse(&mut self, file: FileId) -> Tree {
        let (tree, diagnostics) = syntax::parse(file, self.sources.text(file));
        self.misread |= diagnostics.iter().any(Diagnostic::is_error);
        self.diagnostics.extend(diagnostics);
        tree
    }

    /// Loads and parses a file that `path`, at `span`, names.
    fn include(&mut self, path: &str, span: Span) -> Option<(String, Tree)> {
        let name = self.world.loader.resolve(self.sources.name(span.file), path);
        if let Some(at) = self.including.iter().position(|file| *file == name) {
            let mut chain = self.including[at..].to_vec();
            chain.push(name);
            let message = format!("the file includes itself: {}", chain.join(" → "));
            self.report(
                Diagnostic::error(codes::INCLUDE_CYCLE, span, message).fix("remove one of the includes"),
            );
            return None;
        }
        self.includes += 1;
        let too_many = if self.including.len() > INCLUDE_DEPTH_MAX {
            Some(format!("files include each other more than {INCLUDE_DEPTH_MAX} levels deep"))
        } else if self.includes > INCLUDES_MAX {
            Some(format!("more than {INCLUDES_MAX} files are included"))
        } else {
            None
        };
        if let Some(message) = too_many {
            // One of them says it; the file may have any number.
            if self.includes <= INCLUDES_MAX + 1 {
                self.report(
                    Diagnostic::error(codes::TOO_MANY_INCLUDES, span, message).fix("include fewer files"),
                );
            }
            return None;
        }
        let bytes = self.read(&name, span)?;
        let file = self.take_in(&name, bytes);
        Some((name, self.parse(file)))
    }

    /// The bytes of a file that something at `span` asked for.
    fn read(&mut self, name: &str, span: Span) -> Option<Vec<u8>> {
        let loaded = self.world.loader.load(name).and_then(|bytes| {
            self.bytes_loaded = self.bytes_loaded.saturating_add(bytes.len());
            if self.bytes_loaded > SOURCE_BYTES_MAX { Err(LoadError::TooLarge) } else { Ok(bytes) }
        });
        loaded
            .map_err(|error| {
                let message = format!("\"{name}\" cannot be read: {error}");
                let diagnostic = Diagnostic::error(codes::UNREADABLE_FILE, span, message);
                self.report(diagnostic.fix("paths are relative to the file that names them"));
            })
            .ok()
    }

    fn report_undefined(&mut self) {
        for (name, span) in std::mem::take(&mut self.undefined) {
            let message = format!("nothing above defines ${name}");
            let mut diagnostic = Diagnostic::error(codes::UNDEFINED_VARIABLE, span, message);
            if let Some(&later) = self.first_definitions.get(&name) {
                diagnostic = diagnostic.label(later, "defined here, too late").fix("move the definition up");
            } else if self.containers[Self::ROOT.0].entries.contains_key(&name) {
                let note =
                    format!("\"{name}\" is a key; variables begin with '$' where they are defined too");
                diagnostic = diagnostic.note(note).fix(format!("define ${name}: … above"));
            } else {
                let mut names: Vec<&str> = self.first_definitions.keys().map(String::as_str).collect();
                names.sort_unstable();
                diagnostic = match nearest(&name, names) {
                    Some(name) => diagnostic.did_you_mean(Some(&format!("${name}"))),
                    None => diagnostic.fix(format!("define ${name}: … above")),
                };
            }
            self.report(diagnostic);
        }
    }

    /// Counts bytes that a reference, join or interpolation copies; false once there are too many, which is reported
    /// once.
    fn spend(&mut self, bytes: usize, span: Span) -> bool {
        let before = self.bytes_copied;
        self.bytes_copied = before.saturating_add(bytes);
        if self.bytes_copied <= EXPANSION_BYTES_MAX {
            return true;
        }
        if before <= EXPANSION_BYTES_MAX {
            let message =
                format!("references and joins make more than {} MiB of values", EXPANSION_BYTES_MAX >> 20);
            self.report(Diagnostic::error(codes::TOO_LARGE, span, message).fix("repeat less"));
        }
        false
    }

    /// Turns a container into an object, taking its values.
    fn take_object(&mut self, id: ContainerId) -> Object {
        let mut object = Object::new();
        for (key, entry) in std::mem::take(&mut self.containers[id.0].entries) {
            let node = match entry.item {
                Item::Container(child) => {
                    let span = self.containers[child.0].span;
                    Node { value: Value::Object(self.take_object(child)), span }
                }
                Item::Slot(slot) => {
                    let slot = &mut self.slots[slot.0];
                    let span = slot.span;
                    match std::mem::replace(&mut slot.state, State::Busy) {
                        State::Ready(value) => Node { value, span },
                        State::Waiting | State::Busy => Node { value: Value::Invalid, span },
                    }
                }
            };
            object.insert(key, entry.key_span, node);
        }
        object
    }
}

/// Whether a value nests deeper than `limit`.
fn is_deeper(value: &Value, limit: usize) -> bool {
    match value {
        Value::Array(items) => limit == 0 || items.iter().any(|item| is_deeper(&item.value, limit - 1)),
        Value::Object(object) => {
            limit == 0 || object.iter().any(|(_, entry)| is_deeper(&entry.node.value, limit - 1))
        }
        _ => false,
    }
}

/// The limit on a value's own depth when it stands `outer` levels deep.
fn depth_left(outer: usize) -> usize {
    NESTING_MAX.saturating_sub(outer)
}
