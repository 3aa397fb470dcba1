"""Batches that share a part: each reads as it did alone, whatever the others have."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import varstore as vs
import vcf_text
from varstore.codec.genotype import expand_window
from varstore.codec.layout import inflate_block, parse
from varstore.errors import CorruptChunkError, CorruptRepositoryError
from varstore.query.blocks import BlockCache
from varstore.query.genotypes import read_genotypes
from varstore.query.plan import ChunkRead
from varstore.storage.manifest import staging_folder
from varstore.storage.named_arrays import arrays_of
from varstore.storage.parts import Part, PartWriter
from varstore.storage.shared_axis import merge_axis
from varstore.storage.sharing import Contigs, Source, write_shared
from varstore.storage.sources import SharedPart, SourceBatch

TABLE = Contigs(["1", "22", "X", "empty"], [None, 1000, None, 50])


def make_batch(directory, seed, **options):
    """A batch of a file of its own; its records differ from those of other seeds, but for some."""
    kinds = {"missing": 0.1, "half_missing": 0.1, "max_alts": 3, "unphased": 0.5, "mixed_phase": 0.2}
    text = vcf_text.make_vcf(seed, **{"num_variants": 60, "num_samples": 7} | kinds | options)
    path = vcf_text.write_plain(directory / f"{seed}.vcf", text)
    return vs.create(directory / f"{seed}.varstore", path)._batches[0].store


def share(directory, batches):
    """Write a shared part of batches; give the part and its sources."""
    places = [np.array([TABLE.names.index(name) for name in batch.contigs]) for batch in batches]
    sources = [Source(f"s{i}", batch, place) for i, (batch, place) in enumerate(zip(batches, places, strict=True))]
    writer = PartWriter(staging_folder(directory) / "part")
    write_shared(writer, sources, TABLE, "varstore-test", 2)
    part = Part(directory, writer.publish(directory, "batches/shared"))
    shared, found, column = SharedPart(part), [], 0
    for source in sources:
        found.append(SourceBatch(shared, source.id, column))
        column += source.num_samples
    return part, found


def genotypes(batch):
    reads = [ChunkRead(chunk) for chunk in range(batch.num_chunks)]
    return read_genotypes([batch], reads, [np.arange(len(batch.samples))], batch.samples, BlockCache(0))


def assert_same_batch(found, expected):
    """Every array, file and call of a batch."""
    one, other = genotypes(found), genotypes(expected)
    assert one.call_genotype.dtype == other.call_genotype.dtype
    for name in ("call_genotype", "call_genotype_phased", "variant_position", "variant_allele", "variant_contig"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
    for name in ("contigs", "samples", "filters", "num_chunks", "num_sample_chunks", "chunk_samples", "ploidy"):
        assert getattr(found, name) == getattr(expected, name), name
    names = [name for name in arrays_of(found).names if name != "varstore/record_row"]
    assert names == arrays_of(expected).names
    mine = {name for name in expected.part.entries if not name.startswith("call_genotype")}
    assert {name for name in found.part.entries if not name.startswith("varstore/record_row")} >= mine
    for name in mine:
        assert found.part.read(name) == expected.part.read(name)


KINDS = {
    "alike": [{"seed": 4}, {"seed": 4}],
    "other sites": [{"seed": 1}, {"seed": 2, "contigs": ("1", "22")}, {"seed": 3, "contigs": ("22", "1", "empty")}],
    "ploidies": [{"seed": 1, "ploidy": kind} for kind in ("haploid", "diploid", "mixed", "triploid")],
    "fields": [{"seed": s, "extra_format": True, "no_gt": 0.3, "ploidy": "mixed"} for s in (5, 6)],
    "no records": [{"seed": 1, "num_variants": 0}, {"seed": 2}],
    "many": [{"seed": s, "num_samples": 1 + s, "num_variants": 20} for s in range(1, 20)],
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_source_reads_as_it_did_alone(kind, tmp_path):
    batches = []
    for number, options in enumerate(KINDS[kind]):
        (tmp_path / str(number)).mkdir()
        batches.append(make_batch(tmp_path / str(number), **options))
    part, found = share(tmp_path, batches)
    assert list(part.problems()) == []
    for one, expected in zip(found, batches, strict=True):
        assert_same_batch(one, expected)
    # Once more, out of shared parts.
    (tmp_path / "again").mkdir()
    _, again = share(tmp_path / "again", [*found[1:], batches[0]])
    for one, expected in zip(again, [*batches[1:], batches[0]], strict=True):
        assert_same_batch(one, expected)


def naive_rows(batches):
    """The rows as the format's page says, and each record's: contig, POS, rlen, alleles, occurrence."""
    found = []
    for batch in batches:
        seen, records = Counter(), []
        for chunk in range(batch.num_chunks):
            sites = batch.site_chunk(chunk)
            for row, alleles in enumerate(sites.allele.tolist()):
                contig = TABLE.names.index(batch.contigs[sites.contig[row]])
                spelled = (contig, int(sites.position[row]), int(sites.length[row]), *filter(None, alleles))
                records.append((*spelled, seen[spelled]))
                seen[spelled] += 1
        found.append(records)
    return found


def test_the_axis_has_a_row_for_each_spelling(tmp_path):
    batches = []
    for seed in (1, 1, 2, 3):
        directory = tmp_path / str(len(batches))
        directory.mkdir()
        batches.append(make_batch(directory, seed, contigs=("1", "22"), max_alts=2))
    twice = vcf_text.write_plain(tmp_path / "twice.vcf", doubled(vcf_text.make_vcf(1, 60, 2, contigs=("1", "22"))))
    batches.append(vs.create(tmp_path / "twice", twice)._batches[0].store)
    places = [np.array([TABLE.names.index(name) for name in batch.contigs]) for batch in batches]
    axis = merge_axis(list(zip(batches, places, strict=True)), len(TABLE.names))
    expected = naive_rows(batches)
    assert axis.num_rows == len({record for records in expected for record in records})
    row_of = {}
    for rows, records in zip(axis.record_row, expected, strict=True):
        for row, record in zip(rows.tolist(), records, strict=True):
            assert row_of.setdefault(record, row) == row
            assert (axis.contig[row], axis.position[row], axis.length[row]) == record[:3]
    order = list(zip(axis.contig.tolist(), axis.position.tolist(), strict=True))
    assert order == sorted(order)
    spelled = axis.alleles(slice(0, axis.num_rows), batches)
    assert all(tuple(spelled[row]) == record[3:-1] for record, row in row_of.items())


def doubled(text):
    """Every third record once more."""
    lines = text.splitlines(keepends=True)
    return "".join(line * (1 + (i % 3 == 0 and line[0] != "#")) for i, line in enumerate(lines))


def test_identical_records_of_a_source_have_rows_of_their_own(tmp_path):
    text = doubled(vcf_text.make_vcf(1, 30, 4, extra_format=True))
    (tmp_path / "other").mkdir()
    one = vs.create(tmp_path / "one", vcf_text.write_plain(tmp_path / "a.vcf", text))._batches[0].store
    other = make_batch(tmp_path / "other", 1, num_variants=30, contigs=("22",))
    _, found = share(tmp_path, [other, one])
    assert_same_batch(found[0], other)
    assert_same_batch(found[1], one)
    assert len(np.unique(found[1].record_row)) == one.num_variants


@given(data=st.data())
@settings(deadline=None, max_examples=8)
def test_any_files(data, tmp_path_factory):
    directory = tmp_path_factory.mktemp("any")
    batches = []
    for number in range(data.draw(st.integers(1, 3), "batches")):
        text = data.draw(vcf_text.vcf_texts(), "file")
        path = vcf_text.write_plain(directory / f"{number}.vcf", text)
        batches.append(vs.create(directory / f"{number}.varstore", path)._batches[0].store)
    names = sorted({name for batch in batches for name in batch.contigs})
    batches = [batch for batch in batches if batch.samples]
    if not batches:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(__name__ + ".TABLE", Contigs(names, [None] * len(names)))
        _, found = share(directory, batches)
    for one, expected in zip(found, batches, strict=True):
        assert_same_batch(one, expected)


def test_rows_and_columns_that_cannot_be_are_refused(tmp_path):
    (tmp_path / "a").mkdir()
    batch = make_batch(tmp_path / "a", 1)
    _, (found,) = share(tmp_path, [batch])
    with pytest.raises(CorruptRepositoryError, match="columns are not among those of the part"):
        _ = SourceBatch(found.shared, "s0", 1).record_row
    other = SourceBatch(found.shared, "s0", 0)
    other.array("varstore/record_row").read = lambda: np.array([60])
    with pytest.raises(CorruptRepositoryError, match="rows that are not among the 60"):
        _ = other.record_row


def test_a_window_of_absent_samples_is_refused(tmp_path):
    for number in range(2):
        (tmp_path / str(number)).mkdir()
    batches = [make_batch(tmp_path / str(seed), 1 + seed, contigs=("22",)) for seed in range(2)]
    _, found = share(tmp_path, batches)
    layout = parse(found[0].shared.batch.genotype_block(0, 0))
    block, rows = inflate_block(layout, 0), found[0].record_row
    stranger = next(row for row in range(layout.num_rows) if row not in rows)
    out = np.empty((1, 7, 2), np.int8)
    with pytest.raises(CorruptChunkError, match="samples are absent in a record of theirs"):
        expand_window(block, stranger, np.zeros(1, np.int64), (0, 7), out)
    expand_window(block, stranger, np.zeros(1, np.int64), (7, 14), out)
