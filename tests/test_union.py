"""Several batches with sites of their own: one axis, and the right denominators."""

import warnings
from dataclasses import replace

import pytest

import varstore as vs
from reference import assert_same_rows
from union_oracle import BatchOf, make_batches, normalise, read_batches, union_rows
from varstore.errors import ContigLengthError, DenominatorWarning, QueryError, SampleClashError
from varstore.storage.people import read_renames

TABLE = ["21", "22"]


@pytest.fixture
def added(tmp_path):
    """Make a repository of VCF texts, a batch each, and give the oracle's batches with the people of each."""

    def make(texts):
        files = []
        for i, text in enumerate(texts):
            files.append(tmp_path / f"{i}.vcf")
            files[-1].write_text(text)
        repo = vs.create(tmp_path / "r.varstore", files[0], threads=1)
        for file in files[1:]:
            repo.add(file, threads=1)
        batches = [BatchOf(vcf) for vcf in read_batches(texts)]
        number = {name: i for i, name in enumerate(repo.samples)}
        return repo, batches, [[number[name] for name in batch.vcf.samples] for batch in batches]

    return make


def counted(repo, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DenominatorWarning)
        return repo.count_genotypes(*args, **options)


@pytest.mark.parametrize("seed", range(12))
def test_counts_over_batches_are_those_of_the_rules(added, seed):
    repo, batches, people = added(make_batches(seed, num_batches=2 + seed % 3))
    assert_same_rows(counted(repo), union_rows(batches, people, TABLE))
    for region in ("22:10-20", "21:1-1", "22:39-60", "21"):
        contig, _, span = region.partition(":")
        start, end = map(int, span.split("-")) if span else (1, None)
        assert_same_rows(counted(repo, region), union_rows(batches, people, TABLE, [(contig, start, end)]))


@pytest.mark.parametrize("seed", range(40, 46))
def test_rows_are_in_order_however_the_axis_is_cut(added, monkeypatch, seed):
    """Records whose spelling begins long before the allele, and the axis in pieces of a few records."""
    monkeypatch.setattr("varstore.query.axis._PIECE_RUNS", 1)
    monkeypatch.setattr("varstore.query.axis._GAP", 2)
    monkeypatch.setattr("varstore.ingest.importer.chunk_height", lambda *_, **__: 1 + seed % 3)
    repo, batches, people = added(make_batches(seed, num_batches=3))
    assert_same_rows(counted(repo), union_rows(batches, people, TABLE))
    region = union_rows(batches, people, TABLE, [("22", 8, 30)])
    assert_same_rows(counted(repo, "22:8-30"), region)


def test_the_last_position_is_in_the_whole(tmp_path):
    last = 2**31 - 1
    for name, position in (("a", 5), ("b", last)):
        lines = ["##fileformat=VCFv4.3", "##contig=<ID=21>", "##contig=<ID=22>"]
        lines += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
        lines += ["\t".join(f"#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT {name}".split())]
        lines += ["\t".join(f"22 {position} . A G . . . GT 0/1".split())]
        (tmp_path / f"{name}.vcf").write_text("\n".join(lines) + "\n")
    repo = vs.create(tmp_path / "r.varstore", tmp_path / "a.vcf")
    repo.add(tmp_path / "b.vcf")
    assert counted(repo, f"22:{last}").position.tolist() == [last]
    assert counted(repo).position.tolist() == [5, last]
    assert len(counted(repo, ["21:1 A>G", "21:90 A>G"])) == 0  # a contig that no batch covers


def test_people_may_come_again_with_other_contigs(added):
    first, second = make_batches(5, 2, contigs=("21",))
    again = make_batches(6, 1, contigs=("22",))[0].replace("b0s", "b1s")
    repo, batches, people = added([first, second, again.replace("b1s0\tb1s1\tb1s2", "b1s2\tb1s0\tnew")])
    assert repo.samples == ["b0s0", "b0s1", "b0s2", "b1s0", "b1s1", "b1s2", "new"]
    rows = union_rows(batches, people, TABLE)
    assert_same_rows(counted(repo), rows)
    assert {row["n_missing"] for row in rows if row["contig"] == "22"} >= {4}
    cohort = [people[1][0], people[2][2]]
    only = [BatchOf(_of_samples(batch.vcf, [n for n in mine if n in cohort], mine)) for batch, mine in zip(
        batches, people, strict=True
    )]  # fmt: skip
    for batch, whole in zip(only, batches, strict=True):
        batch.keys, batch.first = whole.keys, whole.first
    expected = union_rows(only, [[n for n in mine if n in cohort] for mine in people], TABLE)
    assert_same_rows(counted(repo, samples=["b1s0", "new"]), expected)


def _of_samples(vcf, numbers, mine):
    chosen = [mine.index(number) for number in numbers]
    records = [replace(record, codes=record.codes[chosen]) for record in vcf.records]
    return replace(vcf, samples=[vcf.samples[i] for i in chosen], records=records)


def test_several_cohorts_and_filters_over_batches(added):
    repo, _, _ = added(make_batches(9, 3))
    table = counted(repo, cohorts={"all": repo.samples, "one": repo.samples[:1]})
    everybody = counted(repo)
    for name in ("allele_count", "allele_number", "n_missing", "n_other"):
        assert table[name][table.cohort == "all"].tolist() == everybody[name].tolist()
    assert (table.allele_number[table.cohort == "one"] <= 2).all()
    failing = counted(repo, filters=".")
    assert len(failing) == len(everybody)
    assert (failing.n_missing == repo.num_samples).all()


