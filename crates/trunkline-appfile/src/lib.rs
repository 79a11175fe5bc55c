//! The application file: aggregates, commands, projections, sagas, consumers and relays, declared in a `.tsk` file.
//!
//! An [`ApplicationFile`] is read with every mistake at its place, and installs itself into an application through the
//! calls that a program uses, too: see [`FromFile`]. Expressions are compiled once, when the file is read.
//!
//! Read in this order: `file` gives the sections their meaning, `declared` makes handlers and behaviours of them,
//! [`scenario`] runs the file's tests, [`law`] holds what must hold against read models, [`history`] follows one
//! aggregate, and [`shapes`] compares what is declared with what was persisted.

mod declared;
mod file;
mod schema;

pub mod history;
pub mod law;
pub mod scenario;
pub mod shapes;

pub use file::{
    AggregateDefinition, ApplicationFile, CommandDefinition, Compensate, ConsumerDefinition, DeclaredAction,
    DeclaredApp, Definition, EmitDefinition, EventDefinition, EventDefinitionName, EventTurn, Expect,
    Expectation, FileError, FromFile, Given, GivenCommand, GivenEvent, GivenRows, GivenSend, LastDefinition,
    LawDefinition, Mapping, OnDefinition, ProjectionClasses, QueryDefinition, QueueDefinition,
    ReadDbDefinition, Registered, RequireDefinition, SYSTEM_NAMES, SagaAction, SagaDefinition,
    ScenarioDefinition, SendDefinition, SnapshotsDefinition, StepDefinition, StepsDefinition,
    StoreDefinition, WasName, When, codes,
};
pub use schema::Schema;
