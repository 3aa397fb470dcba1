"""Unsorted input is sorted on the way in: as if it had come sorted, with every line's own number in errors."""

import random
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import varstore as vs
import vcf_text
from varstore.errors import InputError, RepositoryError
from varstore.ingest import sort as sort_module

TABLE = ["2", "1", "X"]
META = "##fileformat=VCFv4.3\n" + "".join(f"##contig=<ID={name},length=100000>\n" for name in TABLE)
HEADER = META + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\tc\n"
FIRST = HEADER.count("\n") + 1


def record(contig, pos, number=0):
    """A record that can be told from all others by its ID and its calls."""
    calls = "\t".join(random.Random(number).choice(["0|0", "0|1", "1/1", "./.", "1|2"]) for _ in range(3))
    return f"{contig}\t{pos}\tid{number}\tA\tC,G\t.\tPASS\t.\tGT\t{calls}\n"


def in_order(keys):
    """The records of (contig, pos) pairs, sorted stably; contigs that are not in the table come last, as met."""
    table = list(dict.fromkeys([*TABLE, *(contig for contig, _ in keys)]))
    return sorted(range(len(keys)), key=lambda i: (table.index(keys[i][0]), keys[i][1]))


def records_of(keys):
    return [record(contig, pos, number) for number, (contig, pos) in enumerate(keys)]


def content(path):
    """Every stored value that a reader sees."""
    found = vs.open(path).genotypes()
    ids = vs.open(path)._batches[0].store.array("variant_id")
    chunks = range(-(-len(found.variant_position) // 4096))
    return (
        [name for chunk in chunks for name in ids.chunk(chunk)][: len(found.variant_position)],
        list(found.variant_contig),
        found.variant_position.tolist(),
        np.asarray(found.call_genotype).tolist(),
        np.asarray(found.call_genotype_phased).tolist(),
    )


def make(path, *inputs, **options):
    vs.create(path, *inputs, **options)
    return content(path)


def problems_of(path):
    return vs.open(path).info()["batches"][0]["problems"]


def shuffled_keys(seed, num, contigs=("2", "1", "new", "X")):
    rng = random.Random(seed)
    return [(rng.choice(contigs), rng.randint(0, 40)) for _ in range(num)]


@settings(deadline=None, max_examples=30)
@given(
    keys=st.lists(st.tuples(st.sampled_from(["1", "2", "X", "new", "newer"]), st.integers(0, 4)), max_size=30),
    run_size=st.sampled_from([1, 60, 300, 1 << 26]),
    block_size=st.sampled_from([1, 100, 1 << 19]),
    piece_size=st.sampled_from([1, 200, 1 << 23]),
    write=st.sampled_from([vcf_text.write_plain, vcf_text.write_gzip, vcf_text.write_bgzf]),
)
def test_any_order(tmp_path_factory, keys, run_size, block_size, piece_size, write):
    """Whatever the sizes of runs, blocks and pieces: the records in the order of a stable sort."""
    folder = tmp_path_factory.mktemp("sort")
    lines = records_of(keys)
    path = write(folder / "in.vcf", HEADER + "".join(lines))
    right = write(folder / "right.vcf", HEADER + "".join(lines[i] for i in in_order(keys)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sort_module, "RUN_SIZE", run_size)
        patch.setattr(sort_module, "BLOCK_SIZE", block_size)
        patch.setattr(sort_module, "_PIECE_SIZE", piece_size)
        found = make(folder / "repo", path)
    contigs = [contig for contig, _ in keys]
    changes = [contig for i, contig in enumerate(contigs) if i == 0 or contigs[i - 1] != contig]
    falls = any(a[0] == b[0] and a[1] > b[1] for a, b in pairwise(keys))
    sorted_in = len(set(changes)) < len(changes) or falls
    assert ("unsorted" in problems_of(folder / "repo")) == sorted_in
    if sorted_in:
        assert found == make(folder / "right", right)
    else:
        assert found[0] == [f"id{i}" for i in range(len(keys))]


def test_many_records(tmp_path):
    """Several runs at their real size of blocks, over chunks."""
    keys = shuffled_keys(3, 30_000)
    lines = records_of(keys)
    path = vcf_text.write_bgzf(tmp_path / "in.vcf.gz", HEADER + "".join(lines), 60_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sort_module, "RUN_SIZE", 300_000)
        patch.setattr(sort_module, "BLOCK_SIZE", 7000)
        found = make(tmp_path / "repo", path)
    assert found[0] == [f"id{i}" for i in in_order(keys)]
    assert vs.open(tmp_path / "repo").verify() == []


def test_the_report_says_where(tmp_path):
    path = vcf_text.write_plain(tmp_path / "in.vcf", HEADER + record("1", 5) + record("1", 9) + record("1", 7))
    vs.create(tmp_path / "repo", path)
    assert problems_of(tmp_path / "repo")["unsorted"] == {
        "count": 1,
        "first": [f"{path}, line {FIRST + 2}: position 7 comes after 9"],
    }
    files = vs.open(tmp_path / "repo").info()["batches"][0]["files"]
    assert [file["size"] for file in files] == [path.stat().st_size]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda line: line.replace("A\tC,G", "A\tC,?"), r"ALT is 'C,\?'"),
        (lambda line: line.rpartition("\t")[0] + "\n", "11 columns, the header has 12"),
        (lambda line: line.replace("\t7\t", "\tseven\t"), "POS is 'seven'"),
        (lambda line: line.replace("\t7\t", "\t99999999999\t"), "POS is '99999999999'"),
        (lambda line: "\n", "the line is blank"),
        (lambda line: "word\n", "1 columns, the header has 12"),
        (lambda line: line.replace("PASS", "PA\udcffSS"), "not UTF-8"),
    ],
)
@pytest.mark.parametrize("at", [0, 1999])
def test_errors_name_the_line_of_the_file(tmp_path, change, message, at):
    """Wherever the line was sorted to."""
    lines = records_of(shuffled_keys(at, 2000))
    lines[at] = change(record("1", 7, at))
    path = tmp_path / "in.vcf"
    path.write_bytes((HEADER + "".join(lines) + record("1", 3)).encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=rf"in\.vcf, line {FIRST + at}: .*{message}"):
        vs.create(tmp_path / "repo", path)
    assert not (tmp_path / "repo").exists()


