"""Blocks give back every code: property tests, awkward shapes, and the codec's life in numcodecs and Zarr."""

import array
import json
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numcodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numcodecs.registry import get_codec

from varstore.codec.genotype import INNER, decode_array, encode_array, encode_sets, expand_rows
from varstore.codec.layout import PLANES, inflate_block, parse
from varstore.codec.numcodec import GenotypeCodec, SharedGenotypeCodec
from varstore.codec.rows import block_starts, concatenate, sets_from_codes
from varstore.errors import CorruptChunkError

INNERS = (3, 64, INNER)
DTYPES = ("i1", "<i2")
FREQUENCIES = (0, 0.0005, 0.01, 0.1, 0.5, 0.9, 0.995, 1)
RARE = (0, 0, 0, 0.001, 0.02, 0.5, 1)


def make_codes(seed, shape, dtype="i1", *, alike=0.3):
    """Draw a chunk whose rows are of every kind; ``alike``: share of rows that nearly repeat an earlier one."""
    rng = np.random.default_rng(seed)
    variants, samples, ploidy = shape
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    codes = np.zeros(shape, dtype)
    for row in range(variants):
        if row and rng.random() < alike:
            codes[row] = codes[rng.integers(max(0, row - 70), row)]
            flips = rng.random((samples, ploidy)) < rng.choice([0, 0.005, 0.2])
            codes[row][flips] ^= 1
            continue
        codes[row] = rng.random((samples, ploidy)) < rng.choice(FREQUENCIES)
        for value in (-1, -2, 2, 7, low, high):
            codes[row][rng.random((samples, ploidy)) < rng.choice(RARE) * rng.random()] = value
        codes[row][rng.random(samples) < rng.choice(RARE)] = -1
    return codes


def assert_round_trip(codes, **options):
    data = encode_array(np.ascontiguousarray(codes), **options)
    back = decode_array(memoryview(data))
    assert back.dtype == codes.dtype
    np.testing.assert_array_equal(back, codes)
    return data


# Round trips


