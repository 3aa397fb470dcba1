"""Keys of alleles: the kernel says what the model says, and equal alleles have equal keys however they are spelled."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import varstore as vs
from varstore.errors import CorruptRepositoryError
from varstore.model.alleles import STAND_INS, Allele, allele_key, normalise
from varstore.storage.arrays import pack_text
from varstore.storage.keys import Keys, keys_of
from varstore.storage.parts import Part, PartRef

BASES = st.text("ACGTacgtNRn", min_size=1, max_size=14)
ALTS = BASES | st.sampled_from(["*", "<DEL>", "<NON_REF>", "<*>", "<INS:ME>", "G]17:198982]", "]13:1]T", ".A", "C."])
HEADER = "##fileformat=VCFv4.3\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\n"


@given(rows=st.lists(st.tuples(st.integers(0, 2**31 - 1), BASES, st.lists(ALTS, max_size=4)), max_size=12))
@settings(deadline=None, max_examples=200)
def test_kernel_says_what_the_model_says(rows):
    width = max([2, *(1 + len(alts) for _, _, alts in rows)])
    items = [item for _, ref, alts in rows for item in (ref, *alts, *[""] * (width - 1 - len(alts)))]
    position = np.array([row[0] for row in rows], np.int32)
    num_alts = np.array([len(row[2]) for row in rows], np.int64)
    keys = keys_of(pack_text(items), position, num_alts, width)
    for (pos, ref, alts), found in zip(rows, keys.tolist(), strict=True):
        expected = [0 if alt in STAND_INS else allele_key(Allele(pos, ref, alt)) for alt in alts]
        assert found == [*expected, *[0] * (keys.shape[1] - len(alts))]


@given(
    position=st.integers(100, 10**6), ref=st.text("ACGT", min_size=1, max_size=6),
    alt=st.text("ACGT", min_size=1, max_size=6), before=st.text("ACGT", max_size=5), after=st.text("ACGT", max_size=5),
)  # fmt: skip
def test_spelling_makes_no_difference(position, ref, alt, before, after):
    """More of the reference around an allele, in either case, is the same allele."""
    assume(ref[0] != alt[0] and ref[-1] != alt[-1])  # else it could be trimmed to another place
    longer = Allele(position - len(before), before + ref.lower() + after, before + alt + after.lower())
    assert normalise(longer) == Allele(position, ref, alt)
    assert allele_key(longer) == allele_key(Allele(position, ref, alt))


@pytest.mark.parametrize(
    ("spelled", "expected"),
    [
        (Allele(10, "A", "G"), Allele(10, "A", "G")),
        (Allele(10, "CAT", "CGT"), Allele(11, "A", "G")),
        (Allele(10, "cat", "ct"), Allele(10, "CA", "C")),
        (Allele(10, "GCACA", "GCA"), Allele(10, "GCA", "G")),
        (Allele(10, "T", "TTT"), Allele(10, "T", "TTT")),
        (Allele(10, "CA", "*"), Allele(10, "C", "*")),
        (Allele(10, "CA", "<DEL>"), Allele(10, "CA", "<DEL>")),
        (Allele(10, "GC", "G]17:5]"), Allele(10, "GC", "G]17:5]")),
    ],
    ids=str,
)
def test_normalise(spelled, expected):
    assert normalise(spelled) == expected


def test_exact_keys_are_spelled_out():
    key = allele_key(Allele(7, "AC", "T"))
    assert key >> 32 == 7
    assert key & 0xFFFFFFFF == 2 << 27 | 1 << 23 | 0b11_01_00


def test_text_shorter_than_its_items():
    packed = pack_text(["A", "G", "C", "T"])
    for size in range(len(packed)):
        with pytest.raises(CorruptRepositoryError, match="shorter than its items"):
            keys_of(packed[:size], np.array([1, 2], np.int32), np.array([1, 1]), 2)


def test_keys_of_a_repository(tmp_path):
    lines = ["1\t5\t.\tCAT\tCGT,C\t.\t.\t.\tGT\t0/1\n", "1\t6\t.\tA\tG,<NON_REF>\t.\t.\t.\tGT\t0/1\n"]
    (tmp_path / "a.vcf").write_text(HEADER + "".join(lines))
    repo = vs.create(tmp_path / "repo", tmp_path / "a.vcf")
    entry = next(entry for entry in repo.manifest.derived if entry["kind"] == "keys")
    keys = Keys(Part(repo.path, PartRef(**entry["part"]))).chunk(0).tolist()
    snv = allele_key(Allele(6, "A", "G"))
    assert keys == [[snv, allele_key(Allele(5, "CAT", "C"))], [snv, 0]]
    assert repo.verify() == []


def test_verify_finds_keys_that_are_not_those_of_the_alleles(tmp_path):
    """Keys of another repository, every checksum right."""
    for name, alt in (("one", "G"), ("other", "T")):
        (tmp_path / f"{name}.vcf").write_text(HEADER + f"1\t5\t.\tA\t{alt}\t.\t.\t.\tGT\t0/1\n")
        vs.create(tmp_path / name, tmp_path / f"{name}.vcf")
    one, other = (vs.open(tmp_path / name) for name in ("one", "other"))
    entry, wrong = (next(e for e in repo.manifest.derived if e["kind"] == "keys") for repo in (one, other))
    (tmp_path / "one" / entry["part"]["path"]).rename(tmp_path / "right")
    (tmp_path / "other" / wrong["part"]["path"]).rename(tmp_path / "one" / entry["part"]["path"])
    entry["part"]["checksums"] = wrong["part"]["checksums"]
    found = list(one._wrong_keys())
    assert len(found) == 1
    assert "the keys are not those of the alleles" in found[0]
