"""Import every file of the VCF specification's test corpus, and write what came of it to docs/corpus.md.

    python tools/corpus.py CORPUS [--check]

CORPUS is the folder or tar.gz of hts-specs' test/vcf. All of it runs in this process; every file that is taken
in is compared with its text: POS, ID, REF, ALT, QUAL, FILTER and GT. With --check nothing is written; exit 1
if the page is not what would be written. Exit 1 too if a valid file is not taken in as it stands.
"""

import re
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import varstore as vs
from varstore.errors import VarstoreError

TARGET = Path(__file__).resolve().parent.parent / "docs" / "corpus.md"
HEAD = """\
# The specification's test files

Made by `tools/corpus.py`; do not edit. What an import does with each of the files that the VCF specification
([hts-specs](https://github.com/samtools/hts-specs), `test/vcf`) tests readers with: {valid} valid and {invalid}
invalid ones. Every valid file is taken in, and its records come back equal to its text (POS, ID, REF, ALT, QUAL,
FILTER, GT). {refused} of the invalid ones are refused; {taken} are taken in, for the reason in the table:
genotypes and sites are read as they stand, and nothing of the file is lost. "Counted" names the problems
that are counted and listed ([importing.md](importing.md#problems)); undeclared ids are left out here.
"""
# Why taking in an invalid file is harmless, by the beginning of its name.
WHY = {
    "body_alt": "IUPAC letters are letters: the allele is the text that it is",
    "body_chrom": "the name is kept as it stands and is found by it",
    "body_contiguous": "sorted on the way in",
    "body_unsorted": "sorted on the way in",
    "body_duplicated": "equal records are kept, each counted by itself",
    "body_filter": "the filters that have a name are read",
    "body_format": "fields are told apart by their place and kept under the names that stand there",
    "body_id": "ID is text, kept as it stands",
    "body_info": "values that are of their Type are read, others kept as text beside; an END that is no number is "
    "passed over",
    "body_no_newline": "the last line is whole: it has all columns",
    "body_qual": "a number, kept as it stands",
    "body_ref": "IUPAC letters are letters: the allele is the text that it is",
    "body_sample": "GT is well-formed; of other fields, values that are not of their Type are kept as text beside",
    "body_samples_ploidy": "GT is well-formed: calls may have any ploidy",
    "fileformat": "VCF 4 whatever the spelling of its version",
    "header": "a file without samples",
    "meta": "a declaration that cannot be read is none: its field is kept as text",
}
_QUAL_MISSING = np.array([0x7F800001], np.uint32)


@dataclass(frozen=True)
class Outcome:
    """What came of a file.

    name : version/file    flaw : what the corpus says is wrong with it, "" for a valid file
    refusal : the error with FILE for its path, or None    problems : counted, by kind
    differences : from its text, where it was taken in    seconds : it took
    """

    name: str
    valid: bool
    flaw: str
    refusal: str | None
    problems: dict[str, int]
    differences: tuple[str, ...]
    seconds: float


def run(corpus: Path, scratch: Path, names: list[str] | None = None) -> Iterator[Outcome]:
    """Import the files of the corpus one after another, in this process."""
    for path in sorted(corpus.rglob("*.vcf")):
        name = f"{path.parts[-3]}/{path.name}"
        if names is None or name in names:
            yield outcome(path, name, scratch / name.replace("/", "-"))


def outcome(path: Path, name: str, repo: Path) -> Outcome:
    """Import one file."""
    valid = path.parent.name == "passed"
    found = re.search(r"^##CauseOfFailure=(.*)$", path.read_text(errors="replace"), re.MULTILINE)
    flaw = "" if valid else found[1].strip() if found else "see the file"
    begin = time.monotonic()
    try:
        opened = vs.create(repo, path, threads=1)
    except VarstoreError as error:
        seconds = time.monotonic() - begin
        return Outcome(name, valid, flaw, str(error).replace(str(path), "FILE"), {}, (), seconds)
    seconds = time.monotonic() - begin
    problems = {kind: entry["count"] for kind, entry in opened.info()["batches"][0]["problems"].items()}
    return Outcome(name, valid, flaw, None, problems, tuple(differences(path, opened)), seconds)


def differences(path: Path, repo: vs.Repository) -> Iterator[str]:
    """Where stored records are not those of the text, read naively."""
    body = [line for line in path.read_bytes().decode().split("\n") if line.strip("\r") and not line.startswith("#")]
    rows = [line.rstrip("\r").split("\t") for line in body]
    rank = {contig: i for i, contig in enumerate(repo.contigs)}
    rows.sort(key=lambda row: (rank[row[0]], int(row[1])) if _sorted(repo) else 0)
    if repo.num_variants != len(rows):
        yield f"{repo.num_variants} records, the file has {len(rows)}"
        return
    batch = repo._batches[0].store
    calls = repo.genotypes()
    for number, row in enumerate(rows):
        for what, mine, theirs in _fields(batch, calls, number, row):
            if mine != theirs:
                yield f"{row[0]}:{row[1]}: {what} is {mine!r}, in the file {theirs!r}"


def _sorted(repo: vs.Repository) -> bool:
    return "unsorted" in repo.info()["batches"][0]["problems"]


