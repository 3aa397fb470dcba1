"""Mendelian errors against a table of what parents can have, against plink1.9, and on families with planted errors."""

import shutil
import subprocess
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pedigrees
import varstore as vs
from varstore.kernels.mendel import NUM_COUNTS, mendel_errors
from varstore.query.diploid import num_words
from varstore.query.site_choice import SiteLimits, choose_sites
from varstore.relatedness.mendel import Trios, count_mendel_errors

GAMETES = {0: {0}, 1: {0, 1}, 2: {1}, None: {0, 1}}
CHILDREN = {
    (father, mother): {a + b for a, b in product(GAMETES[father], GAMETES[mother])}
    for father, mother in product(GAMETES, repeat=2)
}


def naive(codes, members):
    """Counts by looking at every call. codes : (people, sites) copies of ALT, -1 missing"""
    counts = np.zeros((len(members), NUM_COUNTS), int)
    errors, complete = np.zeros((2, codes.shape[1]), int)
    for row, (child, father, mother) in enumerate(members):
        for site, code in enumerate(codes[child].tolist()):
            parents = [None if p < 0 else int(codes[p, site]) for p in (father, mother)]
            for k, parent in enumerate(parents):
                if parent is not None and parent >= 0 and code >= 0:
                    counts[row, 2 + 2 * k] += 1
                    counts[row, 3 + 2 * k] += code not in CHILDREN[parent, None]
            if code >= 0 and -1 not in parents:
                counts[row, 0] += 1
                complete[site] += 1
                wrong = code not in CHILDREN[parents[0], parents[1]]
                counts[row, 1] += wrong
                errors[site] += wrong
    return counts, errors, complete


