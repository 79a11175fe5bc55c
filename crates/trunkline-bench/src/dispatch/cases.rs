//! What is asked of the application, case by case.

use trunkline::CommandId;

use super::app::{Kind, Sent, failed};
use super::shape::{LINES_MEDIAN, Order};
use super::typed::OrderCommand;
use crate::failure::Result;

/// A command, asked again and again of other streams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    lines: usize,
    asked: Asked,
    /// Whether it has an id, under which it has one outcome.
    with_id: bool,
    /// What it may cost beyond the append, in µs.
    pub(super) at_most: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// An order is created.
    Create,
    /// An order is confirmed that was created before.
    Confirm,
    /// An order whose total is wrong is refused, by the last rule.
    Refused,
}

impl Case {
    pub(super) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        let kinds = [(Kind::Typed, "typed", 5.0), (Kind::Declared, "declared", 100.0)];
        let asked = [
            ("create-1", 1, Asked::Create, false),
            ("create-25", LINES_MEDIAN, Asked::Create, false),
            ("confirm-1", 1, Asked::Confirm, false),
            ("confirm-25", LINES_MEDIAN, Asked::Confirm, false),
            ("create-1-id", 1, Asked::Create, true),
            ("refused-1", 1, Asked::Refused, false),
            ("refused-1-id", 1, Asked::Refused, true),
        ];
        for (kind, word, bar) in kinds {
            for (name, lines, asked, with_id) in asked {
                let name = [word, "-", name].concat().leak();
                let at_most = (lines == 1).then_some(bar);
                all.push(Self { name, kind, lines, asked, with_id, at_most });
            }
        }
        all
    }

    /// The case of this name.
    pub(super) fn named(name: &str) -> Self {
        Self::all().into_iter().find(|case| case.name == name).expect("it is one of them")
    }

    pub(super) fn is_accepted(self) -> bool {
        self.asked != Asked::Refused
    }

    /// Whether something is stored: a refusal only under an id.
    pub(super) fn appends(self) -> bool {
        self.is_accepted() || self.with_id
    }

    /// What is there before the command of this number, if anything.
    pub(super) fn before(self, number: usize) -> Result<Option<Sent>> {
        match self.asked {
            Asked::Create | Asked::Refused => Ok(None),
            Asked::Confirm => {
                let create = OrderCommand::CreateOrder(Order::new(number, self.lines));
                self.kind.command(create, None).map(Some)
            }
        }
    }

    /// The command of this number.
    pub(super) fn command(self, number: usize) -> Result<Sent> {
        let mut order = Order::new(number, self.lines);
        let command = match self.asked {
            Asked::Create => OrderCommand::CreateOrder(order),
            Asked::Confirm => OrderCommand::ConfirmOrder { order_id: order.id },
            Asked::Refused => {
                order.total += 1;
                OrderCommand::CreateOrder(order)
            }
        };
        let id = self.with_id.then(|| CommandId::new(&format!("order-command-{number}")));
        self.kind.command(command, id.transpose().map_err(failed)?)
    }
}
