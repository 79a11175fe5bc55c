#!/usr/bin/env bash
# PyPI cel-python 0.5.0, PyPI common-expression-language 0.10.0 and npm @marcbachmann/cel-js 8.0.0:
# getMilliseconds() of a duration is the whole duration, not the part below a second.
#
# Expected: 500 for 1.5 seconds. CEL's list of standard definitions says "milliseconds from duration, 0-999".
# What happens: three implementations say 1500, and npm @bufbuild/cel 0.6.1 says 500.
#   All four agree on getMinutes(), which is the whole duration by the definitions ("get minutes from duration").
# Why it matters: `(now - event.time).getMilliseconds() < 800` reads like a bound on an event's age. By the definition
#   it lets an event of an hour and 0.1 seconds pass; by these three it doesn't.
#   A rule tried with one implementation and run with another gives another answer without an error.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ npm init -y && npm install --ignore-scripts --no-audit --no-fund @bufbuild/cel@0.6.1 @marcbachmann/cel-js@8.0.0; } >npm.log 2>&1 || { cat npm.log; exit 2; }
{ python3 -m venv env && env/bin/pip install --quiet --disable-pip-version-check cel-python==0.5.0 common-expression-language==0.10.0; } >pip.log 2>&1 || { cat pip.log; exit 2; }

cat >try.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { run } from '@bufbuild/cel';
import { evaluate } from '@marcbachmann/cel-js';
const show = (name, one) => {
  const version = JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;
  console.log(name, version, String(one("duration('1.5s').getMilliseconds()")), String(one("duration('1h').getMinutes()")));
};
show('@bufbuild/cel', (expression) => run(expression, {}));
show('@marcbachmann/cel-js', (expression) => evaluate(expression, {}));
JS
cat >try.py <<'PY'
from importlib.metadata import version

import cel
import celpy


def show(name, one):
    print(name, version(name), one("duration('1.5s').getMilliseconds()"), one("duration('1h').getMinutes()"))


def by_celpy(expression):
    environment = celpy.Environment()
    return environment.program(environment.compile(expression)).evaluate({})


show("cel-python", by_celpy)
show("common-expression-language", lambda expression: cel.evaluate(expression, {}))
PY
saw=$(node try.mjs && env/bin/python try.py)
printf 'expected: 500 60 from each\n%s\n' "$saw"
[[ $saw == '@bufbuild/cel 0.6.1 500 60
@marcbachmann/cel-js 8.0.0 1500 60
cel-python 0.5.0 1500 60
common-expression-language 0.10.0 1500 60' ]]
