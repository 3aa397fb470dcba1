"""A repository with a FASTA: REF is held against it, alleles are left-aligned, and no other FASTA is taken."""

import gzip
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import varstore as vs
from varstore.cli.main import main
from varstore.errors import ContigLengthError, FastaError, InputError, QueryError
from varstore.ingest.fasta import Fasta, digest_of, refget
from varstore.model.alleles import Allele, allele_key, is_sequence, normalise
from varstore.storage.keys import Keys
from varstore.storage.parts import Part, PartRef
from vcf_text import write_bgzf

SEQUENCES = {"1": "GGGCACACACAGGG" + "N" * 6 + "ACGTACGTAC", "chr2": "ACGTRYKM", "empty": ""}
FASTA = ">1 the first\nGGGCACacACA\nGGGNNNNNNACGT\nACGTAC\n>chr2\tother\nACGTRYKM\n>empty\n"
START = '##fileformat=VCFv4.3\n##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'


def _vcf(path, lines, sample="A", contigs=("1", "chr2")):
    header = "".join(f"##contig=<ID={name}>\n" for name in contigs)
    columns = f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{sample}\n"
    sites = [line.split("\t") for line in lines]
    records = [f"{chrom}\t{pos}\t.\t{ref}\t{alt}\t.\t.\t.\tGT\t0/1\n" for chrom, pos, ref, alt in sites]
    path.write_text(START + header + columns + "".join(records))
    return path


@pytest.fixture
def fx_fasta(tmp_path):
    path = tmp_path / "reference.fa"
    path.write_text(FASTA)
    return path


def _keys(repo, batch=0):
    """Keys, digests and occurrences of the records of a small batch."""
    of = repo.manifest.batches[batch]["id"]
    (entry,) = [entry for entry in repo.manifest.derived if (entry["kind"], entry["batch"]) == ("keys", of)]
    return Keys(Part(repo.path, PartRef(**entry["part"]))).chunk(0)


def _read(path):
    fasta = Fasta(path)
    return {name: fasta.sequence(name).tobytes().decode() for name in fasta.lengths}


@given(
    contigs=st.dictionaries(st.text("ab1", min_size=1, max_size=3), st.text("ACGTNacgtn", max_size=80), min_size=1),
    width=st.integers(1, 30), end=st.sampled_from(["\n", "\r\n"]), last=st.booleans(), piece=st.integers(1, 40),
)  # fmt: skip
@settings(deadline=None, max_examples=60)
def test_contigs_of_any_file(tmp_path_factory, contigs, width, end, last, piece):
    text = ""
    for name, bases in contigs.items():
        text += f">{name} words > more{end}"
        text += "".join(bases[i : i + width] + end for i in range(0, len(bases), width))
    text = text if last else text.rstrip("\r\n")
    folder = tmp_path_factory.mktemp("fasta")
    (folder / "a.fa").write_text(text, newline="")
    expected = {name: bases.upper() for name, bases in contigs.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("varstore.ingest.fasta._PIECE", piece)
        assert _read(folder / "a.fa") == expected
        assert _read(write_bgzf(folder / "a.fa.gz", text)) == expected
        assert Fasta(folder / "a.fa").document["sha256"] == Fasta(folder / "a.fa.gz").document["sha256"]
    assert sorted(path.name for path in folder.iterdir()) == ["a.fa", "a.fa.gz"]


def test_refget_identifiers():
    """The examples of the GA4GH refget specification."""
    assert refget(np.frombuffer(b"ACGT", np.uint8)) == "SQ.aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2"
    assert refget(np.zeros(0, np.uint8)) == "SQ.z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXc"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("ACGT\n", "does not begin with '>'"),
        (">a\nAC\n>a\nAC\n", "contig a stands there twice"),
        (">\nAC\n", "a contig without a name"),
        (">a\nAC>GT\n", "'>' within the bases at byte 5"),
        (">a\nAC1T\n", "contig a has '1' at base 3"),
    ],
)
def test_what_is_no_fasta(tmp_path, text, message):
    (tmp_path / "a.fa").write_text(text)
    with pytest.raises(FastaError, match=message):
        _ = Fasta(tmp_path / "a.fa").document


