#!/usr/bin/env bash
# npm @event-driven-io/emmett 0.42.0: aggregateStream that begins inside a stream gives the number of events read
# as the stream's version.
#
# Expected: the same `currentStreamVersion` as `readStream` gives with the same options; both results have that field,
#   and it is what an append's `expectedStreamVersion` takes.
# What happens: of a stream of five events, read from the third on, readStream says 5 and aggregateStream says 3
#   (the in-memory store). An append that expects what aggregateStream said is refused, though nobody else wrote.
# Why it matters: reading on from a snapshot is what the option is for, and it makes each command fail with a conflict
#   that isn't one. Retrying doesn't help, and without an expected version the check for conflicts is off.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ npm init -y && npm install --ignore-scripts --no-audit --no-fund @event-driven-io/emmett@0.42.0; } >npm.log 2>&1 || { cat npm.log; exit 2; }

cat >try.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { getInMemoryEventStore } from '@event-driven-io/emmett';
const version = JSON.parse(readFileSync('node_modules/@event-driven-io/emmett/package.json')).version;
console.log('package: @event-driven-io/emmett', version);
const store = getInMemoryEventStore();
const added = (n) => ({ type: 'Added', data: { n } });
await store.appendToStream('sum', [1, 2, 3, 4, 5].map(added));
const snapshot = { state: 3, version: 2n };
const read = { from: snapshot.version };
const evolve = (state, event) => state + event.data.n;
const whole = await store.aggregateStream('sum', { evolve, initialState: () => 0 });
const part = await store.aggregateStream('sum', { evolve, initialState: () => snapshot.state, read });
const { currentStreamVersion } = await store.readStream('sum', read);
console.log('whole stream:     state', whole.state, 'version', String(whole.currentStreamVersion));
console.log('from a snapshot:  state', part.state, ' expected: version', String(currentStreamVersion),
  ' saw: version', String(part.currentStreamVersion));
const outcome = await store
  .appendToStream('sum', [added(6)], { expectedStreamVersion: part.currentStreamVersion })
  .then(() => 'appended', (problem) => problem.message);
console.log('append:           expected: appended  saw:', outcome);
const described = part.state === whole.state && currentStreamVersion === 5n && part.currentStreamVersion === 3n;
process.exit(described && outcome.startsWith('Expected version 3') ? 0 : 1);
JS
node try.mjs
