"""Contigs of several files: aliases join where lengths allow it, and another build is named."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

import varstore as vs
from varstore.errors import ContigLengthError, RegionError, UnknownContigError
from varstore.model import alleles, contigs, regions
from varstore.model.contigs import CHROMOSOMES, LENGTHS, build_of, chromosome_of, resolve
from varstore.model.regions import AlleleText, parse_allele, split_regions

HG19, HG38 = (dict(zip(CHROMOSOMES, LENGTHS[build], strict=True)) for build in ("GRCh37", "GRCh38"))


def _table(**lengths):
    return [{"name": name, "length": length, "refget": None} for name, length in lengths.items()]


@pytest.mark.parametrize("module", [alleles, contigs, regions])
def test_examples_in_docstrings(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("found", "table", "place"),
    [
        ({"chr1": HG19["1"]}, {"1": HG19["1"]}, 0),
        ({"chr1": None}, {"2": 5, "1": HG19["1"]}, 1),
        ({"chr1": HG19["1"]}, {"1": None}, 0),
        ({"NC_000001.10": None}, {"chr1": HG19["1"]}, 0),
        ({"chrX": None}, {"NC_000023.11": None}, 0),
        ({"CHR7": None}, {"7": None}, 0),
        ({"chrM": 16569}, {"MT": 16569}, 0),
        ({"M": 16569}, {"NC_012920.1": None}, 0),
        ({"chrM": None}, {"chrM": None}, 0),
        # Not one contig.
        ({"chrM": 16571}, {"MT": 16569}, 1),
        ({"chrM": None}, {"MT": 16569}, 1),
        ({"chrM": None}, {"MT": None}, 1),
        ({"chr1_random": None}, {"1_random": None}, 1),
        ({"GL000191.1": 106433}, {"1": None}, 1),
    ],
)
def test_aliases(found, table, place):
    places, entries = resolve(found, _table(**table), "a.vcf")
    assert places == [place]
    assert [entry["name"] for entry in entries] == [*table, *([next(iter(found))] if place == len(table) else [])]


def test_lengths_are_learned_and_new_contigs_go_to_the_end():
    table = _table(**{"2": None, "1": 7})
    places, entries = resolve({"3": 9, "chr2": HG38["2"], "1": None}, table, "a.vcf")
    assert places == [2, 0, 1]
    assert [(entry["name"], entry["length"]) for entry in entries] == [("2", HG38["2"]), ("1", 7), ("3", 9)]
    assert table[0]["length"] is None


def test_an_accession_says_the_length():
    _, entries = resolve({"NC_000001.11": None}, _table(**{"1": None}), "a.vcf")
    with pytest.raises(ContigLengthError, match="the file is of GRCh37, the repository of GRCh38"):
        resolve({"NC_000001.10": None}, entries, "b.vcf")


def test_two_contigs_of_one_file_are_never_one():
    places, entries = resolve({"chr1": None, "1": None, "Chr1": None}, _table(**{"1": None}), "a.vcf")
    assert places == [1, 0, 2]
    assert resolve({"NC_000001.11": None}, entries, "b.vcf")[0] == [0]


@pytest.mark.parametrize(
    ("found", "table", "message"),
    [
        ({"chr22": HG38["22"]}, {"22": HG19["22"]}, "a.vcf: contig chr22 has 50,818,468 bases, in the repository "
         "22 has 51,304,566: the file is of GRCh38, the repository of GRCh37"),
        ({"NC_000001.11": None}, {"1": LENGTHS["NCBI36"][0]}, "the file is of GRCh38, the repository of NCBI36"),
        ({"1": LENGTHS["T2T-CHM13v2.0"][0]}, {"1": 99}, "the file is of T2T-CHM13v2.0, the repository of another"),
        ({"z": 5}, {"z": 6}, "contig z has 5 bases, in the repository it has 6: another reference build"),
        ({"chrM": 16571}, {"chrM": 16569}, "another reference build"),
    ],
)  # fmt: skip
def test_another_length_is_refused_and_the_build_named(found, table, message):
    with pytest.raises(ContigLengthError) as error:
        resolve(found, _table(**table), "a.vcf")
    assert message in str(error.value)


@pytest.mark.parametrize("build", LENGTHS)
def test_builds_are_told_apart_by_every_chromosome(build):
    for i, chromosome in enumerate(CHROMOSOMES):
        assert build_of({f"chr{chromosome}": LENGTHS[build][i]}) == build
        assert len({lengths[i] for lengths in LENGTHS.values()}) == len(LENGTHS)
    assert build_of({"1": LENGTHS[build][0], "2": 1}) is None


def test_accessions():
    """Some as the assembly reports list them."""
    known = {"NC_000001.10": "1", "NC_000007.14": "7", "NC_000023.10": "X", "NC_000024.10": "Y", "NC_060948.1": "Y"}
    assert {name: chromosome_of(name) for name in known} == known
    assert build_of({"NC_000014.9": None}) == "GRCh38"
    assert build_of({"NC_000014.8": None}) == "GRCh37"
    assert build_of({"NC_060947.1": None}) == "T2T-CHM13v2.0"
    assert [chromosome_of(name) for name in ("23", "chr0", "NC_000001.12", "mt")] == [None] * 4


NAMES = st.sampled_from(["1", "chr1", "CHR1", "NC_000002.11", "2", "chr2", "MT", "chrM", "odd"])
TABLES = st.dictionaries(NAMES, st.none(), max_size=5)


@given(files=st.lists(TABLES, max_size=5))
def test_places_never_change(files):
    """A table only grows, each file has a place of its own for each contig, and asking again changes nothing."""
    table = []
    for found in files:
        places, after = resolve(found, table, "a.vcf")
        assert [entry["name"] for entry in after[: len(table)]] == [entry["name"] for entry in table]
        assert len(set(places)) == len(places)
        for name, place in zip(found, places, strict=True):
            assert after[place]["name"] == name or chromosome_of(after[place]["name"]) == chromosome_of(name)
        assert resolve(found, after, "a.vcf") == (places, after)
        table = after


def test_adding_a_batch_whose_contigs_have_other_names(tmp_path):
    def vcf(name, contig, sample, alt):
        path = tmp_path / f"{name}.vcf"
        path.write_text(
            f"##fileformat=VCFv4.3\n##contig=<ID={contig}>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{sample}\n"
            f"{contig}\t5\t.\tA\t{alt}\t.\t.\t.\tGT\t0/1\n"
        )
        return path

    repo = vs.create(tmp_path / "repo", vcf("one", "chr2", "A", "C"))
    repo.add(vcf("other", "NC_000002.12", "B", "C"), vcf("third", "2", "C", "G"))
    counts = repo.count_alleles()
    assert repo.contigs == ["chr2"]
    assert list(zip(counts.contig, counts.position, counts.alt, counts.allele_count, strict=True)) == [
        ("chr2", 5, "C", 2), ("chr2", 5, "G", 1)
    ]  # fmt: skip
    assert repo.verify() == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("22:16050075 A>G", AlleleText(1, 16050075, "A", "G")),
        ("22:16,050,075 a>g", AlleleText(1, 16050075, "a", "g")),
        ("22:16050075:A:G", AlleleText(1, 16050075, "A", "G")),
        ("22:5  N><DEL>", AlleleText(1, 5, "N", "<DEL>")),
        ("22:5 G>G]17:198982]", AlleleText(1, 5, "G", "G]17:198982]")),
        ("22:5 CA>*", AlleleText(1, 5, "CA", "*")),
        ("HLA-A*01:01:5:A:C", AlleleText(2, 5, "A", "C")),
        ("22", None),
        ("22:5", None),
        ("22:5-7", None),
        ("HLA-A*01:01:7", None),
        ("X:5:A:C", None),  # a contig, however odd
    ],
)
def test_allele_text(text, expected):
    assert parse_allele(text, ["21", "22", "HLA-A*01:01", "X:5:A:C"]) == expected


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("23:5 A>G", UnknownContigError, "no contig '23' here; there are 22"),
        ("23:5:A:G", UnknownContigError, "no contig '23'"),
        ("22:five A>G", RegionError, "'five' is no position"),
        ("22:99999999999 A>G", RegionError, "is no position"),
    ],
)
def test_allele_text_that_cannot_be_read(text, error, message):
    with pytest.raises(error, match=message):
        parse_allele(text, ["22"])


def test_alleles_in_a_list_of_regions():
    text = "22:16,050,075 A>G,X:5:A:C,22:1,000-2,000,22:7,123:A:T"
    assert split_regions(text, ["22", "X"]) == [
        "22:16,050,075 A>G", "X:5:A:C", "22:1,000-2,000", "22:7,123:A:T"
    ]  # fmt: skip


def test_regions_take_any_name_of_a_contig(tmp_path):
    header = "##fileformat=VCFv4.3\n##contig=<ID=22,length=51304566>\n##contig=<ID=MT,length=16569>\n"
    header += '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
    header += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\n"
    records = "".join(f"{contig}\t50\t.\tA\tG\t.\t.\t.\tGT\t0/1\n" for contig in ("22", "MT"))
    (tmp_path / "a.vcf").write_text(header + records)
    repo = vs.create(tmp_path / "r", tmp_path / "a.vcf")
    for region in ("chr22", "chr22:50", "22:1-60", "NC_000022.10:50-50", "chr22:50 A>G", "chr22:50:A:G"):
        assert repo.count_alleles(region).contig.tolist() == ["22"], region
    # Another build's chromosome 22, and hg19's chrM, are other sequences.
    for region in ("NC_000022.11:50", "chrM:50", "chr21"):
        with pytest.raises(UnknownContigError, match="no contig"):
            repo.count_alleles(region)
