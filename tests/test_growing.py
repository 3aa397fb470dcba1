"""The 1000 Genomes slice in ten batches: counts are those of the whole file, whatever happens to the repository."""

import gzip
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import varstore as vs
from varstore.errors import DenominatorWarning

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared/data/real/1kg_p3_chr22_16-16.5mb.vcf.gz"
COLUMNS = ("allele_count", "allele_number", "n_hom_ref", "n_het", "n_hom_alt", "n_other", "n_missing")
pytestmark = pytest.mark.skipif(not REAL.exists(), reason="needs shared/data/real")


def counts(repo, **options):
    """Counts by allele; alleles that nobody carries left out, for no batch has their sites."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DenominatorWarning)
        table = repo.count_genotypes(**options)
    keys = zip(table.contig, table.position, table.ref, table.alt, strict=True)
    rows = zip(*(table[name] for name in COLUMNS), strict=True)
    return {key: row for key, row in zip(keys, rows, strict=True) if row[0]}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return vs.create(tmp_path_factory.mktemp("whole") / "whole.varstore", REAL)


@pytest.fixture(scope="module")
def ten_files(tmp_path_factory):
    sys.path.insert(0, str(ROOT / "tools"))
    from cut_batches import cut_batches

    return cut_batches(REAL, tmp_path_factory.mktemp("ten"), 10)


@pytest.fixture(scope="module")
def ten(tmp_path_factory, ten_files):
    path = tmp_path_factory.mktemp("repo") / "ten.varstore"
    repo = vs.create(path, ten_files[0], absent="reference", assembly="GRCh37")
    for file in ten_files[1:]:
        repo.add(file, absent="reference")
    return repo


def test_counts_of_ten_batches_are_those_of_the_whole_file(whole, ten):
    assert ten.version == 10
    assert len({batch["num_variants"] for batch in ten.info()["batches"]}) > 1
    expected = counts(whole)
    assert len(expected) > 6_000
    assert counts(ten) == expected
    some = whole.samples[::7]
    assert counts(ten, samples=some) == counts(whole, samples=some)
    region = "22:16100000-16110000"
    assert counts(ten, region=region) == counts(whole, region=region)


def test_without_a_policy_nobody_is_reference_by_silence(whole, ten_files, tmp_path):
    repo = vs.create(tmp_path / "unknown.varstore", *ten_files)
    expected, found = counts(whole), counts(repo)
    assert found.keys() == expected.keys()
    assert all(found[key][0] == expected[key][0] for key in expected)
    number = np.array([found[key][1] for key in expected])
    assert (number <= [expected[key][1] for key in expected]).all()
    assert (number < [expected[key][1] for key in expected]).sum() > 1_000
    with pytest.warns(DenominatorWarning):
        repo.count_alleles()


def people_apart(source, folder, num):
    """The file cut by people: each keeps the records in which some of its people vary or lack a call.

    Those who have no call on Y at all, as women, do not make a record of Y one.
    """
    header, lines = [], []
    for line in gzip.decompress(source.read_bytes()).decode().splitlines(keepends=True):
        (header if line.startswith("#") else lines).append(line)
    names = header[-1].rstrip("\n").split("\t")[9:]
    records = [line.rstrip("\n").split("\t") for line in lines]
    on_y = [any(r[0] == "Y" and r[9 + i] != "." for r in records) for i in range(len(names))]
    files = []
    for part in range(num):
        mine = range(part, len(names), num)
        kept = []
        for record in records:
            calls = [record[9 + i] for i in mine if record[0] != "Y" or on_y[i]]
            if any(set(call) - set("0|/") for call in calls):
                kept.append("\t".join([*record[:9], *(record[9 + i] for i in mine)]) + "\n")
        columns = "\t".join([*header[-1].split("\t")[:9], *(names[i] for i in mine)]) + "\n"
        files.append(folder / f"{part}.vcf")
        files[-1].write_text("".join([*header[:-1], columns, *kept]))
    return files


def test_x_y_and_mt_of_five_batches_are_those_of_the_whole_file(tmp_path):
    """Men have one X outside PAR and two in it, women no Y; absent people count with the copies that they have."""
    source = ROOT.parent / "shared/data/edge/plink2_all_ploidy.vcf.gz"
    whole = vs.create(tmp_path / "whole.varstore", source)
    files = people_apart(source, tmp_path, 5)
    repo = vs.create(tmp_path / "five.varstore", *files, absent="reference", assembly="GRCh37")
    entries = repo.info()["batches"]
    assert len(entries) == 5
    assert all(entry["num_variants"] < 450 for entry in entries)
    expected, found = counts(whole), counts(repo)
    assert {key[0] for key in expected} == {"X", "Y", "MT"}
    assert found == expected
    some = whole.samples[::3]
    assert counts(repo, samples=some) == counts(whole, samples=some)
    # Where nobody knows what of X is PAR, men are missing rather than wrong.
    guess = vs.create(tmp_path / "unknown.varstore", *files, absent="reference")
    less = counts(guess)
    number = np.array([[row[1] for row in (less[key], expected[key])] for key in expected if key[0] == "X"])
    assert (number[:, 0] <= number[:, 1]).all()
    assert (number[:, 0] < number[:, 1]).sum() > 100
    assert guess.info()["batches"][0]["unknown_ploidy"]["X outside PAR"] > 100


def test_withdrawal_and_compaction_change_no_other_number(whole, ten):
    """In this order: compacted, 100 people withdrawn, compacted again, purged."""
    expected = counts(whole)
    ten.compact()
    assert counts(ten) == expected
    assert counts(vs.open(ten.path, version=10)) == expected
    gone = whole.samples[5::25][:100]
    left = [name for name in whole.samples if name not in set(gone)]
    assert len(gone) == 100
    ten.withdraw(gone)
    expected = counts(whole, samples=left)
    assert counts(ten) == expected
    assert counts(vs.open(ten.path, version=10)) == expected
    assert ten.purge().left == []
    assert counts(ten) == expected
    assert not set(ten.samples) & set(gone)
    assert vs.repository.problems(ten.path) == []


def test_chromosome_by_chromosome(whole, ten_files, tmp_path):
    """The same people once more on a contig of their own, batch by batch, beside the first: neither changes."""
    other = []
    for file in ten_files[:3]:
        text = gzip.decompress(file.read_bytes()).decode()
        text = re.sub(r"^22\t", "21\t", text, flags=re.MULTILINE).replace("##contig=<ID=22", "##contig=<ID=21")
        other.append(tmp_path / file.name.replace(".vcf.gz", ".21.vcf"))
        other[-1].write_text(re.sub(r",length=\d+", "", text))
    repo = vs.create(tmp_path / "r.varstore", *ten_files[:3], absent="reference", assembly="GRCh37")
    expected = counts(repo)
    for file in other:
        repo.add(file, absent="reference")
    assert repo.num_samples == len(whole.samples[: repo.num_samples])
    assert counts(repo, region="22") == expected
    assert counts(repo, region="21") == {("21", *key[1:]): row for key, row in expected.items()}
    assert expected == counts(whole, samples=whole.samples[: repo.num_samples])
