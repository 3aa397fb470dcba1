"""LD pruning: the sites that plink2 keeps, and those of a naive reading of the same rules."""

import shutil
import subprocess
from itertools import pairwise

import numpy as np
import pytest

import varstore as vs
import vcf_text
from varstore.errors import QueryError
from varstore.kernels import prune as kernels
from varstore.query.site_choice import SiteLimits, choose_sites
from varstore.relatedness.pruning import Pruning, prune

SETTINGS = ["50,5,0.2", "7,3,0.5", "200,20,0.1", "2kb,0.3", "5,1,0"]
EPSILON = 2.0**-44
needs_plink2 = pytest.mark.skipif(shutil.which("plink2") is None, reason="plink2 is not installed")


def haplotypes(rng, num_sites, people):
    """Sites that copy their neighbours with mistakes: correlated, of every frequency, some monomorphic."""
    out = np.empty((num_sites, 2 * people), np.int8)
    out[0] = rng.random(2 * people) < 0.3
    for i in range(1, num_sites):
        fresh = rng.random(2 * people) < rng.beta(0.2, 0.8)
        out[i] = fresh if rng.random() < 0.4 else np.where(rng.random(2 * people) < 0.1, fresh, out[i - 1])
    return out.reshape(num_sites, people, 2)


def write(path, calls, missing, rng, contigs=("1", "2")):
    """A VCF of calls; sites divided among contigs, 50 to 500 bases apart."""
    lines = ["##fileformat=VCFv4.3", *(f"##contig=<ID={name},length=1000000>" for name in contigs)]
    lines.append('##FORMAT=<ID=GT,Number=1,Type=String,Description="GT">')
    fixed = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()
    lines.append("\t".join([*fixed, *(f"s{i}" for i in range(calls.shape[1]))]))
    cuts = np.linspace(0, len(calls), len(contigs) + 1).astype(int)
    for name, (begin, end) in zip(contigs, pairwise(cuts.tolist()), strict=True):
        position = 1000
        for i in range(begin, end):
            position += int(rng.integers(50, 500))
            gt = ["./." if rng.random() < missing else f"{a}/{b}" for a, b in calls[i].tolist()]
            lines.append("\t".join([name, str(position), f"{name}:{position}", "A", "C", ".", ".", ".", "GT", *gt]))
    return vcf_text.write_bgzf(path, "\n".join(lines) + "\n")


@pytest.fixture(scope="module", params=[0, 0.02, 0.2], ids=["whole", "2 % missing", "20 % missing"])
def fx_linked(request, tmp_path_factory):
    """A VCF of 600 linked sites of 300 people, and its repository."""
    directory = tmp_path_factory.mktemp("linked")
    rng = np.random.default_rng(3)
    calls = haplotypes(rng, 600, 300)
    source = write(directory / "a.vcf.gz", calls, request.param, rng)
    return vs.create(directory / "repo", source), source


def naive(sites, codes, pruning):
    """Prune by the rules of plink2, one pair at a time. codes : (sites, people) copies, -1 missing"""

    def r2(i, j):
        both = (codes[i] >= 0) & (codes[j] >= 0)
        x, y = codes[i, both].astype(float), codes[j, both].astype(float)
        n = len(x)
        covariance = n * (x @ y) - x.sum() * y.sum()
        return covariance**2, (n * (x @ x) - x.sum() ** 2) * (n * (y @ y) - y.sum() ** 2)

    called = codes >= 0
    frequency = np.where(called, codes, 0).sum(axis=1) / np.maximum(2 * called.sum(axis=1), 1)
    major = np.maximum(frequency, 1 - frequency)
    kept = [len(set(row[row >= 0].tolist())) > 1 for row in codes]
    limit = pruning.r2 * (1 + EPSILON)
    known = {}
    for contig in np.unique(sites.contig):
        here = np.flatnonzero(sites.contig == contig)
        for first in here[:: pruning.step]:
            if pruning.bases:
                window = [i for i in here if 0 <= sites.position[i] - sites.position[first] <= pruning.window]
                window = [i for i in window if i >= first]
            else:
                window = [i for i in here if first <= i < first + pruning.window]
            removed = True
            while removed:
                removed = False
                for place, i in enumerate(window):
                    for j in window[place + 1 :] if kept[i] else []:
                        if kept[j]:
                            top, bottom = known.setdefault((i, j), r2(i, j))
                            if top > limit * bottom:
                                kept[i if major[i] > major[j] * (1 + EPSILON) else j] = False
                                removed = True
                                break
    return np.flatnonzero(kept)


