"""Keys of alleles: the kernel says what the model says, and equal alleles have equal keys however they are spelled."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import varstore as vs
from varstore.checking import problems_of_values
from varstore.errors import CorruptRepositoryError
from varstore.kernels.keys import allele_keys
from varstore.model.alleles import Allele, allele_key, normalise
from varstore.storage.arrays import pack_text
from varstore.storage.keys import Keys, keys_of
from varstore.storage.parts import Part, PartRef

BASES = st.text("ACGTacgtNRn", min_size=1, max_size=14)
ALTS = BASES | st.sampled_from(["*", "<DEL>", "<NON_REF>", "<*>", "<INS:ME>", "G]17:198982]", "]13:1]T", ".A", "C."])
HEADER = "##fileformat=VCFv4.3\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\n"


ROWS = st.lists(
    st.tuples(
        st.integers(0, 60), BASES, st.lists(ALTS, max_size=4), st.integers(1, 50), st.sampled_from([None, 0, 3, 40])
    ),
    max_size=12,
)  # fmt: skip


@given(rows=ROWS, sequence=st.just("") | st.text("ACGTN", min_size=1, max_size=60))
@settings(deadline=None, max_examples=200)
def test_kernel_says_what_the_model_says(rows, sequence):
    width = max([2, *(1 + len(alts) for _, _, alts, _, _ in rows)])
    packed = pack_text([item for _, ref, alts, _, _ in rows for item in (ref, *alts, *[""] * (width - 1 - len(alts)))])
    sites = np.array([(pos, len(alts), length) for pos, _, alts, length, _ in rows], np.int64).reshape(-1, 3)
    numbers = [[-1 if row[4] is None else row[4]] * (width - 1) for row in rows]
    svlen = np.array(numbers, np.int64).reshape(-1, width - 1)
    keys, digests = np.zeros((2, len(rows), width - 1), np.uint64)
    text, contig = np.frombuffer(bytearray(packed), np.uint8), np.frombuffer(bytearray(sequence, "ascii"), np.uint8)
    assert allele_keys(text, 4, 0, len(rows), sites, svlen, width, contig, keys, digests) == len(packed)
    for (pos, ref, alts, length, number), key, digest in zip(rows, keys.tolist(), digests.tolist(), strict=True):
        expected = [allele_key(Allele(pos, ref, alt, pos + length - 1, number), sequence) for alt in alts]
        assert list(zip(key, digest, strict=True)) == [*expected, *[(0, 0)] * (width - 1 - len(alts))]


@st.composite
def _in_repeats(draw):
    """A contig of short repeats, and an allele of it that spells much of it."""
    sequence = "".join(unit * n for unit, n in draw(st.lists(st.tuples(st.sampled_from(
        ["A", "C", "AC", "ACG", "GT"]), st.integers(1, 6)), min_size=2, max_size=6)))  # fmt: skip
    begin = draw(st.integers(0, len(sequence) - 1))
    end = draw(st.integers(begin + 1, len(sequence)))
    return sequence, begin, end, draw(st.sampled_from(["", "A", "AC", "ACAC", "G"]))


def _haplotype(allele, sequence):
    begin = allele.position - 1
    assert sequence[begin : begin + len(allele.ref)] == allele.ref
    return sequence[:begin] + allele.alt + sequence[begin + len(allele.ref) :]


@given(case=_in_repeats())
@settings(max_examples=300)
def test_one_haplotype_has_one_spelling(case):
    """Insertions and deletions of one sequence are one allele, wherever in a repeat they are written."""
    sequence, begin, end, alt = case
    alt = (sequence[begin - 1] if begin else "") + alt + ("" if begin else sequence[end : end + 1])
    first = max(0, begin - 1)
    ref = sequence[first : end + (0 if begin else 1)]
    assume(ref and alt and ref != alt)
    spelled = Allele(first + 1, ref, alt)
    found = normalise(spelled, sequence)
    assert _haplotype(found, sequence) == _haplotype(spelled, sequence)
    if len(ref) != len(alt):
        spellings = {found}
        wide = Allele(1, sequence, _haplotype(spelled, sequence))
        if min(len(found.ref), len(found.alt)) == 1 and wide.alt:
            spellings.add(normalise(wide, sequence))
        assert len(spellings) == 1


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
    key, digest = allele_key(Allele(7, "AC", "T"))
    assert digest == 0
    assert key >> 32 == 7
    assert key & 0xFFFFFFFF == 2 << 27 | 1 << 23 | 0b11_01_00


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Allele(5, "N", "<DEL>", 90), Allele(5, "N", "<DEL>", 91)),
        (Allele(5, "N", "<INS>", 5, 40), Allele(5, "N", "<INS>", 5, 41)),
        (Allele(5, "N", "<INS>", 5, 40), Allele(5, "N", "<INS>", 5)),
        (Allele(5, "N", "<DEL>", 90), Allele(5, "N", "<DUP>", 90)),
        (Allele(5, "A" * 12, "A"), Allele(5, "A" + "C" * 11, "A")),
    ],
    ids=str,
)
def test_alleles_that_differ(one, other):
    assert allele_key(one) != allele_key(other)


def test_classes_of_what_is_not_spelled_out():
    found = [
        allele_key(Allele(5, ref, alt))[0] >> 29 & 7
        for ref, alt in [("N", "A"), ("A" * 12, "AC"), ("N", "<DEL>"), ("A", "*"), ("A", "A]2:3]"), ("A", "<*>")]
    ]
    assert found == [4, 5, 6, 6, 6, 7]
    # SVLEN that END says already is nothing new.
    assert allele_key(Allele(5, "N", "<DEL>", 90, 85)) == allele_key(Allele(5, "N", "<DEL>", 90))


def _stored(tmp_path, lines, header=HEADER, **options):
    (tmp_path / "a.vcf").write_text(header + "".join(f"{line}\tGT\t0/0\n" for line in lines))
    repo = vs.create(tmp_path / "repo", tmp_path / "a.vcf", **options)
    entry = next(entry for entry in repo.manifest.derived if entry["kind"] == "keys")
    assert repo.verify() == []
    return repo, Keys(Part(repo.path, PartRef(**entry["part"])))


def test_text_shorter_than_its_items(tmp_path, monkeypatch):
    repo, _ = _stored(tmp_path, ["1\t5\t.\tA\tC\t.\t.\t.", "1\t6\t.\tA\tC\t.\t.\t."])
    store = repo._batches[0].store
    packed = pack_text(["A", "G", "C", "T"])
    array = store.array("variant_allele")
    for size in range(4, len(packed)):
        monkeypatch.setattr(array, "packed", lambda *_, size=size: packed[:size])
        with pytest.raises(CorruptRepositoryError, match="shorter than its items"):
            keys_of(store, 0)


def test_keys_of_a_repository(tmp_path):
    _, keys = _stored(
        tmp_path, ["1\t5\t.\tCAT\tCGT,C\t.\t.\t.", "1\t6\t.\tA\tG,<NON_REF>\t.\t.\t.", "1\t9\t.\tA\t.\t.\t.\t."]
    )
    found = keys.chunk(0)
    snv, stand_in = allele_key(Allele(6, "A", "G"))[0], allele_key(Allele(6, "A", "<NON_REF>"))[0]
    deletion = allele_key(Allele(5, "CAT", "C"))[0]
    assert found.key.tolist() == [[snv, deletion], [snv, stand_in], [0, 0]]
    assert not found.digest.any()
    assert found.occurrence.tolist() == [[0, 0], [1, 0], [0, 0]]
    assert keys.runs.tolist() == [[0, 0, deletion, 9 << 32]]


def test_svlen_and_end_are_in_the_keys(tmp_path):
    """SVLEN -1 and -2 are numbers, not VCF Zarr's missing and fill."""
    declared = [f'##INFO=<ID={key},Type=Integer,Description="d">\n' for key in ("SVLEN,Number=A", "END,Number=1")]
    values = [("SVLEN=-1,-2", [1, 2]), ("SVLEN=-2,.", [2, None]), ("END=30;SVLEN=7", [7, 7]), ("END=30", [None, None])]
    lines = [f"1\t5\t.\tA\t<INS>,<CNV>\t.\t.\t{text}" for text, _ in values]
    repo, keys = _stored(tmp_path, lines, HEADER.replace("##contig", "".join(declared) + "##contig"))
    found = keys.chunk(0)
    lengths = repo._batches[0].store.array("variant_length").read().tolist()
    assert lengths[2:] == [26, 26]
    for row, (_, numbers) in enumerate(values):
        expected = [
            allele_key(Allele(5, "A", alt, 5 + lengths[row] - 1, number))
            for alt, number in zip(("<INS>", "<CNV>"), numbers, strict=True)
        ]
        assert list(zip(found.key[row].tolist(), found.digest[row].tolist(), strict=True)) == expected


