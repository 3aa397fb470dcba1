"""Purging: nothing of the withdrawn is left in any file, and nobody else's answers change."""

import json

import numpy as np
import pytest
from numcodecs import zstd

import varstore as vs
import vcf_text
from test_compact import FIRST, OTHERS, answers, make_repo
from varstore.errors import UnknownSampleError

pytestmark = pytest.mark.filterwarnings("ignore::varstore.errors.DenominatorWarning")


def bytes_of(path):
    """What is in a file, and what that inflates to."""
    data = path.read_bytes()
    try:
        return data + zstd.decompress(data)
    except (RuntimeError, ValueError):
        return data


def holders(root, ids):
    """Files that hold an id, anywhere in their bytes: another search than the one that is tested."""
    wanted = [name.encode() for name in ids]
    return [str(p) for p in root.rglob("*") if p.is_file() and any(name in bytes_of(p) for name in wanted)]


def assert_same(found, expected):
    """Every array of genotypes and fields."""
    assert found.fields.keys() == expected.fields.keys()
    for name in ("call_genotype", "call_genotype_phased", "variant_position", "sample_id"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)
    for name, values in expected.fields.items():
        assert found.fields[name].dtype == values.dtype
        np.testing.assert_array_equal(found.fields[name], values, name)


@pytest.mark.parametrize("compacted", [False, True], ids=["alone", "shared"])
@pytest.mark.parametrize("texts", [[FIRST] * 3, OTHERS], ids=["alike", "other sites"])
def test_nothing_is_left_and_nothing_else_changes(tmp_path, texts, compacted):
    repo, _ = make_repo(tmp_path, texts=texts)
    root = tmp_path / "repo"
    if compacted:
        repo.compact()
    gone = [repo.samples[1], repo.samples[2], repo.samples[6]]
    assert holders(root, gone)
    repo.withdraw(gone)
    before = answers(repo)
    report = repo.purge(threads=2)
    assert (report.people, report.left) == (3, [])
    assert holders(root, gone) == []
    assert answers(repo) == before
    assert answers(vs.open(root)) == before
    assert repo.verify() == []
    with pytest.raises(UnknownSampleError, match="no sample"):
        repo.count_alleles(samples=gone[:1])
    with pytest.raises(vs.QueryError, match=f"no version 1; there are {repo.version} to {repo.version}"):
        vs.open(root, version=1)
    named = {entry["part"]["path"] for entry in repo.info()["batches"]}
    assert {f"batches/{path.name}" for path in (root / "batches").iterdir()} == named
    repo.compact()
    assert answers(repo) == before
    again = repo.purge()
    assert (again.batches, again.left) == ([], [])
    assert answers(repo) == before
    assert repo.verify() == []


def test_somebody_who_was_purged_may_come_again(tmp_path):
    repo, _ = make_repo(tmp_path, 2)
    gone = repo.samples[1]
    repo.withdraw([gone]).purge()
    text = vcf_text.make_vcf(3, 40, 1)
    line = next(line for line in text.splitlines() if line.startswith("#CHROM"))
    path = vcf_text.write_plain(tmp_path / "back.vcf", text.replace(line, "\t".join([*line.split("\t")[:9], gone])))
    repo.add(path)
    assert repo.samples[-1] == gone
    assert repo.num_samples == 10
    assert repo.verify() == []
    assert repo.verify(path) == []


def test_fields_of_those_who_stay_are_the_same(tmp_path):
    """Calls wider than the arrays, numbers like sentinels, odd separators: of the right people still."""
    text = vcf_text.make_vcf(
        8, 60, 9, extra_format=True, max_alts=5, missing=0.2, mixed_phase=0.5, ploidy="mixed", no_gt=0.1
    )
    repo = vs.create(tmp_path / "repo", vcf_text.write_plain(tmp_path / "a.vcf", text), max_alleles_inline=2)
    fields = [f"FORMAT/{key}" for key in ("DP", "GQ", "AD", "FT")]
    repo.withdraw([repo.samples[0], repo.samples[4], repo.samples[8]])
    before = repo.genotypes(fields=fields)
    exported = answers(repo)
    repo.purge()
    after = repo.genotypes(fields=fields)
    assert_same(after, before)
    assert answers(repo) == exported


def test_more_people_than_a_chunk_of_samples(tmp_path):
    text = vcf_text.make_vcf(2, 3, 16_500, extra_format=True, missing=0.1, ploidy="mixed")
    repo = vs.create(tmp_path / "repo", vcf_text.write_plain(tmp_path / "a.vcf", text))
    assert repo._batches[0].store.num_sample_chunks == 2
    repo.withdraw([name for number, name in enumerate(repo.samples) if number % 3 == 1])
    cohort = repo.samples[5:9000:7]
    before, counts = repo.genotypes(fields=["FORMAT/AD", "FORMAT/GQ"]), repo.count_genotypes(samples=cohort)
    repo.purge()
    after = repo.genotypes(fields=["FORMAT/AD", "FORMAT/GQ"])
    assert_same(after, before)
    assert repr(repo.count_genotypes(samples=cohort).to_pandas()) == repr(counts.to_pandas())
    assert repo.verify() == []


