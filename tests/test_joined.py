"""Genotypes and exports over batches with sites of their own: the joined records of ``bcftools merge -m both``."""

import io
import shutil
import subprocess

import pytest

import varstore as vs
from joined_oracle import make_mergeable, said, tangled

needs_bcftools = pytest.mark.skipif(shutil.which("bcftools") is None, reason="needs bcftools")


def repository(folder, texts, **options):
    """A repository with a batch for each text, and the texts as indexed files."""
    files = []
    for number, text in enumerate(texts):
        files.append(folder / f"{number}.vcf")
        files[-1].write_text(text)
    repo = vs.create(folder / "r.varstore", files[0], threads=1, **options)
    for file in files[1:]:
        repo.add(file, threads=1, **options)
    return repo, files


def export_text(repo, **options):
    out = io.BytesIO()
    repo.export(out, "vcf", **options)
    return out.getvalue().decode()


def run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def merged(files, *options):
    """What ``bcftools merge -m both`` makes of VCF files."""
    for file in files:
        run("bcftools", "view", "--no-version", "-Ob", "-o", f"{file}.bcf", file)
        run("bcftools", "index", "-f", f"{file}.bcf")
    return run("bcftools", "merge", "--no-version", "-m", "both", *options, *(f"{file}.bcf" for file in files))


@needs_bcftools
@pytest.mark.parametrize("seed", range(10))
def test_records_are_those_of_bcftools_merge(tmp_path, seed):
    texts = make_mergeable(seed, 2 + seed % 3)
    repo, files = repository(tmp_path, texts)
    left_out = tangled(texts)
    found, expected = ([r for r in said(t) if r[:2] not in left_out] for t in (export_text(repo), merged(files)))
    assert len(found) > 20
    assert [record[:4] for record in found] == [record[:4] for record in expected]
    for got, wanted in zip(found, expected, strict=True):
        assert got == wanted
