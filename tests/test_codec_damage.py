"""Damaged and hostile blocks: an error or the same data, never a crash, a hang or a giant allocation.

Damage is what disks and networks do; the checksums find it. A hostile block has its checksums made
right again, so only the validation behind them stands between its numbers and an index. The last test
runs most of the others once more with numba's bounds checks, which turn a stray index into an error.
"""

import os
import resource
import signal
import struct
import subprocess
import sys
import zlib
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numcodecs import zstd

from varstore.codec import layout as _layout
from varstore.codec.counting import Masks, count_rows
from varstore.codec.counts import BlockCounts
from varstore.codec.genotype import decode_array, encode_array
from varstore.codec.layout import assemble, inflate_block, pack_stream, parse
from varstore.codec.numcodec import GenotypeCodec, SharedGenotypeCodec
from varstore.codec.presence import Presence
from varstore.errors import CorruptChunkError

BOUNDS_CHECKS = "VARSTORE_BOUNDSCHECK"
SPARE_BYTES = 1 << 29
SECONDS = 30
HOSTILE = (0, 1, 2, 3, 127, 255, 256, 65535, 65536, 65537, 2**24, 2**31 - 1, 2**31, 2**32 - 1)


def rare(rng, shape, share=0.02):
    return (rng.random(shape) < share).astype("i1")


def everything(rng, shape, dtype="i1"):
    """Rows that have all five sets, dense and rare ones, flipped and alike."""
    codes = (rng.random(shape) < rng.choice([0.05, 0.5, 0.9], shape[0])[:, np.newaxis, np.newaxis]).astype(dtype)
    codes[1::3] = codes[::3][: len(codes[1::3])]
    codes[rng.random(shape) < 0.05] ^= 1
    for code in (-1, -2, 2, 3, -77):
        codes[rng.random(shape) < 0.03] = code
    codes[rng.random(shape[:2]) < 0.06] = -1
    return codes


def make_blocks():
    """Codes, encoded, by name; small, and together they have streams of every role, packed and raw."""
    rng = np.random.default_rng(20)
    patterns = rng.integers(0, 2, (4, 90, 2))
    codes = {
        "all reference": (np.zeros((5, 7, 2), "i1"), 16),
        "lists": (rare(rng, (9, 300, 2), 0.003), 300),
        "planes": (rng.integers(0, 2, (6, 40, 2)).astype("i1"), 40),
        "references": (patterns[rng.integers(0, 4, 80)].astype("i1") ^ rare(rng, (80, 90, 2), 0.002), 90),
        "everything": (everything(rng, (11, 30, 2)), 16),
        "triploid int16": (everything(rng, (7, 20, 3), "<i2"), 20),
        "many rows": (np.tile(everything(rng, (10, 12, 1)), (12, 1, 1)), 12),
        "packed": (np.full((4, 300, 1), 2, "i1"), 300),
    }
    blocks = {name: (array, encode_array(array, inner=inner)) for name, (array, inner) in codes.items()}
    for name, code in (("absent", everything(rng, (11, 30, 2))), ("absent, triploid", everything(rng, (7, 30, 3)))):
        presence = Presence.of(np.array([5, 14, 16, 30]), rng.random((len(code), 4)) < 0.6)
        data = encode_array(code, inner=16, presence=presence)
        blocks[name] = decode_array(memoryview(data)), data
    return blocks


BLOCKS = make_blocks()


def test_blocks_have_every_kind_of_stream():
    streams = [stream for _, data in BLOCKS.values() for stream in parse(memoryview(data)).streams]
    assert {s.role for s in streams} == set(range(_layout.ABSENT + 1))
    assert {s.method for s in streams} == {_layout.RAW, _layout.ZSTD}
    assert {s.which for s in streams} == set(range(5))
    assert max(s.block for s in streams) > 0