def test_gzip_is_refused_with_advice(tmp_path):
    (tmp_path / "a.fa.gz").write_bytes(gzip.compress(FASTA.encode()))
    with pytest.raises(FastaError, match="compress it with bgzip"):
        Fasta(tmp_path / "a.fa.gz")
    with pytest.raises(FastaError, match="cannot be read"):
        Fasta(tmp_path / "none.fa")


def test_keys_are_left_aligned(tmp_path, fx_fasta):
    """Batches that write a deletion in a repeat at other places have one row."""
    repo = vs.create(tmp_path / "repo", _vcf(tmp_path / "a.vcf", ["1\t9\tACA\tA", "chr2\t5\tA\tC"]), reference=fx_fasta)
    repo.add(_vcf(tmp_path / "b.vcf", ["1\t3\tGCACA\tGCA"], "B"))
    assert _keys(repo, 1).key[0, 0] == _keys(repo).key[0, 0] == allele_key(Allele(3, "GCA", "G"))[0]
    counts = repo.count_alleles("1")
    assert list(zip(counts.position, counts.ref, counts.alt, counts.allele_count, strict=True)) == [(9, "ACA", "A", 2)]
    document = repo.manifest.document
    names = {entry["name"]: (entry["length"], entry["refget"]) for entry in document["contigs"]}
    assert names["1"] == (30, refget(np.frombuffer(SEQUENCES["1"].encode(), np.uint8)))
    assert document["fasta"]["sha256"] == digest_of(document["fasta"]["contigs"])
    assert document["fasta"]["path"] == str(fx_fasta)
    assert repo.info()["normalised"].startswith("left-aligned to reference.fa")
    assert repo.verify() == []


def test_an_exact_allele_is_found_however_it_is_spelled(tmp_path, fx_fasta):
    lines = ["1\t3\tGCACA\tGCA", "1\t5\tA\tACACACACACACA", "1\t9\tACA\tA,ACC"]
    repo = vs.create(tmp_path / "repo", _vcf(tmp_path / "a.vcf", lines), reference=fx_fasta)
    for spelled in ("1:9 ACA>A", "1:3 GCA>G", "1:3:GCACA:GCA", "1:9:aca:a"):
        counts = repo.count_alleles(spelled)
        assert list(zip(counts.position, counts.ref, counts.alt, strict=True)) == [(3, "GCACA", "GCA"), (9, "ACA", "A")]
    for spelled in ("1:9 A>ACACACACACACA", "1:3 G>GCACACACACACA"):
        assert list(repo.count_alleles(spelled).position) == [5]
    fx_fasta.unlink()
    repo = vs.open(repo.path)
    assert list(repo.count_alleles("1:11 A>C").alt) == ["ACC"]
    with pytest.raises(FastaError, match="is not there"):
        repo.count_alleles("1:9 ACA>A")


@pytest.mark.filterwarnings("ignore::varstore.errors.DenominatorWarning")
def test_without_a_fasta_info_says_that_it_trims_only(tmp_path):
    repo = vs.create(tmp_path / "repo", _vcf(tmp_path / "a.vcf", ["1\t9\tACA\tA"]))
    repo.add(_vcf(tmp_path / "b.vcf", ["1\t3\tGCACA\tGCA"], "B"))
    assert len(repo.count_alleles("1")) == 2
    assert repo.info()["normalised"] == "no FASTA: alleles are trimmed only, not left-aligned"


