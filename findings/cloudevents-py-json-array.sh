#!/usr/bin/env bash
# PyPI cloudevents 2.2.0: JSON data that is a list goes out in binary mode as Python's own notation, not JSON.
#
# Expected: a JSON text. The HTTP binding 1.0.2, section 2.2, expects for `application/json` that the data
#   is made available "as UTF-8 encoded JSON text"; the JSON format says data "MAY contain any valid JSON".
# What happens: an event with `[1, null, true]` is read from JSON and written in binary mode with the body
#   `[1, None, True]` under `content-type: application/json`; `false` becomes `False`. An object is written as JSON.
#   The same package reads that body back as a string instead of a list.
# Why it matters: whoever converts structured events to binary ones (the usual form on Kafka and in functions) sends
#   text that no JSON parser takes. A list of plain numbers happens to look the same, so tests may miss it.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ python3 -m venv env && env/bin/pip install --quiet --disable-pip-version-check cloudevents==2.2.0; } >pip.log 2>&1 || { cat pip.log; exit 2; }

cat >try.py <<'PY'
import json
import sys
from importlib.metadata import version

from cloudevents.core.bindings import http
from cloudevents.core.bindings.http import HTTPMessage

print("package: cloudevents", version("cloudevents"))


def forward(data):
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t",
             "datacontenttype": "application/json", "data": data}
    came = HTTPMessage(headers={"content-type": "application/cloudevents+json"}, body=json.dumps(event).encode())
    sent = http.to_binary_event(http.from_structured_event(came))
    back = http.from_binary_event(sent).get_data()
    print("expected:", json.dumps(data), " saw:", sent.body.decode(), " read back as:", type(back).__name__)
    return sent.body.decode(), back


as_described = (
    json.loads(forward({"a": None})[0]) == {"a": None}
    and forward([1, None, True]) == ("[1, None, True]", "[1, None, True]")
    and forward(False) == ("False", "False")
)
sys.exit(0 if as_described else 1)
PY
env/bin/python try.py