@contextmanager
def guarded(spare=SPARE_BYTES, seconds=SECONDS):
    """Fail on a hang, and on an allocation far beyond what the block is worth.

    Seconds are the process's own: what else the machine does takes longer, and is no hang.
    """

    def stop(*_):
        raise TimeoutError(f"took longer than {seconds} s of the processor")

    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    resource.setrlimit(resource.RLIMIT_AS, (used + spare, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, handler)


@pytest.fixture(scope="module", autouse=True)
def fx_compiled():
    """Compile everything before memory is short."""
    for codes, data in BLOCKS.values():
        np.testing.assert_array_equal(decode_array(memoryview(data)), codes)
        count(data)


@pytest.fixture(params=BLOCKS)
def fx_block(request):
    return BLOCKS[request.param]


def count(data, first_row=0, num_alts=4):
    """Counts of three cohorts over all inner blocks, from ``first_row`` on, with and without genotypes."""
    view = memoryview(data)
    layout = parse(view)
    rows = max(0, layout.num_rows - first_row)
    counts = [BlockCounts.zeros(3, np.full(rows, num_alts)) for _ in range(2)]
    for block in range(min(layout.num_blocks, 3)):
        part = inflate_block(layout, block)
        masks = Masks(np.arange(part.num_samples) % np.array([[1], [2], [3]]) == 0)
        for wanted, genotypes in zip(counts, (False, True), strict=True):
            count_rows(part, (min(first_row, layout.num_rows), layout.num_rows), masks, wanted, genotypes=genotypes)
    return counts


def assert_refused_or_same(data, codes, counts):
    try:
        back = decode_array(memoryview(data))
    except CorruptChunkError:
        back = codes
    np.testing.assert_array_equal(back, codes)
    try:
        found = count(data)
    except CorruptChunkError:
        return
    for one, other in zip(found, counts, strict=True):
        np.testing.assert_array_equal(one.allele_count, other.allele_count)
        np.testing.assert_array_equal(one.allele_number, other.allele_number)
        np.testing.assert_array_equal(one.n_hom_alt, other.n_hom_alt)
        np.testing.assert_array_equal(one.n_missing, other.n_missing)


# Damage


def test_every_byte_flipped(fx_block):
    codes, data = fx_block
    counts = count(data)
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << (at * 5 % 8)
        assert_refused_or_same(damaged, codes, counts)


@pytest.mark.parametrize("name", ["all reference", "everything", "packed"])
def test_every_value_of_some_bytes(name):
    codes, data = BLOCKS[name]
    counts = count(data)
    places = {*range(44), *np.linspace(44, len(data) - 1, 10, dtype=int).tolist()} & set(range(len(data)))
    for at in sorted(places):
        for value in range(256):
            damaged = bytearray(data)
            damaged[at] = value
            assert_refused_or_same(damaged, codes, counts)


def test_every_truncation(fx_block):
    _, data = fx_block
    for size in range(len(data)):
        with pytest.raises(CorruptChunkError, match="genotype block"):
            decode_array(memoryview(data)[:size])
    for more in (b"\0", data):
        with pytest.raises(CorruptChunkError, match="genotype block"):
            decode_array(memoryview(data + more))


def test_bytes_moved(fx_block):
    """Stretches of a block zeroed, doubled and left out, as by a bad sector or a wrong offset."""
    codes, data = fx_block
    counts = count(data)
    rng = np.random.default_rng(3)
    for _ in range(100):
        begin, end = np.sort(rng.integers(0, len(data) + 1, 2))
        for damaged in (
            data[:begin] + bytes(end - begin) + data[end:],
            data[:end] + data[begin:],
            data[:begin] + data[end:],
        ):
            assert_refused_or_same(damaged, codes, counts)


# Hostile blocks: their checksums are right


def survive(data, codes):
    """Decode and count; only CorruptChunkError may come of it."""
    try:
        layout = parse(memoryview(data))
        for first_row in (0, 3):
            for num_alts in (0, 1, 4):
                try:
                    count(data, first_row, num_alts)
                except CorruptChunkError:
                    continue
        if int(np.prod(layout.shape, dtype=object)) < 1 << 22:
            decode_array(memoryview(data))
        SharedGenotypeCodec().decode(data, out=np.empty_like(codes))
    except CorruptChunkError:
        return
    except ValueError as error:
        assert "out has" in str(error)  # noqa: PT017


def resealed(data, at, value, width):
    """``data`` with ``width`` bytes of header or table replaced, and the checksum over them right again."""
    body = sum(stream.size for stream in parse(memoryview(data)).streams)
    end = len(data) - body - 4
    head = bytearray(data[:end])
    head[at : at + width] = (value % (1 << 8 * width)).to_bytes(width, "little")
    head = head[:end]
    return bytes(head) + zlib.crc32(head).to_bytes(4, "little") + data[end + 4 :]


@pytest.mark.parametrize("width", [1, 4])
def test_hostile_headers(fx_block, width):
    codes, data = fx_block
    end = len(data) - 4 - sum(stream.size for stream in parse(memoryview(data)).streams)
    assert resealed(data, 0, data[0], 1) == data
    with guarded():
        for at in range(0, min(end, 100), width):
            old = int.from_bytes(data[at : at + width], "little")
            for value in {v for v in (*HOSTILE, old - 1, old + 1, old ^ 128) if width == 4 or v < 256}:
                survive(resealed(data, at, value, width), codes)


@pytest.mark.parametrize(
    ("shape", "inner"),
    [
        ((2**31 - 1, 1, 1), 1),
        ((2**27, 8, 2), 8),
        ((1, 2**31 - 1, 1), 1),
        ((1, 2**30, 2), 16),
        ((2**15, 2**16 - 1, 1), 1),
        ((2**32 - 1, 0, 1), 1),
        ((2**32 - 1, 2**32 - 1, 0), 1),
        ((2**16, 2**16, 2**16), 1),
    ],
    ids=str,
)
def test_hostile_shapes(shape, inner):
    """44 bytes that claim to be a giant, all of it reference. The codec knows how large the chunk should be."""
    layout = replace(parse(memoryview(BLOCKS["all reference"][1])), streams=())
    data = assemble(replace(layout, shape=shape, num_rows=shape[0], num_samples=shape[1], inner=inner), [])
    with guarded(seconds=5):
        with pytest.raises((CorruptChunkError, ValueError), match=r"genotype block|out has"):
            GenotypeCodec().decode(data, out=np.empty((5, 7, 2), "i1"))
        try:
            layout = parse(memoryview(data))
            if layout.num_blocks:
                inflate_block(layout, 0)
        except CorruptChunkError:
            return


def unpacked(data):
    """The layout of a block, and its streams inflated."""
    layout = parse(memoryview(data))
    raws = []
    for stream in layout.streams:
        body = data[stream.offset : stream.offset + stream.size]
        raws.append(bytearray(body if stream.method == _layout.RAW else zstd.decompress(body)))
    return layout, raws


def repacked(layout, raws, level=3):
    """A block of these streams, all checksums right."""
    pairs = [
        pack_stream(s.block, min(s.role, _layout.ABSENT), s.which, np.frombuffer(bytes(raw), "u1"), level)
        for s, raw in zip(layout.streams, raws, strict=True)
    ]
    streams = tuple(new._replace(role=s.role) for s, (new, _) in zip(layout.streams, pairs, strict=True))
    return assemble(replace(layout, streams=streams), [data for _, data in pairs])


def test_repacking_changes_nothing(fx_block):
    codes, data = fx_block
    np.testing.assert_array_equal(decode_array(memoryview(repacked(*unpacked(data)))), codes)


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (b"", "bytes for the absence"),
        (struct.pack("<I", 0) + bytes(11), "bytes for the absence of 0 ranges"),
        (struct.pack("<17I", 16, *range(1, 17)) + bytes(21), "bytes for the absence of 16 ranges"),
        (struct.pack("<18I", 17, *range(1, 18)) + bytes(16), "bytes for the absence of 17 ranges"),
        (struct.pack("<I", 2**32 - 1) + bytes(11), "bytes for the absence of 4294967295 ranges"),
        (struct.pack("<4I", 3, 5, 14, 16) + bytes(10), "bytes for the absence of 3 ranges"),
        (struct.pack("<4I", 3, 5, 14, 17) + bytes(11), "do not follow one another"),
        (struct.pack("<4I", 3, 5, 14, 15) + bytes(11), "do not follow one another"),
        (struct.pack("<4I", 3, 0, 14, 16) + bytes(11), "do not follow one another"),
        (struct.pack("<4I", 3, 14, 14, 16) + bytes(11), "do not follow one another"),
        (struct.pack("<4I", 3, 14, 5, 16) + bytes(11), "do not follow one another"),
        (struct.pack("<4I", 3, 2**32 - 5, 14, 16) + bytes(11), "do not follow one another"),
        (struct.pack("<4I", 3, 5, 14, 16) + bytes(10) + b"\x08", "a range that is not there"),
        (bytes(1 << 20), "1048576 bytes for the absence of 16 samples"),
    ],
)
def test_hostile_absence(stream, message):
    """Ranges that are no ranges of the block's 16 samples, and bits of none."""
    layout, raws = unpacked(BLOCKS["absent"][1])
    which = [(s.block, s.role) for s in layout.streams].index((0, _layout.ABSENT))
    data = memoryview(repacked(layout, [*raws[:which], stream, *raws[which + 1 :]]))
    with guarded():
        for read in (decode_array, count):
            with pytest.raises(CorruptChunkError, match=message):
                read(data)