@st.composite
def small_chunks(draw):
    """Chunks of few cells, drawn cell by cell from a palette or from all codes of the dtype."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(st.tuples(st.integers(0, 6), st.integers(0, 9), st.integers(1, 5)))
    palettes = [[0, 1], [1], [-1], [-2], [0, 1, -1], [0, 1, -1, -2], [0, 1, 2, 3], [-3, -1, 0, 1, 127]]
    palette = draw(st.sampled_from([None, *palettes]))
    elements = hnp.from_dtype(dtype) if palette is None else st.sampled_from(palette)
    return draw(hnp.arrays(dtype, shape, elements=elements))


@given(codes=small_chunks(), inner=st.sampled_from(INNERS), shift=st.integers(0, 8))
@settings(deadline=None, max_examples=200)
def test_small_chunks(codes, inner, shift):
    assert_round_trip(codes, inner=inner, sparse_shift=shift)


@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 90), st.integers(1, 300), st.integers(1, 5)),
    dtype=st.sampled_from(DTYPES),
    inner=st.sampled_from([3, 64, 100, INNER]),
    level=st.sampled_from([1, 3]),
)
@settings(deadline=None, max_examples=80)
def test_chunks_of_all_kinds_of_rows(seed, shape, dtype, inner, level):
    assert_round_trip(make_codes(seed, shape, dtype), inner=inner, level=level)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ploidy", [1, 2, 5])
def test_wide_chunks(ploidy, dtype):
    """Blocks of 16,384 samples (13,107 at ploidy 5), the last one short: over 65,536 bits in all."""
    codes = make_codes(ploidy, (40, 2 * INNER + 5, ploidy), dtype)
    data = assert_round_trip(codes)
    assert parse(memoryview(data)).num_blocks == 3
    assert parse(memoryview(data)).inner == min(INNER, 65536 // ploidy)


@pytest.mark.parametrize("ploidy", [6, 64, 1000, 40_000, 65_536])
def test_large_ploidy(ploidy):
    assert_round_trip(make_codes(ploidy, (5, 3, ploidy)))


def test_ploidy_beyond_a_block():
    with pytest.raises(ValueError, match=r"ploidy 65537 is above the 65536"):
        encode_array(np.zeros((1, 1, 65_537), "i1"))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_code(dtype):
    info = np.iinfo(dtype)
    codes = np.arange(info.min, info.max + 1, dtype=np.int64).astype(dtype)
    assert_round_trip(codes.reshape(-1, 64, 2))
    assert_round_trip(codes.reshape(1, -1, 1))


@pytest.mark.parametrize("shape", [(0, 5, 2), (5, 0, 2), (0, 0, 1), (0, 3, 1), (3, 0, 1), (3, 4, 0), (0, 4, 0)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_empty_axes(shape, dtype):
    assert_round_trip(np.zeros(shape, dtype))


@pytest.mark.parametrize("code", [0, 1, -1, -2, 2, 127, -128])
@pytest.mark.parametrize("samples", [1, 31, 32, 33, 63, 64, 65, 128])
def test_rows_of_one_code_but_for_one(code, samples):
    """One odd haplotype at the ends of words and blocks, in rows that are all ``code`` otherwise."""
    for other in (0, 1, -1, 3):
        codes = np.full((2 * samples + 1, samples, 2), code, "i1")
        for row in range(2 * samples):
            codes[row, row // 2, row % 2] = other
        for inner in (3, 32, 64):
            assert_round_trip(codes, inner=inner)


def test_all_reference_costs_no_bytes():
    data = assert_round_trip(np.zeros((256, INNER, 2), "i1"))
    assert len(data) <= 64


def test_flipped_rows_cost_what_their_mirror_image_does():
    codes = make_codes(3, (200, 500, 2), alike=0)
    codes = np.where((codes == 0) | (codes == 1), codes, 0).astype("i1")
    few = np.where(codes.mean((1, 2)) > 0.5, 1, 0).astype("i1")[:, np.newaxis, np.newaxis] ^ codes
    plain, flipped = (len(assert_round_trip(c)) for c in (few, 1 - few))
    assert abs(plain - flipped) < 0.05 * plain + 64


def test_many_planes():
    """More dense rows than a reference reaches back, with every number of references."""
    for alike in (0, 0.5, 0.97):
        codes = make_codes(17, (600, 70, 2), alike=alike)
        for inner in INNERS:
            assert_round_trip(codes, inner=inner, sparse_shift=12)


@pytest.mark.parametrize("apart", [1, 7, 100])
def test_rows_that_repeat_need_no_plane(apart):
    planes = np.random.default_rng(5).integers(0, 2, (apart, 1000, 2)).astype("i1")

    def num_bytes(codes):
        layout = parse(memoryview(assert_round_trip(codes)))
        return sum(stream.raw_size for stream in layout.streams if stream.role == PLANES)

    assert num_bytes(np.concatenate([planes] * 7)) <= 2 * num_bytes(planes)


def test_union_of_earlier_rows():
    """Carriers of one variant are often those of two or three others together: a reference to each."""
    rng = np.random.default_rng(6)
    parts = np.zeros((9, 6000, 2), "i1")
    parts[rng.integers(0, 9, (6000, 2)), np.arange(6000)[:, np.newaxis], [0, 1]] = 1
    unions = np.stack([parts[:2].sum(0), parts[3:6].sum(0), parts[0] + parts[8], 1 - parts[4]]).astype("i1")
    codes = np.concatenate([parts, unions, unions[::-1]])
    assert len(assert_round_trip(codes)) < 1.1 * len(assert_round_trip(parts)) + 200


@given(seed=st.integers(0, 2**32 - 1), span=st.tuples(st.integers(0, 60), st.integers(0, 60)))
@settings(deadline=None, max_examples=30)
def test_some_rows_of_a_block(seed, span):
    codes = make_codes(seed, (60, 70, 2), "<i2")
    data = memoryview(encode_array(codes, inner=32))
    begin, end = sorted(span)
    layout = parse(data)
    for block in range(layout.num_blocks):
        mine = codes[begin:end, block * 32 : (block + 1) * 32]
        out = np.full(mine.shape, 99, "<i2")
        expand_rows(inflate_block(layout, block), begin, end, out)
        np.testing.assert_array_equal(out, mine)


def test_encoding_is_reproducible():
    codes = make_codes(8, (100, 200, 2))
    assert encode_array(codes) == encode_array(codes.copy())
    assert encode_array(codes, inner=200) == encode_array(codes, inner=INNER)


# Record blocks: what the importer encodes from


@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 20), st.integers(1, 90), st.integers(1, 3)),
    chunk=st.integers(1, 40),
    padding=st.tuples(st.integers(0, 3), st.integers(0, 70)),
)
@settings(deadline=None, max_examples=60)
def test_chunks_of_a_record_block(seed, shape, chunk, padding):
    """Samples are cut into chunks, and each chunk is as large as Zarr's, padded with 0."""
    codes = make_codes(seed, shape, "<i2")
    sets = sets_from_codes(codes, block_starts(shape[1], chunk, shape[2]))
    for begin in range(0, shape[1], chunk):
        mine = codes[:, begin : begin + chunk]
        block = int(np.searchsorted(sets.starts, begin))
        full = (shape[0] + padding[0], mine.shape[1] + padding[1], shape[2])
        data = encode_sets(sets, full, blocks=range(block, block + 1))
        expected = np.zeros(full, "<i2")
        expected[: shape[0], : mine.shape[1]] = mine
        back = decode_array(memoryview(data), dtype=np.dtype("<i2"))
        np.testing.assert_array_equal(back, expected)
        layout = parse(memoryview(data))
        assert (layout.shape, layout.num_rows, layout.num_samples) == (full, shape[0], mine.shape[1])


