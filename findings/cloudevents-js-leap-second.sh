#!/usr/bin/env bash
# npm cloudevents 10.0.0: an event's `time` that is a leap second becomes the moment of reading.
#
# Expected: the time as it was sent, or an error. CloudEvents 1.0 lets `time` be what RFC 3339 allows,
#   and RFC 3339, section 5.6, gives `time-second` the values "00-58, 00-59, 00-60 based on leap second rules";
#   its section 5.8 has one among its examples. 2016-12-31T23:59:60Z was such a second.
# What happens: the reader hands out the current time instead, without an error, in both content modes over HTTP.
#   In a batch the very same event keeps its time.
# Why it matters: an old event moves to today. Whatever orders, expires or partitions by `time` is wrong for it,
#   and each reading gives another answer, so a comparison with an earlier copy fails too.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ npm init -y && npm install --ignore-scripts --no-audit --no-fund cloudevents@10.0.0; } >npm.log 2>&1 || { cat npm.log; exit 2; }

cat >try.cjs <<'JS'
const { readFileSync } = require('node:fs');
const { HTTP } = require('cloudevents');
const sent = '2016-12-31T23:59:60Z';
const event = { specversion: '1.0', id: '1', source: '/clock', type: 'tick', time: sent };
const structured = HTTP.toEvent({
  headers: { 'content-type': 'application/cloudevents+json' },
  body: JSON.stringify(event),
}).time;
const binary = HTTP.toEvent({
  headers: { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/clock', 'ce-type': 'tick', 'ce-time': sent },
  body: '',
}).time;
const batch = HTTP.toEvent({
  headers: { 'content-type': 'application/cloudevents-batch+json' },
  body: JSON.stringify([event]),
})[0].time;
const isNow = (time) => Math.abs(Date.parse(time) - Date.now()) < 60_000;
console.log('package:   cloudevents', JSON.parse(readFileSync('node_modules/cloudevents/package.json')).version);
console.log('expected: ', sent, 'or an error');
console.log('structured:', isNow(structured) ? 'the current time' : structured);
console.log('binary:   ', isNow(binary) ? 'the current time' : binary);
console.log('batch:    ', isNow(batch) ? 'the current time' : batch);
process.exit(isNow(structured) && isNow(binary) && batch === sent ? 0 : 1);
JS
node try.cjs
