#!/usr/bin/env bash
# PyPI eventsourcing 9.5.6: saving again after a conflict succeeds and stores nothing.
#
# Expected: a second error, or the event stored. The method's own description is that it "Collects pending events from
#   given aggregates and puts them in the application's event store"; what it couldn't put there is still pending.
# What happens: two copies of an aggregate change, the second save raises an IntegrityError, as it should.
#   The event has left the aggregate all the same. `save` of the same object now returns an empty list without an error,
#   while the object goes on showing the change.
# Why it matters: a loop that tries `save` again, as one does for a database that was busy, reports success on its
#   second turn. The command was confirmed, and its event is nowhere. (The way out is to load the aggregate anew and
#   run the command again.)
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ python3 -m venv env && env/bin/pip install --quiet --disable-pip-version-check eventsourcing==9.5.6; } >pip.log 2>&1 || { cat pip.log; exit 2; }

cat >try.py <<'PY'
import sys
from importlib.metadata import version

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError


class Cart(Aggregate):
    @event("Opened")
    def __init__(self):
        self.items = []

    @event("Added")
    def add(self, item):
        self.items.append(item)


print("package: eventsourcing", version("eventsourcing"))
shop = Application(env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": "shop.db"})
cart = Cart()
shop.save(cart)
mine, theirs = shop.repository.get(cart.id), shop.repository.get(cart.id)
theirs.add("bread")
shop.save(theirs)
mine.add("milk")


def save():
    try:
        return len(shop.save(mine))
    except IntegrityError:
        return "IntegrityError"


first, second = save(), save()
stored = shop.repository.get(cart.id).items
print("first save:   expected: IntegrityError       saw:", first)
print("second save:  expected: an error or 1 event  saw:", second, "events, no error" if second == 0 else "")
print("in memory:   ", mine.items)
print("stored:      ", stored)
sys.exit(0 if (first, second, stored) == ("IntegrityError", 0, ["bread"]) else 1)
PY
env/bin/python try.py
