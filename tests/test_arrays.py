"""Text chunks made wider: as if they had been written that wide."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numcodecs import Shuffle, zstd

from varstore.errors import CorruptRepositoryError
from varstore.storage.arrays import ArraySpec, StoredArray, pack_text, shuffle, widen_text, write_whole
from varstore.storage.parts import PartWriter


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_widened_text_is_what_would_have_been_written(data):
    rows, narrow, more = (data.draw(st.integers(0, most)) for most in (6, 4, 3))
    table = [data.draw(st.lists(st.text(max_size=5), min_size=narrow, max_size=narrow)) for _ in range(rows)]
    wide = [item for row in table for item in [*row, *[""] * more]]
    packed = pack_text([item for row in table for item in row])
    assert widen_text(packed, rows, narrow, narrow + more) == pack_text(wide)


def test_long_text_comes_through():
    long = "ACGT" * 20_000
    assert widen_text(pack_text([long, "é"]), 1, 2, 3) == pack_text([long, "é", ""])


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data + b"A"])
def test_damaged_text_is_refused(damage):
    with pytest.raises(CorruptRepositoryError, match="text of 2 x 1 strings is damaged"):
        widen_text(damage(pack_text(["A", "C"])), 2, 1, 2)


def test_chunks_of_one_value_are_read_like_others(tmp_path):
    """They are decoded once, and the last chunk may be shorter than those like it."""
    values = np.repeat(np.array([7, 7, 8, 7], np.int32), [1000, 1000, 1000, 300])
    values[2500:2510] = range(10)
    part = PartWriter(tmp_path / "part")
    write_whole(part, ArraySpec("a", "<i4", ("rows",)), values, 1000)
    stored = StoredArray(part, "a")
    assert [stored.chunk(i).tolist() for i in (3, 1, 0, 2)] == [
        values[a:b].tolist() for a, b in ((3000, 3300), (1000, 2000), (0, 1000), (2000, 3000))
    ]
    with pytest.raises(ValueError, match="read-only"):
        stored.chunk(0)[0] = 1
    assert stored.chunk(3)[0] == 7


@pytest.mark.parametrize("rows", [1, 7, 4096, 4097, 9000])
@pytest.mark.parametrize(("dtype", "width"), [("<i2", 1), ("<i4", 1), ("<f4", 3), ("|i1", 5)])
def test_shuffled_bytes_are_numcodecs_own(rows, dtype, width):
    values = np.random.default_rng(rows).integers(-100, 100, (rows, width)).astype(dtype)
    size = values.itemsize * width
    stored = ArraySpec("a", dtype, ("rows", "values"), filters=shuffle(size)).encode(values)
    assert zstd.decompress(stored) == Shuffle(size).encode(values).tobytes()