@pytest.mark.parametrize(
    "line",
    [
        "1\t5\tN\tC",  # stands for any base
        "1\t4\tcaCA\tc",
        "1\t15\tA\tC",  # the FASTA has N
        "chr2\t5\tT\tG",  # R there: an IUPAC letter matches anything
        "1\t1\tR\tC",  # A or G
        "1\t31\tN\t<DEL>",  # the telomere
        "1\t30\tC\t<INS>",
        "3\t30\tC\t<INS>",  # not in the FASTA
    ],
)
def test_ref_that_does_not_contradict(tmp_path, fx_fasta, line):
    repo = vs.create(tmp_path / "repo", _vcf(tmp_path / "a.vcf", [line], contigs="123"), reference=fx_fasta)
    assert repo.verify() == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1\t5\tC\tT", "a.vcf, line 6: REF is 'C' at 1:5, the FASTA has 'A'"),
        ("1\t4\tCAG\tT", "REF is 'CAG' at 1:4, the FASTA has 'CAC'"),
        ("1\t1\tY\tC", "REF is 'Y' at 1:1, the FASTA has 'G'"),
        ("1\t30\tCC\tC", "REF is 'CC' at 1:30, the FASTA has 'C'"),
        ("1\t40\tC\tA", "REF is 'C' at 1:40, the FASTA has nothing: the contig ends before"),
    ],
)
def test_ref_that_contradicts_refuses_the_file(tmp_path, fx_fasta, line, message):
    path = _vcf(tmp_path / "a.vcf", ["1\t4\tC\tG", line], contigs=["1"])
    with pytest.raises(InputError) as error:
        vs.create(tmp_path / "repo", path, reference=fx_fasta)
    assert message in str(error.value)
    assert not (tmp_path / "repo").exists()


def test_lengths_of_another_build(tmp_path, fx_fasta):
    path = _vcf(tmp_path / "a.vcf", ["1\t4\tC\tG"], contigs=["1,length=40"])
    with pytest.raises(ContigLengthError, match="contig 1 has 40 bases, in the FASTA it has 30"):
        vs.create(tmp_path / "repo", path, reference=fx_fasta)


def test_only_the_same_fasta_is_taken(tmp_path, fx_fasta):
    repo = vs.create(tmp_path / "repo", _vcf(tmp_path / "a.vcf", ["1\t9\tACA\tA"]), reference=fx_fasta)
    more = _vcf(tmp_path / "b.vcf", ["1\t9\tACA\tA"], "B")
    for name, text, message in [
        ("other", FASTA.replace("ACGTAC\n", "ACGTAG\n"), "the bases of contig 1 are others"),
        ("longer", FASTA.replace("ACGTAC\n", "ACGTACC\n"), "contig 1 has 31 bases here, 30 bases there"),
        ("fewer", FASTA.replace(">empty\n", ""), "contig empty has no bases here, 0 bases there"),
    ]:
        (tmp_path / name).write_text(text)
        with pytest.raises(FastaError, match=message):
            repo.add(more, reference=tmp_path / name)
    fx_fasta.rename(tmp_path / "moved.fa")
    with pytest.raises(FastaError, match="is not there; name it with --reference"):
        repo.add(more)
    with pytest.warns(UserWarning, match="were not checked"):
        assert repo.verify() == []
    # Compressed, it is the same.
    repo.add(more, reference=write_bgzf(tmp_path / "moved.fa.gz", FASTA))
    assert repo.num_samples == 2
    assert repo.manifest.document["fasta"]["path"].endswith("moved.fa.gz")
    assert repo.verify() == []


@pytest.mark.filterwarnings("ignore::varstore.errors.DenominatorWarning")
def test_reindex_with_a_fasta(tmp_path, fx_fasta):
    repo = vs.create(tmp_path / "repo", _vcf(tmp_path / "a.vcf", ["1\t9\tACA\tA"]))
    repo.add(_vcf(tmp_path / "b.vcf", ["1\t3\tGCACA\tGCA"], "B"))
    assert repo.reindex() == 0
    assert repo.version == 2
    with pytest.raises(QueryError, match="varstore reindex REPO --reference FASTA"):
        repo.add(_vcf(tmp_path / "c.vcf", ["1\t4\tC\tG"], "C"), reference=fx_fasta)
    assert repo.reindex(reference=fx_fasta) == 2
    assert repo.version == 3
    assert len(repo.count_alleles("1")) == 1
    assert repo.verify() == []
    assert len(vs.open(repo.path, version=2).count_alleles("1")) == 2
    assert repo.reindex() == repo.reindex(reference=fx_fasta) == 0
    assert repo.version == 3
    assert {entry["refget"] is None for entry in repo.manifest.contigs} == {False}


