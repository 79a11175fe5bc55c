#!/usr/bin/env bash
# PyPI common-expression-language 0.10.0 (bindings of the Rust crate cel): size() of a string counts bytes.
#
# Expected: 3 for "Zoë". CEL's language definition: "Strings are sequences of Unicode code points"; a string's size is
#   its length, "i.e. the number of code points".
# What happens: 4, the number of bytes in UTF-8. cel-python 0.5.0 says 3.
#   `size(bytes('Zoë'))` is 4 in both, which is right.
# Why it matters: a rule such as `size(event.name) <= 20` refuses names that are short enough, and for most languages
#   of the world rather than for rare characters. Events that another service let through fail here.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ python3 -m venv env && env/bin/pip install --quiet --disable-pip-version-check common-expression-language==0.10.0 cel-python==0.5.0; } >pip.log 2>&1 || { cat pip.log; exit 2; }

cat >try.py <<'PY'
import sys
from importlib.metadata import version

import cel
import celpy


def by_celpy(expression, given):
    environment = celpy.Environment()
    return int(environment.program(environment.compile(expression)).evaluate(celpy.json_to_cel(given)))


saw = {}
for name, evaluate in {"common-expression-language": cel.evaluate, "cel-python": by_celpy}.items():
    for expression, expected in {"size(name)": 3, "size(bytes(name))": 4}.items():
        saw[name, expression] = evaluate(expression, {"name": "Zo\u00eb"})
        print(name, version(name), expression, " expected:", expected, " saw:", saw[name, expression])
sys.exit(0 if list(saw.values()) == [4, 4, 3, 4] else 1)
PY
PYTHONUTF8=1 env/bin/python try.py
