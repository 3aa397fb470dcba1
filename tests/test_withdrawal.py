"""Withdrawal: who is withdrawn is in no answer of any version, and nowhere by name."""

import json
import re
import shutil
import subprocess
import warnings

import numpy as np
import pytest

import reference
import varstore as vs
import vcf_text
from reference import assert_same_rows
from varstore.errors import SampleClashError, UnknownSampleError, WithdrawnSampleError
from varstore.storage import files, manifest

NUM_SAMPLES = 13
PEOPLE = {"first": slice(9, 16), "second": slice(16, None)}


@pytest.fixture
def fx_two(tmp_path):
    """A repository of two batches, and all its people as the oracle reads them."""
    text = vcf_text.make_vcf(
        71,
        23,
        NUM_SAMPLES,
        ploidy="mixed",
        missing=0.1,
        half_missing=0.1,
        max_alts=3,
        unphased=0.3,
        extra_format=True,
        contigs=("1", "22"),
    )
    lines = [line.split("\t") for line in text.splitlines()]
    for name, columns in PEOPLE.items():
        kept = [line if len(line) == 1 else line[:9] + line[columns] for line in lines]
        vcf_text.write_plain(tmp_path / f"{name}.vcf", "".join("\t".join(line) + "\n" for line in kept))
    vs.create(tmp_path / "repo", tmp_path / "first.vcf").add(tmp_path / "second.vcf")
    return tmp_path / "repo", reference.read_vcf(text)


def left(vcf, gone, limit=NUM_SAMPLES):
    """Indexes of the first ``limit`` people without those who are gone."""
    return [i for i in range(limit) if vcf.samples[i] not in gone]


def test_every_answer_of_every_version_is_without_them(fx_two, tmp_path):
    path, vcf = fx_two
    gone = [vcf.samples[i] for i in (1, 4, 9)]
    repo = vs.open(path).withdraw(gone)
    assert repo.version == 3
    assert repo.info()["num_withdrawn"] == 3
    for version, limit in ((1, 7), (2, 13), (3, 13)):
        found = vs.open(path, version=version)
        rest = left(vcf, gone, limit)
        names = [vcf.samples[i] for i in rest]
        assert found.samples == names
        assert found.num_samples == len(names)
        assert found.info()["num_withdrawn"] == limit - len(rest)
        assert_same_rows(found.count_genotypes(), reference.count_rows(vcf.records, rest))
        assert_same_rows(found.count_alleles(), reference.count_rows(vcf.records, rest), reference.ALLELE_COLUMNS)
        assert_same_rows(
            found.count_genotypes("22", samples=names[2:5]),
            reference.count_rows([r for r in vcf.records if r.contig == "22"], rest[2:5]),
        )
        genotypes = found.genotypes()
        assert genotypes.sample_id.tolist() == names
        np.testing.assert_array_equal(genotypes.call_genotype, vcf.call_genotype[:, rest])
        found.export(tmp_path / f"{version}.vcf", "vcf")
        exported = reference.read_vcf(tmp_path / f"{version}.vcf")
        assert exported.samples == names
        np.testing.assert_array_equal(exported.call_genotype, vcf.call_genotype[:, rest])


def test_a_reader_that_is_open_leaves_them_out_at_once(fx_two):
    path, vcf = fx_two
    old, new = vs.open(path, version=1), vs.open(path)
    cohort = old.cohort(vcf.samples[:5])
    assert_same_rows(old.count_genotypes(cohort=cohort), reference.count_rows(vcf.records, range(5)))
    vs.open(path).withdraw(vcf.samples[2:4])
    gone = vcf.samples[2:4]
    assert (old.version, new.version) == (1, 2)
    assert_same_rows(old.count_genotypes(), reference.count_rows(vcf.records, left(vcf, gone, 7)))
    assert_same_rows(new.count_genotypes(), reference.count_rows(vcf.records, left(vcf, gone)))
    with pytest.warns(UserWarning, match="2 of the 5 people of a cohort were withdrawn since it was made"):
        counts = old.count_genotypes(cohort=cohort)
    assert_same_rows(counts, reference.count_rows(vcf.records, [0, 1, 4]))
    assert old.samples == [vcf.samples[i] for i in left(vcf, gone, 7)]
    with pytest.raises(WithdrawnSampleError, match="was withdrawn"):
        old.genotypes(samples=[vcf.samples[2]])


def test_naming_them_is_an_error_of_its_own(fx_two):
    path, vcf = fx_two
    repo = vs.open(path).withdraw(vcf.samples[:2])
    one, other = vcf.samples[:2]
    for query in (
        lambda ids: repo.count_alleles(samples=ids),
        lambda ids: repo.count_genotypes(cohort=ids),
        lambda ids: repo.count_genotypes(cohorts={"x": ids}),
        lambda ids: repo.genotypes("22", samples=ids),
        lambda ids: repo.cohort(ids),
    ):
        with pytest.raises(WithdrawnSampleError, match=f"'{re.escape(other)}' and 1 more were withdrawn"):
            query([vcf.samples[5], other, one])
    assert issubclass(WithdrawnSampleError, UnknownSampleError)