def test_reindex_refuses_what_the_fasta_contradicts(tmp_path, fx_fasta):
    repo = vs.create(tmp_path / "repo", _vcf(tmp_path / "a.vcf", ["1\t4\tC\tA", "1\t9\tTCA\tT"]))
    before = sorted(path.name for path in (tmp_path / "repo").rglob("*"))
    with pytest.raises(FastaError, match=r"a\.vcf\): REF is 'TCA' at 1:9, the FASTA has 'ACA'"):
        repo.reindex(reference=fx_fasta)
    assert sorted(path.name for path in (tmp_path / "repo").rglob("*")) == before


@pytest.mark.filterwarnings("ignore::varstore.errors.DenominatorWarning")
def test_reindex_of_keys_of_an_older_version(tmp_path):
    """Keys whose version this varstore does not know are made again, those it knows are left."""
    from varstore.changes.adding import commit

    repo = vs.create(tmp_path / "repo", _vcf(tmp_path / "a.vcf", ["1\t9\tACA\tA"]))
    repo.add(_vcf(tmp_path / "b.vcf", ["1\t3\tGCACA\tGCA"], "B"))

    def older(document):
        next(entry for entry in document["derived"] if entry["kind"] == "keys")["version"] = 1
        return document

    commit(repo.path, repo.manifest.document, older, "test")
    repo = vs.open(repo.path)
    assert repo.reindex() == 1
    assert len(repo.count_alleles("1")) == 2
    assert repo.verify() == []


def test_a_batch_that_lands_during_reindex_gets_keys_too(tmp_path, fx_fasta, monkeypatch):
    repo = vs.create(tmp_path / "repo", _vcf(tmp_path / "a.vcf", ["1\t9\tACA\tA"]))
    other = vs.open(repo.path)
    more = [_vcf(tmp_path / "b.vcf", ["1\t3\tGCACA\tGCA"], "B")]
    from varstore.changes import reindexing

    make = reindexing._make_keys

    def slow(*arguments, **options):
        if more:
            other.add(more.pop())
        return make(*arguments, **options)

    monkeypatch.setattr(reindexing, "_make_keys", slow)
    assert repo.reindex(reference=fx_fasta) == 2
    assert len(repo.count_alleles("1")) == 1
    assert repo.verify() == []


def test_an_import_that_a_fasta_overtakes_is_refused(tmp_path, fx_fasta, monkeypatch):
    repo = vs.create(tmp_path / "repo", _vcf(tmp_path / "a.vcf", ["1\t9\tACA\tA"]))
    other = vs.open(repo.path)
    from varstore.changes import adding as changes

    publish = changes._publish

    def slow(*arguments, **options):
        vs.open(repo.path).reindex(reference=fx_fasta)
        return publish(*arguments, **options)

    monkeypatch.setattr(changes, "_publish", slow)
    with pytest.raises(FastaError, match="given a FASTA meanwhile; run the command again"):
        other.add(_vcf(tmp_path / "b.vcf", ["1\t3\tGCACA\tGCA"], "B"))
    assert vs.open(repo.path).verify() == []


def test_create_with_a_fasta_and_no_inputs(tmp_path, fx_fasta):
    repo = vs.create(tmp_path / "repo", reference=fx_fasta)
    repo.add(_vcf(tmp_path / "a.vcf", ["1\t9\tACA\tA"]))
    assert _keys(repo).key[0, 0] == allele_key(Allele(3, "GCA", "G"))[0]


def _is_within(line):
    """Whether a record lies in the 70 kb that the FASTA of GRCh37 has."""
    return int(line.split("\t")[1]) < 69_900


