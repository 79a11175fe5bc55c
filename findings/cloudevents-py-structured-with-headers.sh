#!/usr/bin/env bash
# PyPI cloudevents 2.2.0: a structured event whose sender repeats an attribute as a header is read as a binary one.
#
# Expected: the event in the body. The HTTP binding 1.0.2, section 3.2.3, allows a structured message to
#   "include the same HTTP headers as defined for the binary mode", and section 3 says that the receiver tells
#   the modes apart "by inspecting the Content-Type header value".
# What happens: any header that begins with `ce-` makes it a binary event, whatever the content type.
#   The data is then the whole envelope, and extensions that stand in the body alone are missing.
# Why it matters: gateways copy attributes to headers in order to route by them. The consumer gets an event of the
#   right id and type whose data is another event: validation fails, or a handler stores the wrapping.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ python3 -m venv env && env/bin/pip install --quiet --disable-pip-version-check cloudevents==2.2.0; } >pip.log 2>&1 || { cat pip.log; exit 2; }

cat >try.py <<'PY'
import json
import sys
from importlib.metadata import version

from cloudevents.core.bindings.http import HTTPMessage, from_http_event

attributes = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "ordered"}
envelope = {**attributes, "tenant": "north", "data": {"total": 5}}
plain = {"content-type": "application/cloudevents+json"}
repeated = {**plain, **{f"ce-{name}": value for name, value in attributes.items()}}


def read(headers):
    event = from_http_event(HTTPMessage(headers=headers, body=json.dumps(envelope).encode()))
    return event.get_extension("tenant"), event.get_data()


print("package: ", "cloudevents", version("cloudevents"))
print("expected:", ("north", {"total": 5}))
print("without: ", read(plain))
print("repeated:", read(repeated))
sys.exit(0 if read(plain) == ("north", {"total": 5}) and read(repeated) == (None, envelope) else 1)
PY
env/bin/python try.py