def test_withdrawing_twice_makes_no_version(fx_two):
    path, vcf = fx_two
    repo = vs.open(path).withdraw(vcf.samples[:3])
    assert repo.withdraw(vcf.samples[1:3]).version == 3
    assert repo.withdraw(vcf.samples[1:5]).version == 4
    assert [row.withdrawn for row in repo.log()] == [0, 0, 3, 5]
    entries = json.loads((path / "manifests/00000004.json").read_bytes())["withdrawn"]
    assert [(entry["samples"], entry["version"]) for entry in entries] == [([0, 1, 2], 3), ([3, 4], 4)]


def test_an_unknown_or_repeated_id_withdraws_nobody(fx_two):
    path, vcf = fx_two
    repo = vs.open(path)
    for ids, error, words in (
        ([vcf.samples[0], "Nobody", "Noone"], UnknownSampleError, "no sample 'Nobody' and 1 more"),
        ([vcf.samples[0]] * 2, SampleClashError, "named twice"),
        ([], vs.QueryError, "nobody to withdraw"),
        (vcf.samples[0], vs.QueryError, "not one string"),
    ):
        with pytest.raises(error, match=words):
            repo.withdraw(ids)
    assert vs.open(path).version == 2
    assert vs.open(path).samples == vcf.samples


def test_everybody(fx_two, tmp_path):
    path, vcf = fx_two
    repo = vs.open(path).withdraw(vcf.samples)
    assert (repo.num_samples, repo.samples) == (0, [])
    assert_same_rows(repo.count_genotypes(), reference.count_rows(vcf.records, []))
    assert repo.genotypes().call_genotype.shape[:2] == (len(vcf.records), 0)
    repo.export(tmp_path / "nobody.vcf", "vcf")
    assert reference.read_vcf(tmp_path / "nobody.vcf").samples == []
    assert repo.verify() == []
    text = vcf_text.make_vcf(71, 23, 2, contigs=("1", "22"))
    with pytest.raises(WithdrawnSampleError, match=r"back\.vcf: sample .* withdrawn from the repository"):
        repo.add(vcf_text.write_plain(tmp_path / "back.vcf", text))


def test_a_writer_that_is_behind_knows_of_them(fx_two, tmp_path):
    """Who was withdrawn by somebody else since is refused as withdrawn, not as being there."""
    path, vcf = fx_two
    behind = vs.open(path)
    vs.open(path).withdraw(vcf.samples)
    back = vcf_text.write_plain(tmp_path / "back.vcf", vcf_text.make_vcf(71, 23, 2, contigs=("1", "22")))
    for act in (behind.add, behind.plan):
        with pytest.raises(WithdrawnSampleError, match=r"back\.vcf: sample .* withdrawn from the repository"):
            act(back)


def test_they_are_not_added_again(fx_two, tmp_path, monkeypatch):
    path, vcf = fx_two
    link, raced = files.link_new, []

    def late(source, target):
        """Withdraw while the other writer is about to commit."""
        if not raced:
            raced.append(True)
            vs.open(path).withdraw([vcf.samples[0]])
        link(source, target)

    source = path.parent / "first.vcf"
    repo = vs.open(path)
    with monkeypatch.context() as patch:
        patch.setattr(files, "link_new", late)
        repo.withdraw([vcf.samples[0]])  # the other was faster: nothing is left to do
    assert vs.open(path).version == 3
    for again in (vs.open(path), repo):
        with pytest.raises(WithdrawnSampleError, match=rf"{re.escape(vcf.samples[0])}.* was withdrawn"):
            again.add(source)
    renamed = source.read_text().replace(vcf.samples[0], "somebody-else")
    for name in vcf.samples[1:7]:
        renamed = renamed.replace(name, f"new-{name}")
    added = repo.add(vcf_text.write_plain(tmp_path / "new.vcf", renamed))
    assert added.num_samples == NUM_SAMPLES - 1 + 7
    assert added.samples[12:] == ["somebody-else", *(f"new-{name}" for name in vcf.samples[1:7])]


def test_manifests_do_not_hold_their_names(fx_two, fx_cli):
    path, vcf = fx_two
    fx_cli("withdraw", path, vcf.samples[3], vcf.samples[8])
    assert vs.open(path).info()["num_withdrawn"] == 2
    for name in (vcf.samples[3], vcf.samples[8]):
        for file in (path / "manifests").iterdir():
            assert name not in file.read_text()
    assert vs.open(path).log()[-1].command[-2:] == ["...", "..."]