@pytest.mark.parametrize("name", ["everything", "absent"])
def test_layouts_of_other_streams(name):
    """A number of the layout that does not fit the streams: an old reader would take absent samples for reference."""
    data = bytearray(BLOCKS[name][1])
    with pytest.raises(CorruptChunkError, match=r"has layout \d, its streams are of layout \d"):
        parse(memoryview(resealed(data, 4, 5 - data[4], 1)))
    with pytest.raises(CorruptChunkError, match=r"has layout 4.*layouts 2 and 3 are read here"):
        parse(memoryview(resealed(data, 4, 4, 1)))


def test_absence_where_an_array_has_none():
    """The codec of arrays whose readers know no absence refuses it."""
    codes, data = BLOCKS["absent"]
    with pytest.raises(CorruptChunkError, match="layout 3 in an array of varstore_genotype"):
        GenotypeCodec().decode(data)
    np.testing.assert_array_equal(SharedGenotypeCodec().decode(data), codes)


@given(data=st.data(), name=st.sampled_from(sorted(BLOCKS)))
@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
def test_hostile_contents(data, name):
    """Bytes of the streams replaced: forms, references, lengths, lists, planes and codes that cannot be."""
    codes, block = BLOCKS[name]
    layout, raws = unpacked(block)
    sizes = [len(raw) for raw in raws]
    if not sizes:
        return
    for _ in range(data.draw(st.integers(1, 4), "changes")):
        which = data.draw(st.integers(0, len(raws) - 1), "stream")
        at = data.draw(st.integers(0, sizes[which] - 1), "place")
        raws[which][at] = data.draw(st.sampled_from([0, 1, 2, 3, 4, 5, 6, 128, 255]) | st.integers(0, 255), "value")
    with guarded():
        survive(repacked(layout, raws), codes)