@pytest.mark.parametrize("setting", SETTINGS[:4])
def test_as_the_rules_say(setting, fx_linked):
    repo, _ = fx_linked
    people = np.arange(0, 300, 3)
    sites = choose_sites(repo, people, SiteLimits(min_mac=0))
    sites = sites.take(np.arange(200, 400))
    calls = repo.genotypes(samples=[repo.samples[i] for i in people]).call_genotype
    codes = np.where((calls < 0).any(axis=2), -1, calls.sum(axis=2))[200:400]
    pruning = Pruning.parse(setting)
    found = prune(repo, sites, people, pruning)
    assert found.tolist() == naive(sites, codes, pruning).tolist()
    assert 0 < len(found) < len(sites)


@needs_plink2
@pytest.mark.parametrize("setting", SETTINGS)
def test_as_plink2_prunes(setting, fx_linked, tmp_path):
    repo, source = fx_linked
    kept = plink2_keeps(source, setting, tmp_path)
    table = repo.prune(Pruning.parse(setting), min_mac=0)
    assert [f"{c}:{p}" for c, p in zip(table["contig"], table["position"], strict=True)] == kept


@needs_plink2
@pytest.mark.parametrize("setting", ["50,5,0.2", "10kb,0.5"])
def test_the_slice_as_plink2_prunes_it(setting, fx_slice, fx_slice_repo, tmp_path):
    options = ["--max-alleles", "2", "--mac", "1", "--set-all-var-ids", "@:#:$r:$a", "--new-id-max-allele-len", "500"]
    kept = plink2_keeps(fx_slice.source, setting, tmp_path, *options)
    table = vs.open(fx_slice_repo).prune(Pruning.parse(setting))
    columns = (table[name].tolist() for name in ("contig", "position", "ref", "alt"))
    assert sorted(":".join(map(str, row)) for row in zip(*columns, strict=True)) == sorted(kept)


def plink2_keeps(source, setting, directory, *options):
    window, *rest = setting.split(",")
    step, r2 = rest if len(rest) == 2 else ("1", *rest)
    command = ["plink2", "--vcf", source, "--bad-ld", *options, "--indep-pairwise", window, step, r2]
    subprocess.run([*command, "--out", directory / "plink2"], check=True, capture_output=True)
    return (directory / "plink2.prune.in").read_text().split()


def test_all_kinds_of_pairs(fx_linked, monkeypatch):
    """Planes with planes, lists with lists, one with the other: the same sites whatever is read how."""
    repo, _ = fx_linked
    people = np.arange(300)
    sites = choose_sites(repo, people, SiteLimits())
    found = []
    for rare in (10**9, 1, 5, 64):
        monkeypatch.setattr("varstore.relatedness.pruning._RARE", rare)
        found.append(prune(repo, sites, people, Pruning()).tolist())
    assert found[0] == found[1] == found[2] == found[3]


def test_what_is_impossible(fx_linked):
    repo, _ = fx_linked
    for text in ("50", "a,b,c", "50,5", "50,5,1.5", "1,1,0.2", "50,0,0.2", "5kb,1,0.2", "nan,5,0.2"):
        with pytest.raises(QueryError, match="prun"):
            Pruning.parse(text)
    assert Pruning.parse("none") is None
    with pytest.raises(QueryError, match="step of 2"):
        Pruning(5000, 2, 0.2, bases=True)
    assert len(repo.prune(Pruning(), samples=[repo.samples[0]])) == 0  # calls of one person do not vary


def test_bounds_on_correlation_never_lie():
    """What is settled by sums alone is what the calls say."""
    rng = np.random.default_rng(5)
    for _ in range(3000):
        x, y = rng.choice(3, 12, p=[0.6, 0.3, 0.1]), rng.choice(3, 12, p=rng.dirichlet([1, 1, 1]))
        n = 12
        top = (n * (x @ y) - x.sum() * y.sum()) ** 2
        bottom = (n * (x @ x) - x.sum() ** 2) * (n * (y @ y) - y.sum() ** 2)
        may = kernels._may_exceed(x.sum(), x @ x, y.sum(), y @ y, n, 0.2)
        assert may or not top > 0.2 * bottom


def test_the_command(fx_linked, fx_cli):
    repo, _ = fx_linked
    done = fx_cli("prune", repo.path, "--prune", "20,2,0.3", "--min-maf", "0.1")
    assert done.stdout == "".join(repo.prune(Pruning(20, 2, 0.3), min_maf=0.1).to_tsv())
    assert "expected WINDOW,STEP,R2" in fx_cli("prune", repo.path, "--prune", "x", status=1).stderr
