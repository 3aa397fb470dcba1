"""Batches that share a part: each reads as it did alone, whatever the others have."""

import dataclasses
import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import varstore as vs
import vcf_text
from varstore.errors import CorruptChunkError
from varstore.query.blocks import BlockCache
from varstore.query.genotypes import read_genotypes
from varstore.query.plan import ChunkRead
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
    writer = PartWriter(directory / "staging")
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