@pytest.mark.parametrize("fill", [0, 1, 2, 5, 6, 255, None], ids=str)
def test_streams_of_one_byte_or_noise(fx_block, fill):
    codes, data = fx_block
    rng = np.random.default_rng(4)
    layout, raws = unpacked(data)
    with guarded():
        for which, raw in enumerate(raws):
            noise = rng.integers(0, 256, len(raw), dtype="u1").tobytes()
            new = bytearray(noise if fill is None else [fill] * len(raw))
            survive(repacked(layout, [*raws[:which], new, *raws[which + 1 :]]), codes)


def test_streams_of_other_sizes(fx_block):
    """Streams longer and shorter than their rows, doubled, left out, and standing for one another."""
    codes, data = fx_block
    layout, raws = unpacked(data)
    with guarded():
        for which, raw in enumerate(raws):
            for new in (raw[:-1], raw[1:], raw + b"\0", raw + raw, raw[:0], raw + bytes(8), raw + bytes(1 << 20)):
                survive(repacked(layout, [*raws[:which], new, *raws[which + 1 :]]), codes)
            without = replace(layout, streams=layout.streams[:which] + layout.streams[which + 1 :])
            survive(repacked(without, [*raws[:which], *raws[which + 1 :]]), codes)
            twice = replace(layout, streams=(*layout.streams, layout.streams[which]))
            survive(repacked(twice, [*raws, raw]), codes)
            for change in ({"role": r} for r in range(8)):
                stream = layout.streams[which]._replace(**change)
                survive(repacked(replace(layout, streams=(*layout.streams, stream)), [*raws, raw]), codes)
            for change in ({"which": w} for w in range(5)):
                stream = layout.streams[which]._replace(**change)
                streams = (*layout.streams[:which], stream, *layout.streams[which + 1 :])
                survive(repacked(replace(layout, streams=streams), raws), codes)


