#!/usr/bin/env bash
# PyPI cloudevents 2.2.0: an event with an attribute that is null is refused, as the specification's own examples are.
#
# Expected: the event without that attribute. The JSON event format 1.0.2, section 2.2: where "a null value is
#   encountered, it MUST be treated as the equivalent of unset or omitted". Three of its examples have a null subject.
# What happens: `"subject": null` raises a CloudEventValidationError and `"time": null` a TypeError.
#   An extension that is null is read.
# Why it matters: serializers that write every field of a class write null for the empty ones, and may.
#   Their events are turned away by this consumer alone, some with an error that isn't among the package's own,
#   so a handler for invalid events doesn't catch it.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ python3 -m venv env && env/bin/pip install --quiet --disable-pip-version-check cloudevents==2.2.0; } >pip.log 2>&1 || { cat pip.log; exit 2; }

cat >try.py <<'PY'
import json
import sys
from importlib.metadata import version

from cloudevents.core.bindings.http import HTTPMessage, from_structured_event

print("package: cloudevents", version("cloudevents"))


def read(**null):
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", **null}
    message = HTTPMessage(headers={"content-type": "application/cloudevents+json"}, body=json.dumps(event).encode())
    try:
        from_structured_event(message)
        saw = "read"
    except Exception as problem:
        saw = type(problem).__name__
    print(json.dumps(null), " expected: read  saw:", saw)
    return saw


saw = (read(), read(tenant=None), read(subject=None), read(time=None))
sys.exit(0 if saw == ("read", "read", "CloudEventValidationError", "TypeError") else 1)
PY
env/bin/python try.py
