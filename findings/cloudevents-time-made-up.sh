#!/usr/bin/env bash
# npm cloudevents 10.0.0 and PyPI cloudevents 2.2.0: reading an event without `time` gives it one; npm cloudevents also
# gives another one to an event whose `time` is a leap second.
#
# Expected: no time. CloudEvents 1.0 makes `time` OPTIONAL and says that, where it is unknown, it may be set to some
#   other time "by the CloudEvents producer", consistently for a `source`. A reader isn't the producer.
# What happens: both packages fill in the moment of reading, and write it out as if the producer had sent it.
#   Reading the same bytes twice gives two different events. The JavaScript one puts it in place of a leap second, too,
#   without an error.
# Why it matters: "unknown" turns into a plausible lie. An intermediary adds its own clock to every event passing by,
#   a replay of last year's file looks like today's traffic, and a hash or an equality of the event as a test for
#   duplicates no longer works.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ npm init -y && npm install --ignore-scripts --no-audit --no-fund cloudevents@10.0.0; } >npm.log 2>&1 || { cat npm.log; exit 2; }
{ python3 -m venv env && env/bin/pip install --quiet --disable-pip-version-check cloudevents==2.2.0; } >pip.log 2>&1 || { cat pip.log; exit 2; }

cat >event.json <<'JSON'
{"specversion":"1.0","id":"1","source":"/s","type":"t"}
JSON
cat >js.cjs <<'JS'
const { readFileSync } = require('node:fs');
const { HTTP } = require('cloudevents');
const body = readFileSync('event.json', 'utf8');
const headers = { 'content-type': 'application/cloudevents+json' };
const passedOn = (body) => JSON.parse(HTTP.structured(HTTP.toEvent({ headers, body })).body).time;
const isNow = (time) => Math.abs(Date.parse(time) - Date.now()) < 60_000;
const time = passedOn(body);
const leap = '2016-12-31T23:59:60Z';
const leapt = passedOn(JSON.stringify({ ...JSON.parse(body), time: leap }));
const version = JSON.parse(readFileSync('node_modules/cloudevents/package.json')).version;
console.log('npm cloudevents', version, ' expected: no time  saw:', time === undefined ? 'no time' : 'a time');
console.log('npm cloudevents', version, ' expected:', leap, 'or an error  saw:', isNow(leapt) ? 'the current time' : leapt);
process.exit(isNow(time) && isNow(leapt) ? 0 : 1);
JS
cat >py.py <<'PY'
import datetime
import json
import sys
from importlib.metadata import version

from cloudevents.core.bindings import http

came = http.HTTPMessage(headers={"content-type": "application/cloudevents+json"}, body=open("event.json", "rb").read())
time = json.loads(http.to_structured_event(http.from_http_event(came)).body).get("time")
print("PyPI cloudevents", version("cloudevents"), " expected: no time  saw:", "no time" if time is None else "a time")
if time is None:
    sys.exit(1)
age = datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.fromisoformat(time.replace("Z", "+00:00"))
sys.exit(0 if abs(age.total_seconds()) < 60 else 1)
PY
as_described=0
node js.cjs || as_described=1
env/bin/python py.py || as_described=1
exit "$as_described"
