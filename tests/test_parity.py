"""Counts against bcftools and plink2 where they are installed, and against what a file says itself.

What semantics.md section 1 names is left out, and nothing else: bcftools and plink2 have other
classes of genotypes for half-calls, plink2 has no half-calls at all and doubles haploid calls
outside X, Y and MT.
"""

import shutil
import subprocess

import numpy as np
import pytest

import reference
import varstore as vs
import vcf_text

needs_bcftools = pytest.mark.skipif(shutil.which("bcftools") is None, reason="no bcftools here")
needs_plink2 = pytest.mark.skipif(shutil.which("plink2") is None, reason="no plink2 here")

GENERATED = {
    "phased": {"max_alts": 4},
    "half": {"missing": 0.2, "half_missing": 0.3, "mixed_phase": 1.0, "max_alts": 5},
    "mixed": {"ploidy": "mixed", "missing": 0.1, "half_missing": 0.1, "unphased": 0.4},
    "fields": {"extra_format": True, "no_gt": 0.2, "max_alts": 2},
}
DIPLOID = {
    "phased": {"max_alts": 4},
    "missing": {"missing": 0.3, "unphased": 0.5, "max_alts": 3},
    "fields": {"extra_format": True, "missing": 0.05, "max_alts": 2},
}


def run(*arguments):
    done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done.stderr)
    return done


def fill_tags(source, directory):
    """Let bcftools count: one (contig, POS, REF, ALT, AC, AN) an ALT, in texts; AN ``.``: no GT."""
    tagged = directory / "tagged.bcf"
    run("bcftools", "+fill-tags", source, "-Ob", "-o", tagged, "--", "-t", "AC,AN")
    columns = "%CHROM\t%POS\t%REF\t%ALT\t%INFO/AC\t%INFO/AN\n"
    for line in run("bcftools", "query", "-f", columns, tagged).stdout.splitlines():
        contig, pos, ref, alts, counts, number = line.split("\t")
        counts = counts.split(",") if number != "." else ["."] * len(alts.split(","))
        for alt, count in zip(alts.split(","), counts, strict=True):
            if alt not in reference.NO_ROW:
                yield contig, pos, ref, alt, count, number


def assert_parity(table, lines):
    """Compare a table with texts of sites, AC and AN; ``.`` stands for no genotypes at all."""
    lines = [[0 if field == "." else field for field in line] for line in lines]
    assert lines
    assert len(table) == len(lines)
    names = ("contig", "position", "ref", "alt", "allele_count", "allele_number")
    for name, values in zip(names, zip(*lines, strict=True), strict=True):
        assert list(map(str, table[name])) == list(map(str, values)), name


@needs_bcftools
@pytest.mark.parametrize("kind", GENERATED)
def test_counts_are_those_of_fill_tags(kind, fx_store, tmp_path):
    options = {"contigs": ("1", "22", "X")} | GENERATED[kind]
    stored = fx_store(vcf_text.make_vcf(len(kind), 173, 37, **options))
    table = vs.open(stored.path).count_alleles()
    assert_parity(table, fill_tags(stored.source, tmp_path))


@needs_bcftools
@pytest.mark.parametrize("name", ["edge/plink2_all_ploidy.vcf.gz", "edge/sample.vcf.gz", "real/hail_sample2.vcf.gz"])
def test_counts_of_real_files_are_those_of_fill_tags(name, fx_shared_data, tmp_path):
    source = fx_shared_data / name
    repo = vs.create(tmp_path / "repo", source)
    assert_parity(repo.count_alleles(), fill_tags(source, tmp_path))


@needs_bcftools
def test_counts_of_some_people_are_those_of_bcftools_view(fx_small, tmp_path):
    ids = fx_small.ids([1, 4, 5, 16, 22])
    some = tmp_path / "some.vcf"
    run("bcftools", "view", "-s", ",".join(ids), fx_small.source, "-o", some)
    table = vs.open(fx_small.path).count_alleles(samples=ids)
    assert_parity(table, fill_tags(some, tmp_path))