def _occurrences(records):
    """What ``allele_occurrence`` holds, from lists of alleles by record: dicts only."""
    seen, found = {}, []
    for alleles in records:
        row = [seen.get(allele, 0) + (alleles[:i].count(allele) << 32) for i, allele in enumerate(alleles)]
        for allele in set(alleles):
            seen[allele] = seen.get(allele, 0) + 1
        found.append(row)
    return found


CONTIGS = "".join(f"##contig=<ID={name}>\n" for name in "213")
RECORD = st.tuples(
    st.sampled_from("123"), st.integers(1, 6), st.sampled_from(["A", "AA", "AAT", "AATAATAATAAT"]),
    st.lists(st.sampled_from(["C", "c", "AC", "G", "AG", "AATG", "<DEL>", "*"]), min_size=0, max_size=3),
)  # fmt: skip


@given(records=st.lists(RECORD, max_size=30), height=st.integers(1, 6))
@settings(deadline=None, max_examples=30)
def test_occurrences_over_the_borders_of_chunks(tmp_path_factory, records, height):
    records.sort(key=lambda record: ("213".index(record[0]), record[1]))
    rows = [f"{c}\t{pos}\t.\t{ref}\t{','.join(alts) or '.'}\t.\t.\t." for c, pos, ref, alts in records]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("varstore.ingest.importer.chunk_height", lambda *_, **__: height)
        header = HEADER.replace("##contig=<ID=1>\n", CONTIGS)
        repo, keys = _stored(tmp_path_factory.mktemp("keys"), rows, header)
    store, sequence = repo._batches[0].store, ""
    assert store.num_chunks == -(-len(records) // height)
    spelled = [
        [(contig, normalise(Allele(pos, ref, alt, pos + len(ref) - 1), sequence)) for alt in alts]
        for contig, pos, ref, alts in records
    ]
    found = [row for chunk in range(store.num_chunks) for row in keys.chunk(chunk).occurrence.tolist()]
    for row, expected in zip(found, _occurrences(spelled), strict=True):
        assert row == expected + [0] * (len(row) - len(expected))
    runs = keys.runs.tolist()
    for chunk, contig, low, high in runs:
        of = store.array("variant_contig").chunk(chunk) == contig
        in_run = keys.chunk(chunk).key[of]
        assert all(low <= key <= high for key in in_run[in_run > 0].tolist())
    codes = [store.array("variant_contig").chunk(chunk).tolist() for chunk in range(store.num_chunks)]
    assert [run[:2] for run in runs] == [[i, code] for i, row in enumerate(codes) for code in dict.fromkeys(row)]


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
    found = list(problems_of_values(one.path, one.manifest, one._batches, map))
    assert len(found) == 1
    assert "the keys are not those of the alleles" in found[0]