def planes_of(codes):
    def plane(flags):
        out = np.zeros((len(codes), num_words(codes.shape[1])), np.uint64)
        out.view(np.uint8)[:, : -(-codes.shape[1] // 8)] = np.packbits(flags, axis=1, bitorder="little")
        return out

    return plane(codes == 1), plane(codes == 2), plane(codes < 0)


@given(
    people=st.integers(2, 7),
    sites=st.sampled_from([1, 5, 63, 64, 65, 130, 600]),
    missing=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=40)
def test_the_kernel_counts_what_the_table_says(people, sites, missing, seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, (people, sites))
    codes[rng.random(codes.shape) < missing] = -1
    members = rng.integers(-1, people, (4, 3))
    members[:, 0] = rng.integers(0, people, 4)
    members = members[(members[:, 1:] >= 0).any(axis=1)]
    counts = np.full((len(members), NUM_COUNTS), -7)
    errors, lost = np.zeros((2, 64 * num_words(sites)), np.int64)
    mendel_errors(*planes_of(codes), members, sites, counts, errors, lost)
    expected, by_site, complete = naive(codes, members)
    np.testing.assert_array_equal(counts, expected)
    np.testing.assert_array_equal(errors[:sites], by_site)
    np.testing.assert_array_equal(len(members) - lost[:sites], complete)
    assert not errors[sites:].any()
    assert not lost[sites:].any()


@pytest.fixture(scope="module")
def fx_families():
    return pedigrees.simulate(11, sites=3000, families=1, strangers=2)


def all_trios(families):
    child = np.flatnonzero(families.father >= 0)
    return Trios(child, families.father[child], families.mother[child])


def made(families, calls, folder):
    return vs.create(folder / "repo", families.write_vcf(folder / "families.vcf", calls))


def counted(repo, trios):
    people = np.arange(repo.num_samples)
    sites = choose_sites(repo, people, SiteLimits())
    return sites, count_mendel_errors(repo, trios, sites)


def test_true_families_have_no_errors(fx_families, tmp_path):
    trios = all_trios(fx_families)
    assert len(trios) > 20
    repo = made(fx_families, fx_families.calls(missing=0.1), tmp_path)
    _, found = counted(repo, trios)
    assert not found.counts[:, 1::2].any()
    assert not found.site_errors.any()
    assert 0.68 < found.counts[:, 0].mean() / 3000 < 0.74
    assert 0.78 < found.counts[:, 2].mean() / 3000 < 0.83


@pytest.fixture(scope="module")
def fx_wrong(fx_families, tmp_path_factory):
    """Calls with errors and holes, their repository, and parents of whom some are wrong or not there."""
    folder = tmp_path_factory.mktemp("mendel")
    calls = fx_families.calls(missing=0.05, error=0.01)
    trios = all_trios(fx_families)
    trios.father[0] = np.flatnonzero(fx_families.father < 0)[-1]
    trios.mother[3] = trios.child[8]
    trios.father[5] = trios.mother[6] = -1
    return calls, made(fx_families, calls, folder), trios, folder


def test_wrong_parents_stand_out_and_sites_add_up(fx_wrong):
    calls, repo, trios, _ = fx_wrong
    sites, found = counted(repo, trios)
    codes = np.where((calls < 0).any(axis=2), -1, calls.sum(axis=2)).T
    polymorphic = np.array([len(set(row[row >= 0])) > 1 for row in codes.T])
    members = np.stack([trios.child, trios.father, trios.mother], axis=1)
    counts, errors, complete = naive(codes[:, polymorphic], members)
    np.testing.assert_array_equal(found.counts, counts)
    np.testing.assert_array_equal(found.site_errors, errors)
    np.testing.assert_array_equal(found.site_trios, complete)
    assert len(sites) == polymorphic.sum()
    rate = found.counts[:, 1] / found.counts[:, 0]
    assert set(np.argsort(rate)[-2:]) == {0, 3}
    assert rate[0] > 0.08
    assert found.counts[0, 3] > 50 > 5 > found.counts[0, 5] >= 0
    np.testing.assert_array_equal(found.counts[5, :2], found.counts[5, 4:])
    np.testing.assert_array_equal(found.counts[6, :2], found.counts[6, 2:4])


def test_equal_to_plink(fx_families, fx_wrong):
    """plink1.9 --mendel knows trios alone, and judges them by one parent where the other is not called; we do not."""
    plink = shutil.which("plink1.9") or shutil.which("plink")
    if plink is None:
        pytest.skip("needs plink1.9")
    calls, repo, trios, folder = fx_wrong
    _, found = counted(repo, trios)
    father, mother = np.full((2, len(fx_families)), -1)
    both = (trios.father >= 0) & (trios.mother >= 0)
    father[trios.child[both]], mother[trios.child[both]] = trios.father[both], trios.mother[both]
    sex = np.where(np.isin(np.arange(len(father)), father), 1, 2)
    # plink looks for parents within a family: everybody is of one.
    claims = [["F", *line.split()[1:5]] for line in fx_families.ped(father, mother, sex).splitlines()]
    for name, columns in (("ids", (1, 1, 0, 1)), ("parents", range(4)), ("sexes", (0, 1, 4))):
        lines = ("\t".join(line[i] for i in columns) for line in claims)
        (folder / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines))
    names = ["--vcf", "families.vcf", "--double-id", "--set-missing-var-ids", "@:#", "--update-ids", "ids.txt"]
    run = [plink, "--allow-no-sex", "--out"]
    subprocess.run([*run, "a", *names, "--make-bed"], cwd=folder, check=True, capture_output=True)
    update = ["--bfile", "a", "--update-parents", "parents.txt", "--update-sex", "sexes.txt", "--make-bed"]
    subprocess.run([*run, "b", *update], cwd=folder, check=True, capture_output=True)
    subprocess.run([*run, "c", "--bfile", "b", "--mendel"], cwd=folder, check=True, capture_output=True)
    rows = [line.split() for line in (folder / "c.mendel").read_text().splitlines()[1:]]
    site_of = {f"{c}:{p}": i for i, (c, p) in enumerate(zip(fx_families.contig, fx_families.position, strict=True))}
    seen = np.zeros(len(trios), int)
    row_of = {fx_families.samples[child]: row for row, child in enumerate(trios.child)}
    for _, name, _, site, *_ in rows:
        row = row_of[name]
        members = [trios.child[row], trios.father[row], trios.mother[row]]
        seen[row] += (calls[site_of[site], members] >= 0).all()
    assert seen.sum() > 500
    np.testing.assert_array_equal(seen[both], found.counts[both, 1])
    assert len(rows) > seen.sum()
