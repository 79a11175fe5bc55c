#!/usr/bin/env bash
# npm cloudevents 10.0.0: data that is 0, false or "" is gone after reading a structured event.
#
# Expected: the value. The JSON event format 1.0.2, section 3.1.1, says that `data` "MAY contain any valid JSON",
#   and that even an explicit null is "distinct from the absence" of the member.
# What happens: the event has no data at all; 1, true and "x" in the same place arrive.
#   Written again it has no `data` member.
# Why it matters: a reading of zero, a flag turned off and a field emptied are facts like any other.
#   A consumer takes "no data" for a defect or for a default, and only for these values, so it passes the usual tests.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ npm init -y && npm install --ignore-scripts --no-audit --no-fund cloudevents@10.0.0; } >npm.log 2>&1 || { cat npm.log; exit 2; }

cat >try.cjs <<'JS'
const { readFileSync } = require('node:fs');
const { HTTP } = require('cloudevents');
console.log('package: cloudevents', JSON.parse(readFileSync('node_modules/cloudevents/package.json')).version);
const round = (data) => {
  const event = HTTP.toEvent({
    headers: { 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify({ specversion: '1.0', id: '1', source: '/meter', type: 'read', data }),
  });
  const again = JSON.parse(HTTP.structured(event).body);
  const kept = event.data === data && 'data' in again;
  console.log('expected:', JSON.stringify(data), ' saw:', kept ? JSON.stringify(again.data) : 'no data');
  return kept;
};
const truthy = [1, true, 'x'].map(round);
const falsy = [0, false, ''].map(round);
process.exit(truthy.every((kept) => kept) && !falsy.some((kept) => kept) ? 0 : 1);
JS
node try.cjs
