"""What absent people are: the counts against people looked at one by one, in any intervals, ploidies and cohorts."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varstore.errors import CorruptRepositoryError, InputError
from varstore.model import bed, ploidy
from varstore.query.absence import Absence
from varstore.storage.coverage import Coverage, write_coverage
from varstore.storage.manifest import staging_folder
from varstore.storage.parts import Part, PartWriter

CONTIGS = ["1", "X", "Y"]


def coverage_of(folder, intervals, num_sets, sample_set):
    """A part of intervals: (contig, set, start, end) each."""
    part = PartWriter(staging_folder(folder) / "coverage")
    table = np.array(intervals, np.int64).reshape(-1, 4)
    group = table[:, 0] * num_sets + table[:, 1]
    write_coverage(part, CONTIGS, num_sets, np.array(sample_set), (group, table[:, 2], table[:, 3]))
    return Coverage(Part(folder, part.publish(folder, "coverage/a")))


def slowly(case, contig, positions, members):
    """Each person at each position."""
    shape = (len(members), len(positions))
    allele_number, n_hom_ref, n_missing = (np.zeros(shape, int) for _ in range(3))
    for k, cohort in enumerate(members):
        for i, position in enumerate(positions):
            which = ploidy.classes_at(CONTIGS[contig], np.array([position]), case["build"])[0]
            for person in np.flatnonzero(cohort):
                copies = int(case["ploidy"][person, which])
                known = contig in case["covered"] and copies > 0
                for intervals, _, sample_set in case["sets"]:
                    known &= any(
                        (c, s) == (contig, sample_set[person]) and start < position <= end
                        for c, s, start, end in intervals
                    )
                allele_number[k, i] += copies if known else 0
                n_hom_ref[k, i] += known
                n_missing[k, i] += not known
    return allele_number, n_hom_ref, n_missing


@st.composite
def cases(draw):
    """People, intervals for all and of their own, or none of either, and positions around the ends of PAR1."""
    num_people = draw(st.integers(1, 6))
    edge = 2_781_479
    place = st.integers(0, 40).map(lambda n: n if n < 20 else edge - 30 + n)
    interval = st.tuples(st.integers(0, 2), place, st.integers(1, 12))

    def intervals(num_sets):
        drawn = draw(st.lists(st.tuples(interval, st.integers(0, num_sets - 1)), max_size=25))
        return [(contig, which, start, start + size) for (contig, start, size), which in drawn]

    sets = []
    if draw(st.booleans()):
        sets.append((intervals(1), 1, [0] * num_people))
    if draw(st.booleans()):
        num_sets = draw(st.integers(2, 5))
        of_people = st.lists(st.integers(0, num_sets - 1), min_size=num_people, max_size=num_people)
        sets.append((intervals(num_sets), num_sets, draw(of_people)))
    copies = st.lists(st.integers(-2, 3), min_size=num_people * 6, max_size=num_people * 6)
    return {
        "ploidy": np.array(draw(copies), np.int16).reshape(num_people, 6),
        "build": draw(st.sampled_from(["GRCh38", None])),
        "covered": {i: CONTIGS[i] for i in draw(st.sets(st.integers(0, 2)))},
        "sets": sets,
        "contig": draw(st.integers(0, 2)),
        "positions": sorted(draw(st.lists(place.map(lambda n: n + 1), max_size=20))),
        "members": np.array(draw(st.lists(st.lists(st.booleans(), min_size=num_people, max_size=num_people),
                                          min_size=1, max_size=3)), bool),
    }  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(cases())
def test_counts_of_absent_people(tmp_path_factory, case):
    parts = []
    for intervals, num_sets, sample_set in case["sets"]:
        parts.append(coverage_of(tmp_path_factory.mktemp("part"), intervals, num_sets, sample_set))
    absence = Absence(case["covered"], case["ploidy"], case["build"], parts)
    positions = np.array(case["positions"], np.int64)
    found = absence.counts(case["contig"], positions, case["members"])
    expected = slowly(case, case["contig"], case["positions"], case["members"])
    for got, wanted in zip(found, expected, strict=True):
        assert got.dtype == np.int64
        assert got.tolist() == wanted.tolist()
    copies = absence.copies(case["contig"], positions).T.astype(np.int64)
    assert (case["members"] @ copies).tolist() == expected[0].tolist()
    assert (case["members"].astype(int) @ (copies > 0)).tolist() == expected[1].tolist()


def test_long_lists_of_intervals(tmp_path):
    """Many more intervals than positions, and the other way round."""
    rng = np.random.default_rng(3)
    start = np.sort(rng.choice(200_000, 5_000, replace=False)) * 10
    intervals = [(0, s % 3, begin, begin + 5) for s in range(3) for begin in start[s::3].tolist()]
    sample_set = rng.integers(0, 3, 50)
    coverage = coverage_of(tmp_path, intervals, 3, sample_set)
    absence = Absence({0: "1"}, np.full((50, 6), 2, np.int16), None, [coverage])
    for positions in (np.array([777, 400_000, 1_999_000]), np.arange(100_000, 140_000)):
        members = rng.random((2, 50)) < 0.5
        found = absence.counts(0, positions, members)
        inside = np.zeros((3, len(positions)), int)
        for _, which, begin, end in intervals:
            inside[which] += (positions > begin) & (positions <= end)
        expected = np.array([[inside[sample_set[who]].sum(axis=0)] for who in members]).reshape(2, -1)
        assert np.array_equal(found[1], expected)
        assert np.array_equal(found[0], 2 * expected)
        assert np.array_equal(found[2], members.sum(axis=1)[:, None] - expected)


def test_unknown_ploidies_are_counted_where_there_are_contigs():
    known = np.array([[2, 2, -1, -1, 1, -1], [2, 2, -2, 0, 1, -1]], np.int16)
    assert Absence({0: "1"}, known, "GRCh38", []).unknown_ploidy().tolist() == [0] * 6
    assert Absence({0: "X", 1: "Y"}, known, "GRCh38", []).unknown_ploidy().tolist() == [0, 0, 2, 1, 0, 0]


def test_intervals_that_cannot_be_are_damage(tmp_path):
    part = PartWriter(staging_folder(tmp_path) / "part")
    write_coverage(part, CONTIGS, 1, np.zeros(2, np.int64), tuple(np.array([[0, 0], [5, 40], [9, 50]])))
    from varstore.storage.arrays import ArraySpec

    bad = np.array([9, 3], np.int32)
    part.rewrite("interval_start/0", ArraySpec("interval_start", "<i4", ("intervals",), filters=[
        {"id": "delta", "dtype": "<i4"}, {"id": "shuffle", "elementsize": 4}]).encode(bad))  # fmt: skip
    coverage = Coverage(Part(tmp_path, part.publish(tmp_path, "coverage/a")))
    with pytest.raises(CorruptRepositoryError, match="impossible intervals on 1"):
        coverage.intervals("1")


# BED files


def write(path, text):
    path.write_text(text)
    return path


def test_bed_is_read_as_it_stands(tmp_path):
    text = "track name=a\n# note\nbrowser x\n\nchr1\t0\t5\textra\nchr1 3 9\nchrX\t7\t7\n"
    found = bed.read_bed(write(tmp_path / "a.bed", text))
    assert {name: [x.tolist() for x in pair] for name, pair in found.items()} == {"chr1": [[0, 3], [5, 9]]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1\t5\n", ["line 1", "expected contig, start and end"]),
        ("1\t0\t5\n1\t-1\t5\n", ["line 2", "found '1 -1 5'"]),
        ("1\t9\t5\n", ["line 1", "ends before it starts"]),
        ("1\ta\t5\n", ["line 1"]),
        ("1\t0\t99999999999\n", ["line 1", "beyond any contig"]),
        ("# nothing\n", ["no interval in it"]),
    ],
)
def test_bed_errors_have_a_line(tmp_path, text, words):
    with pytest.raises(InputError) as error:
        bed.read_bed(write(tmp_path / "a.bed", text))
    for word in [str(tmp_path / "a.bed"), *words]:
        assert word in str(error.value)


def test_bed_files_that_are_none(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        bed.read_bed(tmp_path / "no.bed")
    (tmp_path / "cut.bed.gz").write_bytes(b"\x1f\x8b\x08\x00\x00\x00")
    with pytest.raises(InputError, match="does not inflate"):
        bed.read_bed(tmp_path / "cut.bed.gz")
    (tmp_path / "bytes.bed").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="no text"):
        bed.read_bed(tmp_path / "bytes.bed")


def test_bed_contigs_are_the_batchs(tmp_path):
    found = bed.read_bed(write(tmp_path / "a.bed", "chr1\t0\t5\n1\t7\t9\nMT\t0\t3\nchrM\t0\t9\nchrUn\t0\t2\n"))
    placed = bed.place_bed(found, {"1": 10, "MT": None}, Path("a.bed"))
    assert {name: [x.tolist() for x in pair] for name, pair in placed.items()} == {
        "1": [[0, 7], [5, 9]],
        "MT": [[0], [3]],
    }
    with pytest.raises(InputError, match="ends at 9, but contig 1 has 8 bases: another build"):
        bed.place_bed(found, {"1": 8}, Path("a.bed"))
    with pytest.raises(InputError, match="none of its contigs"):
        bed.place_bed(found, {"22": None}, Path("a.bed"))
