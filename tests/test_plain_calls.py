"""FORMAT fields of integers, which the scanner reads without looking at each byte, against Python."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varstore.ingest.records import PieceScanner, ScanPlan
from varstore.ingest.text import plain_piece
from varstore.kernels import fields as _fields
from varstore.storage.field_table import ALL_FIELDS, Field, FieldTable

NUMBER = st.one_of(
    st.integers(0, 99), st.integers(0, 10**7), st.just(9_999_999), st.just(10_000_000), st.integers(-3, 2**31 - 1)
)
VALUE = st.one_of(NUMBER.map(str), st.just("."))
GT = st.sampled_from(["0|1", "0/0", "1|1", "./.", "0", ".", "0|1", "0/1"])


@st.composite
def lines(draw):
    """Samples of some records: (numbers of values, [[text of a call]])."""
    widths = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    num_samples = draw(st.integers(1, 40))
    records = []
    for _ in range(draw(st.integers(1, 4))):
        calls = []
        for _ in range(num_samples):
            parts = [draw(GT)]
            for width in widths:
                count = draw(st.sampled_from([width, width, width, 1, width + 1]))
                parts.append(",".join(draw(VALUE) for _ in range(count)) if draw(st.integers(0, 9)) else ".")
            kept = draw(st.sampled_from([len(parts)] * 6 + [1, 2]))
            calls.append(":".join(parts[:kept]))
        records.append(calls)
    return widths, records


def expected(text, width):
    """The values of one field of one call, as VCF Zarr has them, and where -1 and -2 are numbers."""
    items = text.split(",")
    values = [-1 if item == "." else int(item) for item in items] + [-2] * (width - len(items))
    return values, [item in ("-1", "-2") for item in items] + [False] * (width - len(items))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@settings(max_examples=30, deadline=None)
@given(case=lines())
def test_integers_are_what_the_text_says(end, case):
    widths, records = case
    num_samples = len(records[0])
    table = FieldTable("FORMAT", ALL_FIELDS)
    for i, width in enumerate(widths):
        table.declare([Field("FORMAT", f"F{i}", str(width) if i % 2 else ".", "Integer")])
    keys = ":".join(["GT", *(f"F{i}" for i in range(len(widths)))])
    text = "".join(
        "\t".join(["1", str(row + 1), ".", "A", "C", ".", ".", ".", keys, *calls]) + end
        for row, calls in enumerate(records)
    )
    names = [f"s{i}" for i in range(num_samples)]
    plan = ScanPlan("x.vcf", True, names, num_samples, table)
    result = PieceScanner(plan, 2).scan(plain_piece(memoryview(text.encode())))
    assert result.fault is None
    row = 0
    for part in result.records:
        for rows, blocks in part.calls.segments:
            for local in range(rows):
                check(blocks, local, records[row], len(widths))
                row += 1
    assert row == len(records)


def check(blocks, row, calls, num_fields):
    for slot in range(num_fields):
        texts = [(call.split(":") + ["."] * num_fields)[slot + 1] for call in calls]
        block = blocks[slot]
        apart = dict(block.wide).get(row)
        block, row_in = (block, row) if apart is None else (apart, 0)
        assert block.present[row_in]
        found = block.values[row_in]
        for sample, text in enumerate(texts):
            values, literals = expected(text, found.shape[1])
            assert found[sample].tolist() == values
            literal = [False] * len(values) if block.literal is None else block.literal[row_in, sample].tolist()
            assert literal == literals


def test_the_kernel_takes_the_plain_path():
    """The calls of most files are read by it to the last."""
    from varstore.kernels.calls import _scan_numbers

    calls = [f"{i % 2}|0:{i % 100}:{i}:{i},{7 * i}" for i in range(999)] + ["./.:.:.:."]
    text = "\t".join(calls).encode()
    buffer = np.frombuffer(text + b"\n" + bytes(64), np.uint8).copy()
    cells = np.zeros(1000 * 4, np.int32)
    base, width, most = np.array([0, 0, 1000, 2000]), np.array([0, 1, 1, 2]), np.ones(4, np.int32)
    sample, _ = _scan_numbers(buffer, 0, len(text), 0, 1000, 4, cells, base, width, most)
    assert sample == 1000
    assert cells[:3].tolist() == [0, 1, 2]
    assert cells[2000:][1998 - 2 : 2000].tolist() == [998, 6986, _fields.MISSING, _fields.FILL]
    assert most.tolist() == [1, 1, 1, 2]
