#!/usr/bin/env bash
# PyPI fastavro 1.13.1: the default of a field of bytes is a string, and the record can't be written again.
#
# Expected: b'\xff' for the default "\u00ff". The Avro specification: default values for bytes and fixed are strings in
#   JSON, where "code points 0-255 are mapped to unsigned 8-bit byte values".
# What happens: a record written before the field existed is read with the string 'ÿ' in it. Written with the schema it
#   was just read by, it raises a TypeError. A record written with the field comes back with bytes.
#   npm avsc 5.7.9 reads the same record with the byte ff.
# Why it matters: a default exists so that old events can be read after a schema has grown. Code for the new field meets
#   a type that the schema rules out, for old events alone, and a job that rewrites a log stops at the first of them.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ npm init -y && npm install --ignore-scripts --no-audit --no-fund avsc@5.7.9; } >npm.log 2>&1 || { cat npm.log; exit 2; }
{ python3 -m venv env && env/bin/pip install --quiet --disable-pip-version-check fastavro==1.13.1; } >pip.log 2>&1 || { cat pip.log; exit 2; }

cat >old.json <<'JSON'
{"type": "record", "name": "Paid", "fields": [{"name": "cents", "type": "int"}]}
JSON
cat >new.json <<'JSON'
{"type": "record", "name": "Paid", "fields": [{"name": "cents", "type": "int"}, {"name": "seal", "type": "bytes", "default": "\u00ff"}]}
JSON
cat >try.py <<'PY'
import io
import json
import sys
from importlib.metadata import version

import fastavro

old = fastavro.parse_schema(json.load(open("old.json")))
new = fastavro.parse_schema(json.load(open("new.json")))


def write(schema, record):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, record)
    return out.getvalue()


whole = fastavro.schemaless_reader(io.BytesIO(write(new, {"cents": 5, "seal": b"\xff"})), new, new)
grown = fastavro.schemaless_reader(io.BytesIO(write(old, {"cents": 5})), old, new)
open("old.avro", "wb").write(write(old, {"cents": 5}))
print("PyPI fastavro", version("fastavro"))
print("written with the field: expected:", ascii(b"\xff"), " saw:", ascii(whole["seal"]))
print("written before it:      expected:", ascii(b"\xff"), " saw:", ascii(grown["seal"]))
try:
    again = write(new, grown).hex()
except TypeError as problem:
    again = type(problem).__name__
print("written again:          expected: 0a02ff  saw:", again)
sys.exit(0 if whole["seal"] == b"\xff" and grown["seal"] == "\u00ff" and again == "TypeError" else 1)
PY
cat >try.cjs <<'JS'
const { readFileSync } = require('node:fs');
const { Type } = require('avsc');
const old = Type.forSchema(JSON.parse(readFileSync('old.json')));
const grown = Type.forSchema(JSON.parse(readFileSync('new.json')));
const { seal } = grown.fromBuffer(readFileSync('old.avro'), grown.createResolver(old));
const version = JSON.parse(readFileSync('node_modules/avsc/package.json')).version;
console.log('npm avsc', version, ' expected: ff  saw:', Buffer.isBuffer(seal) ? seal.toString('hex') : typeof seal);
process.exit(Buffer.isBuffer(seal) && seal.equals(Buffer.from([255])) ? 0 : 1);
JS
env/bin/python try.py
node try.cjs
