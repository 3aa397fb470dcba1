"""Statistics against plink2, bcftools and scikit-allel where they are installed, to the digits they print.

Left out is what docs/semantics.md and docs/statistics.md name: plink2 has no half calls and takes haploid calls outside
X, Y and MT for homozygous ones; its p value is 1 on X where no woman is called. bcftools counts one of two different
ALTs of a call. Both call an allele a singleton that one homozygous person alone has.
"""

import random
import shutil
import subprocess

import numpy as np
import pytest

import stats_oracle
import varstore as vs
from test_variant_stats import create, vcf_of

needs_bcftools = pytest.mark.skipif(shutil.which("bcftools") is None, reason="no bcftools here")
needs_plink2 = pytest.mark.skipif(shutil.which("plink2") is None, reason="no plink2 here")
DIGITS = 6e-6  # of a number printed with six of them


def run(*arguments):
    done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


def plink2(directory, source, *options):
    """Run plink2; give a function that reads a table of its by the end of the name, as a list of dicts."""
    run("plink2", "--vcf", source, "--allow-extra-chr", *options, "--out", directory / "p")

    def table(ending):
        header, *lines = (directory / f"p.{ending}").read_text().splitlines()
        names = header.removeprefix("#").split("\t")
        return [dict(zip(names, line.split("\t"), strict=True)) for line in lines]

    return table


def of_alts(rows, sites):
    """Rows of plink2 by allele as rows by ALT: of a site with one ALT it prints the other allele, of others all."""
    rows = iter(rows)
    for num_alts in sites:
        if num_alts == 1:
            yield next(rows)
        else:
            next(rows)
            for _ in range(num_alts):
                yield next(rows)
    assert next(rows, None) is None


def num_alts_of(table):
    """ALT alleles of each record, in order."""
    out, last = [], None
    for site in zip(table["contig"].tolist(), table["position"].tolist(), table["ref"].tolist(), strict=True):
        if site == last:
            out[-1] += 1
        else:
            out.append(1)
        last = site
    return out


def assert_printed(found, expected, name):
    expected = np.array([float(text) for text in expected])
    np.testing.assert_allclose(found, expected, rtol=DIGITS, atol=1e-300, err_msg=name)


def simulated(seed, *, contig="1", men=(), missing=0.1, num_people=80, num_sites=120):
    """A VCF of sites apart from one another; ``men`` are haploid."""
    rng = random.Random(seed)
    records = []
    for site in range(num_sites):
        alts = rng.sample("CGT", rng.choice([1, 1, 1, 2, 3]))
        weights = [rng.choice([1, 5, 50]), *(rng.choice([0.02, 1, 10]) for _ in alts)]
        calls = []
        for person in range(num_people):
            ploidy = 1 if person in men else 2
            codes = rng.choices(range(len(weights)), weights, k=ploidy)
            gone = rng.random() < missing
            calls.append("/".join("." if gone else str(code) for code in codes))
        records.append((contig, 5_000_000 + 10 * site, "A", ",".join(alts), " ".join(calls)))
    return vcf_of([f"s{i}" for i in range(num_people)], *records)


@pytest.fixture(scope="module")
def fx_simulated(tmp_path_factory):
    directory = tmp_path_factory.mktemp("simulated")
    return create(directory, simulated(1)), directory / "a.vcf.gz"


@pytest.fixture(params=["slice", "simulated"])
def fx_repo(request):
    """A repository, and the VCF it was made from."""
    if request.param == "slice":
        return vs.open(request.getfixturevalue("fx_slice_repo")), request.getfixturevalue("fx_slice").source
    return request.getfixturevalue("fx_simulated")


@needs_plink2
@pytest.mark.parametrize("midp", [False, True])
def test_hardy(midp, fx_repo, tmp_path):
    repo, source = fx_repo
    table = repo.variant_stats(midp=midp)
    found = plink2(tmp_path, source, "--hardy", *(["midp"] if midp else []))("hardy")
    rows = list(of_alts(found, num_alts_of(table)))
    assert_printed(table["hwe_p_value"], [row["MIDP" if midp else "P"] for row in rows], "P")
    assert_printed(table["heterozygosity"], [row["O(HET_A1)"] for row in rows], "O(HET_A1)")
    assert_printed(table["expected_heterozygosity"], [row["E(HET_A1)"] for row in rows], "E(HET_A1)")


@needs_plink2
def test_frequencies_and_missing_calls(fx_repo, tmp_path):
    repo, source = fx_repo
    sites, people = repo.stats()
    table = plink2(tmp_path, source, "--freq", "--missing")
    expected = [float(text) for row in table("afreq") for text in row["ALT_FREQS"].split(",")]
    np.testing.assert_allclose(sites["allele_frequency"], expected, rtol=DIGITS)
    num_alts = num_alts_of(sites)
    rates = np.repeat([1 - int(row["MISSING_CT"]) / int(row["OBS_CT"]) for row in table("vmiss")], num_alts)
    np.testing.assert_allclose(sites["call_rate"], rates, rtol=1e-12)
    missing = [int(row["MISSING_CT"]) for row in table("smiss")]
    assert people["n_missing"].tolist() == missing
    rates = [1 - int(row["MISSING_CT"]) / int(row["OBS_CT"]) for row in table("smiss")]
    np.testing.assert_allclose(people["call_rate"], rates, rtol=1e-12)


