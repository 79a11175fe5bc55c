#!/usr/bin/env bash
# npm @opentelemetry/core 2.12.1 (also 3.1.1): trace flags from 0x10 on are passed on with three digits.
#
# Expected: a valid `traceparent`. W3C Trace Context defines `trace-flags = 2HEXDIGLC` and says of flags that it does
#   not define that vendors "MUST set those to zero" in what they send.
# What happens: the propagator takes a valid header with the flags `11` and injects `011`: a zero is put before the
#   hexadecimal number, however many digits that has. Flags up to `0f` come out right.
# Why it matters: the header is 56 characters long and its flags are no byte. The next service must ignore it and
#   starts a new trace, so an event's chain breaks one hop after the service that caused it, which itself looks well.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ npm init -y && npm install --ignore-scripts --no-audit --no-fund @opentelemetry/core@2.12.1 @opentelemetry/api@1.9.1; } >npm.log 2>&1 || { cat npm.log; exit 2; }

cat >try.cjs <<'JS'
const { readFileSync } = require('node:fs');
const { ROOT_CONTEXT, defaultTextMapGetter, defaultTextMapSetter } = require('@opentelemetry/api');
const { W3CTraceContextPropagator } = require('@opentelemetry/core');
const version = JSON.parse(readFileSync('node_modules/@opentelemetry/core/package.json')).version;
console.log('package: @opentelemetry/core', version);
const propagator = new W3CTraceContextPropagator();
const pass = (traceparent) => {
  const sent = {};
  const context = propagator.extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter);
  propagator.inject(context, sent, defaultTextMapSetter);
  return sent.traceparent;
};
const ids = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7';
const low = pass(`${ids}-01`);
const high = pass(`${ids}-11`);
console.log('expected:', `${ids}-01`, ' saw:', low);
console.log('expected:', `${ids}-01 or ${ids}-11`, ' saw:', high);
const understood = pass(high);
console.log('the header it sent, read by itself:', understood ?? 'ignored');
process.exit(low === `${ids}-01` && high === `${ids}-011` && understood === undefined ? 0 : 1);
JS
node try.cjs
