#!/usr/bin/env bash
# PyPI fastavro 1.13.1: records share the list that stands for a missing field, so a change to one shows in the next.
#
# Expected: each record has a value of its own. By the Avro specification, where the writer has no such field and the
#   reader's has a default, "the reader should use the default value from its field": [] stays [] for each record.
# What happens: all records read with one schema hold the very same list, which is the schema's own.
#   What a consumer appends while it handles the first event is in the second, third and every later one.
#   Lists that were in the data are separate. A default map behaves as the list does.
# Why it matters: tags, lines or errors of one customer's event turn up in another's, only for events older than the
#   field, and only within one process: a replay gives another result than the first run.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ python3 -m venv env && env/bin/pip install --quiet --disable-pip-version-check fastavro==1.13.1; } >pip.log 2>&1 || { cat pip.log; exit 2; }

cat >try.py <<'PY'
import io
import sys
from importlib.metadata import version

import fastavro

print("package: fastavro", version("fastavro"))
who = {"name": "who", "type": "string"}
tags = {"name": "tags", "type": {"type": "array", "items": "string"}, "default": []}
notes = {"name": "notes", "type": {"type": "map", "values": "string"}, "default": {}}
old = fastavro.parse_schema({"type": "record", "name": "Seen", "fields": [who]})
new = fastavro.parse_schema({"type": "record", "name": "Seen", "fields": [who, tags, notes]})


def read_two(written_by, records):
    file = io.BytesIO()
    fastavro.writer(file, written_by, records)
    file.seek(0)
    reader = fastavro.reader(file, new)
    first = next(reader)
    first["tags"].append(first["who"])
    first["notes"]["by"] = first["who"]
    second = next(reader)
    print("expected:", {"who": "bo", "tags": [], "notes": {}}, " saw:", second)
    return second


full = read_two(new, [{"who": "al", "tags": [], "notes": {}}, {"who": "bo", "tags": [], "notes": {}}])
grown = read_two(old, [{"who": "al"}, {"who": "bo"}])
as_described = (full["tags"], full["notes"]) == ([], {}) and (grown["tags"], grown["notes"]) == (["al"], {"by": "al"})
sys.exit(0 if as_described else 1)
PY
env/bin/python try.py