def test_the_commands(fx_two, fx_cli, tmp_path):
    path, vcf = fx_two
    listed = vcf_text.write_plain(tmp_path / "gone.txt", "\n".join(vcf.samples[:2]) + "\n")
    done = fx_cli("withdraw", path, "-S", listed)
    assert done.stderr == f"{path}: version 3, 2 samples withdrawn, 11 left\n"
    assert "withdrawn 2\n" in fx_cli("info", path).stdout
    done = fx_cli("withdraw", path, vcf.samples[1], vcf.samples[2])
    assert "version 4, 1 sample withdrawn (1 more were already), 10 left" in done.stderr
    assert "version 4, all of them were withdrawn already" in fx_cli("withdraw", path, vcf.samples[1]).stderr
    assert "was withdrawn" in fx_cli("count", path, "-s", vcf.samples[1], status=1).stderr
    assert "not both" in fx_cli("withdraw", path, vcf.samples[5], "-S", listed, status=1).stderr
    rows = [line.split("\t") for line in fx_cli("log", path).stdout.splitlines()]
    assert rows[0] == ["version", "time", "action", "batches", "samples", "withdrawn", "tool", "command"]
    assert [(row[0], *row[2:6]) for row in rows[1:]] == [
        ("1", "add", "1", "7", "0"),
        ("2", "add", "2", "13", "0"),
        ("3", "withdraw", "2", "11", "2"),
        ("4", "withdraw", "2", "10", "3"),
    ]
    lines = fx_cli("log", path, "--json").stdout.splitlines()
    assert [json.loads(line)["version"] for line in lines] == [1, 2, 3, 4]


def test_a_source_is_verified_without_them(fx_two):
    """A call of theirs may differ, a call of another may not."""
    path, vcf = fx_two
    source = path.parent / "first.vcf"
    repo = vs.open(path).withdraw([vcf.samples[4]])
    assert repo.verify(source) == []
    head, mark, body = source.read_text().partition("#CHROM")
    lines = body.splitlines()
    for sample, differs in ((4, False), (5, True)):
        changed = list(lines)
        for row in range(1, len(changed)):
            fields = changed[row].split("\t")
            keys, call = fields[8].split(":"), fields[9 + sample].split(":")
            if keys[0] == "GT" and fields[4] != ".":
                fields[9 + sample] = ":".join(["10"[call[0][0] == "1"] + call[0][1:], *call[1:]])
                changed[row] = "\t".join(fields)
        assert changed != lines
        source.write_text(head + mark + "\n".join(changed) + "\n")
        found = repo.verify(source)
        assert bool(found) == differs, found


def test_an_older_varstore_refuses_what_it_would_count(fx_two, monkeypatch):
    path, vcf = fx_two
    vs.open(path).withdraw([vcf.samples[4]])
    monkeypatch.setattr(manifest, "_KNOWN_TO_READERS", manifest.READER_FEATURES)
    with pytest.raises(vs.RepositoryError, match="needs features withdrawn"):
        vs.open(path, version=1)


def test_a_store_of_others_has_nobody_withdrawn(fx_small, tmp_path):
    vs.open(fx_small.path).export(tmp_path / "plain.vcz", "vcz")
    store = vs.open(tmp_path / "plain.vcz")
    assert store.info()["num_withdrawn"] == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert store.samples == fx_small.vcf.samples
    for action in (lambda: store.withdraw(store.samples[:1]), store.log, store.gc):
        with pytest.raises(vs.RepositoryError, match="read only"):
            action()


@pytest.mark.parametrize("form", ["vcf", "bcf", "vcz"])
def test_meta_lines_of_people_who_are_not_written_are_not_written(tmp_path, form):
    lines = [
        "##SAMPLE=<ID=kin-1,Genomes=Germline>", "##SAMPLE=<ID=kin-2,Genomes=Germline>",
        "##SAMPLE=<ID=Blood,Genomes=Germline>", "##PEDIGREE=<ID=kin-3,Father=kin-1,Mother=kin-2>",
        "##caller=called kin-2,kin-3 together", "##note=kin of all",
    ]  # fmt: skip
    text = "\n".join([
        "##fileformat=VCFv4.3", "##contig=<ID=22>", '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        *lines, "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tkin-1\tkin-2\tkin-3",
        "22\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1\t1/1\t0/0", "",
    ])  # fmt: skip
    repo = vs.create(tmp_path / "repo", vcf_text.write_plain(tmp_path / "in.vcf", text))

    if form == "bcf" and shutil.which("bcftools") is None:
        pytest.skip("bcftools is not installed")

    def written(name):
        repo.export(tmp_path / name, form)
        if form == "vcz":
            pairs = json.loads((tmp_path / name / ".zattrs").read_text())["vcf_meta_information"]
            return ["##" + "=".join(pair) for pair in pairs]
        if form == "vcf":
            return (tmp_path / name).read_text().splitlines()
        head = subprocess.run(["bcftools", "head", tmp_path / name], capture_output=True, text=True, check=True)
        return head.stdout.splitlines()

    assert set(lines) <= set(written("all"))
    repo.withdraw(["kin-2"])
    assert [line for line in written("fewer") if "kin" in line and line[1] == "#"] == [lines[0], lines[5]]
    assert lines[2] in written("again")
