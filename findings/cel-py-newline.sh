#!/usr/bin/env bash
# PyPI cel-python 0.5.0: line breaks vanish from a triple-quoted string.
#
# Expected: the string with its line breaks. CEL's language definition: "Triple-quoted strings may contain newlines."
# What happens: a line feed written in the string is removed, without an error; `"""a⏎b"""` is "ab" of size 2.
#   A carriage return or a tab in the same place stays, and so does the line feed when the string is raw (r"""...""").
# Why it matters: an expression that compares or builds text of several lines (a message, a signature's input,
#   a template) gives another result than the other implementations, and only where somebody wrapped a line.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ python3 -m venv env && env/bin/pip install --quiet --disable-pip-version-check cel-python==0.5.0; } >pip.log 2>&1 || { cat pip.log; exit 2; }

cat >try.py <<'PY'
import sys
from importlib.metadata import version

import celpy

print("package: cel-python", version("cel-python"))


def evaluate(expression, expected):
    environment = celpy.Environment()
    result = str(environment.program(environment.compile(expression)).evaluate({}))
    print(repr(expression), " expected:", repr(expected), " saw:", repr(result))
    return result


as_described = (
    evaluate('r"""a\nb"""', "a\nb") == "a\nb"
    and evaluate('"""a\rb"""', "a\rb") == "a\rb"
    and evaluate('"""a\nb"""', "a\nb") == "ab"
    and evaluate("'''a\n\nb'''.size()", "4") == "2"
)
sys.exit(0 if as_described else 1)
PY
env/bin/python try.py
