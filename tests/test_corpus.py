"""The VCF specification's test files: no crash, no hang; valid ones are taken in as they stand, refusals name a place.

Needs the files of ../shared/data.
"""

import importlib.util
import os
import re
import shutil
import sys
import time
from pathlib import Path

import pytest

from varstore.errors import InputError, VarstoreError
from varstore.ingest import worker

CHECKOUT = Path(__file__).resolve().parent.parent
# Through the command line: of every kind some, valid and invalid.
BY_HAND = [
    "4.1/passed_body_alt.vcf",
    "4.2/complexfile_passed_000.vcf",
    "4.2/passed_body_info.vcf",
    "4.3/passed_body_chrom.vcf",
    "4.3/passed_fileformat_header_001.vcf",
    "4.3/passed_meta_alt.vcf",
    "4.3/passed_ploidy_001.vcf",
    "4.3/passed_symbolic_duplicates.vcf",
    "4.5/zero_length_LAA.vcf",
    "4.1/failed_body_contiguous_000.vcf",
    "4.3/failed_body_no_newline_000.vcf",
    "4.2/failed_body_format_000.vcf",
    "4.2/failed_body_pos_002.vcf",
    "4.2/failed_meta_002.vcf",
    "4.3/failed_body_alt_003.vcf",
    "4.3/failed_body_ref_002.vcf",
    "4.3/failed_body_sample_001.vcf",
    "4.3/failed_body_sample_011.vcf",
    "4.3/failed_empty_sample.vcf",
    "4.3/failed_fileformat_000.vcf",
]


@pytest.fixture(scope="module")
def fx_tool():
    """tools/corpus.py as a module."""
    spec = importlib.util.spec_from_file_location("corpus", CHECKOUT / "tools" / "corpus.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["corpus"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["corpus"]


@pytest.fixture(scope="module")
def fx_corpus(fx_tool, fx_shared_data, tmp_path_factory):
    """The unpacked corpus."""
    return fx_tool.unpacked(fx_shared_data / "malformed" / "hts-specs-vcf.tar.gz", tmp_path_factory.mktemp("corpus"))


def test_the_whole_corpus(fx_tool, fx_corpus, tmp_path, monkeypatch):
    """All of it in this process, and docs/corpus.md says what came of it."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    outcomes = list(fx_tool.run(fx_corpus, tmp_path))
    assert sum(outcome.valid for outcome in outcomes) == 76
    assert len(outcomes) == 683
    assert fx_tool.faults(outcomes) == []
    for outcome in outcomes:
        if outcome.refusal is not None:
            assert re.match(r"FILE, line \d+: |FILE: the file is empty$", outcome.refusal)
    assert fx_tool.page(outcomes) == (CHECKOUT / "docs" / "corpus.md").read_text(encoding="utf-8")


def test_the_whole_corpus_through_htslib(fx_corpus):
    """htslib crashes on some of it: each time an error that names the file, and the worker goes on."""
    messages = []
    for path in sorted(fx_corpus.rglob("*.vcf")):
        begin = time.monotonic()
        try:
            for _ in worker.run("against:records", path, None):
                pass
        except InputError as error:
            messages.append((str(error), str(path)))
        assert time.monotonic() - begin < 10
    assert all(message.startswith(path) for message, path in messages)
    assert worker.one("against:samples", fx_corpus / "vcf/4.3/passed/passed_body_info.vcf")


@pytest.mark.parametrize("name", BY_HAND)
def test_through_the_command_line(fx_corpus, fx_cli, tmp_path, name):
    version, file = name.split("/")
    folder = "passed" if "passed" in file or version == "4.5" else "failed"
    path = tmp_path / file
    shutil.copy(fx_corpus / "vcf" / version / folder / file, path)
    page = (CHECKOUT / "docs" / "corpus.md").read_text(encoding="utf-8")
    refused = f"| {name} |" in page.partition("that are refused")[2].partition("that are taken in")[0]
    done = fx_cli("create", tmp_path / "repo", path, status=int(refused))
    if refused:
        assert re.fullmatch(rf"varstore: {re.escape(str(path))}(, line \d+)?: [^\n]+\n", done.stderr)
        assert not (tmp_path / "repo").exists()
    else:
        assert fx_cli("verify", tmp_path / "repo").stdout.endswith("everything is as it was written\n")
        assert "Traceback" not in done.stderr


# Everything else in the folder of test data


def test_the_other_test_data(fx_shared_data, tmp_path, monkeypatch):
    """All of edge, norm and real is taken in, and htslib reads the same out of the sources."""
    import varstore as vs

    monkeypatch.setattr(os, "fsync", lambda _: None)
    names = [path for folder in ("edge", "norm", "real") for path in sorted((fx_shared_data / folder).iterdir())]
    names = [path for path in names if re.search(r"\.(vcf|vcf\.gz|vcf\.bgz|bcf)$", path.name)]
    assert len(names) > 30
    for number, path in enumerate(names):
        try:
            repo = vs.create(tmp_path / str(number), path)
        except VarstoreError as error:
            pytest.fail(f"{path.name}: {error}")
        if path.stat().st_size < 300_000:
            assert repo.verify(path) == [], path.name
        shutil.rmtree(tmp_path / str(number))
