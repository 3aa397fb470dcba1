"""A repository of each format version opens, and gives the answers it gave when it was made.

``tools/make_golden_repository.py`` made it, once. A failure here is a bug of the code, never of the files.
"""

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import varstore as vs
import vcf_text

CHECKOUT = Path(__file__).parent.parent
FOLDERS = sorted((CHECKOUT / "tests" / "golden").glob("repository*"))
MAKER = CHECKOUT / "tools" / "make_golden_repository.py"

sys.path.insert(0, str(MAKER.parent))
from make_golden_repository import answers  # noqa: E402


@pytest.fixture(params=FOLDERS, ids=lambda path: path.name)
def fx_golden_repository(request, tmp_path):
    """A copy of a golden repository, and the folder of what belongs to it."""
    return Path(shutil.copytree(request.param / "repo", tmp_path / "repo")), request.param


def records(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [line for line in file if not line.startswith("##")]


def test_there_is_one_of_the_first_format_and_it_is_small():
    assert FOLDERS[0].name == "repository1"
    for folder in FOLDERS:
        assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 200_000


def test_it_gives_the_answers_it_gave(fx_golden_repository):
    path, kept = fx_golden_repository
    expected = json.loads(gzip.decompress((kept / "answers.json.gz").read_bytes()))
    found = json.loads(json.dumps(answers(path)))
    for version, of_version in expected.items():
        for question, answer in of_version.items():
            assert found[version][question] == answer, f"version {version}: {question}"


def test_it_is_sound_and_equal_to_its_sources(fx_golden_repository):
    path, kept = fx_golden_repository
    repo = vs.open(path)
    assert repo.verify() == []
    for source in ("first.vcf.gz", "second.vcf.gz"):
        assert repo.verify(kept / source) == []


def test_it_exports_what_it_exported(fx_golden_repository, tmp_path):
    path, kept = fx_golden_repository
    vs.open(path, version=1).export(tmp_path / "now.vcf.gz", "vcf")
    assert records(tmp_path / "now.vcf.gz") == records(kept / "version1.vcf.gz")


def test_it_goes_on_growing(fx_golden_repository, tmp_path):
    path, kept = fx_golden_repository
    text = gzip.decompress((kept / "first.vcf.gz").read_bytes()).decode()
    head, mark, rest = text.partition("#CHROM")
    line, newline, body = rest.partition("\n")
    fields = line.split("\t")
    named = "\t".join([*fields[:9], *(f"new-{name}" for name in fields[9:])])
    repo = vs.open(path)
    before = repo.count_alleles(samples=repo.samples).to_tsv()
    grown = repo.add(vcf_text.write_plain(tmp_path / "more.vcf", head + mark + named + newline + body))
    assert grown.version == 3
    assert list(grown.count_alleles(samples=grown.samples[:11]).to_tsv()) == list(before)
    assert vs.open(path).verify() == []


def test_it_is_never_made_anew(tmp_path):
    done = subprocess.run([sys.executable, MAKER, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "never made anew" in done.stderr
    assert not list(tmp_path.iterdir())


def test_reindex_makes_its_keys_again_and_changes_no_answer(fx_golden_repository):
    path, _ = fx_golden_repository
    before, repo = answers(path), vs.open(path)
    counts, version = repo.count_genotypes().to_tsv(), repo.version
    assert repo.reindex() == len(repo.manifest.batches)
    assert (repo.version, repo.verify(), repo.reindex()) == (version + 1, [], 0)
    assert answers(path) == before
    assert list(repo.count_genotypes().to_tsv()) == list(counts)
