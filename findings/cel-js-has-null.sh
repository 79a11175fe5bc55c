#!/usr/bin/env bash
# npm @bufbuild/cel 0.6.1: a field that is there with the value null counts as absent.
#
# Expected: true. CEL's language definition says that for a map `has(e.f)` "indicates whether the string f is a key
#   in the map", and `in` is "map key membership"; both ask for the key, not for its value.
# What happens: `has(event.coupon)` and `'coupon' in event` are false for {"coupon": null}, the same as for {},
#   although `event.coupon == null` is true for the first and an error for the second.
#   @marcbachmann/cel-js 8.0.0 and cel-js 0.8.2 say true to `has`.
# Why it matters: in a change event null means "was cleared" and an absent field "wasn't touched".
#   A filter that must tell the two apart drops the clearing, or runs the branch for unchanged fields.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ npm init -y && npm install --ignore-scripts --no-audit --no-fund @bufbuild/cel@0.6.1 @marcbachmann/cel-js@8.0.0 cel-js@0.8.2; } >npm.log 2>&1 || { cat npm.log; exit 2; }

cat >try.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { run, isCelError } from '@bufbuild/cel';
import { evaluate as marcbachmann } from '@marcbachmann/cel-js';
import { evaluate as celJs } from 'cel-js';
const version = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;
const bufbuild = (expression, given) => {
  const result = run(expression, given);
  return isCelError(result) ? 'error' : result;
};
const cleared = { event: { coupon: null } };
const saw = ['has(event.coupon)', "'coupon' in event", 'event.coupon == null'].map((expression) => {
  const result = bufbuild(expression, cleared);
  console.log(`@bufbuild/cel ${version('@bufbuild/cel')}:`, expression, ' expected: true  saw:', result);
  return result;
});
const absent = bufbuild('event.coupon == null', { event: {} });
console.log('the last one where the field is absent: expected: error  saw:', absent);
const others = [['@marcbachmann/cel-js', marcbachmann], ['cel-js', celJs]].map(([name, evaluate]) => {
  const result = evaluate('has(event.coupon)', cleared);
  console.log(`${name} ${version(name)}:`, 'has(event.coupon)', ' saw:', result);
  return result;
});
const described = saw.join() === 'false,false,true' && absent === 'error' && others.join() === 'true,true';
process.exit(described ? 0 : 1);
JS
node try.mjs