@pytest.mark.parametrize("end", ["\n\n\n", "", "\r\n\r\n"])
def test_line_ends(tmp_path, end):
    keys = shuffled_keys(1, 50)
    text = "".join(records_of(keys)).rstrip("\n")
    if "\r" in end:
        text = text.replace("\n", "\r\n")
    path = tmp_path / "in.vcf"
    path.write_bytes((HEADER + text + end).encode())
    found = make(tmp_path / "repo", path)
    assert found[0] == [f"id{i}" for i in in_order(keys)]
    kinds = set(problems_of(tmp_path / "repo"))
    assert ("crlf" in kinds) == ("\r" in end)
    assert ("blank-last-line" in kinds) == bool(end)
    assert ("no-final-newline" in kinds) == (not end)


def test_one_of_several_files(tmp_path):
    """The file at fault is sorted, the others are read as they are."""
    keys = {"1": [("1", 9), ("1", 3)], "2": [("2", 5), ("2", 6)], "X": [("X", 5), ("X", 6)]}
    paths = []
    for name, pairs in keys.items():
        body = "".join(record(contig, pos, int(f"{pos}")) for contig, pos in pairs)
        paths.append(vcf_text.write_bgzf(tmp_path / f"{name}.vcf.gz", HEADER + body))
    found = make(tmp_path / "repo", *paths)
    assert found[0] == ["id5", "id6", "id3", "id9", "id5", "id6"]
    entry = problems_of(tmp_path / "repo")["unsorted"]
    assert entry["first"] == [f"{paths[0]}, line {FIRST + 1}: position 3 comes after 9"]
    assert len(vs.open(tmp_path / "repo").info()["batches"][0]["files"]) == 3


@pytest.mark.parametrize("inside", [False, True])
def test_contigs_that_several_files_share(tmp_path, inside):
    """They are merged; what is equal stays in the order of the files as they were named."""
    keys = [("1", 9), ("1", 3), ("2", 7)] if inside else [("2", 7), ("1", 3), ("1", 9)]
    other = [("1", 1), ("1", 9), ("X", 1)]
    one = vcf_text.write_plain(tmp_path / "one.vcf", HEADER + "".join(records_of(keys)))
    lines = [record(contig, pos, 10 + i) for i, (contig, pos) in enumerate(other)]
    two = vcf_text.write_bgzf(tmp_path / "two.vcf.gz", HEADER + "".join(lines))
    ids = [*(f"id{i}" for i in range(3)), *(f"id{10 + i}" for i in range(3))]
    found = make(tmp_path / "repo", one, two)
    assert found[0] == [ids[i] for i in in_order([*keys, *other])]
    info = vs.open(tmp_path / "repo").info()["batches"][0]
    assert sorted(file["name"] for file in info["files"]) == ["one.vcf", "two.vcf.gz"]
    bad = vcf_text.write_plain(tmp_path / "bad.vcf", HEADER + record("1", 2) + record("1", 4).replace("\tA\t", "\t?\t"))
    with pytest.raises(InputError, match=rf"bad\.vcf, line {FIRST + 1}: REF is '\?'"):
        vs.create(tmp_path / "other", one, bad, two)


