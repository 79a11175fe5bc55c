#!/usr/bin/env bash
# npm json-text-sequence 4.0.3: a null in a sequence ends it.
#
# Expected: null is handed out like any value. RFC 7464 has a sequence of "any number of JSON texts",
#   and since RFC 8259 (section 2) any value may be a JSON text, null among them.
# What happens: the parser's stream ends at the null. If the sequence goes on, there is an error ("stream.push() after
#   EOF") and the rest is lost; if null was the last item, everything looks well and only the null is missing.
#   false, 0 and "" are handed out.
# Why it matters: a log of states or of optional answers holds nulls (a tombstone, for one).
#   A reader that only waits for the end of the stream takes a part of the log for the whole.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ npm init -y && npm install --ignore-scripts --no-audit --no-fund json-text-sequence@4.0.3; } >npm.log 2>&1 || { cat npm.log; exit 2; }

cat >try.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { Parser } from 'json-text-sequence';
console.log('package: json-text-sequence', JSON.parse(readFileSync('node_modules/json-text-sequence/package.json')).version);
const read = async (values) => {
  const saw = [];
  const parser = new Parser();
  parser.on('data', (value) => saw.push(JSON.stringify(value)));
  parser.on('end', () => saw.push('end'));
  parser.on('error', (problem) => saw.push(`error: ${problem.message}`));
  parser.end(values.map((value) => `\x1e${JSON.stringify(value)}\n`).join(''));
  await setTimeout(200);
  console.log('expected:', values.map((value) => JSON.stringify(value)).join(', ') + ', end', ' saw:', saw.join(', '));
  return saw.join();
};
const falsy = await read([1, false, 0, '', 2]);
const last = await read([1, null]);
const middle = await read([1, null, 2]);
const described = falsy === '1,false,0,"",2,end' && last === '1,end' && middle.startsWith('1,end,error');
process.exit(described ? 0 : 1);
JS
node try.mjs