def _bcftools_norm(vcf, fasta, folder):
    """CHROM, POS, REF, ALT of each ALT allele, as bcftools norm has it, in the order of the file."""
    plain = folder / "reference.fa"
    opened = gzip.open if fasta.name.endswith(".gz") else open
    with opened(fasta, "rb") as source, open(plain, "wb") as out:
        shutil.copyfileobj(source, out)
    # Tagged by record, so that what norm sorts can be put back.
    read = subprocess.run(["bcftools", "view", "-G", str(vcf)], capture_output=True, check=True, text=True).stdout
    lines, number = [], 0
    for line in read.splitlines():
        columns = line.split("\t")
        if not line.startswith("#"):
            if "GRCh37_chr1" in fasta.name and not _is_within(line):
                continue
            columns[2], columns[7], number = str(number), ".", number + 1
        lines.append("\t".join(columns[:8]) + "\n")
    (folder / "in.vcf").write_text("".join(lines))
    command = ["bcftools", "norm", "-m", "-any", "-f", str(plain), "-c", "w", str(folder / "in.vcf")]
    normed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    found = {}
    for line in normed.splitlines():
        if not line.startswith("#"):
            chrom, pos, record, ref, alt = line.split("\t")[:5]
            found.setdefault(int(record), []).append((chrom, int(pos), ref.upper(), alt.upper()))
    return found


@pytest.mark.skipif(shutil.which("bcftools") is None, reason="needs bcftools")
@pytest.mark.parametrize(
    ("vcf", "fasta"),
    [
        ("01_IN_altered_multiallelic.vcf", "glow_20_altered.fasta"),
        ("vg_1mb1kgp_z.vcf.gz", "vg_1mb1kgp_z.fa.gz"),
        *((f"ga4gh_1kgPhase{p}_chr{c}.vcf.gz", "GRCh37_chr1-4_70kb.fa.gz") for p in (1, 3) for c in (1, 2, 3)),
    ],
)
def test_alleles_are_those_of_bcftools_norm(fx_shared_data, tmp_path, vcf, fasta):
    vcf, fasta = fx_shared_data / "norm" / vcf, fx_shared_data / "norm" / fasta
    expected = _bcftools_norm(vcf, fasta, tmp_path)
    reference = Fasta(tmp_path / "reference.fa")
    # The FASTAs hold the beginning of each contig only.
    text = subprocess.run(["bcftools", "view", str(vcf)], capture_output=True, check=True, text=True).stdout
    lines = re.sub(r"(##contig=<.*?),length=\d+", r"\1", text).splitlines(keepends=True)
    within = [line for line in lines if "GRCh37_chr1" not in fasta.name or line[0] == "#" or _is_within(line)]
    (tmp_path / "short.vcf").write_text("".join(within))
    repo = vs.create(tmp_path / "repo", tmp_path / "short.vcf", reference=tmp_path / "reference.fa")
    store, moved, compared = repo._batches[0].store, 0, 0
    keys = Keys(Part(repo.path, PartRef(**next(e for e in repo.manifest.derived if e["kind"] == "keys")["part"])))
    record = 0
    for chunk in range(store.num_chunks):
        sites, found = store.site_chunk(chunk), keys.chunk(chunk)
        for row in range(len(sites.position)):
            contig, alts = store.contigs[sites.contig[row]], sites.allele[row, 1 : 1 + sites.num_alts[row]]
            spelled = [Allele(int(sites.position[row]), sites.allele[row, 0], alt) for alt in alts if is_sequence(alt)]
            bases = reference.sequence(contig).tobytes().decode()
            # norm sorts what it has moved.
            right = sorted(normed for normed in expected.get(record, []) if is_sequence(normed[3]))
            twins = [normalise(allele, bases) for allele in spelled]
            assert sorted((contig, twin.position, twin.ref, twin.alt) for twin in twins) == right
            in_row = zip(found.key[row].tolist(), found.digest[row].tolist(), strict=True)
            keys_of_row = sorted(pair for pair, alt in zip(in_row, alts, strict=False) if is_sequence(alt))
            assert keys_of_row == sorted(allele_key(Allele(*allele[1:])) for allele in right)
            compared += len(spelled)
            moved += sum(twin.position < allele.position for twin, allele in zip(twins, spelled, strict=True))
            record += 1
    print(json.dumps({"alleles": compared, "moved left": moved}))
    assert compared
    assert repo.verify() == []


