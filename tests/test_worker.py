"""htslib in its own process: a crash or a hang there is an error that names the file and the record."""

import os
import shutil
import subprocess
import sys
import time

import pytest

import varstore as vs
import vcf_text
from varstore.errors import InputError, NotVcfError, TruncatedInputError
from varstore.ingest import worker

HEADER = (
    '##fileformat=VCFv4.3\n##FILTER=<ID=PASS,Description="x">\n##contig=<ID=1,length=9999>\n'
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="x">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\n"
)


def body(num):
    return "".join(f"1\t{pos}\t.\tA\tC\t.\tPASS\t.\tGT\t0|1\t1/1\n" for pos in range(1, num + 1))


@pytest.fixture
def fx_bcf(tmp_path):
    """A BCF of 500 records."""
    bcftools = shutil.which("bcftools")
    if bcftools is None:
        pytest.skip("needs bcftools")
    text = vcf_text.write_plain(tmp_path / "in.vcf", HEADER + body(500))
    subprocess.run([bcftools, "view", "-Ob", "-o", tmp_path / "in.bcf", text], check=True)
    return tmp_path / "in.bcf"


@pytest.fixture
def fx_misbehave(tmp_path, monkeypatch):
    """Put a module of functions that misbehave where the worker finds it; gives a call of one of them."""
    source = tmp_path / "odd"
    source.mkdir()
    (source / "odd.py").write_text(ODD)
    start = worker._START.replace(
        "serve()", f"import varstore.ingest; varstore.ingest.__path__.append({str(source)!r}); serve()"
    )
    worker.stop_all()
    monkeypatch.setattr(worker, "_START", start)
    yield lambda name, *arguments: list(worker.run(f"odd:{name}", tmp_path / "in.bcf", *arguments))
    worker.stop_all()


ODD = """
import os, signal, time
from varstore.errors import InputError
from varstore.ingest import worker

def count(path, num):
    yield from range(num)

def pid(path):
    yield os.getpid()

def large(path, size):
    yield bytes(size)

def crash(path, record):
    for number in range(1, record + 1):
        worker.at(number)
        yield number
    os.kill(os.getpid(), signal.SIGSEGV)

def leave(path):
    os._exit(3)
    yield

def hang(path, record):
    worker.at(record)
    yield 1
    time.sleep(60)

def slow(path, records):
    for number in range(1, records + 1):
        worker.at(number)
        time.sleep(0.1)
    yield records

def creep(path, records):
    for number in range(1, records + 1):
        worker.at(number)
        time.sleep(0.2)
    time.sleep(60)
    yield records

def refuse(path):
    yield 1
    raise InputError("a reason")

def fail(path):
    raise ValueError("a bug of theirs")
    yield

def talk(path):
    os.write(1, b"words on standard output")
    print("more words")
    yield "said"
"""


def test_it_is_started_once_and_used_again(fx_misbehave):
    assert fx_misbehave("count", 5) == [0, 1, 2, 3, 4]
    first = fx_misbehave("pid")
    with pytest.raises(InputError, match="a reason"):
        fx_misbehave("refuse")
    with pytest.raises(InputError, match=r"in\.bcf: htslib cannot read it \(a bug of theirs\)"):
        fx_misbehave("fail")
    assert fx_misbehave("talk") == ["said"]
    assert len(fx_misbehave("large", 50_000_000)[0]) == 50_000_000
    assert fx_misbehave("pid") == first
    assert first != [os.getpid()]


@pytest.mark.parametrize("record", [0, 1, 77])
def test_a_crash_names_file_and_record(fx_misbehave, record):
    place = rf"in\.bcf, record {record}" if record else r"in\.bcf"
    with pytest.raises(InputError, match=rf"{place}: htslib crashes on it \(SIGSEGV\)"):
        fx_misbehave("crash", record)
    assert fx_misbehave("count", 2) == [0, 1]


def test_an_exit_names_the_file(fx_misbehave):
    with pytest.raises(InputError, match=r"in\.bcf: htslib ended with status 3"):
        fx_misbehave("leave")


def test_a_hang_names_file_and_record(fx_misbehave, monkeypatch):
    monkeypatch.setattr(worker, "HANG_SECONDS", 0.5)
    begin = time.monotonic()
    with pytest.raises(InputError, match=r"in\.bcf, record 12: htslib hangs: nothing for 0\.5 s"):
        fx_misbehave("hang", 12)
    assert time.monotonic() - begin < 20
    assert fx_misbehave("count", 2) == [0, 1]


def test_a_hang_behind_progress_is_found_as_soon(fx_misbehave, monkeypatch):
    monkeypatch.setattr(worker, "HANG_SECONDS", 2.0)
    assert fx_misbehave("count", 1) == [0]
    begin = time.monotonic()
    with pytest.raises(InputError, match=r"record 9: htslib hangs: nothing for 2 s"):
        fx_misbehave("creep", 9)
    # Nine records in 1.8 s, and then no more than one look longer than it may take.
    assert time.monotonic() - begin < 1.8 + 2 + 2


def test_python_that_starts_slowly_is_not_hanging(fx_misbehave, tmp_path, monkeypatch):
    (tmp_path / "odd" / "late.py").write_text("import time\ntime.sleep(2)\ndef one(path):\n    yield 1\n")
    monkeypatch.setattr(worker, "HANG_SECONDS", 0.5)
    assert list(worker.run("late:one", tmp_path / "in.bcf")) == [1]