@given(
    seed=st.integers(0, 2**32 - 1),
    cuts=st.lists(st.integers(0, 30), max_size=4),
    ploidy=st.integers(1, 3),
)
@settings(deadline=None, max_examples=40)
def test_rows_of_a_record_block(seed, cuts, ploidy):
    codes = make_codes(seed, (30, 50, ploidy))
    starts = block_starts(50, 23, ploidy)
    sets = sets_from_codes(codes, starts)
    ends = [0, *sorted(cuts), 30]
    parts = [sets.rows(begin, end) for begin, end in pairwise(ends)]
    again = concatenate(parts)
    whole = range(len(starts) - 1)
    assert again.num_rows == 30
    for block in whole:
        one = range(block, block + 1)
        shape = (30, int(sets.sizes[block]), ploidy)
        assert encode_sets(again, shape, blocks=one) == encode_sets(sets, shape, blocks=one)
        middle = sets.rows(11, 19)
        back = decode_array(memoryview(encode_sets(middle, (8, *shape[1:]), blocks=one)), dtype=np.dtype("i1"))
        np.testing.assert_array_equal(back, codes[11:19, starts[block] : starts[block + 1]])


def test_arenas_grow():
    """Rows of the worst size: every set is there, in planes and lists, in several blocks."""
    rng = np.random.default_rng(2)
    codes = rng.integers(-2, 40, (300, 333, 2)).astype("i1")
    sets = sets_from_codes(codes, block_starts(333, 50, 2))
    for block in range(7):
        data = encode_sets(sets, (300, int(sets.sizes[block]), 2), blocks=range(block, block + 1))
        np.testing.assert_array_equal(decode_array(memoryview(data)), codes[:, block * 50 : block * 50 + 50])


@pytest.mark.parametrize(("most", "dtype"), [(127, "i1"), (128, "<i2"), (-128, "i1"), (-129, "<i2")])
def test_blocks_have_the_narrowest_dtype(most, dtype):
    codes = np.array([[[0, 1], [most, -1]]], "<i2")
    data = encode_sets(sets_from_codes(codes, np.array([0, 2])), (1, 2, 2))
    back = decode_array(memoryview(data))
    assert back.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(back, codes)


# Decoding to a wider array


@given(seed=st.integers(0, 2**32 - 1), ploidy=st.integers(1, 3), more=st.integers(0, 3))
@settings(deadline=None, max_examples=20)
def test_widening(seed, ploidy, more):
    codes = make_codes(seed, (20, 70, ploidy))
    data = memoryview(encode_array(codes, inner=64))
    back = decode_array(data, dtype=np.dtype("<i2"), ploidy=ploidy + more)
    assert back.dtype == np.dtype("<i2")
    np.testing.assert_array_equal(back[:, :, :ploidy], codes)
    assert (back[:, :, ploidy:] == -2).all()
    codec = GenotypeCodec(dtype="<i2", ploidy=ploidy + more)
    np.testing.assert_array_equal(codec.decode(data), back)


