"""Diversity and divergence in windows, against fractions, scikit-allel and plink2."""

import math
import random
import shutil
import subprocess

import numpy as np
import pytest

import compare_oracle as oracle
import varstore as vs
import vcf_text
from conftest import PANEL, SLICE
from varstore.errors import QueryError, SampleClashError


def close(found, expected, relative=1e-9):
    if expected is None:
        return math.isnan(found)
    return found == pytest.approx(float(expected), rel=relative, abs=1e-12)


@pytest.fixture(scope="module")
def fx_awkward(fx_store):
    """Two contigs, missing and half calls, haploids, up to three ALT alleles."""
    text = vcf_text.make_vcf(
        3, 140, 33, ploidy="mixed", missing=0.2, half_missing=0.1, max_alts=3, extra_format=True, no_gt=0.1,
        contigs=("1", "22"),
    )  # fmt: skip
    return fx_store(text)


@pytest.fixture(scope="module")
def fx_groups(fx_awkward):
    """Three groups: sample indexes by name; one of them is a single person."""
    members = list(range(len(fx_awkward.vcf.samples)))
    random.Random(3).shuffle(members)
    return {"large": members[:20], "small": members[20:32], "one": members[32:]}


def allele_counts(record, members):
    """Calls of each allele, REF first; ``<NON_REF>`` and ``<*>`` go with REF, for they have no row."""
    codes = record.codes[members]
    counts = [int((codes == 0).sum())]
    for code, alt in enumerate(record.alts, 1):
        if alt in ("<NON_REF>", "<*>", "."):
            counts[0] += int((codes == code).sum())
        else:
            counts.append(int((codes == code).sum()))
    return counts


def sites_of(vcf, keep=lambda _: True):
    return [record for record in vcf.records if keep(record) and set(record.alts) - {"<NON_REF>", "<*>", "."}]


def windows_of(table):
    return list(dict.fromkeys(zip(table.contig.tolist(), table.start.tolist(), table.end.tolist(), strict=True)))


def check(stored, groups, table, record_of):
    """Every row against the oracle. record_of : the records of a window"""
    for i in range(len(table)):
        window = (table.contig[i], int(table.start[i]), int(table.end[i]))
        a, b = groups[table.cohort_a[i]], groups[table.cohort_b[i]]
        sites = [(allele_counts(record, a), allele_counts(record, b)) for record in record_of(*window)]
        expected = oracle.divergence(sites)
        expected["dxy"] = (
            expected["divergence"] / int(table.num_bases[i]) if expected["divergence"] is not None else None
        )
        for name, value in expected.items():
            assert close(table[name][i], value), (window, name, table[name][i], value)


def test_everything_in_one_row_a_pair(fx_awkward, fx_groups):
    repo = vs.open(fx_awkward.path)
    cohorts = {name: fx_awkward.ids(members) for name, members in fx_groups.items()}
    table = repo.fst(cohorts)
    pairs = [("large", "small"), ("large", "one"), ("small", "one")]
    assert list(zip(table.cohort_a.tolist(), table.cohort_b.tolist(), strict=True)) == pairs
    assert set(zip(table.contig.tolist(), table.start.tolist(), strict=True)) == {(".", 0)}
    check(fx_awkward, fx_groups, table, lambda *_: sites_of(fx_awkward.vcf))
    assert (table.num_skipped > 0).all()
    one = repo.fst(cohorts, "22")
    check(fx_awkward, fx_groups, one, lambda *_: sites_of(fx_awkward.vcf, lambda record: record.contig == "22"))
    assert one.start[0] == min(record.pos for record in sites_of(fx_awkward.vcf) if record.contig == "22")


@pytest.mark.parametrize(("size", "step"), [(1000, None), (700, 300), (400, 1100)])
def test_windows_of_bases(size, step, fx_awkward, fx_groups):
    repo = vs.open(fx_awkward.path)
    cohorts = {name: fx_awkward.ids(members) for name, members in fx_groups.items()}
    table = repo.fst(cohorts, window=size, step=step)
    check(
        fx_awkward, fx_groups, table,
        lambda contig, start, end: sites_of(fx_awkward.vcf, lambda r: r.contig == contig and start <= r.pos <= end),
    )  # fmt: skip
    for contig in ("1", "22"):
        mine = [(start, end) for name, start, end in windows_of(table) if name == contig]
        positions = [record.pos for record in sites_of(fx_awkward.vcf) if record.contig == contig]
        assert all((start - 1) % (step or size) == 0 and end - start + 1 == size for start, end in mine)
        assert mine[-1][1] >= max(positions) or (step or 0) > size
        assert mine[0][0] <= min(positions) or (step or 0) > size