def test_patience_is_for_the_longest_line_a_file_can_hold(tmp_path):
    """Ten seconds for what is small, as the files of the specification are; more only where a line can be long."""
    text = vcf_text.write_plain(tmp_path / "a.vcf", HEADER + body(2000))
    assert worker.patience(text) < 9
    packed = vcf_text.write_bgzf(tmp_path / "a.vcf.gz", HEADER + body(2000))
    assert worker.patience(text) < worker.patience(packed) < 10
    with open(tmp_path / "large.vcf.gz", "wb") as file:
        file.write(b"\x1f\x8b")
        file.truncate(1 << 40)
    with open(tmp_path / "large.vcf", "wb") as file:
        file.truncate(1 << 29)
    seconds = [worker.patience(tmp_path / name) for name in ("large.vcf.gz", "large.vcf")]
    assert seconds == [8 + 64, 8 + 32]
    assert worker.patience(tmp_path / "none.vcf") == 8


def test_slow_is_not_hanging(fx_misbehave, monkeypatch):
    assert fx_misbehave("count", 1) == [0]
    monkeypatch.setattr(worker, "HANG_SECONDS", 0.5)
    assert fx_misbehave("slow", 15) == [15]


def test_a_caller_that_stops_early(fx_misbehave, tmp_path):
    numbers = worker.run("odd:count", tmp_path, 100_000)
    assert next(numbers) == 0
    numbers.close()
    assert fx_misbehave("count", 3) == [0, 1, 2]


def test_two_calls_at_once(fx_misbehave, tmp_path):
    one, two = worker.run("odd:count", tmp_path, 50), worker.run("odd:count", tmp_path, 50)
    assert list(zip(one, two, strict=True)) == [(i, i) for i in range(50)]
    assert fx_misbehave("count", 1) == [0]


def test_bcf_through_the_worker(fx_bcf, tmp_path):
    repo = vs.create(tmp_path / "repo", fx_bcf)
    assert repo.num_variants == 500
    assert repo.count_alleles()["allele_count"].tolist() == [3] * 500
    assert repo.verify(fx_bcf) == []
    assert repo.verify(tmp_path / "in.vcf") == []


def test_htslib_is_never_loaded_here(fx_bcf, tmp_path):
    """The importing process does without cyvcf2, for BCF and for verify; scripts need no main guard."""
    script = tmp_path / "script.py"
    script.write_text(
        f"import sys\nimport varstore as vs\nrepo = vs.create({str(tmp_path / 'repo')!r}, {str(fx_bcf)!r})\n"
        f"assert repo.verify({str(fx_bcf)!r}) == []\nassert 'cyvcf2' not in sys.modules\nprint(repo.num_variants)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(vs.__file__))}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment, timeout=120)
    assert done.stdout == "500\n", done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("way", ["end", "block", "padded"])
def test_a_damaged_bcf_is_refused(fx_bcf, tmp_path, way):
    """htslib would take a BCF without its end marker."""
    data = fx_bcf.read_bytes()
    data = {"end": data[:-28], "block": data[:-200], "padded": data + bytes(9)}[way]
    fx_bcf.write_bytes(data)
    with pytest.raises(TruncatedInputError, match=r"in\.bcf: .*byte \d+"):
        vs.create(tmp_path / "repo", fx_bcf)


def test_a_flipped_bit_of_a_bcf_is_refused(fx_bcf, tmp_path):
    data = bytearray(fx_bcf.read_bytes())
    data[-28 - 8 - 20] ^= 1  # of the last block's records: the end marker and the checksum are behind it
    fx_bcf.write_bytes(data)
    with pytest.raises(InputError, match=r"in\.bcf"):
        vs.create(tmp_path / "repo", fx_bcf)
    assert not (tmp_path / "repo").exists()


def test_what_is_no_bcf(tmp_path):
    path = tmp_path / "in.bcf"
    path.write_bytes(b"BCF\2\2" + bytes(range(200)))
    with pytest.raises(InputError, match=r"in\.bcf"):
        vs.create(tmp_path / "repo", path)
    with pytest.raises(NotVcfError, match=r"in\.bcf: no VCF or BCF that htslib can open"):
        list(worker.run("against:samples", tmp_path / "in.bcf"))


@pytest.mark.parametrize("change", [lambda text: text + "\n", lambda text: text.replace("1\t7\t", "1\t9\t", 1)])
def test_verify_of_what_was_sorted_or_ends_in_a_blank_line(tmp_path, change):
    """htslib crashes on such a line; verify compares all the same."""
    path = vcf_text.write_plain(tmp_path / "in.vcf", change(HEADER + body(50)))
    repo = vs.create(tmp_path / "repo", path)
    assert repo.verify(path) == []
    other = vcf_text.write_plain(tmp_path / "other.vcf", change(HEADER + body(50)).replace("0|1", "0|0", 1))
    (found, *_) = repo.verify(other)
    assert found.startswith(f"{other}, record 1, 1:1: GT is ")


def test_a_record_that_crashes_htslib(tmp_path):
    """A bad POS without ##contig lines: the worker dies, we do not."""
    path = vcf_text.write_plain(tmp_path / "in.vcf", HEADER.replace("##contig", "##x") + body(3) + "1\tx\t.\tA\tC\n\n")
    with pytest.raises(InputError, match=r"in\.vcf"):
        list(worker.run("against:records", path, None))
    assert worker.one("against:samples", path) == ["a", "b"]