def test_no_narrowing():
    data = memoryview(encode_array(make_codes(1, (3, 4, 2), "<i2")))
    with pytest.raises(CorruptChunkError, match="ploidy 2 and int16, the array has 2 and int8"):
        decode_array(data, dtype=np.dtype("i1"))
    with pytest.raises(CorruptChunkError, match="ploidy 2 and int16, the array has 1 and int16"):
        decode_array(data, ploidy=1)


# The numcodecs contract, after numcodecs/tests/common.py

CODECS = {
    "default": GenotypeCodec(),
    "fast": GenotypeCodec(level=1, inner=64),
    "tiny blocks": GenotypeCodec(inner=3),
    "shared": SharedGenotypeCodec(),
}
CONFIGS = [
    *CODECS.values(),
    GenotypeCodec(dtype="|i1"),
    GenotypeCodec(dtype="<i2", ploidy=3, level=7, inner=100),
    SharedGenotypeCodec(dtype="<i2", ploidy=3),
]
SHAPES = [(), (0,), (1,), (130,), (3, 0), (1, 130), (5, 9, 2), (0, 4, 2), (3, 4, 0), (4, 9, 1, 2), (2, 3, 4, 5)]


@pytest.fixture(scope="module", autouse=True)
def fx_registered():
    """Register the codec where the package was put on the path without being installed."""
    for codec in (GenotypeCodec, SharedGenotypeCodec):
        try:
            get_codec({"id": codec.codec_id})
        except (ValueError, KeyError):
            numcodecs.register_codec(codec)


@pytest.fixture(params=CODECS)
def fx_codec(request):
    return CODECS[request.param]


def assert_same_bytes(decoded, codes, order="C"):
    expected = np.asarray(codes).tobytes(order)
    assert np.ascontiguousarray(np.asarray(decoded)).reshape(-1).view("u1").tobytes() == expected


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ["C", "F"])
def test_any_shape(fx_codec, shape, dtype, order):
    flat = make_codes(len(shape), (1, int(np.prod(shape)), 1), dtype)
    codes = np.array(flat.reshape(shape), order=order)
    encoded = fx_codec.encode(codes)
    assert_same_bytes(fx_codec.decode(encoded), codes, "F" if codes.flags.f_contiguous else "C")
    out = np.empty_like(codes)
    assert fx_codec.decode(encoded, out=out) is out
    np.testing.assert_array_equal(out, codes)


@pytest.mark.parametrize(("shape", "order"), [((2, 3, 70_000), "C"), ((70_000, 2, 1), "F"), ((2, 3, 300, 300), "C")])
def test_long_last_axis(shape, order):
    """In memory order the last axis may be longer than a block: it is no ploidy then."""
    codes = np.asarray(make_codes(1, (1, int(np.prod(shape)), 1)).reshape(shape), order=order)
    out = np.empty_like(codes)
    GenotypeCodec().decode(GenotypeCodec().encode(codes), out=out)
    np.testing.assert_array_equal(out, codes)


def test_chunks_that_are_not_contiguous(fx_codec):
    codes = make_codes(4, (20, 30, 4))
    for view in (codes[::2, 1::3], codes[:, :, 1:3], codes[::-1], codes.transpose(1, 0, 2), codes[:, ::-1, 0]):
        assert_same_bytes(fx_codec.decode(fx_codec.encode(view)), view)


@pytest.mark.parametrize("codec", [GenotypeCodec(), GenotypeCodec(inner=3)])
def test_buffers(codec):
    codes = make_codes(6, (40, 90, 2))
    encoded = codec.encode(codes)
    assert codec.encode(memoryview(codes)) == encoded
    buffers = [
        encoded,
        bytearray(encoded),
        memoryview(encoded),
        memoryview(b"\0" + encoded)[1:],
        np.frombuffer(encoded, "u1"),
        np.frombuffer(encoded, "i1"),
        array.array("b", encoded),
    ]
    for buffer in buffers:
        np.testing.assert_array_equal(codec.decode(buffer), codes)
        for make_out in (lambda: np.empty(codes.shape, "i1"), lambda: np.empty(codes.size, "u1")):
            assert_same_bytes(codec.decode(buffer, out=make_out()), codes)
        for out in (bytearray(codes.nbytes), array.array("b", bytes(codes.nbytes))):
            assert codec.decode(buffer, out=out) is out
            assert bytes(out) == codes.tobytes()
        out = bytearray(codes.nbytes)
        codec.decode(buffer, out=memoryview(out))
        assert bytes(out) == codes.tobytes()