def test_windows_of_sites(fx_awkward, fx_groups):
    repo = vs.open(fx_awkward.path)
    cohorts = {name: fx_awkward.ids(members) for name, members in fx_groups.items()}
    of_contig = {name: sites_of(fx_awkward.vcf, lambda r, name=name: r.contig == name) for name in ("1", "22")}
    expected = []
    for name, sites in of_contig.items():
        parts = [sites[i : i + 10] for i in range(0, len(sites), 4)]
        parts = [part for i, part in enumerate(parts) if i == 0 or (i - 1) * 4 + 10 < len(sites)]
        expected += [(name, part[0].pos, part[-1].pos, part) for part in parts]
    table = repo.diversity(cohorts, window_sites=10, step=4)
    assert len(table) == 3 * len(expected)
    for i, (name, start, end, part) in enumerate(expected):
        for k, (group, members) in enumerate(fx_groups.items()):
            row = 3 * i + k
            assert (table.contig[row], table.start[row], table.end[row], table.cohort[row]) == (name, start, end, group)
            values = [oracle.pi(allele_counts(record, members)) for record in part]
            known = [value for value in values if value is not None]
            assert table.num_sites[row] == len(known)
            assert table.num_segregating[row] == sum(value > 0 for value in known)
            assert close(table.diversity[row], sum(known) if known else None)
            assert close(table.pi[row], sum(known) / (end - start + 1) if known else None)


