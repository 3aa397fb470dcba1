"""Blocks of every released layout still decode to the codes they were made from.

``tools/make_golden.py`` made them, once. A failure here is a bug of the code, never of the files.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from varstore.codec import layout as _layout
from varstore.codec.counting import Masks, count_rows
from varstore.codec.counts import BlockCounts
from varstore.codec.genotype import decode_array
from varstore.codec.layout import inflate_block, parse
from varstore.codec.numcodec import SharedGenotypeCodec

FOLDER = Path(__file__).parent / "golden"
BLOCKS = sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.glob("*/*.block"))
MAKER = Path(__file__).parent.parent / "tools" / "make_golden.py"


@pytest.fixture(params=BLOCKS)
def fx_golden(request):
    """The bytes of a block, and the codes it stands for."""
    with np.load(FOLDER / f"{request.param}.npz") as file:
        return (FOLDER / f"{request.param}.block").read_bytes(), file["codes"]


def test_there_are_golden_blocks_of_this_layout():
    for version, least in ((_layout.VERSION, 15), (_layout.ABSENT_VERSION, 7)):
        assert sum(name.startswith(f"layout{version}/") for name in BLOCKS) >= least
    assert sum(path.stat().st_size for path in FOLDER.rglob("*.*")) < 300_000


def test_decoding(fx_golden):
    data, codes = fx_golden
    decoded = decode_array(memoryview(data))
    assert decoded.dtype == codes.dtype
    np.testing.assert_array_equal(decoded, codes)
    out = np.empty_like(codes)
    SharedGenotypeCodec().decode(data, out=out)
    np.testing.assert_array_equal(out, codes)


def test_counting(fx_golden):
    data, codes = fx_golden
    layout = parse(memoryview(data))
    codes = codes[: layout.num_rows, : layout.num_samples]
    num_alts = np.maximum(codes.max((1, 2), initial=0), 0).astype(np.int64)
    counts = BlockCounts.zeros(1, num_alts)
    for block in range(layout.num_blocks):
        part = inflate_block(layout, block)
        masks = Masks(np.ones((1, part.num_samples), np.bool_))
        count_rows(part, (0, layout.num_rows), masks, counts, genotypes=True)
    alleles = [(codes[row] == allele).sum() for row in range(len(codes)) for allele in range(1, num_alts[row] + 1)]
    assert counts.allele_count[0].tolist() == alleles
    assert counts.allele_number[0].tolist() == (codes >= 0).sum((1, 2)).tolist()
    missing = ((codes < 0) & (codes != -2)).any(2) | (codes == -2).all(2)
    assert counts.n_missing[0].tolist() == missing.sum(1).tolist()
    assert counts.n_hom_ref[0].tolist() == (~missing & ((codes == 0) | (codes == -2)).all(2)).sum(1).tolist()


def test_golden_blocks_have_everything():
    """Streams of every role and set, packed and not; several blocks; padding; both dtypes; rows far apart."""
    layouts = [parse(memoryview((FOLDER / f"{name}.block").read_bytes())) for name in BLOCKS]
    streams = [stream for layout in layouts for stream in layout.streams]
    assert {stream.role for stream in streams} == set(range(_layout.ABSENT + 1))
    assert {stream.which for stream in streams} == set(range(5))
    assert {stream.method for stream in streams} == {_layout.RAW, _layout.ZSTD}
    assert {layout.dtype.itemsize for layout in layouts} == {1, 2}
    assert {layout.ploidy for layout in layouts} >= {1, 2, 4}
    assert max(layout.num_blocks for layout in layouts) > 2
    assert any(layout.num_rows < layout.shape[0] and layout.num_samples < layout.shape[1] for layout in layouts)


def test_golden_blocks_are_never_made_anew(tmp_path):
    folders = [tmp_path / f"layout{version}" for version in (_layout.VERSION, _layout.ABSENT_VERSION)]
    for folder in folders:
        folder.mkdir()
    command = [sys.executable, MAKER, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "never made anew" in done.stderr
    assert not any(list(folder.iterdir()) for folder in folders)
