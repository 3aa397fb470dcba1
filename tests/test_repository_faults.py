"""Damage and bad input: always found, always said, never a wrong number."""

import gzip
import json
import random
import re
import warnings
from collections import Counter

import numpy as np
import pytest

import reference
import varstore as vs
import vcf_text
from reference import assert_same_rows

FLIPS = 300
HARMLESS_FLIPS = 1000
NUM_SAMPLES = 9


def two_batches(directory):
    """Make a small repository of two batches; give its path and the records of all its people."""
    text = vcf_text.make_vcf(
        60,
        19,
        NUM_SAMPLES,
        ploidy="mixed",
        missing=0.1,
        half_missing=0.1,
        max_alts=3,
        unphased=0.5,
        contigs=("1", "22"),
    )
    lines = [line.split("\t") for line in text.splitlines()]
    people = {"first": slice(9, 14), "second": slice(14, None)}
    for name, columns in people.items():
        kept = [line if len(line) == 1 else line[:9] + line[columns] for line in lines]
        part = "".join("\t".join(line) + "\n" for line in kept)
        vcf_text.write_bgzf(directory / f"{name}.vcf.gz", part)
    vs.create(directory / "repo", directory / "first.vcf.gz").add(directory / "second.vcf.gz")
    return directory / "repo", reference.read_vcf(text)


def answers(repo, samples):
    """Yield what each kind of query answers, as text, or None where it refuses to."""
    queries = [
        lambda: columns(repo.count_alleles()),
        lambda: columns(repo.count_genotypes()),
        lambda: columns(repo.count_genotypes(samples=[samples[0], samples[-1]])),
        lambda: columns(repo.count_genotypes("22", cohorts={"a": samples[2:7], "b": samples})),
        lambda: columns(repo.genotypes("1", samples=samples[::-1])),
    ]
    for query in queries:
        try:
            yield query()
        except vs.VarstoreError:
            yield None


def columns(result):
    """Give every value of a result as text."""
    names = [*reference.GENOTYPE_COLUMNS, "cohort", "sample_id", "call_genotype"]
    names += ["call_genotype_phased", "variant_position", "variant_allele"]
    found = {name: getattr(result, name, None) for name in names}
    return repr({n: np.asarray(v).tolist() for n, v in found.items() if v is not None})


