"""Classes of contigs, and the ploidy of people by their own calls, against calls read one by one."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
import varstore as vs
import vcf_text
from varstore.model import ploidy
from varstore.model.ploidy import AUTOSOME, MT, NO_CALLS, NUM_CLASSES, OTHER, PAR, UNDECIDED, X, Y
from varstore.storage.batch import Batch
from varstore.storage.parts import Part, PartRef
from varstore.storage.ploidy import commonest_ploidy, tally_ploidy

CONTIGS = ("1", "chrX", "chrY", "MT", "HLA-A*01:01:01:01")


def batch_of(path, number=0):
    return Batch(Part(path, PartRef(**vs.open(path).manifest.batches[number]["part"])))


@pytest.mark.parametrize(
    ("name", "which"),
    [
        ("1", AUTOSOME), ("chr22", AUTOSOME), ("NC_000001.11", AUTOSOME), ("NC_060946.1", AUTOSOME),
        ("X", X), ("chrX", X), ("23", X), ("NC_000023.10", X), ("NC_060947.1", X), ("XY", PAR), ("PAR1", PAR),
        ("Y", Y), ("chrY", Y), ("NC_060948.1", Y), ("MT", MT), ("chrM", MT), ("NC_012920.1", MT),
        ("27", OTHER), ("0", OTHER), ("chr1_KI270706v1_random", OTHER), ("HLA-A*01:01:01:01", OTHER), ("z", OTHER),
    ],
)  # fmt: skip
def test_contigs_have_a_class(name, which):
    assert ploidy.class_of_contig(name) == which


@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("GRCh37", "GRCh37"), ("hg19", "GRCh37"), ("b37", "GRCh37"), ("hs37d5", "GRCh37"), ("GRCh37.p13", "GRCh37"),
        ("GRCh38", "GRCh38"), ("hg38", "GRCh38"), ("GRCh38.p14", "GRCh38"), ("Homo_sapiens_assembly38", "GRCh38"),
        ("T2T-CHM13v2.0", "T2T-CHM13v2.0"), ("CHM13", "T2T-CHM13v2.0"), ("hs1", "T2T-CHM13v2.0"),
        (None, None), ("", None), ("hg18", None), ("NCBI36", None), ("mm10", None), ("hs", None),
    ],
)  # fmt: skip
def test_builds_have_many_names(name, build):
    assert ploidy.build_of(name) == build


@pytest.mark.parametrize(
    ("build", "inside", "outside"),
    [
        ("GRCh37", (60001, 2699520, 154931044, 155260560), (1, 60000, 2699521, 154931043, 155260561)),
        ("GRCh38", (10001, 2781479, 155701383, 156030895), (1, 10000, 2781480, 155701382, 156030896)),
        ("T2T-CHM13v2.0", (1, 2394410, 153925835, 154259566), (2394411, 153925834)),
    ],
)
def test_par_begins_and_ends_where_the_table_says(build, inside, outside):
    assert ploidy.classes_at("X", np.array(inside), build).tolist() == [PAR] * len(inside)
    assert ploidy.classes_at("chrX", np.array(outside), build).tolist() == [X] * len(outside)
    assert ploidy.classes_at("X", np.array(inside), None).tolist() == [X] * len(inside)
    assert ploidy.classes_at("Y", np.array(inside), build).tolist() == [Y] * len(inside)


def test_sex_tells_what_calls_do_not():
    own = np.full((4, NUM_CLASSES), NO_CALLS, np.int16)
    own[3] = (2, 2, UNDECIDED, 1, 2, 4)
    sexes = np.array([ploidy.MALE, ploidy.FEMALE, ploidy.UNKNOWN, ploidy.MALE])
    known = ploidy.complete_ploidy(own, sexes, "GRCh38").tolist()
    assert known == [[2, 2, 1, 1, 1, -1], [2, 2, 2, 0, 1, -1], [2, 2, -1, -1, 1, -1], [2, 2, 1, 1, 2, 4]]
    unknown = ploidy.complete_ploidy(own, sexes, None)[:, X].tolist()
    assert unknown == [NO_CALLS, 2, NO_CALLS, UNDECIDED]


def slowly(vcf, build):
    """Ploidy of each sample and class, from its calls read one by one."""
    out = np.full((len(vcf.samples), NUM_CLASSES), NO_CALLS)
    for sample in range(len(vcf.samples)):
        seen = {which: Counter() for which in range(NUM_CLASSES)}
        for record in vcf.records:
            codes = [code for code in record.codes[sample].tolist() if code != reference.FILL]
            which = ploidy.classes_at(record.contig, np.array([record.pos]), build)[0]
            if any(code >= 0 for code in codes):
                seen[which][len(codes)] += 1
        for which, counts in seen.items():
            if counts:
                (first, most), *others = counts.most_common()
                tie = any(times == most for _, times in others)
                mixed = which == X and build is None and others
                out[sample, which] = UNDECIDED if tie or mixed else first
    return out


def shifted(line, by):
    """A record of X at another position: some in PAR1, some behind it."""
    fields = line.split("\t")
    return "\t".join([fields[0], str(int(fields[1]) + by), *fields[2:]]) if fields[0] == "chrX" else line


@pytest.mark.parametrize("build", ["GRCh38", None])
@pytest.mark.parametrize("kind", ["diploid", "haploid", "mixed", "triploid"])
def test_ploidy_of_calls(fx_store, kind, build):
    text = vcf_text.make_vcf(
        7, 220, 41, ploidy=kind, missing=0.3, half_missing=0.1, max_alts=3, contigs=CONTIGS, extra_format=True,
        no_gt=0.1, info=False, odd_alts=False,
    )  # fmt: skip
    text = "".join(shifted(line, 2_770_000) for line in text.splitlines(keepends=True))
    stored = fx_store(text)
    tally = tally_ploidy(batch_of(stored.path), build)
    expected = slowly(stored.vcf, build)
    assert commonest_ploidy(tally, build).tolist() == expected.tolist()
    assert (kind == "mixed") == (UNDECIDED in expected)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**20), st.sampled_from([0.0, 0.02, 0.6]), st.integers(1, 70))
def test_ploidy_of_any_calls(fx_store, seed, missing, num_samples):
    text = vcf_text.make_vcf(seed, 25, num_samples, ploidy="mixed", missing=missing, half_missing=0.05, contigs=CONTIGS)
    stored = fx_store(text)
    found = commonest_ploidy(tally_ploidy(batch_of(stored.path), "GRCh37"), "GRCh37")
    assert found.tolist() == slowly(stored.vcf, "GRCh37").tolist()


def test_x_y_and_mt_of_the_1000_genomes(fx_shared_data, tmp_path):
    """Real calls of all ploidies, and the sex that the project's own table has."""
    source = fx_shared_data / "edge" / "plink2_all_ploidy.vcf.gz"
    vs.create(tmp_path / "repo", source)
    store = batch_of(tmp_path / "repo")
    found = commonest_ploidy(tally_ploidy(store, "GRCh37"), "GRCh37")
    panel = (fx_shared_data / "meta" / "integrated_call_samples_v3.20130502.ALL.panel").read_text().splitlines()[1:]
    sex = {fields[0]: fields[3] for fields in map(str.split, panel) if fields}
    male = np.array([sex[name] == "male" for name in store.samples])
    known = found[:, X] != NO_CALLS
    assert (found[known & male, X] == 1).mean() > 0.99
    assert (found[known & ~male, X] == 2).mean() > 0.99
    assert (found[:, PAR] == 2).all()
    assert set(found[male, Y].tolist()) <= {1, NO_CALLS}