def _fields(batch: object, calls: object, number: int, row: list[str]) -> Iterator[tuple[str, object, object]]:
    chunk, at = divmod(number, batch.chunk_variants)
    sites = batch.site_chunk(chunk)
    yield "CHROM", batch.contigs[sites.contig[at]], row[0]
    yield "POS", int(sites.position[at]), int(row[1])
    yield "ID", batch.array("variant_id").chunk(chunk)[at], row[2]
    yield "REF and ALT", ",".join([a for a in sites.allele[at] if a][1:]) or ".", row[4]
    yield "REF", sites.allele[at][0], row[3]
    quality = batch.array("variant_quality").chunk(chunk)[at : at + 1]
    wanted = _QUAL_MISSING if row[5] == "." else np.array([row[5]], np.float32).view(np.uint32)
    yield "QUAL", int(quality.view(np.uint32)[0]), int(wanted[0])
    filters = {batch.filters[i] for i in np.flatnonzero(batch.filter_chunk(chunk)[at])}
    yield "FILTER", filters, {name for name in row[6].split(";") if name not in ("", ".")}
    keys = row[8].split(":") if len(row) > 9 else []
    for sample, call in enumerate(row[9:]):
        fields = call.split(":")
        wanted_codes = [-1]
        if "GT" in keys:
            text = fields[keys.index("GT")] if keys.index("GT") < len(fields) else "."
            alleles = [allele for allele in re.split(r"[/|]", text.lstrip("/|"))]
            wanted_codes = [-1 if allele == "." else int(allele) for allele in alleles]
        found = [code for code in calls.call_genotype[number, sample].tolist() if code != -2]
        if "GT" not in keys:
            found = sorted(set(found))
        yield f"GT of sample {sample + 1}", found, wanted_codes


def page(outcomes: list[Outcome]) -> str:
    """The page: a table of kinds of outcome, then one a version."""
    valid = [outcome for outcome in outcomes if outcome.valid]
    invalid = [outcome for outcome in outcomes if not outcome.valid]
    refused = sum(outcome.refusal is not None for outcome in invalid)
    counts = {"valid": len(valid), "invalid": len(invalid), "refused": refused, "taken": len(invalid) - refused}
    lines = [HEAD.format(**counts), "## Valid files", "", "| file | counted |", "|---|---|"]
    lines += [f"| {outcome.name} | {_problems(outcome)} |" for outcome in valid]
    for title, wanted in (("Invalid files that are refused", True), ("Invalid files that are taken in", False)):
        heads = ["file", "what is wrong", "refusal"] if wanted else ["file", "what is wrong", "why harmless", "counted"]
        lines += ["", f"## {title}", "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
        for outcome in invalid:
            if (outcome.refusal is not None) == wanted:
                rest = [_cell(outcome.refusal)] if wanted else [why(outcome.name), _problems(outcome)]
                lines.append(f"| {outcome.name} | {' | '.join([_cell(outcome.flaw), *rest])} |")
    return "\n".join(lines) + "\n"


def why(name: str) -> str:
    """Why an invalid file is let in: the sentence of the longest beginning that fits."""
    rest = name.rpartition("/")[2].removeprefix("failed_")
    return WHY[max((key for key in WHY if rest.startswith(key)), key=len)]


def _problems(outcome: Outcome) -> str:
    kinds = [kind for kind in outcome.problems if not kind.startswith("undeclared-")]
    return ", ".join(kinds)


def _cell(text: str | None) -> str:
    shown = re.sub(r"[^\x20-\x7e]+", "?", text or "").replace("|", "\\|").replace("<", "&lt;")
    return re.sub(r"\s+", " ", shown)


def faults(outcomes: list[Outcome]) -> list[str]:
    """What must not be: a valid file refused or changed, a change in any file, ten seconds for one."""
    found = []
    for item in outcomes:
        if item.valid and item.refusal is not None:
            found.append(f"{item.name}: valid, but refused: {item.refusal}")
        found += [f"{item.name}: {difference}" for difference in item.differences[:3]]
        if item.seconds > 10:
            found.append(f"{item.name}: took {item.seconds:.1f} s")
        if item.refusal is not None and not re.match(r"FILE(, line \d+)?: .", item.refusal):
            found.append(f"{item.name}: the refusal names no place: {item.refusal}")
    return found


def unpacked(corpus: Path, scratch: Path) -> Path:
    """The folder of a corpus that may be packed."""
    if corpus.is_dir():
        return corpus
    with tarfile.open(corpus) as archive:
        archive.extractall(scratch / "corpus", filter="data")
    return scratch / "corpus"


def main() -> None:
    """Run it, and write or compare the page."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--check"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        corpus = unpacked(Path(arguments[0]), scratch)
        # The first import compiles the kernels, which is no fault of its file.
        outcome(min(corpus.rglob("passed/*.vcf")), "first", scratch / "first")
        outcomes = list(run(corpus, scratch))
    for fault in faults(outcomes):
        print(fault, file=sys.stderr)
    print(Counter((item.valid, item.refusal is None) for item in outcomes))
    if faults(outcomes):
        sys.exit(1)
    text = page(outcomes)
    if "--check" in sys.argv[1:]:
        if TARGET.read_text(encoding="utf-8") != text:
            sys.exit(f"{TARGET.name} is not what an import does: run tools/corpus.py")
        return
    TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
