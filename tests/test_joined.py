"""Genotypes and exports over batches with sites of their own: the joined records of ``bcftools merge -m both``."""

import io
import random
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import varstore as vs
from exported import assert_same_records, samples_of
from joined_oracle import make_mergeable, said, tangled
from reference import overlapping, read_vcf
from union_oracle import BASES, make_batches
from varstore.cli.main import main
from varstore.query.joined_values import allele_index, remapped

REAL = Path(__file__).resolve().parents[2] / "shared/data/real"
needs_real = pytest.mark.skipif(not REAL.exists(), reason="needs ../shared/data/real")
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


@needs_bcftools
@pytest.mark.parametrize("seed", range(3))
def test_absent_people_are_reference_where_their_batch_says_so(tmp_path, seed):
    texts = make_mergeable(seed + 100, 3, fields=False)
    repo, files = repository(tmp_path, texts, absent="reference")
    left_out = tangled(texts)
    expected = [r for r in said(merged(files, "--missing-to-ref")) if r[:2] not in left_out]
    found = [r for r in said(export_text(repo)) if r[:2] not in left_out]
    assert [record[:4] for record in found] == [record[:4] for record in expected]
    ploidy = {}
    for batch in map(read_vcf, texts):
        for i, name in enumerate(batch.samples):
            counts = Counter((record.codes[i] != -2).sum() for record in batch.records if (record.codes[i] >= 0).any())
            ploidy[name] = [n for n, times in counts.items() if times == max(counts.values())]
    for got, wanted in zip(found, expected, strict=True):
        for (name, mine), (_, theirs) in zip(got[7], wanted[7], strict=True):
            # bcftools gives absent people the ploidy of the widest call of the record, we that of their own calls.
            if theirs != mine:
                assert {allele for _, call, _ in [*mine, *theirs] for allele in call} <= {got[2], "/"}
                assert (len(mine[0][1]) + 1) // 2 in ploidy[name]


@needs_real
@needs_bcftools
def test_the_real_pair_is_merged_as_bcftools_does(tmp_path):
    files = [REAL / "shapeit4_reference.vcf.gz", REAL / "shapeit4_unphased.bcf"]
    repo = vs.create(tmp_path / "r.varstore", files[0], threads=1)
    repo.add(files[1], threads=1)
    target = tmp_path / "ours.bcf"
    repo.export(target, threads=1)
    inputs = []
    for number, file in enumerate(files):
        inputs.append(tmp_path / f"{number}.bcf")
        run("bcftools", "view", "--no-version", "-Ob", "-o", inputs[-1], file)
        run("bcftools", "index", inputs[-1])
    run("bcftools", "merge", "--no-version", "-m", "both", "-Ob", "-o", tmp_path / "theirs.bcf", *inputs)
    keys = [key for key in ("GT", "PS") if f"##FORMAT=<ID={key}," in run("bcftools", "view", "-h", target)]
    query = "%CHROM %POS %REF %ALT" + "".join(f"[ %{key}]" for key in keys) + "\n"
    ours, theirs = (run("bcftools", "query", "-f", query, tmp_path / name) for name in ("ours.bcf", "theirs.bcf"))
    assert ours.count("\n") > 1000
    # bcftools begins a position with what most files have, we with what stands first.
    assert sorted(ours.splitlines()) == sorted(theirs.splitlines())


def haplotypes(record, codes, sequence):
    """The calls of a record, with the sequence that each allele makes of the contig."""
    first, end = record.pos - 1, record.pos - 1 + len(record.ref)
    spelled = [record.ref, *record.alts]
    made = [sequence[:first] + text.upper() + sequence[end:] if text.isalpha() else text for text in spelled]
    return [tuple("." if code == -1 else made[code] if code >= 0 else "" for code in call) for call in codes.tolist()]


