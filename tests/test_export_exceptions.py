"""What a batch keeps beside the arrays of its fields comes out in its place."""

import io
import itertools
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import reference
import varstore as vs
from exported import bcftools_view, body
from varstore.kernels import bcf as kernels
from varstore.storage.field_exceptions import Exceptions, OddCall
from varstore.storage.rowbytes import from_floats, from_integers, from_strings, from_texts, weave_info
from varstore.storage.rowbytes import weave_calls as weave

needs_bcftools = pytest.mark.skipif(shutil.which("bcftools") is None, reason="needs bcftools")
MISSING, FILL = -(2**31), -(2**31) + 1


class FakeArrays:
    """Arrays of a store of three samples, in memory."""

    def __init__(self, found):
        self.found = {"sample_id": np.array(["a", "b", "c"], object)} | found
        self.names = sorted(self.found)

    def whole(self, name):
        return self.found[name]

    def shape(self, name):
        return self.found[name].shape


def cells_of(column, rows, cells):
    """The texts of a column, by row."""
    texts = [column.arena[a:b].tobytes().decode().split("\t") for a, b in itertools.pairwise(column.start)]
    assert [len(row) for row in texts] == [cells + 1] * rows
    return [row[:-1] for row in texts]


def spelled(cell, word):
    """A cell of values as text: -1 missing, -2 the end; one that is missing to its full width is a dot."""
    cell = list(cell)
    ends = "end" in cell
    cell = cell[: cell.index("end")] if ends else cell
    if not cell or (all(value is None for value in cell) and not ends):
        return "."
    return ",".join("." if value is None else word(value) for value in cell)


@settings(deadline=None)
@given(data=st.data())
def test_integers_are_spelled_as_they_mean(data):
    rows, cells, width = (data.draw(st.integers(1, 4)) for _ in range(3))
    edges = st.sampled_from([-1, -2, 0, 9, 10, -10, 2**31 - 1, -(2**31)])
    values = data.draw(arrays.arrays(np.int32, (rows * cells, width), elements=edges))
    literal = data.draw(st.none() | arrays.arrays(np.bool_, values.shape))
    column = from_integers(values, literal, cells)
    plain = np.ones(values.shape, bool) if literal is None else ~literal
    meant = [
        [None if v == -1 and p else "end" if v == -2 and p else int(v) for v, p in zip(row, flags, strict=True)]
        for row, flags in zip(values.tolist(), plain, strict=True)
    ]
    expected = [spelled(cell, str) for cell in meant]
    assert list(itertools.chain(*cells_of(column, rows, cells))) == expected
    present = [any(_is_there(cell) for cell in meant[r * cells : (r + 1) * cells]) for r in range(rows)]
    assert column.present.tolist() == present


def _is_there(cell):
    values = cell[: cell.index("end")] if "end" in cell else cell
    return any(value is not None for value in values) or ("end" in cell and len(values) > 0)


@settings(deadline=None)
@given(data=st.data())
def test_floats_read_as_the_same_float32(data):
    width = data.draw(st.integers(1, 3))
    bits = data.draw(arrays.arrays(np.uint32, (4, width)))
    values = bits.view(np.float32)
    bits[np.isnan(values)] = data.draw(st.sampled_from([0x7F800001, 0x7F800002, 0x7FC00000]))
    column = from_floats(values)
    for cell, (text,) in zip(bits, cells_of(column, 4, 1), strict=True):
        ends = np.flatnonzero(cell == 0x7F800002)
        kept = cell[: ends[0]] if len(ends) else cell
        if len(kept) == 0 or ((kept == 0x7F800001).all() and not len(ends)):
            assert text == "."
            continue
        found = [0x7F800001 if t == "." else np.float32(float(t)).view(np.uint32) for t in text.split(",")]
        assert found == kept.tolist()


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from([".", "", "a", "b c", "é"]), min_size=2, max_size=2), min_size=1))
def test_texts_are_joined_up_to_the_first_empty_one(cells):
    column = from_texts(np.array(cells, object).reshape(-1, 2))
    for cell, (text,) in zip(cells, cells_of(column, len(cells), 1), strict=True):
        meant = [None if word == "." else "end" if word == "" else word for word in cell]
        assert text == spelled(meant, str)


def test_a_text_that_vcf_cannot_hold_is_refused():
    with pytest.raises(vs.VarstoreError, match="holds a tab or a line end"):
        from_strings(["a\tb"])
    with pytest.raises(vs.VarstoreError, match="holds a tab or a line end"):
        from_strings(["a\nb"])


def test_rows_are_replaced_and_woven():
    first, second = from_strings(["1", "2", "3", "4"], 2), from_strings(["a", "b", "c", "d"], 2)
    second = replace(second, present=np.array([False, False])).replaced({1: "x\tlonger"})
    assert second.present.tolist() == [False, True]
    woven = weave([("I", first), ("T", second)], 2, 2)
    assert cells_of(woven, 2, 3) == [["I", "1", "2"], ["I:T", "3:x", "4:longer"]]
    flag = replace(from_strings(["", ""]), present=np.array([True, False]))
    assert cells_of(weave_info([("DB", flag)], 2), 2, 1) == [["DB"], ["."]]


