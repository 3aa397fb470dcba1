"""The documents say what is: their code runs, and what they list is complete.

A fenced block of ``console`` runs in a shell, ``pycon`` as a session of the page, ``python`` defines what the
page's sessions use. What is printed is compared, ``...`` stands for anything. Blocks of other kinds are for
reading only.
"""

import doctest
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import pytest

from varstore import errors
from varstore.cli.main import main
from varstore.codec.genotype import encode_array
from varstore.codec.presence import Presence

CHECKOUT = Path(__file__).resolve().parent.parent
PAGES = [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
RUNNABLE = ("console", "pycon", "python")
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    kind: str
    text: str
    line: int


def blocks_of(page):
    text = page.read_text(encoding="utf-8")
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Block(match[1], match[2], text.count("\n", 0, match.start()) + 2)


def runnable(page):
    return [block for block in blocks_of(page) if block.kind in RUNNABLE]


def run_console(block, where, environment):
    """Run each ``$`` line, and compare what it prints on both streams."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        done = subprocess.run(
            ["bash", "-c", command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            timeout=300,
        )
        message = f"{where}: {command}\nprinted\n{done.stdout}\nexpected\n{expected}"
        assert doctest.OutputChecker().check_output(expected, done.stdout, OPTIONS), message
        assert done.returncode == 0, message


def run_session(block, where, names):
    """Run a session of ``>>>`` lines with the page's names."""
    test = doctest.DocTestParser().get_doctest(block.text, names, where, where, block.line - 1)
    failures = []
    doctest.DocTestRunner(optionflags=OPTIONS, verbose=False).run(test, out=failures.append, clear_globs=False)
    names.update(test.globs)
    assert not failures, "".join(failures)


def run_page(page, environment):
    names = {}
    for block in runnable(page):
        where = f"{page.name}:{block.line}"
        if block.kind == "console":
            run_console(block, where, environment)
        elif block.kind == "pycon":
            run_session(block, where, names)
        else:
            exec(compile(block.text, where, "exec"), names)
    return names


@pytest.fixture
def fx_environment(tmp_path_factory):
    """An environment in which ``varstore`` and ``python`` are this interpreter's."""
    programs = tmp_path_factory.mktemp("programs")
    for name, arguments in (("varstore", "-m varstore"), ("python", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {arguments} "$@"\n')
        program.chmod(0o755)
    return {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}


@pytest.fixture
def fx_workplace(tmp_path, monkeypatch, fx_environment):
    """A folder with the demonstration's cohort in it, and the environment in which commands run there."""
    (tmp_path / "work" / "demo").mkdir(parents=True)
    (tmp_path / "work" / "tools").symlink_to(CHECKOUT / "tools")
    monkeypatch.chdir(tmp_path / "work")
    options = re.search(r"^DEMO_OPTIONS = (.*)$", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)[1]
    simulate = [sys.executable, "tools/simulate.py", "demo/cohort.vcf.gz", *options.split()]
    subprocess.run(simulate, check=True, timeout=300)
    return fx_environment


def test_the_readme_runs(fx_workplace):
    pytest.importorskip("msprime")
    run_page(CHECKOUT / "README.md", fx_workplace)


@pytest.mark.parametrize("page", [page for page in PAGES[1:] if runnable(page)], ids=lambda page: page.name)
def test_code_in_the_docs_runs(page, tmp_path, monkeypatch, fx_environment, request):
    monkeypatch.chdir(tmp_path)
    if "1000g/" in page.read_text(encoding="utf-8"):
        data = request.getfixturevalue("fx_shared_data")
        (tmp_path / "1000g").mkdir()
        (tmp_path / "1000g" / "chr22.vcf.gz").symlink_to(data / "real" / "1kg_p3_chr22_16-16.5mb.vcf.gz")
        people = data / "meta" / "integrated_call_samples_v3.20130502.ALL.panel"
        (tmp_path / "1000g" / "people.panel").symlink_to(people)
    run_page(page, fx_environment)


def test_the_format_decodes_what_the_codec_writes():
    """The decoder printed in docs/format.md, an independent one, against blocks of all kinds."""
    decode = run_page(CHECKOUT / "docs" / "format.md", {})["decode"]
    rng = np.random.default_rng(7)
    for trial in range(60):
        variants, samples, ploidy = rng.integers((1, 1, 1), (16, 50, 4)) if trial else (700, 20, 2)
        codes = np.zeros((variants, samples, ploidy), ("i1", "i2")[trial % 2])
        codes[rng.random(codes.shape) < rng.random((variants, 1, 1)) ** 2] = 1
        for row in range(1, variants):  # rows like earlier ones, for references
            if rng.random() < 0.7:
                codes[row] = codes[rng.integers(row)] ^ (rng.random((samples, ploidy)) < 0.03)
        for code, share in ((2, 0.03), (-1, 0.05), (-2, 0.05), (100, 0.01), (-7, 0.01)):
            if rng.random() < 0.5:
                codes[rng.random(codes.shape) < share] = code
        codes[rng.random((variants, samples)) < 0.05] = -1
        cuts = np.flatnonzero(rng.random(samples - 1) < 0.2) + 1
        flags = rng.random((variants, len(cuts) + 1)) < rng.choice([0, 0.7, 1], (variants, 1))
        presence = Presence.of(np.append(cuts, samples), flags) if trial % 2 else None
        data = encode_array(
            codes, inner=(3, 64, 16384)[trial % 3], sparse_shift=int(rng.integers(1, 7)), presence=presence
        )
        if presence is not None:
            codes[np.repeat(~flags, np.diff(presence.ends, prepend=0), axis=1)] = -1
        assert decode(data) == codes.tolist()


@pytest.mark.parametrize(
    "block", sorted((CHECKOUT / "tests" / "golden").glob("layout*/*.block")), ids=lambda path: path.stem
)
def test_the_format_decodes_golden_blocks(block):
    decode = run_page(CHECKOUT / "docs" / "format.md", {})["decode"]
    with np.load(block.with_suffix(".npz")) as file:
        assert decode(block.read_bytes()) == file["codes"].tolist()


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_command_line_reference_is_current():
    done = subprocess.run(
        [sys.executable, CHECKOUT / "tools" / "cli_reference.py", "--check"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_the_command_line_reference_check_finds_a_change(tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "docs").mkdir()
    tool = tmp_path / "tools" / "cli_reference.py"
    tool.write_text((CHECKOUT / "tools" / "cli_reference.py").read_text())
    page = tmp_path / "docs" / "cli.md"
    page.write_text((CHECKOUT / "docs" / "cli.md").read_text() + "\n")
    done = subprocess.run([sys.executable, tool, "--check"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "make docs" in done.stderr


def commands(command, name="varstore"):
    yield name, command
    for child, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{name} {child}")


@pytest.mark.parametrize(
    ("name", "command"), list(commands(main)), ids=lambda value: value if type(value) is str else ""
)
def test_every_command_and_option_has_help(name, command):
    assert command.help
    assert f"## {name}\n" in (CHECKOUT / "docs" / "cli.md").read_text(encoding="utf-8")
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help or isinstance(parameter.type, click.Choice), f"{name} {parameter.opts[0]} has no help"


def error_classes(base=errors.VarstoreError):
    yield base
    for below in base.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from error_classes(below)


@pytest.mark.parametrize("error", list(error_classes()), ids=lambda error: error.__name__)
def test_every_error_is_explained(error):
    page = (CHECKOUT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert re.search(rf"^##+ {error.__name__}$", page, re.MULTILINE)
    assert error.__doc__


def test_the_tree_of_errors_is_drawn_as_it_is():
    def tree(error, indent=""):
        children = [below for below in error.__subclasses__() if below.__module__ == errors.__name__]
        for i, below in enumerate(children):
            last = i == len(children) - 1
            builtins = [base.__name__ for base in below.__bases__ if base.__module__ == "builtins"]
            yield f"{indent}{'└── ' if last else '├── '}{below.__name__}{f' ({builtins[0]})' if builtins else ''}"
            yield from tree(below, indent + ("    " if last else "│   "))

    drawn = ["VarstoreError", *tree(errors.VarstoreError)]
    assert "\n".join(drawn) in (CHECKOUT / "docs" / "errors.md").read_text(encoding="utf-8")
    of_source = re.sub(r" {2,}[^ │├└].*$", "", errors.__doc__, flags=re.MULTILINE)
    assert "\n".join(drawn) in of_source