@needs_plink2
def test_inbreeding_and_counts_of_people(fx_repo, tmp_path):
    repo, source = fx_repo
    people = repo.sample_stats()
    table = plink2(tmp_path, source, "--het", "--sample-counts")
    assert_printed(people["inbreeding_coefficient"], [row["F"] for row in table("het")], "F")
    names = {"n_hom_ref": "HOM_REF_CT", "n_missing": "MISSING_INCL_FEMALE_Y_CT"}
    names |= {"n_transitions": "DIPLOID_TRANSITION_CT", "n_transversions": "DIPLOID_TRANSVERSION_CT"}
    for ours, theirs in names.items():
        assert people[ours].tolist() == [int(row[theirs]) for row in table("scount")], ours


@needs_plink2
@pytest.mark.parametrize("midp", [False, True])
@pytest.mark.parametrize("num_men", [0, 30, 79, 80])
def test_hardy_on_x(num_men, midp, tmp_path):
    men = range(num_men)
    repo = create(tmp_path, simulated(2, contig="X", men=men))
    psam = tmp_path / "sex.psam"
    psam.write_text("#IID\tSEX\n" + "".join(f"s{i}\t{1 if i in men else 2}\n" for i in range(80)))
    table = repo.variant_stats(midp=midp)
    options = ["--psam", psam, "--hardy", *(["midp"] if midp else [])]
    if num_men == 80:
        assert np.isnan(table["hwe_p_value"]).all()
        return
    rows = list(of_alts(plink2(tmp_path, tmp_path / "a.vcf.gz", *options)("hardy.x"), num_alts_of(table)))
    printed = np.array([float(row["MIDP" if midp else "P"]) for row in rows])
    women = np.array([[int(row[f"FEMALE_{name}_CT"]) for name in ("HOM_A1", "HET_A1", "TWO_AX")] for row in rows])
    assert (np.isnan(table["hwe_p_value"]) == (women.sum(axis=1) == 0)).all()
    differ = np.flatnonzero(np.abs(table["hwe_p_value"] - printed) > DIGITS * printed)
    assert len(differ) <= 2
    for row in differ.tolist():
        # plink2 takes tables that are exactly as likely for different ones where its floats differ.
        men_too = [*women[row].tolist(), *(int(rows[row][f"MALE_{name}_CT"]) for name in ("A1", "AX"))]
        assert table["hwe_p_value"][row] == pytest.approx(stats_oracle.hardy(*men_too, midp=midp))
    called = women.sum(axis=1) > 0
    expected = [row["O(FEMALE_HET_A1)"] for row, some in zip(rows, called.tolist(), strict=True) if some]
    assert_printed(table["heterozygosity"][called], expected, "O(FEMALE_HET_A1)")


@needs_bcftools
def test_people_as_bcftools_counts_them(fx_repo, tmp_path):
    repo, source = fx_repo
    people = repo.sample_stats()
    lines = [line.split("\t") for line in run("bcftools", "stats", "-s", "-", source).splitlines()]
    rows = [line[2:] for line in lines if line[0] == "PSC"]
    assert people["sample"].tolist() == [row[0] for row in rows]
    assert people["n_missing"].tolist() == [int(row[11]) for row in rows]
    assert people["n_singletons"].any()
    calls = np.sort(repo.genotypes().call_genotype, axis=2)
    two_alts = ((calls[:, :, 0] > 0) & (calls[:, :, 0] != calls[:, :, 1])).sum(axis=0)
    for name, column in {"n_transitions": 4, "n_transversions": 5}.items():
        more = people[name] - [int(row[column]) for row in rows]
        assert ((more >= 0) & (more <= two_alts)).all(), name


def test_heterozygosity_as_scikit_allel_has_it(fx_repo):
    allel = pytest.importorskip("allel")
    repo, _ = fx_repo
    sites, people = repo.stats()
    calls = repo.genotypes().call_genotype
    genotypes = allel.GenotypeArray(calls)
    one_alt = np.array(num_alts_of(sites)) == 1
    rows = np.repeat(one_alt, num_alts_of(sites))
    observed = allel.heterozygosity_observed(genotypes)[one_alt]
    np.testing.assert_allclose(sites["heterozygosity"][rows], observed, rtol=1e-12)
    frequencies = genotypes.count_alleles().to_frequencies()
    singletons = genotypes.count_alleles().is_singleton(1)
    assert sites["is_singleton"][rows].tolist() == singletons[one_alt].tolist()
    # Where frequencies add up to a little less than 1, it says that it does not know.
    expected = allel.heterozygosity_expected(frequencies, ploidy=2, fill=np.nan)
    known = one_alt & ~np.isnan(expected)
    assert known.sum() > 0.9 * one_alt.sum()
    found = sites["expected_heterozygosity"][np.repeat(known, num_alts_of(sites))]
    np.testing.assert_allclose(found, expected[known], rtol=1e-9, atol=1e-15)
    expected = 1 - (frequencies**2).sum(axis=1)
    assert people["n_het"].tolist() == genotypes.count_het(axis=0).tolist()
    assert people["n_hom_alt"].tolist() == genotypes.count_hom_alt(axis=0).tolist()
    # A person's F is of sums over the sites where the person is called.
    called = genotypes.is_called() & (expected > 1e-12)[:, np.newaxis]
    sums = (expected[:, np.newaxis] * called).sum(axis=0)
    found = 1 - (genotypes.is_het() & called).sum(axis=0) / sums
    np.testing.assert_allclose(people["inbreeding_coefficient"], found, rtol=1e-9)


def test_simulated_files_have_what_they_should(fx_simulated):
    """So that parity means something: missing calls, several ALTs, low p values."""
    table = fx_simulated[0].variant_stats()
    assert (table["n_missing"] > 0).any()
    assert (table["n_other"] > 0).any()
    assert max(num_alts_of(table)) > 2
