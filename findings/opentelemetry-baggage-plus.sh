#!/usr/bin/env bash
# PyPI opentelemetry-api 1.45.2 with npm @opentelemetry/core 2.12.1: a plus sign and a space trade places in baggage.
#
# Expected: the values unchanged. W3C Baggage encodes with percent signs only; its own example writes "DF 28" as
#   `DF%2028`, and a plus sign (%x2B) belongs to `baggage-octet`, so it stands for itself.
# What happens: the Python propagator uses the encoding of web forms. It writes a space as `+`, which JavaScript
#   reads as a plus sign; and it reads a plus sign that came as such as a space.
#   In a Base64 token that a Python service reads, spaces stand where the plus signs were.
# Why it matters: baggage carries tenants, tokens and keys that consumers compare. They agree within one language,
#   and differ where two meet.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ npm init -y && npm install --ignore-scripts --no-audit --no-fund @opentelemetry/core@2.12.1 @opentelemetry/api@1.9.1; } >npm.log 2>&1 || { cat npm.log; exit 2; }
{ python3 -m venv env && env/bin/pip install --quiet --disable-pip-version-check opentelemetry-api==1.45.2; } >pip.log 2>&1 || { cat pip.log; exit 2; }

cat >py.py <<'PY'
import sys
from importlib.metadata import version

from opentelemetry import baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator

propagator = W3CBaggagePropagator()
if sys.argv[1] == "version":
    print(version("opentelemetry-api"))
elif sys.argv[1] == "write":
    sent = {}
    propagator.inject(sent, context=baggage.set_baggage("key", sys.argv[2]))
    print(sent["baggage"])
else:
    print(baggage.get_baggage("key", propagator.extract({"baggage": [sys.argv[2]]})))
PY
cat >js.cjs <<'JS'
const { propagation, ROOT_CONTEXT, defaultTextMapGetter } = require('@opentelemetry/api');
const { W3CBaggagePropagator } = require('@opentelemetry/core');
const context = new W3CBaggagePropagator().extract(ROOT_CONTEXT, { baggage: process.argv[2] }, defaultTextMapGetter);
console.log(propagation.getBaggage(context).getEntry('key').value);
JS

echo "packages: PyPI opentelemetry-api $(env/bin/python py.py version)," \
    "npm @opentelemetry/core $(node -p "JSON.parse(require('fs').readFileSync('node_modules/@opentelemetry/core/package.json')).version")"
header=$(env/bin/python py.py write 'New York')
in_js=$(node js.cjs "$header")
echo "Python writes 'New York': expected key=New%20York, saw $header, which JavaScript reads as '$in_js'"
in_py=$(env/bin/python py.py read 'key=YQ+b')
echo "Python reads key=YQ+b:    expected 'YQ+b', saw '$in_py'; JavaScript reads '$(node js.cjs 'key=YQ+b')'"
[[ $header == 'key=New+York' && $in_js == 'New+York' && $in_py == 'YQ b' && $(node js.cjs 'key=YQ+b') == 'YQ+b' ]]