def with_frame(name, frame, role):
    """The block with the packed form of its first stream of ``role`` replaced, its size as before."""
    layout, raws = unpacked(BLOCKS[name][1])
    which = [stream.role for stream in layout.streams].index(role)
    frame = frame(bytes(raws[which]))
    stream = layout.streams[which]._replace(method=_layout.ZSTD, size=len(frame), crc=0)
    view = BLOCKS[name][1]
    bodies = [view[s.offset : s.offset + s.size] for s in layout.streams]
    streams = (*layout.streams[:which], stream, *layout.streams[which + 1 :])
    return assemble(replace(layout, streams=streams), [*bodies[:which], frame, *bodies[which + 1 :]])


def bomb(raw):
    """A frame that names no size and inflates 6 bytes to 128 kB, over and over."""
    block = (2 | 131_072 << 3).to_bytes(3, "little") + b"\0"
    last = (3 | 131_072 << 3).to_bytes(3, "little") + b"\0"
    return bytes.fromhex("28b52ffd0058") + 16_000 * block + last


FRAMES = {
    "shorter": lambda raw: zstd.compress(raw[:-1], 3, True),
    "empty": lambda raw: zstd.compress(b"", 3, True),
    "longer": lambda raw: zstd.compress(raw + b"\0", 3, True),
    "no frame": lambda raw: b"",
    "noise": lambda raw: b"\x28\xb5\x2f\xfd" + bytes(range(99)),
    "bomb": bomb,
}


@pytest.mark.parametrize("role", [_layout.FORMS, _layout.LISTS, _layout.PLANES, _layout.VALUES, _layout.REFERENCES])
@pytest.mark.parametrize("frame", FRAMES)
def test_frames_of_another_size(frame, role):
    """What a frame leaves unwritten would be memory of somebody else's."""
    data = with_frame("everything", FRAMES[frame], role)
    with guarded(), pytest.raises(CorruptChunkError, match="genotype block"):
        decode_array(memoryview(data))


# The same with bounds checks


def test_with_bounds_checks(request):
    if os.environ.get(BOUNDS_CHECKS) == "1":
        pytest.skip("this is that run")
    environment = {**os.environ, BOUNDS_CHECKS: "1"}
    options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", "hostile or streams"]
    command = [sys.executable, "-m", "pytest", *options, __file__]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=request.config.rootpath, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:]