@settings(deadline=None)
@given(data=st.data())
def test_integers_of_bcf_say_what_the_text_says(data):
    rows, samples, width = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3)), data.draw(st.integers(1, 17))
    edges = st.sampled_from([-1, -1, -2, 0, 127, 128, -120, -121, 32767, 32768, -32761, 2**31 - 1])
    values = data.draw(arrays.arrays(np.int32, (rows, samples, width), elements=edges))
    literal = data.draw(arrays.arrays(np.bool_, values.shape))
    key, start = np.array([0x11, 5], np.uint8), np.zeros(rows + 1, np.int64)
    out = np.empty(4 * values.size + 16 * rows, np.uint8)
    kernels.typed_integers(values, literal, key, out, start)
    column = from_integers(values.reshape(rows * samples, width), literal.reshape(rows * samples, width), samples)
    for row, texts in enumerate(cells_of(column, rows, samples)):
        blob = out[start[row] : start[row + 1]].tobytes()
        assert bool(blob) == column.present[row]
        if blob:
            assert blob[:2] == key.tobytes()
            assert _vectors(blob[2:], samples) == texts


def _vectors(data, samples):
    """A typed vector of integers a sample, as text; by the specification."""
    num, kind, at = data[0] >> 4, data[0] & 15, 1
    if num == 15:
        assert data[1] == 0x11
        num, at = data[2], 3
    numbers = np.frombuffer(data[at:], {1: "i1", 2: "<i2", 3: "<i4"}[kind]).astype(int).reshape(samples, num).tolist()
    missing = {1: -128, 2: -32768, 3: -(2**31)}[kind]
    cells = [row[: row.index(missing + 1)] if missing + 1 in row else row for row in numbers]
    return [",".join("." if n == missing else str(n) for n in cell) for cell in cells]


def test_overflow_is_found_by_record():
    found = Exceptions(
        FakeArrays(
            {
                "varstore/overflow/call_AD": np.array([1, -1, MISSING, FILL, 5, -2] + [7] * 9, np.int32),
                "varstore/overflow/call_AD_record": np.array([4, 9]),
                "varstore/overflow/call_AD_width": np.array([2, 3], np.int32),
                "varstore/literal/call_AD": np.zeros((10, 3, 1), bool),
            }
        )
    )
    assert found.overflow_records.tolist() == [4, 9]
    assert found.literal("call_AD") == "varstore/literal/call_AD"
    assert found.literal("call_DP") is None
    wide = found.overflow("call_AD", 4)
    assert wide.values.tolist() == [[1, -1], [-1, -2], [5, -2]]
    assert wide.literal.tolist() == [[False, True], [False, False], [False, True]]
    assert found.overflow("call_AD", 9).values.shape == (3, 3)
    assert found.overflow("call_AD", 5) is None
    assert found.overflow("call_PL", 4) is None
    assert (found.odd_info, found.odd_calls) == ({}, {})


def test_odd_calls_and_info_are_found_by_record():
    odd = {
        "record": np.array([3, 3, 8]), "sample": np.array([0, 2, 1]),
        "key": np.array(["GT", "DP", "GT"], object), "text": np.array(["|/", "many", "/"], object),
    }  # fmt: skip
    info = {"record": np.array([2]), "text": np.array(["DP=many"], object)}
    found = {f"varstore/odd/call_{name}": values for name, values in odd.items()}
    found |= {f"varstore/odd/info_{name}": values for name, values in info.items()}
    exceptions = Exceptions(FakeArrays(found))
    assert exceptions.odd_info == {2: "DP=many"}
    assert exceptions.odd_calls == {
        3: [OddCall(0, "GT", "|/"), OddCall(2, "DP", "many")],
        8: [OddCall(1, "GT", "/")],
    }


@pytest.fixture
def fx_odd_separators(fx_small, monkeypatch):
    """The small repository with separators of their own at some calls; what these calls then are."""
    records, wanted, odd = fx_small.vcf.records, {}, {}
    for row, record in enumerate(records):
        for sample in range(0, 23, 5):
            codes = [code for code in record.codes[sample].tolist() if code != reference.FILL]
            alleles = [str(code) if code >= 0 else "." for code in codes]
            has_gt = (record.codes != reference.MISSING).any()
            if has_gt and len(alleles) == 2 and row % 7 == 0:
                separators = ["|", "/", "//", "|/", "/|"][(row + sample) % 5]
                odd.setdefault(row, []).append(OddCall(sample, "GT", separators))
                before = separators if len(separators) == 2 else ["", separators]
                wanted[row, sample] = "".join(a + b for a, b in zip(before, alleles, strict=True))
    assert len(wanted) > 10
    monkeypatch.setattr(Exceptions, "odd_calls", odd)
    return vs.open(fx_small.path), wanted


def test_separators_of_their_own_are_written(fx_odd_separators):
    repo, wanted = fx_odd_separators
    out = io.BytesIO()
    repo.export(out, "vcf")
    for row, columns in enumerate(body(out.getvalue().decode())):
        for sample, call in enumerate(columns[9:]):
            if (row, sample) in wanted:
                assert call.split(":")[0] == wanted[row, sample]


@needs_bcftools
def test_separators_of_their_own_are_in_bcf(fx_odd_separators, tmp_path):
    repo, wanted = fx_odd_separators
    repo.export(tmp_path / "a.bcf")
    for row, columns in enumerate(body(bcftools_view(tmp_path / "a.bcf"))):
        for sample, call in enumerate(columns[9:]):
            if (row, sample) in wanted:
                # This header is of VCF 4.3: readers may leave out what stands before the first allele.
                assert call.split(":")[0] in (wanted[row, sample], wanted[row, sample].lstrip("|/"))


def test_vcf_zarr_counts_what_it_cannot_say(fx_odd_separators, tmp_path):
    repo, wanted = fx_odd_separators
    report = repo.export(tmp_path / "a.vcz")
    assert any(sentence.startswith(f"{len(wanted):,} calls of mixed phase") for sentence in report.dropped)