@pytest.mark.parametrize("seed", range(8))
def test_every_record_is_in_one_joined_record_with_its_alleles(tmp_path, seed):
    texts = make_batches(seed + 50, 2 + seed % 3)
    rng = random.Random(seed + 50)
    sequence = {contig: "".join(rng.choice(BASES) for _ in range(60)) for contig in ("21", "22")}
    repo, _ = repository(tmp_path, texts)
    found = read_vcf(export_text(repo))
    genotypes = repo.genotypes()
    assert [r.pos for r in found.records] == genotypes.variant_position.tolist()
    np.testing.assert_array_equal(np.stack([r.codes for r in found.records]), genotypes.call_genotype)
    place = [(r.contig, r.pos) for r in found.records]
    assert place == sorted(place)
    for batch in map(read_vcf, texts):
        columns = [repo.samples.index(name) for name in batch.samples]
        mine = Counter(repr((r.contig, haplotypes(r, r.codes, sequence[r.contig]))) for r in batch.records)
        theirs = Counter(repr((r.contig, haplotypes(r, r.codes[columns], sequence[r.contig]))) for r in found.records)
        nobody = {repr((contig, [(".", ".")] * len(columns))) for contig in ("21", "22")}
        assert mine - theirs == Counter()
        assert set(theirs - mine) <= nobody


@pytest.mark.parametrize("region", ["22:10-20", "21:1-1", "22:39-60", "21", "22:12"])
def test_a_region_has_the_joined_records_that_overlap_it(tmp_path, region):
    repo, _ = repository(tmp_path, make_batches(7, 3))
    whole = read_vcf(export_text(repo))
    contig, _, span = region.partition(":")
    first, _, last = span.partition("-")
    expected = overlapping(whole.records, [(contig, int(first or 1), int(last or first) if span else None)])
    found = read_vcf(export_text(repo, region=region)).records
    assert [(r.pos, r.alleles, r.codes.tolist()) for r in found] == [
        (r.pos, r.alleles, r.codes.tolist()) for r in expected
    ]
    people = repo.samples[::-2]
    some = repo.genotypes(region, samples=people)
    assert some.variant_position.tolist() == [r.pos for r in expected]
    columns = [repo.samples.index(name) for name in people]
    assert some.call_genotype.tolist() == [r.codes[columns].tolist() for r in expected]


def test_an_exact_allele_brings_its_joined_record(tmp_path):
    repo, _ = repository(tmp_path, [small("A\tC,G", "a", "1/2"), small("A\tG", "b", "0/1"), small("AT\tA", "c", "1")])
    found = repo.genotypes("22:100 A>G")
    assert found.variant_allele.tolist() == [["A", "C", "G"]]
    assert found.call_genotype.tolist() == [[[1, 2], [0, 2], [-1, -1]]]
    assert len(repo.genotypes("22:100").variant_position) == 2


def small(alleles, sample, *calls, info=".", qual=".", head="", form="GT"):
    """A VCF of one or more records at 22:100."""
    lines = ["##fileformat=VCFv4.3", "##contig=<ID=22,length=1000>", *head.splitlines()]
    lines += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
    lines.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + sample)
    lines += [f"22\t100\t.\t{alleles}\t{qual}\t.\t{info}\t{form}\t{call}" for call in calls]
    return "\n".join(lines) + "\n"


def test_what_counted_one_batch_is_left_out_and_values_by_allele_are_filled(tmp_path):
    head = (
        '##INFO=<ID=AC,Number=A,Type=Integer,Description="AC">\n##INFO=<ID=DP,Number=1,Type=Integer,Description="DP">\n'
        '##INFO=<ID=SCORE,Number=A,Type=Float,Description="Score">\n##INFO=<ID=OLD,Number=.,Type=Integer,Description="O">'
    )
    other = '##INFO=<ID=NEW,Number=1,Type=String,Description="New">\n##note=kept'
    repo, _ = repository(
        tmp_path,
        [small("A\tC", "a", "0/1", info="AC=1;DP=7;SCORE=0.5;OLD=3,-1", head=head, qual="3"),
         small("AT\tGT,A", "b", "1/2", info="NEW=x", head=other, qual="20.5")],
    )  # fmt: skip
    text = export_text(repo)
    meta = [line for line in text.splitlines() if line.startswith("##")]
    assert [line for line in (head + "\n" + other).splitlines() if line not in meta] == []
    (columns,) = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    assert columns == ["22", "100", ".", "AT", "CT,GT,A", "20.5", ".", "SCORE=0.5,.,.;OLD=3,-1", "GT", "0/1", "2/3"]
    fields = repo.genotypes(fields=["INFO/AC", "INFO/OLD"]).fields
    assert fields["variant_OLD"].tolist() == [[3, -1]]
    assert fields["variant_AC"].tolist() == [[1, -1, -1]]


