#!/usr/bin/env bash
# npm cborg 6.1.5: its default order of keys isn't the one that it names, so "canonical" bytes differ from others'.
#
# Expected: 10, -1, 100. The package's readme says that keys are sorted by RFC 7049's canonical rule, "length-first and
#   then bytewise"; that RFC, section 3.9: "If two keys have different lengths, the shorter one sorts earlier", without
#   regard to major types. Encoded, -1 has one byte (20) and 100 two (18 64).
# What happens: cborg writes 10, 100, -1: it compares the major types first. PyPI cbor2 6.3.0 with `canonical=True`
#   follows the rule. For keys of one type, such as texts alone, both write the same bytes.
# Why it matters: canonical bytes are hashed and signed. Maps with small integer keys of both signs are common in
#   compact formats (COSE headers are such maps), and there two services disagree about a hash of the same event.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ npm init -y && npm install --ignore-scripts --no-audit --no-fund cborg@6.1.5; } >npm.log 2>&1 || { cat npm.log; exit 2; }
{ python3 -m venv env && env/bin/pip install --quiet --disable-pip-version-check cbor2==6.3.0; } >pip.log 2>&1 || { cat pip.log; exit 2; }

cat >try.mjs <<'JS'
import { encode } from 'cborg';
const hex = (map) => Buffer.from(encode(map)).toString('hex');
console.log(hex(new Map([['b', 1], ['aa', 2], ['c', 3]])), hex(new Map([[-1, 1], [100, 2], [10, 3]])));
JS
cat >try.py <<'PY'
import cbor2

print(*(cbor2.dumps(each, canonical=True).hex() for each in ({"b": 1, "aa": 2, "c": 3}, {-1: 1, 100: 2, 10: 3})))
PY
echo "packages: npm cborg $(node -p "JSON.parse(require('fs').readFileSync('node_modules/cborg/package.json')).version")," \
    "PyPI cbor2 $(env/bin/python -c 'import importlib.metadata as m; print(m.version("cbor2"))')"
cborg=$(node try.mjs)
cbor2=$(env/bin/python try.py)
texts=a361620161630362616102 integers=a30a032001186402
echo "expected: $texts $integers"
echo "cbor2:    $cbor2"
echo "cborg:    $cborg"
[[ $cbor2 == "$texts $integers" && $cborg == "$texts a30a031864022001" ]]
