#!/usr/bin/env bash
# PyPI uuid7 0.1.0: its version 7 identifiers hold seconds where those of RFC 9562 hold milliseconds.
#
# Expected: the time of making. RFC 9562, section 5.7, begins a version 7 identifier with `unix_ts_ms`,
#   the "48-bit big-endian unsigned number of the Unix Epoch timestamp in milliseconds".
# What happens: the package has the layout of an early draft, as its readme says (36 bits of seconds, then fractions),
#   under the same version and variant. Other libraries, such as PyPI uuid_utils 1.2.0, take the identifier as valid and
#   read a time in the twenty-third century from it. The queue PyPI litequeue 0.9 makes identifiers of this kind too.
# Why it matters: identifiers of both kinds in one log sort by kind rather than by time, for a century and more.
#   Whatever takes the time from an event's identifier (retention, partitions by day, "since") is wrong for one half.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ python3 -m venv env && env/bin/pip install --quiet --disable-pip-version-check uuid7==0.1.0 uuid_utils==1.2.0; } >pip.log 2>&1 || { cat pip.log; exit 2; }

cat >try.py <<'PY'
import datetime
import sys
import uuid
from importlib.metadata import version

import uuid_extensions
import uuid_utils


def year(identifier):
    read = uuid_utils.UUID(str(identifier))
    start = datetime.datetime(1970, 1, 1)
    return read.version, (start + datetime.timedelta(milliseconds=read.timestamp)).year


older = uuid_extensions.uuid7()
newer = uuid.UUID(str(uuid_utils.uuid7()))
this_year = datetime.datetime.now(datetime.timezone.utc).year
print(f"uuid7 {version('uuid7')}: version {year(older)[0]}, expected: {this_year}, saw: {year(older)[1]}")
print(f"uuid_utils {version('uuid_utils')}: version {year(newer)[0]}, expected: {this_year}, saw: {year(newer)[1]}")
print("the one made first sorts first: expected: True, saw:", older < newer)
sys.exit(0 if year(older)[0] == 7 and year(older)[1] > 2190 and year(newer) == (7, this_year) and older > newer else 1)
PY
env/bin/python try.py
