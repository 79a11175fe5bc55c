#!/usr/bin/env bash
# npm cloudevents 10.0.0 with PyPI cloudevents 2.2.0: text in headers changes on the way, in both directions.
#
# Expected: the same subject on both sides. The HTTP binding 1.0.2, section 3.1.3.2, says that string values
#   "MUST be percent-encoded" (space, double quote, percent, all outside printable ASCII) and that the reader must do
#   a "single round of percent-decoding".
# What happens: the Python package does both, the JavaScript one neither.
#   From Python to JavaScript "Zoë 50%" arrives as "Zo%C3%AB%2050%25";
#   from JavaScript to Python "size%20A" (a text with a percent sign in it) arrives as "size A".
# Why it matters: subjects and extensions are keys: streams, filters and partitions go by them.
#   Plain words pass, so two keys for one thing show up late, and one key can stand for two.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ npm init -y && npm install --ignore-scripts --no-audit --no-fund cloudevents@10.0.0; } >npm.log 2>&1 || { cat npm.log; exit 2; }
{ python3 -m venv env && env/bin/pip install --quiet --disable-pip-version-check cloudevents==2.2.0; } >pip.log 2>&1 || { cat pip.log; exit 2; }

cat >js.cjs <<'JS'
const { readFileSync, writeFileSync } = require('node:fs');
const { CloudEvent, HTTP } = require('cloudevents');
const [, , verb, text] = process.argv;
if (verb === 'write') {
  const event = new CloudEvent({ id: '1', source: '/s', type: 't', subject: text });
  writeFileSync('headers.json', JSON.stringify(HTTP.binary(event).headers));
} else {
  console.log(HTTP.toEvent({ headers: JSON.parse(readFileSync('headers.json', 'utf8')), body: '' }).subject);
}
JS
cat >py.py <<'PY'
import json
import sys

from cloudevents.core.bindings import http
from cloudevents.core.v1.event import CloudEvent

if sys.argv[1] == "write":
    event = CloudEvent({"source": "/s", "type": "t", "subject": sys.argv[2]})
    json.dump(http.to_binary_event(event).headers, open("headers.json", "w"))
else:
    headers = json.load(open("headers.json"))
    print(http.from_binary_event(http.HTTPMessage(headers=headers, body=b"")).get_subject())
PY

echo "packages: npm cloudevents $(node -p "JSON.parse(require('fs').readFileSync('node_modules/cloudevents/package.json')).version")," \
    "PyPI cloudevents $(env/bin/python -c 'import importlib.metadata as m; print(m.version("cloudevents"))')"
export PYTHONUTF8=1
env/bin/python py.py write 'Zoë 50%'
to_js=$(node js.cjs read)
echo "Python to JavaScript: expected 'Zoë 50%', saw '$to_js'"
node js.cjs write 'size%20A'
to_py=$(env/bin/python py.py read)
echo "JavaScript to Python: expected 'size%20A', saw '$to_py'"
[[ $to_js == 'Zo%C3%AB%2050%25' && $to_py == 'size A' ]]
