"""A genome against the repository: rows against the rules said slowly, bcftools, and other spellings of the same."""

import gzip
import json
import math
import random
import shutil
import subprocess

import numpy as np
import pytest

import varstore as vs
import vcf_text
from denominator_oracle import absence
from genome_oracle import carried, genome_rows, table_rows
from reference import read_vcf
from union_oracle import BatchOf, allele_key, count_of, make_batches
from varstore.model.results import CountTable

TABLE = ["21", "22"]
needs_bcftools = pytest.mark.skipif(shutil.which("bcftools") is None, reason="no bcftools here")


def repository(folder, texts, rng=None):
    """A repository of these batches, the batches as the oracle has them, and numbers of their people."""
    repo, batches, people = None, [], []
    for number, text in enumerate(texts):
        source = vcf_text.write_plain(folder / f"{number}.vcf", text)
        options, bed = {}, None
        if rng is not None:
            options["absent"] = rng.choice(["unknown", "reference"])
            if rng.random() < 0.6:
                starts = [(contig, rng.randint(0, 25)) for contig in TABLE]
                bed = [(contig, start, start + rng.randint(1, 15)) for contig, start in starts]
                options["callable"] = folder / f"{number}.bed"
                options["callable"].write_text("".join(f"{c}\t{start}\t{end}\n" for c, start, end in bed))
        repo = repo.add(source, **options) or repo if repo else vs.create(folder / "repo", source, **options)
        vcf = read_vcf(text)
        absent = absence(vcf, bed=bed) if options.get("absent") == "reference" else None

        def covers(contig, position, bed=bed):
            return bed is None or any(c == contig and start < position <= end for c, start, end in bed)

        batches.append(BatchOf(vcf, absent, covers))
        first = sum(map(len, people))
        people.append(list(range(first, first + len(vcf.samples))))
    return vs.open(folder / "repo"), batches, people


@pytest.mark.parametrize("seed", range(12))
def test_rows_are_those_of_the_rules(tmp_path, seed):
    """Batches with sites and spellings of their own, policies and BEDs; somebody of another file against them."""
    rng = random.Random(seed)
    *texts, mine = make_batches(seed, rng.choice((2, 4)))
    repo, batches, people = repository(tmp_path, texts, rng)
    vcf = read_vcf(mine)
    path = vcf_text.write_bgzf(tmp_path / "me.vcf.gz", mine)
    for sample, name in enumerate(vcf.samples):
        if not any(record.contig in repo.contigs for record in vcf.records):
            continue
        found = repo.compare_genome(path, sample=name)
        expected = genome_rows(vcf, sample, batches, people)
        assert table_rows(found.variants) == expected
        assert found.summary["variants"]["all"] == len(expected)
        for state in ("found", "novel", "unseen", "not_callable"):
            assert found.summary["variants"][state] == sum(row["state"] == state for row in expected.values())


@pytest.mark.parametrize("seed", range(6))
def test_somebody_of_the_repository_is_left_out(tmp_path, seed):
    repo, batches, people = repository(tmp_path, make_batches(seed, 3), random.Random(seed))
    for batch, numbers in zip(batches, people, strict=True):
        others = {number for each in people for number in each} - {numbers[1]}
        found = repo.compare_genome(batch.vcf.samples[1])
        assert found.genome.number == numbers[1]
        assert table_rows(found.variants) == genome_rows(batch.vcf, 1, batches, people, others)


@pytest.mark.parametrize("seed", range(4))
def test_cohorts_are_counted_beside_everybody(tmp_path, seed):
    *texts, mine = make_batches(100 + seed, 4)
    repo, batches, people = repository(tmp_path, texts, random.Random(seed))
    vcf = read_vcf(mine)
    path = vcf_text.write_plain(tmp_path / "me.vcf", mine)
    members = {"odd": repo.samples[1::2], "first": repo.samples[:2]}
    table = repo.compare_genome(path, sample=vcf.samples[0], cohorts=members).variants
    assert table_rows(table) == genome_rows(vcf, 0, batches, people)
    sites = zip(table["contig"], table["position"], table["ref"], table["alt"], strict=True)
    keys = {key[:4]: key for key in carried(vcf, 0)}
    for row, site in enumerate(sites):
        best = {}
        for name, ids in members.items():
            numbers = [repo.samples.index(sample) for sample in ids]
            counted = count_of(batches, people, keys[site], numbers)
            for column in ("allele_count", "allele_number", "n_hom_alt"):
                assert table[f"{column}_{name}"][row] == counted[column]
            if counted["allele_number"]:
                best[name] = counted["allele_count"] / counted["allele_number"]
        if best:
            assert table["max_frequency"][row] == pytest.approx(max(best.values()))
            top = max(best.values())
            first = next((name for name, share in best.items() if share == top), ".")
            assert table["max_frequency_cohort"][row] == (first if top > 0 else ".")
        else:
            assert math.isnan(table["max_frequency"][row])