def test_regions_one_by_one_hold_every_record_once(fx_awkward, fx_groups):
    """A record that begins before its region is at its beginning; one that reaches into two is in the first."""
    repo = vs.open(fx_awkward.path)
    cohorts = {name: fx_awkward.ids(members) for name, members in fx_groups.items()}
    positions = sorted(record.pos for record in fx_awkward.vcf.records if record.contig == "1")
    middle = positions[len(positions) // 2]
    regions = [f"1:{middle - 900}-{middle}", f"1:{middle + 2}-{middle + 700}", "22"]
    table = repo.fst(cohorts, regions, window="each")
    assert windows_of(table)[:2] == [("1", middle - 900, middle), ("1", middle + 2, middle + 700)]
    whole = repo.fst(cohorts, regions)
    together = (table.num_sites + table.num_skipped).reshape(3, 3).sum(axis=0)
    assert together.tolist() == (whole.num_sites + whole.num_skipped).tolist()
    assert whole.num_bases[0] == table.num_bases[::3].sum()


def test_windows_without_sites_are_missing(fx_awkward, recwarn):
    repo = vs.open(fx_awkward.path)
    names = repo.samples
    table = repo.fst({"a": names[:9], "b": names[9:]}, "1:2000000-2000999", window=500)
    assert table.start.tolist() == [2000000, 2000500]
    assert table.num_sites.tolist() == [0, 0]
    for name in ("hudson_fst", "nei_fst", "patterson_f2", "divergence", "dxy"):
        assert np.isnan(table[name]).all()
    assert np.isnan(repo.diversity({"a": names}, "1:2000000-2000999").pi).all()
    assert not recwarn


def test_what_cannot_be_asked(fx_awkward):
    repo = vs.open(fx_awkward.path)
    names = repo.samples
    sides = {"a": names[:9], "b": names[9:]}
    with pytest.raises(SampleClashError, match=r"1 person is in several of the cohorts, like .* in 'a' and 'b'"):
        repo.fst({"a": names[:10], "b": names[9:]})
    with pytest.raises(QueryError, match="found 1 cohorts, expected two or more"):
        repo.fst({"a": names})
    with pytest.raises(QueryError, match="window '10 miles': expected a number above 0, like 100000, 100kb or 1Mb"):
        repo.fst(sides, window="10 miles")
    with pytest.raises(QueryError, match="window 0: expected a number above 0"):
        repo.fst(sides, window=0)
    with pytest.raises(QueryError, match="in bases or in sites, not both"):
        repo.fst(sides, window=10, window_sites=3)
    with pytest.raises(QueryError, match="a step needs the size of a window"):
        repo.fst(sides, step=10)
    with pytest.raises(QueryError, match="more than 10,000,000 rows"):
        repo.fst(sides, "1:1-30000000", window=1)
    with pytest.raises(QueryError, match="windows are of regions, not of single alleles"):
        repo.fst(sides, "1:100 A>C")


@pytest.fixture(scope="module")
def fx_1kg(fx_shared_data, tmp_path_factory):
    """The 1000 Genomes slice, its repository, and its super-populations."""
    path = tmp_path_factory.mktemp("1kg") / "repo"
    repo = vs.create(path, fx_shared_data / SLICE)
    groups = {}
    for line in (fx_shared_data / PANEL).read_text().splitlines()[1:]:
        sample, _, group = line.split()[:3]
        groups.setdefault(group, []).append(sample)
    return fx_shared_data / SLICE, repo, dict(sorted(groups.items()))


def test_parity_with_plink2(fx_1kg, tmp_path):
    """Hudson's Fst with its multi-allelic records: a site is a record, whose alleles are counted together."""
    if shutil.which("plink2") is None:
        pytest.skip("plink2 is not installed")
    source, repo, groups = fx_1kg
    lines = [f"{sample}\t{group}\n" for group, samples in groups.items() for sample in samples]
    (tmp_path / "groups.txt").write_text("#IID\tGROUP\n" + "".join(lines))
    command = ["plink2", "--vcf", source, "--pheno", tmp_path / "groups.txt", "--fst", "GROUP", "method=hudson"]
    subprocess.run([*command, "--out", tmp_path / "out"], check=True, capture_output=True, timeout=120)
    expected = [line.split() for line in (tmp_path / "out.fst.summary").read_text().splitlines()[1:]]
    table = repo.fst(groups)
    assert table.cohort_a.tolist() == [row[0] for row in expected]
    assert table.cohort_b.tolist() == [row[1] for row in expected]
    assert [f"{value:.6g}" for value in table.hudson_fst.tolist()] == [row[2] for row in expected]


def test_parity_with_scikit_allel(fx_1kg):
    allel = pytest.importorskip("allel")
    _, repo, groups = fx_1kg
    groups = {name: groups[name] for name in ("AFR", "EUR")}
    found = repo.genotypes()
    place = {name: i for i, name in enumerate(found.sample_id.tolist())}
    counts = [
        allel.GenotypeArray(found.call_genotype[:, [place[name] for name in names]]).count_alleles(max_allele=5)
        for names in groups.values()
    ]
    position = found.variant_position
    first, last = int(position[0]), int(position[-1])
    diversity, fst = repo.diversity(groups), repo.fst(groups)
    for k in (0, 1):
        assert diversity.pi[k] == pytest.approx(allel.sequence_diversity(position, counts[k]), rel=1e-9)
    assert fst.dxy[0] == pytest.approx(allel.sequence_divergence(position, *counts), rel=1e-9)
    num, den = allel.hudson_fst(*counts)
    assert fst.hudson_fst[0] == pytest.approx(np.nansum(num) / np.nansum(den), rel=1e-9)
    windowed = repo.fst(groups, f"22:{first}-{last}", window=50_000, step=20_000)
    expected, windows, number = allel.windowed_hudson_fst(position, *counts, size=50_000, step=20_000)
    assert windowed.start.tolist() == windows[:, 0].tolist()
    assert windowed.num_sites.tolist() == number.tolist()
    np.testing.assert_allclose(windowed.hudson_fst, expected, rtol=1e-9)
    both = np.asarray(counts[0]) + np.asarray(counts[1])
    biallelic = np.flatnonzero(both[:, 2:].sum(axis=1) == 0)
    f2 = allel.patterson_f2(*(allel.AlleleCountsArray(np.asarray(each)[biallelic][:, :2]) for each in counts))
    by_site = repo.fst(groups, window_sites=1)
    assert len(by_site) == len(position) > len(biallelic)
    np.testing.assert_allclose(by_site.patterson_f2[biallelic], f2, rtol=1e-9, atol=1e-15)
