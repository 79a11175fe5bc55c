#!/usr/bin/env bash
# PyPI persist-queue 1.1.0: a unique queue with acknowledgements never again takes an item that it once had.
#
# Expected: an item may come again when it is no longer in the queue. The package's description of its unique queue is
#   "Duplicate ignored", and `UniqueQ` ignores an item only while it waits: once taken, the same item is accepted.
# What happens: `UniqueAckQ` keeps acknowledged items in its table and counts them as duplicates.
#   `put` returns None, without an error, and the queue stays empty: after a restart, a day or a year later too.
#   After `clear_acked_data(keep_latest=0)` the item is taken again.
# Why it matters: "rebuild the index of order 7" is a task that comes again. It runs the first time in every test,
#   and then never more; nothing in the queue or the log tells.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ python3 -m venv env && env/bin/pip install --quiet --disable-pip-version-check persist-queue==1.1.0; } >pip.log 2>&1 || { cat pip.log; exit 2; }

cat >try.py <<'PY'
import sys
from importlib.metadata import version

import persistqueue

print("package: persist-queue", version("persist-queue"))


def put_and_finish(queue, finish):
    queue.put("index order 7")
    finish(queue.get())


plain = persistqueue.UniqueQ("plain", auto_commit=True)
put_and_finish(plain, lambda item: plain.task_done())
plain.put("index order 7")

acked = persistqueue.UniqueAckQ("acked", auto_commit=True)
put_and_finish(acked, acked.ack)
acked = persistqueue.UniqueAckQ("acked", auto_commit=True)
answer = acked.put("index order 7")
waiting = acked.size
acked.clear_acked_data(keep_latest=0)
acked.put("index order 7")

print("UniqueQ, the item once more:     expected: 1 waiting  saw:", plain.size, "waiting")
print("UniqueAckQ, the item once more:  expected: 1 waiting  saw:", waiting, "waiting, put returned", answer)
print("UniqueAckQ, after clearing:      expected: 1 waiting  saw:", acked.size, "waiting")
sys.exit(0 if (plain.size, waiting, answer, acked.size) == (1, 0, None, 1) else 1)
PY
env/bin/python try.py