def test_the_same_person_on_the_same_contig_is_refused(added, tmp_path):
    texts = make_batches(3, 2, contigs=("22",))
    repo, _, _ = added(texts)
    (tmp_path / "again.vcf").write_text(texts[1])
    version = repo.version
    with pytest.raises(SampleClashError, match=r"again\.vcf: sample 'b1s0' \(and 2 more\) .* contig 22, in batch"):
        repo.add(tmp_path / "again.vcf")
    assert vs.open(repo.path).version == version
    repo.add(tmp_path / "again.vcf", rename={f"b1s{i}": f"again{i}" for i in range(3)})
    assert repo.samples[-3:] == ["again0", "again1", "again2"]
    assert b"b1s0" not in b"".join(
        f.read_bytes() for f in (repo.path / repo.manifest.batches[-1]["part"]["path"]).rglob("*") if f.is_file()
    )
    twice, once = counted(repo, samples=["b1s0", "again0"]), counted(repo, samples=["b1s0"])
    assert (twice.allele_count == 2 * once.allele_count).all()
    with pytest.raises(SampleClashError, match="two samples get the name"):
        repo.add(tmp_path / "again.vcf", rename={f"b1s{i}": "x" for i in range(3)})


def test_inputs_with_other_people_are_batches_of_one_step(tmp_path):
    texts = make_batches(11, 3)
    files = []
    for i, text in enumerate(texts):
        files.append(tmp_path / f"{i}.vcf")
        files[-1].write_text(text)
    at_once = vs.create(tmp_path / "at-once.varstore", *files)
    assert at_once.version == 1
    assert len(at_once.info()["batches"]) == 3
    one_by_one = vs.create(tmp_path / "one-by-one.varstore", files[0])
    for file in files[1:]:
        one_by_one.add(file)
    assert one_by_one.version == 3
    for name in counted(at_once).columns:
        found, expected = counted(at_once)[name], counted(one_by_one)[name]
        assert found.astype(str).tolist() == expected.astype(str).tolist()
    assert not vs.repository.problems(at_once.path)


def test_missing_for_want_of_a_record_is_warned_about(added):
    repo, _, _ = added(make_batches(2, 2))
    with pytest.warns(DenominatorWarning, match="no record of the site"):
        repo.count_alleles()


def test_another_length_of_a_contig_is_another_build(added, tmp_path):
    first, second = make_batches(8, 2, contigs=("22",))
    first, second = (
        first.replace("ID=22>", "ID=22,length=51304566>"),
        second.replace("ID=22>", "ID=22,length=50818468>"),
    )
    (tmp_path / "b.vcf").write_text(second)
    repo, _, _ = added([first])
    with pytest.raises(ContigLengthError, match="22 has 50,818,468 bases, in the repository it has 51,304,566"):
        repo.add(tmp_path / "b.vcf")


def test_rename_file_is_read_line_by_line(tmp_path):
    file = tmp_path / "names.tsv"
    file.write_text("old one\tnew one\n\nb\tc\n")
    assert read_renames(file) == {"old one": "new one", "b": "c"}
    file.write_text("a\tb\tc\n")
    with pytest.raises(QueryError, match=r"line 1: found 'a.tb.tc', expected an old and a new"):
        read_renames(file)


@pytest.mark.parametrize("seed", range(20, 24))
def test_an_allele_is_found_however_it_is_spelled(added, seed):
    repo, batches, people = added(make_batches(seed, num_batches=2))
    rows = union_rows(batches, people, TABLE)
    for row in rows:
        if row["alt"].startswith("<"):
            continue
        same = [other for other in rows if same_allele(row, other)]
        padded = f"{row['contig']}:{row['position']} {row['ref'].lower()}>{row['alt']}"
        assert_same_rows(counted(repo, padded), same)
    assert len(counted(repo, "22:49999 A>C")) == 0
    last = [row for row in rows if not row["alt"].startswith("<")][-1]
    both = counted(repo, ["22:1-3", f"{last['contig']}:{last['position']} {last['ref']}>{last['alt']}"])
    near = union_rows(batches, people, TABLE, [("22", 1, 3)])
    assert_same_rows(both, [row for row in rows if row in near or same_allele(row, last)])


def same_allele(row, other):
    def key(r):
        return r["contig"], (r["position"], r["ref"][0].upper(), "*") if r["alt"] == "*" else normalise(
            r["position"], r["ref"], r["alt"]
        )  # fmt: skip

    return "<" not in other["alt"] and key(row) == key(other)


def test_alleles_select_records_of_one_batch_too(tmp_path):
    (tmp_path / "a.vcf").write_text(make_batches(31, 1, contigs=("22",))[0])
    repo = vs.create(tmp_path / "r.varstore", tmp_path / "a.vcf")
    row = repo.count_alleles().to_pandas().query("not alt.str.startswith('<')").iloc[3]
    text = f"22:{row.position} {row.ref}>{row.alt}"
    found = repo.genotypes(text)
    assert (found.variant_position == row.position).all()
    assert all(row.alt in alleles[1:] for alleles in found.variant_allele.tolist())
    with pytest.raises(QueryError, match="symbolic alleles of one position differ"):
        repo.count_alleles("22:5 N><DEL>")
