#!/usr/bin/env bash
# npm parse-prometheus-text-format 1.1.1: a histogram with labels loses its labels, its sum and its count,
# and of several series the last one alone is left.
#
# Expected: one entry per set of labels. In Prometheus' text format a line is told from others by "a unique
#   combination of a metric name and labels", for buckets, `_sum` and `_count` as for any sample.
# What happens: two queues' histograms become one entry without labels; its buckets are those of the second queue.
#   Sum and count are missing. The same histogram without labels is read whole. Summaries fare the same.
# Why it matters: a check that reads latencies per queue or consumer sees figures of one of them under the name of all,
#   and an alarm on the first never rings.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ npm init -y && npm install --ignore-scripts --no-audit --no-fund parse-prometheus-text-format@1.1.1; } >npm.log 2>&1 || { cat npm.log; exit 2; }

cat >try.cjs <<'JS'
const { readFileSync } = require('node:fs');
const parse = require('parse-prometheus-text-format');
const version = JSON.parse(readFileSync('node_modules/parse-prometheus-text-format/package.json')).version;
console.log('package: parse-prometheus-text-format', version);
const series = (labels, low, all, sum) => {
  const inside = labels ? `${labels},` : '';
  const around = labels ? `{${labels}}` : '';
  return `wait_bucket{${inside}le="1"} ${low}\nwait_bucket{${inside}le="+Inf"} ${all}\n` +
    `wait_sum${around} ${sum}\nwait_count${around} ${all}\n`;
};
const read = (text) => JSON.stringify(parse(`# TYPE wait histogram\n${text}`)[0].metrics);
const plain = read(series('', 1, 2, 3));
const labelled = read(series('queue="mail"', 1, 2, 3) + series('queue="bills"', 10, 20, 30));
console.log('without labels:', plain);
console.log('expected:       two entries, for mail with 2 of sum 3, for bills with 20 of sum 30');
console.log('with labels:   ', labelled);
const whole = '[{"buckets":{"1":"1","+Inf":"2"},"count":"2","sum":"3"}]';
process.exit(plain === whole && labelled === '[{"buckets":{"1":"10","+Inf":"20"}}]' ? 0 : 1);
JS
node try.cjs