def test_text_in_bulk_is_text_row_by_row(tmp_path):
    *texts, mine = make_batches(7, 4)
    repo, _, _ = repository(tmp_path, texts)
    path = vcf_text.write_plain(tmp_path / "me.vcf", mine)
    sample = read_vcf(mine).samples[2]
    for cohorts in (None, {"a": repo.samples[:1], "b": repo.samples[1:]}):
        table = repo.compare_genome(path, sample=sample, cohorts=cohorts).variants
        lines = "".join(CountTable.to_tsv(table))
        assert "".join(table.to_tsv()) == lines
        assert b"".join(map(bytes, table.blocks())).decode() == lines
        assert len(table.to_pandas()) == len(table) == lines.count("\n") - 1


def reference_text(rng, size=400):
    """A contig with many repeats, so that indels can be written in several places."""
    return "".join(rng.choice("ACGT") * rng.choice((1, 1, 2, 5)) for _ in range(size))[:size]


def shifted(sequence, position, ref, alt):
    """An insertion or deletion as far to the right as it goes."""
    while len(ref) != len(alt):
        behind = position + len(ref) - 1
        if behind >= len(sequence):
            break
        base = sequence[behind]
        longer = max(ref, alt, key=len)
        if longer[1] != base:
            break
        ref, alt = (text[1:] + base for text in (ref, alt))
        position += 1
        if ref[0] != alt[0]:
            raise AssertionError("no anchor")
    return position, ref, alt


HEAD = "##fileformat=VCFv4.3\n##contig=<ID={name},length={size}>\n" + vcf_text.GT_META
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tme\n"


def spellings(rng, sequence):
    """One genome in four spellings: left-aligned, shifted right with chr, with bases too many, joined by position."""
    sites = {}
    for position in sorted(rng.sample(range(20, 360), 60)):
        base = sequence[position - 1]
        kind = rng.randrange(3)
        if kind == 0:
            alleles = [(base, other) for other in rng.sample([b for b in "ACGT" if b != base], rng.choice((1, 2)))]
        elif kind == 1:
            alleles = [(base, base + rng.choice(("A", "CA", "GATTACAGATTAC")))]
        else:
            size = rng.choice((1, 2, 13))
            alleles = [(sequence[position - 1 : position + size], base)]
        sites[position] = alleles
    texts = ["", "", "", ""]
    for position, alleles in sites.items():
        calls = ["0/1", "1|0"] if len(alleles) == 2 else [rng.choice(("0/1", "1/1", "1|0"))]
        for (ref, alt), call in zip(alleles, calls, strict=True):
            texts[0] += f"1\t{position}\t.\t{ref}\t{alt}\t.\t.\t.\tGT\t{call}\n"
            moved = shifted(sequence, position, ref, alt)
            texts[1] += f"chr1\t{moved[0]}\t.\t{moved[1]}\t{moved[2].lower()}\t.\t.\t.\tGT\t{call}\n"
            before, behind = sequence[position - 4 : position - 1], sequence[position - 1 + len(ref) :][:3]
            texts[2] += f"1\t{position - 3}\t.\t{before}{ref}{behind}\t{before}{alt}{behind}\t.\t.\t.\tGT\t{call}\n"
        if len(alleles) == 2:
            joined = ",".join(alt for _, alt in alleles)
            texts[3] += f"1\t{position}\t.\t{alleles[0][0]}\t{joined}\t.\t.\t.\tGT\t1/2\n"
        else:
            texts[3] += f"1\t{position}\t.\t{alleles[0][0]}\t{alleles[0][1]}\t.\t.\t.\tGT\t{calls[0]}\n"
    for i, name in enumerate(("1", "chr1", "1", "1")):
        texts[i] = HEAD.format(name=name, size=len(sequence)) + COLUMNS + texts[i]
    return texts