def attempt(action):
    """Give the value of an action, None if varstore refuses it, and any error of other kinds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return action(), ""
        except vs.VarstoreError:
            return None, ""
        except Exception as error:
            return None, repr(error)


@pytest.fixture(scope="module")
def fx_damage(tmp_path_factory):
    """A function that tries one damaged file: gives what is wrong with how varstore takes it."""
    path, vcf = two_batches(tmp_path_factory.mktemp("damage"))
    truth = list(answers(vs.open(path), vcf.samples))
    assert None not in truth

    def look():
        sound, error = attempt(lambda: vs.open(path).verify() == [])
        if sound or error:
            yield f"verify finds nothing {error}"
        given, error = attempt(lambda: list(answers(vs.open(path), vcf.samples)))
        if error:
            yield f"a query ends in {error}"
        for number, (got, true) in enumerate(zip(given or truth, truth, strict=True)):
            if got not in (None, true):
                yield f"another answer to query {number}"

    def damage(target, what, data):
        """Try ``target`` with the content ``data``; None: without the file."""
        file = path / target
        aside = path.parent / "kept-aside"
        file.rename(aside)
        try:
            if data is not None:
                file.write_bytes(data)
            return [f"{target}: {what}: {wrong}" for wrong in look()]
        finally:
            file.unlink(missing_ok=True)
            aside.rename(file)

    def ask(target, what, data, wrong):
        """Ask every question with a file changed; yield how each ended, put other answers into ``wrong``."""
        file = path / target
        whole = file.read_bytes()
        try:
            file.write_bytes(data)
            given, error = attempt(lambda: list(answers(vs.open(path), vcf.samples)))
        finally:
            file.write_bytes(whole)
        if error:
            wrong.append(f"{target}: {what}: {error}")
        for got, true in zip(given or [None] * len(truth), truth, strict=True):
            if got not in (None, true):
                wrong.append(f"{target}: {what}: another answer")
            yield "refused" if got is None else "answered"

    damage.ask, damage.truth = ask, truth
    damage.files = {
        file.relative_to(path): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.relative_to(path).parts[0] != "tmp"
    }
    yield damage
    assert vs.open(path).verify() == []


def test_the_small_repository_is_right_and_sound(tmp_path):
    path, vcf = two_batches(tmp_path)
    repo = vs.open(path)
    assert_same_rows(repo.count_genotypes(), reference.count_rows(vcf.records))
    np.testing.assert_array_equal(repo.genotypes().call_genotype, vcf.call_genotype)
    assert repo.verify() == []


def test_every_flipped_byte_is_found(fx_damage):
    rng = random.Random(61)
    files = {target: data for target, data in fx_damage.files.items() if data}
    share = max(2, FLIPS // len(files))
    wrong = []
    for target, data in files.items():
        places = {0, len(data) - 1, *rng.sample(range(len(data)), min(share, len(data)))}
        for place in sorted(places):
            flipped = bytearray(data)
            flipped[place] ^= 1 << rng.randrange(8)
            wrong += fx_damage(target, f"byte {place} of {len(data)} flipped", bytes(flipped))
    assert not wrong, "\n".join(wrong)


def test_a_thousand_flipped_bytes_never_change_a_number(fx_damage, record_property):
    """Bytes of all files but manifests: each question is refused, or answered as before."""
    rng = random.Random(67)
    files = [target for target, data in fx_damage.files.items() if data and target.parts[0] != "manifests"]
    tried, wrong = Counter(), []
    for number in range(HARMLESS_FLIPS):
        target = files[number % len(files)]  # every file, and every kind of part, often
        flipped = bytearray(fx_damage.files[target])
        place = rng.randrange(len(flipped))
        flipped[place] ^= 1 << rng.randrange(8)
        tried.update(fx_damage.ask(target, f"byte {place}", bytes(flipped), wrong))
    record_property("tried", dict(tried))
    assert not wrong, "\n".join(wrong)
    assert sum(tried.values()) == HARMLESS_FLIPS * len(fx_damage.truth)
    assert tried["refused"]
    assert tried["answered"]


def test_every_deleted_file_is_missed(fx_damage):
    wrong = []
    for target in fx_damage.files:
        wrong += fx_damage(target, "deleted", None)
    assert not wrong, "\n".join(wrong)


def test_every_cut_or_grown_file_is_found(fx_damage):
    rng = random.Random(62)
    wrong = []
    for target, data in fx_damage.files.items():
        kinds = [
            ("cut to nothing", b""),
            ("cut short", data[: rng.randrange(len(data) + 1)]),
            ("one byte short", data[:-1]),
            ("one byte longer", data + b"\n"),
        ]
        what, other = rng.choice([kind for kind in kinds if kind[1] != data])
        wrong += fx_damage(target, what, other)
    assert not wrong, "\n".join(wrong)


def test_files_that_changed_places_are_found(fx_damage):
    """Swap in the same file of the other batch: sound in itself, at the wrong place."""
    first, second = sorted({target.parts[1] for target in fx_damage.files if _in_batch(target)})
    wrong, tried = [], 0
    for target, data in fx_damage.files.items():
        if _in_batch(target) and target.parts[1] == first:
            other = type(target)("batches", second, *target.parts[2:])
            if fx_damage.files.get(other, data) != data:
                wrong += fx_damage(target, "from the other batch", fx_damage.files[other])
                tried += 1
    assert tried
    assert not wrong, "\n".join(wrong)


def _in_batch(target):
    return target.parts[0] == "batches"


def test_the_command_names_the_damaged_file(fx_cli, tmp_path):
    path, _ = two_batches(tmp_path)
    fx_cli("verify", path)
    for array in (path / "batches").glob("*/call_genotype"):
        chunk = max(array.rglob("*0"), key=lambda file: file.stat().st_size)
        data = bytearray(chunk.read_bytes())
        data[len(data) // 2] ^= 0x10
        chunk.write_bytes(data)
    done = fx_cli("verify", path, status=1)
    report = done.stdout + done.stderr
    assert "call_genotype" in report
    assert "Traceback" not in report
    done = fx_cli("count", path, "-s", "NA00000", status=1)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


# Bad input


@pytest.fixture(scope="module")
def fx_repo(tmp_path_factory):
    return two_batches(tmp_path_factory.mktemp("sound"))


def test_an_existing_repository_is_not_overwritten(fx_repo, tmp_path):
    path, vcf = fx_repo
    with pytest.raises(vs.VarstoreError, match=r"exist|already"):
        vs.create(path)
    occupied = tmp_path / "occupied"
    occupied.mkdir()
    vcf_text.write_plain(occupied / "diary.txt", "dear diary")
    with pytest.raises(vs.VarstoreError, match=r"exist|already"):
        vs.create(occupied)
    assert (occupied / "diary.txt").read_text() == "dear diary"
    assert_same_rows(vs.open(path).count_genotypes(), reference.count_rows(vcf.records))


def test_what_is_no_repository_does_not_open(tmp_path):
    with pytest.raises(vs.VarstoreError, match="nothing-here"):
        vs.open(tmp_path / "nothing-here")
    with pytest.raises(vs.VarstoreError, match=re.escape(tmp_path.name)):
        vs.open(tmp_path)
    file = vcf_text.write_plain(tmp_path / "a-file.vcf", vcf_text.make_vcf(1, 2, 3))
    with pytest.raises(vs.VarstoreError, match=r"a-file\.vcf"):
        vs.open(file)


@pytest.mark.parametrize("region", ["chr77", "chr77:1-50", "GL000191.1:7"])
def test_an_unknown_contig_is_named(fx_repo, region):
    repo = vs.open(fx_repo[0])
    for query in (repo.count_alleles, repo.count_genotypes, repo.genotypes):
        with pytest.raises(vs.VarstoreError, match=re.escape(region.split(":")[0])):
            query(region)


def test_an_unknown_contig_in_a_regions_file_is_named(fx_repo, tmp_path):
    file = vcf_text.write_plain(tmp_path / "some.txt", "22\t1\t9\nchr9\t3\t5\n")
    with pytest.raises(vs.VarstoreError, match="chr9"):
        vs.open(fx_repo[0]).count_alleles(regions_file=file)


@pytest.mark.parametrize("region", ["22:9-3", "22:x-9", "22:", "22:1-2-3"])
def test_a_region_that_makes_no_sense_is_refused(fx_repo, region):
    with pytest.raises(vs.VarstoreError, match=re.escape(region)):
        vs.open(fx_repo[0]).count_alleles(region)


def test_an_unknown_or_repeated_sample_is_named(fx_repo):
    path, vcf = fx_repo
    repo = vs.open(path)
    first = vcf.samples[0]
    for name, query in [
        ("Nobody", lambda ids: repo.count_alleles(samples=ids)),
        ("Nobody", lambda ids: repo.count_genotypes(cohort=ids)),
        ("Nobody", lambda ids: repo.count_genotypes(cohorts={"x": ids})),
        ("Nobody", lambda ids: repo.genotypes("22", samples=ids)),
        (first, lambda ids: repo.count_alleles(samples=ids)),
        (first, lambda ids: repo.genotypes("22", samples=ids)),
    ]:
        with pytest.raises(vs.VarstoreError, match=name):
            query([first, name])


def test_a_newer_format_is_refused(tmp_path):
    path, _ = two_batches(tmp_path)
    identity = path / "varstore.json"
    newer = {
        key: value + 998 if type(value) is int else value for key, value in json.loads(identity.read_text()).items()
    }
    assert newer != json.loads(identity.read_text())
    identity.write_text(json.dumps(newer))
    with pytest.raises(vs.VarstoreError, match=r"(?i)version|varstore\.json"):
        vs.open(path).count_alleles()


BROKEN = {
    "an empty file": b"",
    "a picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)),
    "a letter": b"Dear Sir or Madam,\n\nI hope that you\n",
    "a compressed letter": gzip.compress(b"Dear Sir or Madam,\n" * 99),
    "a header without columns": b"##fileformat=VCFv4.3\n",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_file_that_is_no_vcf_is_named(kind, fx_repo, tmp_path):
    path = tmp_path / "not-a.vcf.gz"
    path.write_bytes(BROKEN[kind])
    with pytest.raises(vs.VarstoreError, match=r"not-a\.vcf\.gz"):
        vs.create(tmp_path / "repo", path)


def test_a_cut_or_damaged_file_is_refused(tmp_path):
    text = vcf_text.make_vcf(63, 97, 11)
    whole = vcf_text.write_bgzf(tmp_path / "a.vcf.gz", text, 997).read_bytes()
    plain = vcf_text.write_gzip(tmp_path / "b.vcf.gz", text).read_bytes()
    crc = bytearray(whole)
    crc[len(crc) // 2] ^= 4
    for number, data in enumerate([whole[: len(whole) * 2 // 3], plain[:-9], plain[:700], crc]):
        bad = tmp_path / f"bad{number}.vcf.gz"
        bad.write_bytes(data)
        with pytest.raises(vs.VarstoreError, match=rf"bad{number}\.vcf\.gz"):
            vs.create(tmp_path / f"repo{number}", bad)


def test_a_missing_end_marker_is_a_cut_file(tmp_path):
    text = vcf_text.make_vcf(63, 97, 11)
    bad = vcf_text.write_bgzf(tmp_path / "cut.vcf.gz", text, end=False)
    with pytest.raises(vs.VarstoreError, match=r"cut\.vcf\.gz"):
        vs.create(tmp_path / "repo", bad)


def line_of(line, column, value):
    """Give a changer of text lines that puts ``value`` in a column; lines count from 1."""

    def change(lines):
        fields = lines[line - 1].split("\t")
        fields[column] = value
        lines[line - 1] = "\t".join(fields)

    return change


def swap(one, other):
    def change(lines):
        lines[one - 1], lines[other - 1] = lines[other - 1], lines[one - 1]

    return change


HEADER_LINES = vcf_text.make_vcf(0, 0, 1, contigs=("1", "2")).count("\n")
MALFORMED = {
    "unsorted": (swap(HEADER_LINES + 4, HEADER_LINES + 5), HEADER_LINES + 5),
    "contigs mixed": (line_of(HEADER_LINES + 3, 0, "2"), HEADER_LINES + 4),
    "POS is no number": (line_of(HEADER_LINES + 2, 1, "ten"), HEADER_LINES + 2),
    "no such allele": (line_of(HEADER_LINES + 6, 10, "0|2"), HEADER_LINES + 6),
    "no genotype": (line_of(HEADER_LINES + 6, 10, "0|x"), HEADER_LINES + 6),
    "a column short": (lambda lines: lines.insert(-1, lines.pop().rpartition("\t")[0]), None),
    "a name twice": (line_of(HEADER_LINES, 10, "NA00000"), None),
}


@pytest.mark.parametrize("kind", MALFORMED)
@pytest.mark.parametrize("write", [vcf_text.write_plain, vcf_text.write_bgzf])
def test_bad_lines_are_refused_with_file_and_line(kind, write, tmp_path):
    change, number = MALFORMED[kind]
    head = vcf_text.make_vcf(0, 0, 3, contigs=("1", "2"))
    sites = "".join(f"1\t{pos}\t.\tA\tC\t.\t.\t.\tGT\t0|1\t1|1\t0|0\n" for pos in range(10, 90, 10))
    lines = (head + sites).splitlines()
    change(lines)
    path = write(tmp_path / "bad.vcf", "".join(line + "\n" for line in lines))
    with pytest.raises(vs.VarstoreError, match=r"bad\.vcf") as caught:
        vs.create(tmp_path / "repo", path, on_problem="stop")  # else unsorted input is sorted
    if number is not None:
        assert re.search(rf"\b{number}\b", str(caught.value).replace(str(tmp_path), ""))


def rename_people(text):
    """Put ``new-`` in front of every sample name."""
    lines = text.splitlines(keepends=True)
    row = next(i for i, line in enumerate(lines) if line.startswith("#CHROM"))
    fields = lines[row].split("\t")
    lines[row] = "\t".join(fields[:9] + [f"new-{name}" for name in fields[9:]])
    return "".join(lines)


def test_a_refused_add_changes_nothing(tmp_path):
    path, vcf = two_batches(tmp_path)
    rows = reference.count_rows(vcf.records)
    manifests = sorted(file.name for file in (path / "manifests").iterdir())
    bad = {
        "known people": (tmp_path / "first.vcf.gz", "|".join(map(re.escape, vcf.samples[:5]))),
        "no file": (tmp_path / "missing.vcf", r"missing\.vcf"),
    }
    repo = vs.open(path)
    for kind, (source, words) in bad.items():
        with pytest.raises(vs.VarstoreError, match=f"(?i){words}"):
            repo.add(source)
        found = vs.open(path)
        assert_same_rows(found.count_genotypes(), rows)
        assert found.verify() == [], kind
        assert sorted(file.name for file in (path / "manifests").iterdir()) == manifests


def test_another_name_of_a_site_does_not_make_another_site(tmp_path):
    """The ID of a record is no part of its key."""
    text = vcf_text.make_vcf(66, 23, 2, odd_alts=False)
    repo = vs.create(tmp_path / "repo", vcf_text.write_bgzf(tmp_path / "a.vcf.gz", text))
    *lines, last = rename_people(text).splitlines(keepends=True)
    fields = last.split("\t")
    renamed = "\t".join([*fields[:2], "rs1", *fields[3:]])
    repo.add(vcf_text.write_plain(tmp_path / "b.vcf", "".join([*lines, renamed])))
    codes = reference.read_vcf(text).call_genotype
    found = vs.open(tmp_path / "repo").genotypes()
    np.testing.assert_array_equal(found.call_genotype, np.concatenate([codes, codes], axis=1))


def test_a_repository_may_be_called_like_a_zip_file(tmp_path):
    file = vcf_text.write_plain(tmp_path / "a.vcf", vcf_text.make_vcf(1, 2, 3))
    assert vs.create(tmp_path / "people.zip", file).num_variants == 2
    assert vs.open(tmp_path / "people.zip").num_samples == 3


def test_regions_may_be_given_one_by_one(fx_repo, fx_cli):
    path, vcf = fx_repo
    first, *_, last = [f"{record.contig}:{record.pos}" for record in vcf.records]
    one_by_one = fx_cli("count", path, "-r", first, "-r", last).stdout
    assert one_by_one == fx_cli("count", path, "-r", f"{first},{last}").stdout
    places = {":".join(line.split("\t")[:2]) for line in one_by_one.splitlines()[1:]}
    assert {first, last} <= places


@pytest.mark.parametrize("text", ["22:5 A>", "22:5 >G", "22:5A>G", "22 A>G", "22:A>G"])
def test_what_is_nearly_an_allele_is_refused_with_its_form(fx_repo, text):
    with pytest.raises(vs.VarstoreError, match="expected contig:pos REF>ALT"):
        vs.open(fx_repo[0]).count_alleles(text)
