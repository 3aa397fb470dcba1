"""Linkage disequilibrium: r2 of plink1.9, of a naive reading, and of haplotypes."""

import gzip
import shutil
import subprocess

import numpy as np
import pytest

import varstore as vs
from test_pruning import haplotypes, write
from varstore.errors import QueryError


@pytest.fixture(scope="module", params=[0, 0.05], ids=["whole", "5 % missing"])
def fx_linked(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("linkage")
    rng = np.random.default_rng(8)
    source = write(directory / "a.vcf.gz", haplotypes(rng, 700, 60), request.param, rng)
    return vs.create(directory / "repo", source), source


def pairs(table):
    columns = (table[name].tolist() for name in ("contig", "position_1", "position_2", "r2"))
    return {(contig, first, second): r2 for contig, first, second, r2 in zip(*columns, strict=True)}


@pytest.mark.skipif(shutil.which("plink1.9") is None, reason="plink1.9 is not installed")
def test_as_plink_computes_it(fx_linked, tmp_path):
    repo, source = fx_linked
    options = ["--r2", "--ld-window", "9999", "--ld-window-kb", "40", "--ld-window-r2", "0.05", "--mac", "1"]
    command = ["plink1.9", "--vcf", source, "--double-id", *options, "--out", tmp_path / "plink"]
    subprocess.run(command, check=True, capture_output=True)
    lines = [line.split() for line in (tmp_path / "plink.ld").read_text().splitlines()[1:]]
    expected = {(line[0], int(line[1]), int(line[4])): float(line[6]) for line in lines}
    found = pairs(repo.ld(window=40_000, min_r2=0.05))
    assert len(expected) > 1000
    near = {pair for pair in expected.keys() ^ found.keys() if abs({**expected, **found}[pair] - 0.05) < 1e-6}
    assert expected.keys() ^ found.keys() == near
    for pair in expected.keys() & found.keys():
        assert found[pair] == pytest.approx(expected[pair], rel=2e-5)


@pytest.mark.parametrize("phased", [False, True])
def test_as_the_calls_say(phased, fx_linked, tmp_path):
    repo, source = fx_linked
    if phased:
        lines = []
        for number, line in enumerate(vs_text(source)):
            fields = line.split("\t")
            if not line.startswith("#"):
                fields[9:] = [call.replace("/", "|") if (number + i) % 5 else call for i, call in enumerate(fields[9:])]
            lines.append("\t".join(fields))
        path = tmp_path / "phased.vcf"
        path.write_text("\n".join(lines) + "\n")
        repo = vs.create(tmp_path / "phased", path)
    people = repo.samples[::2]
    found = pairs(repo.ld("2", samples=people, window=6_000, min_r2=0, phased=phased))
    calls = repo.genotypes("2", samples=people)
    values, called = [], []
    for call, phase in zip(calls.call_genotype, calls.call_genotype_phased, strict=True):
        good = (call >= 0).all(axis=1)
        known = good & (phase | (call[:, 0] == call[:, 1]))
        values.append(call.reshape(-1) if phased else call.sum(axis=1))
        called.append(np.repeat(known, 2) if phased else good)
    position = calls.variant_position.tolist()
    checked = 0
    for i in range(len(position)):
        for j in range(i + 1, len(position)):
            both = called[i] & called[j]
            x, y = values[i][both], values[j][both]
            pair = ("2", position[i], position[j])
            if position[j] - position[i] > 6000 or len(set(x.tolist())) < 2 or len(set(y.tolist())) < 2:
                assert pair not in found
                continue
            assert found[pair] == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2, rel=1e-9, abs=1e-12)
            checked += 1
    assert checked == len(found) > 500


def vs_text(path):

    return gzip.decompress(path.read_bytes()).decode().splitlines()


def test_what_is_impossible(fx_linked, fx_cli):
    repo, _ = fx_linked
    for wrong in ({"window": 0}, {"min_r2": 2}, {"min_r2": float("nan")}):
        with pytest.raises(QueryError, match="expected"):
            repo.ld(**wrong)
    assert len(repo.ld(samples=repo.samples[:1])) == 0
    done = fx_cli("ld", repo.path, "-r", "1", "--min-r2", "0.5", "--window", "5000")
    assert done.stdout == "".join(repo.ld("1", min_r2=0.5, window=5000).to_tsv())