@needs_bcftools
def test_regions_select_what_bcftools_selects(fx_small, tmp_path):
    source = tmp_path / "a.vcf.gz"
    shutil.copy(fx_small.source, source)
    run("bcftools", "index", source)
    repo = vs.open(fx_small.path)
    # starts within the span of a long record, where only an overlap with its END or REF is one
    long = [record for record in fx_small.vcf.records if record.rlen > 5]
    assert len(long) > 3
    for record in long:
        start = record.pos + record.rlen - 1
        # as a file for bcftools, which cannot read a contig name with colons from -r
        text = f"{record.contig}\t{start}\t{start + 2}\n"
        regions = vcf_text.write_plain(tmp_path / "regions.txt", text)
        found = run("bcftools", "view", "-H", "-R", regions, source).stdout.splitlines()
        table = repo.genotypes(f"{record.contig}:{start}-{start + 2}")
        positions = [int(line.split("\t")[1]) for line in found]
        assert np.asarray(table.variant_position).tolist() == positions
        assert record.pos in positions


def plink2_counts(source, directory, *options):
    """Let plink2 count: one (contig, POS, REF, ALT, ALT_CTS, OBS_CT) an ALT, in texts."""
    out = directory / "plink2"
    common = ["--allow-extra-chr", "--threads", 1, "--memory", 640, "--out", out, *options]
    columns = "cols=chrom,pos,ref,alt,altfreq,nobs"
    run("plink2", "--vcf", source, "--freq", "counts", columns, *common)
    for line in out.with_suffix(".acount").read_text().splitlines()[1:]:
        contig, pos, _, ref, alts, counts, number = line.split("\t")
        for alt, count in zip(alts.split(","), counts.split(","), strict=True):
            if alt not in reference.NO_ROW:
                yield contig, pos, ref, alt, count, number


@needs_plink2
@pytest.mark.parametrize("kind", DIPLOID)
def test_counts_of_diploid_files_are_those_of_plink2(kind, fx_store, tmp_path):
    options = {"contigs": ("1", "22")} | DIPLOID[kind]
    stored = fx_store(vcf_text.make_vcf(len(kind), 191, 41, **options))
    table = vs.open(stored.path).count_alleles()
    assert_parity(table, plink2_counts(stored.source, tmp_path))


@needs_plink2
def test_counts_of_a_cohort_of_the_slice_are_those_of_plink2(fx_slice, fx_slice_repo, tmp_path):
    ids = fx_slice.populations["AFR"]
    keep = vcf_text.write_plain(tmp_path / "keep.txt", "".join(f"{name}\n" for name in ids))
    table = vs.open(fx_slice_repo).count_alleles(cohort=ids)
    assert_parity(table, plink2_counts(fx_slice.source, tmp_path, "--keep", keep))


@needs_plink2
def test_plink2_doubles_haploid_calls_and_drops_halves(fx_store, tmp_path):
    head = vcf_text.make_vcf(0, 0, 4)
    stored = fx_store(head + "22\t9\t.\tA\tC\t.\t.\t.\tGT\t1\t0\t1/.\t0/1\n")
    table = vs.open(stored.path).count_alleles()
    assert_parity(table, [("22", 9, "A", "C", 3, 5)])
    theirs = plink2_counts(stored.source, tmp_path, "--vcf-half-call", "missing")
    assert list(theirs) == [("22", "9", "A", "C", "3", "6")]


def as_printed(frequency, digits):
    """Round as INFO of the 1000 Genomes prints: 6 significant digits, or 4 decimals."""
    return np.array([float(format(value, digits)) for value in frequency])


def test_every_frequency_of_the_slice_is_that_of_its_info(fx_slice, fx_slice_repo):
    repo = vs.open(fx_slice_repo)
    info = list(fx_slice.info())
    table = repo.count_alleles()
    assert [str(count) for count in table["allele_count"]] == [row["AC"] for row in info]
    assert [str(number) for number in table["allele_number"]] == [row["AN"] for row in info]
    printed = np.array([float(row["AF"]) for row in info])
    np.testing.assert_array_equal(as_printed(table["allele_frequency"], ".6g"), printed)
    table = repo.count_alleles(cohorts=fx_slice.populations)
    checked = 0
    for name in fx_slice.populations:
        chosen = np.asarray(table["cohort"]) == name
        printed = np.array([float(row[f"{name}_AF"]) for row in info])
        found = as_printed(table["allele_frequency"][chosen], ".4f")
        np.testing.assert_array_equal(found, printed)
        checked += len(found)
    assert checked == 30_695