def test_odd_buffers_of_int16():
    codes = make_codes(7, (40, 90, 2), "<i2")
    encoded = GenotypeCodec().encode(codes)
    for shift in range(1, 8):
        buffer = memoryview(bytes(shift) + encoded)[shift:]
        np.testing.assert_array_equal(GenotypeCodec().decode(buffer), codes)


def test_out_of_another_size():
    encoded = GenotypeCodec().encode(np.zeros((3, 4, 2), "i1"))
    with pytest.raises(ValueError, match=r"23 bytes.*24"):
        GenotypeCodec().decode(encoded, out=np.empty(23, "i1"))


def test_out_that_cannot_be_written():
    encoded = GenotypeCodec().encode(np.zeros((3, 4, 2), "i1"))
    with pytest.raises(ValueError, match="read-only"):
        GenotypeCodec().decode(encoded, out=bytes(24))
    with pytest.raises(ValueError, match="contiguous"):
        GenotypeCodec().decode(encoded, out=np.zeros((3, 4, 4), "i1")[:, :, ::2])


@pytest.mark.parametrize("dtype", ["u1", ">i2", "<i4", "f4", "?"])
def test_other_dtypes(dtype):
    with pytest.raises(TypeError, match="varstore_genotype encodes int8 and little-endian int16, not"):
        GenotypeCodec().encode(np.zeros((2, 3, 2), dtype))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"dtype": "<i4"}, "dtype is '<i4'"), ({"inner": 0}, "at least 1"), ({"ploidy": 0}, "at least 1")],
)
def test_bad_configurations(arguments, message):
    with pytest.raises(ValueError, match=message):
        GenotypeCodec(**arguments)


@pytest.mark.parametrize("codec", CONFIGS, ids=repr)
def test_configuration(codec):
    """Comes back from JSON, from its repr and from a pickle."""
    config = json.loads(json.dumps(codec.get_config()))
    assert config["id"] == codec.codec_id
    again = get_codec(dict(config))
    assert again == codec
    assert again.get_config() == config
    names = {"GenotypeCodec": GenotypeCodec, "SharedGenotypeCodec": SharedGenotypeCodec}
    assert eval(repr(codec), names) == codec
    assert pickle.loads(pickle.dumps(codec)) == codec


@pytest.mark.parametrize("garbage", [b"", b"VSGT", b"\0" * 44, b"not a block at all" * 9, bytes(range(256))])
def test_garbage(fx_codec, garbage):
    with pytest.raises(CorruptChunkError, match="genotype block"):
        fx_codec.decode(garbage)


def test_many_threads(fx_codec):
    chunks = [make_codes(seed, (50, 100, 2)) for seed in range(8)]

    def there_and_back(codes):
        return all((fx_codec.decode(fx_codec.encode(codes)) == codes).all() for _ in range(3))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(there_and_back, chunks * 2))


# Zarr format 2 arrays


def create_array(store, codes, chunks, **options):
    zarr = pytest.importorskip("zarr", minversion="3")
    options = {"compressor": GenotypeCodec(), "fill_value": None, "zarr_format": 2} | options
    return zarr.create(shape=codes.shape, chunks=chunks, dtype=codes.dtype, store=store, **options)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("chunks", [(7, 16, 2), (16, 100, 2), (53, 101, 1), (1, 1, 1), (60, 200, 4)], ids=str)