def test_a_file_named_twice(tmp_path):
    path = vcf_text.write_plain(tmp_path / "in.vcf", HEADER + record("1", 5))
    with pytest.raises(InputError, match=r"in\.vcf: named twice"):
        vs.create(tmp_path / "repo", path, path)


def test_bcf(tmp_path, monkeypatch):
    bcftools = pytest.importorskip("shutil").which("bcftools")
    if bcftools is None:
        pytest.skip("needs bcftools")
    keys = shuffled_keys(5, 300, ("2", "1", "X"))
    meta = '##FILTER=<ID=PASS,Description="x">\n##FORMAT=<ID=GT,Number=1,Type=String,Description="x">\n'
    header = HEADER.replace("#CHROM", meta + "#CHROM")
    text = vcf_text.write_plain(tmp_path / "in.vcf", header + "".join(records_of(keys)))
    subprocess.run([bcftools, "view", "-Ob", "-o", tmp_path / "in.bcf", text], check=True)
    found = make(tmp_path / "repo", tmp_path / "in.bcf")
    assert found == make(tmp_path / "text", text)
    first = problems_of(tmp_path / "repo")["unsorted"]["first"][0]
    assert first.startswith(f"{tmp_path / 'in.bcf'}, record ")


# Faults


def tree(path):
    return {item.relative_to(path): item.read_bytes() for item in path.rglob("*") if item.is_file()}


@pytest.mark.parametrize("place", ["add", "merged", "_read"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_sort_leaves_the_repository_as_it_was(tmp_path, monkeypatch, place, error):
    one = vcf_text.write_plain(tmp_path / "one.vcf", HEADER + "".join(record("1", pos, pos) for pos in range(50)))
    vs.create(tmp_path / "repo", one)
    before = tree(tmp_path / "repo")
    names = HEADER.replace("a\tb\tc", "d\te\tf")
    lines = [record("1", pos, pos) for pos in range(50)]
    two = vcf_text.write_plain(tmp_path / "two.vcf", names + "".join(reversed(lines)))
    monkeypatch.setattr(sort_module, "RUN_SIZE", 500)

    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(sort_module._Runs, place, fail)
        expected = RepositoryError if isinstance(error, OSError) else KeyboardInterrupt
        with pytest.raises(expected):
            vs.open(tmp_path / "repo").add(two)
    assert tree(tmp_path / "repo") == before
    assert vs.open(tmp_path / "repo").add(two).num_samples == 6
    assert not list((tmp_path / "repo" / "tmp").iterdir())


KILLED = """
import os, signal, sys
import varstore as vs
from varstore.ingest import sort
sort.BLOCK_SIZE = 200
left = int(sys.argv[3])
write = sort._Runs._write

def write_and_die(self, lines):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return write(self, lines)

sort._Runs._write = write_and_die
vs.open(sys.argv[1]).add(sys.argv[2])
"""


@pytest.mark.parametrize("after", [0, 2])
def test_a_killed_sort_leaves_the_version_as_it_was(tmp_path, after):
    one = vcf_text.write_plain(tmp_path / "one.vcf", HEADER + "".join(record("1", pos, pos) for pos in range(50)))
    vs.create(tmp_path / "repo", one)
    before = content(tmp_path / "repo")
    lines = [record("1", pos, pos) for pos in range(50)]
    two = vcf_text.write_plain(tmp_path / "two.vcf", HEADER.replace("a\tb\tc", "d\te\tf") + "".join(reversed(lines)))
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "repo", two, str(after)], timeout=120, check=False)
    assert done.returncode == -9
    repo = vs.open(tmp_path / "repo")
    assert repo.version == 1
    assert repo.verify() == []
    assert content(tmp_path / "repo") == before
    assert repo.add(two).num_samples == 6
    assert repo.verify() == []
