"""Reading what was exported, and comparing it by value: what a record says, not how it is spelled.

Absent and ``.`` are one, the order of INFO and FORMAT keys means nothing, numbers are equal as float32.
"""

import subprocess
from functools import lru_cache

import numpy as np


def body(text):
    """The records of VCF text, as lists of columns."""
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]


def samples_of(text):
    """The sample names in a header."""
    (columns,) = (line for line in text.splitlines() if line.startswith("#CHROM"))
    return columns.split("\t")[9:]


def record(columns, formats=None):
    """What one line says: site columns, INFO by key, and for each sample its fields by key.

    formats : keep these FORMAT keys only
    """
    contig, pos, name, ref, alt, qual, filters, info = columns[:8]
    wanted = None if formats is None else frozenset(formats)
    calls = [_call(columns[8], call, wanted) for call in columns[9:]]
    site = (contig, int(pos), name, ref, alt, _number(qual), frozenset(filters.split(";")) - {"."})
    fields = dict((key, _value(text)) for key, _, text in (field.partition("=") for field in info.split(";")))
    present = {key: text for key, text in fields.items() if key != "." and text is not None}
    return site, present, calls


@lru_cache(maxsize=1 << 16)  # most calls are like many others
def _call(keys, text, wanted):
    values = {
        key: _value(field)
        for key, field in zip(keys.split(":"), text.split(":"), strict=False)
        if wanted is None or key in wanted
    }
    return {key: value for key, value in values.items() if value is not None}


def _value(text):
    """A field's value: None where all is missing, numbers as float32."""
    parts = text.split(",")
    if all(part == "." for part in parts):
        return None
    return tuple(_number(part) for part in parts)


def _number(text):
    try:
        return np.float32(float(text)).tobytes()
    except ValueError:
        return text


def assert_same_records(found, expected, formats=None):
    """Compare VCF texts record by record; ``formats``: these FORMAT keys of the expected ones."""
    found, expected = body(found), body(expected)
    assert len(found) == len(expected)
    for got, line in zip(found, expected, strict=True):
        got, wanted = record(got), record(line, formats)
        assert got[0] == wanted[0]
        assert got[1] == wanted[1], got[0]
        for number, (mine, theirs) in enumerate(zip(got[2], wanted[2], strict=True)):
            assert mine == theirs, (got[0], number)


def bcftools_view(path, *options):
    """A file as text, as bcftools reads it."""
    done = subprocess.run(
        ["bcftools", "view", "--no-version", *options, str(path)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "[E::" not in done.stderr, done.stderr
    return done.stdout
