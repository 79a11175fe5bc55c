#!/usr/bin/env bash
# npm cloudevents 10.0.0: an extension is lost when its header's name has a capital letter.
#
# Expected: the extension, whatever the case. The HTTP binding 1.0.2, section 3.1.3.1, notes that
#   "header names are case-insensitive", and section 3.1.3 that all attributes, "including extensions",
#   are mapped from headers.
# What happens: `Ce-Subject` is read, `Ce-Traceparent` and `Ce-Partitionkey` beside it are not, without an error.
#   With the names in small letters all three are there.
# Why it matters: Node's own server writes header names in small letters, other hosts don't: some gateways and
#   functions hand on names such as `Ce-Id`. There the required attributes arrive, so nothing looks wrong,
#   while traces break and events lose the key that keeps them in order.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ npm init -y && npm install --ignore-scripts --no-audit --no-fund cloudevents@10.0.0; } >npm.log 2>&1 || { cat npm.log; exit 2; }

cat >try.cjs <<'JS'
const { readFileSync } = require('node:fs');
const { HTTP } = require('cloudevents');
console.log('package:   cloudevents', JSON.parse(readFileSync('node_modules/cloudevents/package.json')).version);
const headers = {
  'Ce-Specversion': '1.0', 'Ce-Id': '1', 'Ce-Source': '/shop', 'Ce-Type': 'ordered', 'Ce-Subject': 'order-1',
  'Ce-Partitionkey': 'customer-7', 'Ce-Traceparent': '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
};
const small = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
const names = ['subject', 'partitionkey', 'traceparent'];
const read = (given) => {
  const event = HTTP.toEvent({ headers: given, body: '' });
  return names.filter((name) => event[name] !== undefined).join(' ');
};
console.log('expected: ', names.join(' '));
console.log('small:    ', read(small));
console.log('capitals: ', read(headers));
process.exit(read(small) === names.join(' ') && read(headers) === 'subject' ? 0 : 1);
JS
node try.cjs