def test_batches_that_contradict_each_other_in_ref_are_refused(tmp_path):
    repo, _ = repository(tmp_path, [small("A\tC", "a", "0/1"), small("G\tC", "b", "0/1")])
    with pytest.raises(
        vs.QueryError, match=r"22:100: batches contradict each other in REF, 'A' and 'G' at position 100"
    ):
        repo.genotypes()


def test_fields_of_different_types_are_refused_by_name(tmp_path):
    heads = [f'##FORMAT=<ID=XX,Number=1,Type={kind},Description="X">' for kind in ("Integer", "String")]
    repo, _ = repository(
        tmp_path,
        [small("A\tC", "a", "0/1:3", head=heads[0], form="GT:XX"),
         small("A\tG", "b", "0/1:y", head=heads[1], form="GT:XX")],
    )  # fmt: skip
    with pytest.raises(vs.QueryError, match=r"FORMAT/XX is not of one type in all batches \(Integer, String\)"):
        export_text(repo)


def test_formats_hold_the_same_joined_records(tmp_path):
    repo, _ = repository(tmp_path, make_mergeable(77, 3))
    text = export_text(repo)
    repo.export(tmp_path / "a.vcz", threads=1)
    again = vs.open(tmp_path / "a.vcz")
    genotypes, expected = again.genotypes(), repo.genotypes()
    np.testing.assert_array_equal(genotypes.call_genotype, expected.call_genotype)
    np.testing.assert_array_equal(genotypes.variant_position, expected.variant_position)
    assert said(export_text(again)) == said(text)
    if shutil.which("bcftools"):
        repo.export(tmp_path / "a.bcf", threads=2)
        assert said(run("bcftools", "view", "--no-version", tmp_path / "a.bcf")) == said(text)
    pytest.importorskip("pgenlib")
    repo.export(tmp_path / "a.pgen", threads=1)
    plink = vs.create(tmp_path / "plink.varstore", tmp_path / "a.pgen", threads=1).genotypes()
    assert plink.variant_position.tolist() == expected.variant_position.tolist()