def _random_indels(draw, sequence, number):
    """Records of insertions, deletions and other replacements, some with several ALTs."""
    records = []
    for _ in range(number):
        begin = int(draw.integers(1, len(sequence) - 12))
        ref = sequence[begin : begin + int(draw.integers(1, 9))]
        alts = {
            ref[0],
            ref + ref[-1],
            ref[: len(ref) // 2 + 1],
            ref[0] + "".join(draw.choice(list("ACG"), 3)) + ref[1:],
        }
        alts = sorted(alts - {ref})
        draw.shuffle(alts)
        records.append((begin + 1, ref, alts[: int(draw.integers(1, 4))]))
    return sorted(records, key=lambda record: record[0])


@pytest.mark.skipif(shutil.which("bcftools") is None, reason="needs bcftools")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_indels_in_repeats_are_those_of_bcftools_norm(tmp_path, seed):
    draw = np.random.default_rng(seed)
    units = draw.choice(["A", "C", "AC", "ACG", "CCA", "G", "T"], 60).tolist()
    sequence = "".join(unit * int(draw.integers(1, 9)) for unit in units)
    (tmp_path / "repeats.fa").write_text(">1\n" + sequence + "\n")
    records = _random_indels(draw, sequence, 300)
    vcf = _vcf(tmp_path / "a.vcf", [f"1\t{pos}\t{ref}\t{','.join(alts)}" for pos, ref, alts in records], contigs="1")
    (tmp_path / "norm").mkdir()
    expected = _bcftools_norm(vcf, tmp_path / "repeats.fa", tmp_path / "norm")
    repo = vs.create(tmp_path / "repo", vcf, reference=tmp_path / "repeats.fa")
    keys = _keys(repo).key.tolist()
    moved = 0
    for record, (pos, ref, alts) in enumerate(records):
        right = sorted(normed[1:] for normed in expected[record])
        twins = [normalise(Allele(pos, ref, alt), sequence) for alt in alts]
        assert sorted((twin.position, twin.ref, twin.alt) for twin in twins) == right
        assert sorted(key for key in keys[record] if key) == sorted(allele_key(Allele(*allele))[0] for allele in right)
        moved += sum(twin.position < pos for twin in twins)
    assert moved > 50
    assert repo.verify() == []


def _run(*arguments):
    """Run the command line; give its exit status and what it printed."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    return done.exit_code, done.output


def test_the_command_line(tmp_path, fx_fasta):
    one, other = _vcf(tmp_path / "a.vcf", ["1\t9\tACA\tA"]), _vcf(tmp_path / "b.vcf", ["1\t3\tGCACA\tGCA"], "B")
    assert _run("create", tmp_path / "plain", one)[0] == _run("add", tmp_path / "plain", other)[0] == 0
    status, text = _run("reindex", tmp_path / "plain", "--reference", fx_fasta)
    assert (status, text) == (0, f"{tmp_path / 'plain'}: version 3, keys of 2 batches made again\n")
    assert _run("create", tmp_path / "aligned", one, "--reference", fx_fasta)[0] == 0
    fx_fasta.rename(tmp_path / "moved.fa")
    status, text = _run("add", tmp_path / "aligned", other)
    assert status == 1
    assert "name it with --reference" in text
    assert _run("add", tmp_path / "aligned", other, "--reference", tmp_path / "moved.fa")[0] == 0
    for repo in ("plain", "aligned"):
        counts = vs.open(tmp_path / repo).count_alleles()
        assert list(zip(counts.ref, counts.alt, counts.allele_count, strict=True)) == [("ACA", "A", 2)]
