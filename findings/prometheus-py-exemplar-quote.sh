#!/usr/bin/env bash
# PyPI prometheus_client 0.26.0: the OpenMetrics parser refuses an exemplar whose label holds one escaped quote.
#
# Expected: the exemplar is read. In OpenMetrics 1.0 an exemplar is made of the same `labels` as a sample,
#   and a label's value is an `escaped-string`, which allows a backslash before a double quote.
# What happens: "Invalid line", and with it the whole page is lost, for one escaped quote; two of them are read.
#   One is read in a sample's own label, and the exemplar's label may hold an escaped backslash.
#   The exposition comes from npm prom-client 15.1.3, which escapes it as it should.
# Why it matters: exemplars tie a measurement to the event or trace behind it, so their labels come from data.
#   One value such as 5" hides all metrics of the process until that exemplar is replaced.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ npm init -y && npm install --ignore-scripts --no-audit --no-fund prom-client@15.1.3; } >npm.log 2>&1 || { cat npm.log; exit 2; }
{ python3 -m venv env && env/bin/pip install --quiet --disable-pip-version-check prometheus_client==0.26.0; } >pip.log 2>&1 || { cat pip.log; exit 2; }

cat >write.cjs <<'JS'
const { Counter, Registry } = require('prom-client');
const [, , label, exemplar] = process.argv;
const registry = new Registry(Registry.OPENMETRICS_CONTENT_TYPE);
const counter = new Counter({ name: 'events', help: 'h', labelNames: ['k'], registers: [registry], enableExemplars: true });
counter.inc({ labels: { k: label }, value: 1, exemplarLabels: { id: exemplar } });
registry.metrics().then((text) => process.stdout.write(text));
JS
cat >read.py <<'PY'
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

try:
    (family,) = text_string_to_metric_families(sys.stdin.read())
    print("k:", family.samples[0].labels["k"], " id:", family.samples[0].exemplar.labels["id"])
except ValueError as problem:
    print(str(problem).split(":")[0])
PY
echo "packages: PyPI prometheus_client $(env/bin/python -c 'import importlib.metadata as m; print(m.version("prometheus_client"))')," \
    "npm prom-client $(node -p "JSON.parse(require('fs').readFileSync('node_modules/prom-client/package.json')).version")"
described=0
try() {
    local saw
    saw=$(node write.cjs "$1" "$2" | env/bin/python read.py)
    echo "expected: k: $1  id: $2    saw: $saw"
    [[ $saw == "${3-k: $1  id: $2}" ]] || described=1
}
try '5" disk' 'plain'
try 'plain' 'a\b'
try 'plain' 'say "hi"'
try 'plain' '5" disk' 'Invalid line'
exit "$described"