def test_a_batch_that_loses_everybody_keeps_its_sites(tmp_path):
    repo, _ = make_repo(tmp_path, texts=OTHERS[:2])
    names = repo.info()["batches"][1]
    gone = repo.samples[-names["num_samples"] :]
    repo.withdraw(gone)
    before = repr(repo.count_genotypes().to_pandas().to_dict("list"))
    repo.purge()
    assert holders(tmp_path / "repo", gone) == []
    assert repr(repo.count_genotypes().to_pandas().to_dict("list")) == before
    assert repo.verify() == []


def test_ids_in_headers_and_provenance(tmp_path, fx_cli):
    """A header line that names somebody goes, their file's name and the command too; other lines stay."""
    lines = '##SAMPLE=<ID=Anna-7,Description="x">\n##viewCommand=view -s Anna-7 all.bcf\n##other=Anna-77\n'
    text = vcf_text.make_vcf(1, 10, 3).replace("#CHROM", lines + "#CHROM")
    old = next(line for line in text.splitlines() if line.startswith("#CHROM")).split("\t")[9]
    text = text.replace(f"\t{old}", "\tAnna-7")
    path = vcf_text.write_plain(tmp_path / "Anna-7.vcf", text)
    fx_cli("create", tmp_path / "repo", path)
    fx_cli("withdraw", tmp_path / "repo", "Anna-7")
    done = fx_cli("compact", "--purge", tmp_path / "repo")
    assert "1 people purged from 1 batches" in done.stdout
    assert "no file holds an id of theirs" in done.stdout
    repo = vs.open(tmp_path / "repo")
    header = repo._batches[0].store.part.read("varstore/header.vcf").decode()
    assert "##other=Anna-77\n" in header
    assert "Anna-7" not in header.replace("Anna-77", "")
    entry = repo.info()["batches"][0]
    assert entry["files"][0]["name"] == "..."
    assert "Anna-7" not in json.dumps(repo.manifest.document)
    assert repo.verify() == []


def test_an_id_in_the_records_is_said(tmp_path, fx_cli):
    """What a record says of somebody is not ours to change: it is told, with the file."""
    text = vcf_text.make_vcf(1, 10, 3, info=False)
    name = next(line for line in text.splitlines() if line.startswith("#CHROM")).split("\t")[9]
    assert len(name) >= 3
    lines = [line.split("\t") for line in text.splitlines()]
    lines[-1][2] = f"of:{name}"
    path = vcf_text.write_plain(tmp_path / "a.vcf", "".join("\t".join(line) + "\n" for line in lines))
    repo = vs.create(tmp_path / "repo", path).withdraw([name])
    report = repo.purge()
    assert [sentence.split("/sources/")[-1].split("/")[1] for sentence in report.left] == ["variant_id"]


def test_denominators_of_those_who_stay_are_the_same(tmp_path):
    """Policies, a BED and reference blocks of a gVCF: sets of intervals and ploidies of the right people still."""
    head = "##fileformat=VCFv4.3\n##contig=<ID=22>\n##contig=<ID=X>\n"
    for key in ("GT,Number=1,Type=String", "GQ,Number=1,Type=Integer", "DP,Number=1,Type=Integer"):
        head += f'##FORMAT=<ID={key},Description="x">\n'
    head += (
        '##INFO=<ID=END,Number=1,Type=Integer,Description="x">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT'
    )
    blocks = [(10, 40, 30, 9, 50), (50, 90, 30, 40, 5)]
    lines = [head + "\tann\tbob\tcyd"]
    for start, end, *quality in blocks:
        calls = "\t".join(f"0/0:{q}:7" for q in quality)
        lines.append(f"22\t{start}\t.\tA\t<NON_REF>\t.\t.\tEND={end}\tGT:GQ:DP\t{calls}")
    lines.append("22\t100\t.\tA\tC,<NON_REF>\t.\t.\t.\tGT:GQ:DP\t0/1:9:9\t0/0:9:9\t1/1:9:9")
    gvcf = vcf_text.write_plain(tmp_path / "g.vcf", "\n".join(lines) + "\n")
    others = [f"22\t{position}\t.\tA\tG\t.\t.\t.\tGT\t0|1\t0|0\t1|1" for position in (15, 60, 95)]
    others.append("X\t70\t.\tA\tG\t.\t.\t.\tGT\t0\t0|0\t1")
    text = "\n".join([head + "\tdan\teve\tfay", *others]) + "\n"
    (tmp_path / "a.bed").write_text("22\t0\t80\nX\t0\t99\n")
    repo = vs.create(tmp_path / "repo", gvcf)
    repo.add(vcf_text.write_plain(tmp_path / "v.vcf", text), absent="reference", callable=tmp_path / "a.bed")
    repo.withdraw(["bob", "dan"])
    before = repr(repo.count_genotypes().to_pandas().to_dict("list"))
    assert repo.purge().left == []
    assert repr(repo.count_genotypes().to_pandas().to_dict("list")) == before
    assert repo.verify() == []
    repo.compact()
    assert repr(repo.count_genotypes().to_pandas().to_dict("list")) == before
    assert repo.verify() == []