@pytest.mark.parametrize("seed", range(5))
def test_four_spellings_give_one_answer(tmp_path, seed):
    rng = random.Random(seed)
    sequence = reference_text(rng)
    (tmp_path / "ref.fa").write_text(f">1\n{sequence}\n")
    texts = spellings(rng, sequence)
    lines = texts[1].splitlines(keepends=True)
    kept = [line for line in lines if line.startswith("#") or rng.random() < 0.6]
    (tmp_path / "others.vcf").write_text("".join(kept))
    repo = vs.create(tmp_path / "repo", tmp_path / "others.vcf", reference=tmp_path / "ref.fa")
    tables = []
    for number, text in enumerate(texts):
        path = vcf_text.write_plain(tmp_path / f"{number}.vcf", text)
        tables.append("".join(repo.compare_genome(path).variants.to_tsv()))
    assert tables[0].count("\tfound\t") > 10
    assert tables[1:] == tables[:1] * 3


@needs_bcftools
def test_fifty_people_of_the_slice_against_bcftools(fx_slice, fx_memory):
    """Each of 50 people against a repository without the 50; counts are those of bcftools over the same file."""
    columns = fx_slice.header.splitlines()[-1].split("\t")[9:]
    mine = columns[7::50][:50]
    assert len(mine) == 50
    (fx_memory / "mine.txt").write_text("\n".join(mine) + "\n")
    others, genomes = fx_memory / "others.vcf.gz", fx_memory / "mine.bcf"
    for output, form, chosen in ((others, "-Oz1", "^"), (genomes, "-Ob1", "")):
        command = [
            "bcftools",
            "view",
            "-I",
            "-S",
            f"{chosen}{fx_memory / 'mine.txt'}",
            form,
            "-o",
            output,
            fx_slice.source,
        ]
        subprocess.run(list(map(str, command)), check=True, capture_output=True)
    repo = vs.create(fx_memory / "repo", others)
    tags = ["bcftools", "+fill-tags", str(others), "-Ou", "--", "-t", "AC,AN,AC_Hom"]
    tagged = subprocess.run(tags, check=True, capture_output=True).stdout
    query = ["bcftools", "query", "-f", "%POS\t%REF\t%ALT\t%INFO/END\t%INFO/AC\t%INFO/AN\t%INFO/AC_Hom\n"]
    text = subprocess.run(query, input=tagged, check=True, capture_output=True).stdout.decode()
    expected = {}
    for line in text.splitlines():
        position, ref, alts, _, counts, number, homs = line.split("\t")
        for alt, count, hom in zip(alts.split(","), counts.split(","), homs.split(","), strict=True):
            key = allele_key_of(int(position), ref, alt)
            expected.setdefault(key, (int(count), int(number), int(hom) // 2))
    rows = 0
    for name in mine:
        table = repo.compare_genome(genomes, sample=name).variants
        names = ("position", "ref", "alt", "allele_count", "allele_number", "n_hom_alt")
        for position, ref, alt, *counts in zip(*(table[column].tolist() for column in names), strict=True):
            assert tuple(counts) == expected[position, ref, alt], (name, position, ref, alt)
            rows += 1
    assert rows > 5_000


def allele_key_of(position, ref, alt):
    """Position, REF and ALT as a table has them."""
    record = type("Record", (), {"contig": "22", "pos": position, "ref": ref, "rlen": len(ref)})
    return allele_key(record, alt)[1:4]


def test_by_sample_id_equals_by_file(fx_slice, fx_slice_repo, tmp_path):
    """Somebody of the repository by id: the same rows as from a file, less the person's own copies."""
    repo = vs.open(fx_slice_repo)
    name = repo.samples[1234]
    column = fx_slice.header.splitlines()[-1].split("\t").index(name)
    head = fx_slice.header.rpartition("#CHROM")[0]
    lines = ("\t".join([*fields[:9], fields[column]]) for fields in (line.split("\t") for line in fx_slice.lines))
    path = tmp_path / "one.vcf.gz"
    text = head + COLUMNS + "".join(line + "\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode(), 1))
    member, file = repo.compare_genome(name), repo.compare_genome(path)
    for column in ("position", "ref", "alt", "zygosity"):
        assert member.variants[column].tolist() == file.variants[column].tolist()
    copies = np.where(member.variants["zygosity"] == "hom", 2, 1)
    assert (member.variants["allele_count"] + copies == file.variants["allele_count"]).all()
    assert (member.variants["allele_number"] + 2 == file.variants["allele_number"]).all()
    assert member.summary["repository"]["num_people"] == 2503
    assert member.genome.counts["called"] == file.genome.counts["called"] == len(fx_slice.lines)
    assert json.loads(json.dumps(member.summary)) == member.summary