def test_one_batch_comes_back_as_it_came(tmp_path):
    texts = make_batches(21, 3)
    repo, _ = repository(tmp_path, texts)
    for entry, text in zip(repo.info()["batches"], texts, strict=True):
        found = export_text(repo, batch=entry["id"])
        assert_same_records(found, text)
        names = samples_of(text)
        assert samples_of(found) == names
        assert samples_of(export_text(repo, batch=entry["id"], samples=names[::-1])) == names[::-1]
        in_region = read_vcf(export_text(repo, batch=entry["id"], region="22:5-20")).records
        assert [r.pos for r in in_region] == [r.pos for r in overlapping(read_vcf(text).records, [("22", 5, 20)])]
    with pytest.raises(vs.QueryError, match="no batch 'nope'; there are"):
        export_text(repo, batch="nope")
    first = repo.info()["batches"][0]["id"]
    with pytest.raises(vs.QueryError, match="sample 'b1s0' is not in batch"):
        export_text(repo, batch=first, samples=["b1s0"])
    done = CliRunner().invoke(main, ["export", str(repo.path), "--batch", first, "-s", "^b0s1"])
    assert done.exit_code == 0, done.output
    assert samples_of(done.stdout) == ["b0s0", "b0s2"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_values_by_allele_are_those_of_the_alleles(data):
    num_old = data.draw(st.integers(1, 4))
    num_new = data.draw(st.integers(num_old, 6))
    codes = [0, *data.draw(st.permutations(range(1, num_new)))[: num_old - 1]]
    pairs = [(j, k) for k in range(num_old) for j in range(k + 1)]
    joined = [(j, k) for k in range(num_new) for j in range(k + 1)]
    values = np.arange(10, 10 + len(pairs), dtype=np.int32)[np.newaxis]
    by_pair = {tuple(sorted((codes[j], codes[k]))): v for (j, k), v in zip(pairs, values[0].tolist(), strict=True)}
    index = allele_index("genotypes", codes, num_new)
    found = remapped(values, index, len(joined) + 1, np.dtype(np.int32))
    assert found[0].tolist() == [*(by_pair.get(pair, -1) for pair in joined), -2]
    own = np.full((1, len(pairs)), -2, np.int32)
    own[0, :num_old] = range(30, 30 + num_old)
    haploid = remapped(own, index, len(joined), np.dtype(np.int32), haploid=np.ones(1, np.bool_))
    expected = [30 + codes.index(code) if code in codes else -1 for code in range(num_new)]
    assert haploid[0].tolist() == expected + [-2] * (len(joined) - num_new)


def test_one_allele_at_two_places_is_one_record_with_a_fasta(tmp_path):
    (tmp_path / "ref.fa").write_text(">22\n" + "G" * 98 + "TCAAAAAAAA" + "G" * 892 + "\n")
    texts = [small("CA\tC", "a", "0/1"), small("AA\tA", "b", "1/1").replace("22\t100", "22\t106")]
    repo, _ = repository(tmp_path, texts)
    assert repo.genotypes().variant_position.tolist() == [100, 106]
    repo.reindex(reference=tmp_path / "ref.fa")
    found = repo.genotypes()
    assert found.variant_position.tolist() == [100]
    assert found.variant_allele.tolist() == [["CA", "C"]]
    assert found.call_genotype.tolist() == [[[0, 1], [1, 1]]]


def test_joined_records_stay_the_same_after_compaction_and_leave_out_withdrawn_people(tmp_path):
    texts = make_mergeable(31, 3)
    repo, _ = repository(tmp_path, texts)
    before = export_text(repo)
    repo.compact()
    assert export_text(repo) == before
    for entry, text in zip(repo.info()["batches"], texts, strict=True):
        assert_same_records(export_text(repo, batch=entry["id"]), text)
    repo.withdraw(["b1s1"])
    left = [name for name in samples_of(before) if name != "b1s1"]
    assert samples_of(export_text(repo)) == left
    number = samples_of(before).index("b1s1")
    without = [line.split("\t") for line in before.splitlines() if not line.startswith("#")]
    kept = [columns[: 9 + number] + columns[10 + number :] for columns in without]
    found = [line.split("\t") for line in export_text(repo).splitlines() if not line.startswith("#")]
    assert [columns[:8] for columns in found] == [columns[:8] for columns in kept]
    assert samples_of(export_text(repo, batch=repo.info()["batches"][1]["id"])) == ["b1s0", "b1s2"]


@pytest.mark.parametrize("seed", range(40, 46))
def test_joined_records_are_the_same_however_the_axis_is_cut(tmp_path, monkeypatch, seed):
    """Records whose spelling begins long before their allele, the last one at the last position there is."""
    texts = make_batches(seed, num_batches=3)
    texts[0] += "\t".join(["22", str(2**31 - 1), ".", "A", "G", ".", ".", ".", "GT", "0/1", "1/1", "0/0"]) + "\n"
    texts[0] = "".join(sorted(texts[0].splitlines(keepends=True), key=lambda line: line[:2] == "22"))
    files = [tmp_path / f"{i}.vcf" for i in range(3)]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    whole = vs.create(tmp_path / "whole.varstore", *files).genotypes()
    monkeypatch.setattr("varstore.query.axis._PIECE_RUNS", 1)
    monkeypatch.setattr("varstore.query.axis._GAP", 2)
    monkeypatch.setattr("varstore.ingest.importer.chunk_height", lambda *_, **__: 1 + seed % 3)
    cut = vs.create(tmp_path / "cut.varstore", *files).genotypes()
    assert whole.variant_position[-1] == 2**31 - 1
    for name in ("variant_contig", "variant_position", "variant_allele", "call_genotype", "call_genotype_phased"):
        found, expected = getattr(cut, name), getattr(whole, name)
        assert found.tolist() == expected.tolist(), name
    order = [(contig, pos) for contig, pos in zip(cut.variant_contig, cut.variant_position, strict=True)]
    assert [pos for contig, pos in order if contig == "22"] == sorted(pos for contig, pos in order if contig == "22")