def test_zarr_arrays(tmp_path, chunks, order, dtype):
    """Edges that no chunk fits, and a chunk larger than the array."""
    zarr = pytest.importorskip("zarr", minversion="3")
    codes = make_codes(9, (53, 101, 2) if chunks != (1, 1, 1) else (3, 4, 2), dtype)
    create_array(tmp_path / "a", codes, chunks, order=order)[...] = codes
    again = zarr.open_array(tmp_path / "a", mode="r")
    np.testing.assert_array_equal(again[...], codes)
    np.testing.assert_array_equal(again[1:40:3, 2:99], codes[1:40:3, 2:99])
    assert json.loads((tmp_path / "a" / ".zarray").read_text())["compressor"]["id"] == "varstore_genotype"


@pytest.mark.parametrize("shape", [(130,), (13, 17), (5, 6, 7, 2)], ids=str)
def test_zarr_arrays_of_other_dimensions(shape):
    codes = make_codes(1, (1, int(np.prod(shape)), 1)).reshape(shape)
    stored = create_array({}, codes, tuple(max(1, n // 2 + 1) for n in shape))
    stored[...] = codes
    np.testing.assert_array_equal(stored[...], codes)


def test_zarr_array_wider_than_its_blocks(tmp_path):
    """What an import does: blocks as narrow as their codes, in an array as wide as the widest."""
    codes = make_codes(2, (8, 30, 2))
    wide = np.full((8, 30, 3), -2, "<i2")
    wide[:, :, :2] = codes
    stored = create_array(tmp_path / "a", wide, (8, 30, 3), compressor=GenotypeCodec(dtype="<i2", ploidy=3))
    (tmp_path / "a" / "0.0.0").write_bytes(GenotypeCodec().encode(codes))
    np.testing.assert_array_equal(stored[...], wide)


def test_zarr_from_many_threads(tmp_path):
    codes = make_codes(3, (64, 90, 2))
    stored = create_array(tmp_path / "a", codes, (8, 16, 2))
    with ThreadPoolExecutor(4) as pool:
        rows = range(0, 64, 8)
        list(pool.map(lambda row: stored.__setitem__(slice(row, row + 8), codes[row : row + 8]), rows))
        parts = list(pool.map(lambda row: stored[row : row + 8], [*rows] * 3))
    np.testing.assert_array_equal(np.concatenate(parts), np.concatenate([codes] * 3))


def test_zarr_damage(tmp_path):
    codes = make_codes(3, (8, 90, 2))
    stored = create_array(tmp_path / "a", codes, (8, 90, 2))
    stored[...] = codes
    chunk = tmp_path / "a" / "0.0.0"
    data = bytearray(chunk.read_bytes())
    data[-9] ^= 1
    chunk.write_bytes(data)
    with pytest.raises(CorruptChunkError, match="genotype block"):
        stored[...]


ZARR2 = "VARSTORE_ZARR2_PYTHON"
WRITE_AND_READ = """
import sys, numcodecs, numpy as np, zarr
from varstore.codec.numcodec import GenotypeCodec
assert zarr.__version__.startswith("2."), zarr.__version__
numcodecs.register_codec(GenotypeCodec)
codes = np.load(sys.argv[1])
np.testing.assert_array_equal(zarr.open_array(sys.argv[2], mode="r")[...], codes)
for order in "CF":
    out = zarr.create(codes.shape, chunks=(7, 16, 2), dtype=codes.dtype, compressor=GenotypeCodec(),
                      store=sys.argv[3] + order, fill_value=None, order=order)
    out[...] = codes
    np.testing.assert_array_equal(out[...], codes)
"""


def test_zarr_python_2(tmp_path):
    """zarr-python 2.18 reads what 3 wrote and the other way round."""
    if ZARR2 not in os.environ:
        pytest.skip(f"{ZARR2} names no Python that has zarr 2.18, numba and numcodecs")
    zarr = pytest.importorskip("zarr", minversion="3")
    codes = make_codes(9, (53, 101, 2))
    np.save(tmp_path / "codes.npy", codes)
    create_array(tmp_path / "three", codes, (16, 40, 2))[...] = codes
    source = Path(sys.modules["varstore"].__file__).parent.parent
    command = [os.environ[ZARR2], "-c", WRITE_AND_READ, *(tmp_path / n for n in ("codes.npy", "three", "two"))]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(source)}, check=False
    )
    assert done.returncode == 0, done.stderr
    for order in "CF":
        np.testing.assert_array_equal(zarr.open_array(f"{tmp_path / 'two'}{order}", mode="r")[...], codes)
