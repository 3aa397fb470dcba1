"""Every count equals the oracle's: by kind of file, cohort, region, filter and way to add."""

import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import reference
import varstore as vs
import vcf_text
from reference import ALLELE_COLUMNS, GENOTYPE_CLASSES, assert_same_rows

CONTIGS = ("1", "22", "HLA-A*01:01:01:01", "HLA-A*01:01:01", "empty", "X")
KINDS = {
    "phased": (0, 211, 67, {}),
    "unphased": (1, 173, 65, {"unphased": 1.0, "missing": 0.02, "max_alts": 2}),
    "half-calls": (2, 149, 31, {"missing": 0.2, "half_missing": 0.3, "mixed_phase": 1.0}),
    "many alleles": (3, 139, 43, {"max_alts": 9, "missing": 0.05, "half_missing": 0.02}),
    "haploid": (4, 157, 33, {"ploidy": "haploid", "missing": 0.1, "max_alts": 3}),
    "mixed ploidy": (5, 163, 71, {"ploidy": "mixed", "missing": 0.1, "half_missing": 0.1}),
    "triploid": (6, 101, 29, {"ploidy": "triploid", "half_missing": 0.1, "max_alts": 3}),
    "more fields": (7, 127, 23, {"extra_format": True, "no_gt": 0.1, "mixed_phase": 0.5}),
    "one person": (8, 97, 1, {"max_alts": 2, "missing": 0.1}),
    "one record": (9, 1, 5, {"odd_alts": False}),
    "everything": (10, 307, 129, {"ploidy": "mixed", "extra_format": True, "no_gt": 0.05}),
    "chunks of variants": (11, 4099, 3, {"missing": 0.01, "info": False}),
    "chunks of samples": (12, 7, 16_387, {"missing": 0.001, "half_missing": 0.001, "info": False}),
}
WRITERS = [
    (vcf_text.write_bgzf, {"block_size": 997}),
    (vcf_text.write_bgzf, {"block_size": 65280}),
    (vcf_text.write_gzip, {"members": 1}),
    (vcf_text.write_gzip, {"members": 3}),
    (vcf_text.write_plain, {}),
]


@pytest.fixture(scope="module", params=KINDS)
def fx_kind(request, fx_store):
    seed, num_variants, num_samples, options = KINDS[request.param]
    wide = {"max_alts": 4, "contigs": CONTIGS, "unphased": 0.3} | options
    write, how = WRITERS[seed % len(WRITERS)]
    return fx_store(vcf_text.make_vcf(seed, num_variants, num_samples, **wide), write, **how)


@pytest.fixture
def fx_rng(request):
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))


def some_samples(rng, num_samples):
    """Draw cohorts: one person, a few, half, all but one, everybody backwards."""
    for size in {1, min(3, num_samples), -(-num_samples // 2), max(num_samples - 1, 1)}:
        yield rng.choice(num_samples, size, replace=False).tolist()
    yield list(range(num_samples))[::-1]


def some_regions(rng, records, times=8):
    """Draw regions as (text, [contig, start, end]) that begin near, between and beyond records."""
    for _ in range(times):
        record = records[rng.integers(len(records))]
        start = max(1, record.pos + int(rng.choice([-1, 0, 0, 1, 5, 40])))
        end = start + int(rng.choice([0, 0, 1, 30, 4000, 10**7]))
        yield f"{record.contig}:{start:,}-{end:,}", (record.contig, start, end)
        yield f"{record.contig}:{start}", (record.contig, start, start)
    for contig in {record.contig for record in records}:
        yield contig, (contig, 1, None)


def assert_one_class_a_sample(table, num_samples):
    total = sum(np.asarray(table[name]) for name in GENOTYPE_CLASSES)
    np.testing.assert_array_equal(total, np.full(len(table), num_samples))


def test_everybody_everywhere(fx_kind):
    repo = vs.open(fx_kind.path)
    rows = reference.count_rows(fx_kind.vcf.records)
    table = repo.count_genotypes()
    assert_same_rows(table, rows)
    assert_one_class_a_sample(table, len(fx_kind.vcf.samples))
    assert_same_rows(repo.count_alleles(), rows, ALLELE_COLUMNS)


def test_cohorts_one_by_one(fx_kind, fx_rng):
    repo = vs.open(fx_kind.path)
    for members in some_samples(fx_rng, len(fx_kind.vcf.samples)):
        rows = reference.count_rows(fx_kind.vcf.records, members)
        ids = fx_kind.ids(members)
        table = repo.count_genotypes(samples=ids)
        assert_same_rows(table, rows)
        assert_one_class_a_sample(table, len(ids))
        assert_same_rows(repo.count_genotypes(cohort=ids), rows)
        assert_same_rows(repo.count_alleles(cohort=ids), rows, ALLELE_COLUMNS)


def test_several_cohorts_in_one_pass(fx_kind, fx_rng):
    repo = vs.open(fx_kind.path)
    members = dict(zip("zyxwv", some_samples(fx_rng, len(fx_kind.vcf.samples)), strict=False))
    ids = {name: fx_kind.ids(cohort) for name, cohort in members.items()}
    rows = reference.count_rows(fx_kind.vcf.records, cohorts=members)
    assert_same_rows(repo.count_genotypes(cohorts=ids), rows)
    assert_same_rows(repo.count_alleles(cohorts=ids), rows, ALLELE_COLUMNS)


def test_regions(fx_kind, fx_rng):
    repo = vs.open(fx_kind.path)
    records = fx_kind.vcf.records
    members = next(some_samples(fx_rng, len(fx_kind.vcf.samples)))
    for text, region in some_regions(fx_rng, records):
        found = reference.overlapping(records, [region])
        assert_same_rows(repo.count_genotypes(text), reference.count_rows(found))
        rows = reference.count_rows(found, members)
        table = repo.count_alleles(text, samples=fx_kind.ids(members))
        assert_same_rows(table, rows, ALLELE_COLUMNS)


@pytest.mark.parametrize(("name", "offset"), [("some.txt", 0), ("some.tsv", 0), ("some.bed", -1)])
def test_regions_files(fx_kind, fx_rng, name, offset, tmp_path):
    drawn = list(some_regions(fx_rng, fx_kind.vcf.records, 3))
    regions = [region for _, region in drawn if region[2] is not None]
    lines = [f"{contig}\t{start + offset}\t{end}\n" for contig, start, end in regions]
    path = vcf_text.write_plain(tmp_path / name, "".join(lines))
    table = vs.open(fx_kind.path).count_genotypes(regions_file=path)
    found = reference.overlapping(fx_kind.vcf.records, regions)
    assert_same_rows(table, reference.count_rows(found))


def test_a_regions_file_may_name_positions_and_whole_contigs(fx_small, tmp_path):
    first = fx_small.vcf.records[0]
    path = vcf_text.write_plain(tmp_path / "some.txt", f"{first.contig}\t{first.pos}\nX\n")
    table = vs.open(fx_small.path).count_genotypes(regions_file=path)
    regions = [(first.contig, first.pos, first.pos), ("X", 1, None)]
    found = reference.overlapping(fx_small.vcf.records, regions)
    assert_same_rows(table, reference.count_rows(found))


def test_a_region_of_a_contig_without_records_has_no_rows(fx_small):
    assert not [record for record in fx_small.vcf.records if record.contig == "empty"]
    table = vs.open(fx_small.path).count_genotypes("empty:1-1000")
    assert len(table) == 0
    assert np.asarray(table["allele_count"]).dtype == np.int64


@pytest.mark.parametrize("filters", [["PASS"], ["q10"], ["."], ["s50", "."], ["q10", "PASS"]])
def test_a_record_that_fails_the_filters_is_missing_for_everybody(fx_small, filters):
    repo = vs.open(fx_small.path)
    members = [2, 3, 5, 7]
    records = fx_small.vcf.records
    rows = reference.count_rows(records, filters=filters)
    assert {row["n_missing"] == 23 for row in rows} == {True, False}
    assert_same_rows(repo.count_genotypes(filters=filters), rows)
    rows = reference.count_rows(records, members, filters=filters)
    table = repo.count_genotypes(samples=fx_small.ids(members), filters=filters)
    assert_same_rows(table, rows)
    cohorts = {"x": members, "all": list(range(23))}
    rows = reference.count_rows(records, cohorts=cohorts, filters=filters)
    ids = {name: fx_small.ids(cohort) for name, cohort in cohorts.items()}
    assert_same_rows(repo.count_genotypes(cohorts=ids, filters=filters), rows)


def test_one_named_cohort_has_a_column_too(fx_small):
    repo = vs.open(fx_small.path)
    rows = reference.count_rows(fx_small.vcf.records, cohorts={"me": [4]})
    table = repo.count_genotypes(cohorts={"me": fx_small.ids([4])})
    assert_same_rows(table, rows)
    assert next(iter(table.to_pandas().columns)) == "cohort"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=vcf_text.vcf_texts())
def test_any_file(text, tmp_path_factory):
    directory = tmp_path_factory.mktemp("any")
    vcf = reference.read_vcf(text)
    repo = vs.create(directory / "repo", vcf_text.write_bgzf(directory / "a.vcf.gz", text, 499))
    assert_same_rows(repo.count_genotypes(), reference.count_rows(vcf.records))
    half = list(range(0, len(vcf.samples), 2))
    if half:
        table = repo.count_genotypes(samples=[vcf.samples[i] for i in half])
        assert_same_rows(table, reference.count_rows(vcf.records, half))


def test_more_alleles_than_a_byte_holds(fx_store):
    alts = [f"{'ACGT'[i % 4]}{i * 'A'}T" for i in range(300)]
    codes = [f"{(i * 37) % 301}|{(i * 101 + 127) % 301}" for i in range(40)]
    head = vcf_text.make_vcf(0, 0, 40)
    lines = [
        f"22\t{pos}\t.\tG\t{','.join(alts[:width])}\t.\tPASS\t.\tGT\t" + "\t".join(calls) + "\n"
        for pos, width, calls in [
            (10, 1, ["0|1"] * 40),
            (20, 127, [f"{i}|127" for i in range(40)]),
            (30, 128, [f"{i}/128" for i in range(39)] + ["./128"]),
            (40, 300, codes),
        ]
    ]
    stored = fx_store(head + "".join(lines))
    repo = vs.open(stored.path)
    assert_same_rows(repo.count_genotypes(), reference.count_rows(stored.vcf.records))
    table = repo.count_genotypes(samples=stored.ids([3, 39]))
    assert_same_rows(table, reference.count_rows(stored.vcf.records, [3, 39]))
    np.testing.assert_array_equal(repo.genotypes("22").call_genotype, stored.vcf.call_genotype)


def split_samples(text, parts):
    """Cut a VCF by samples: ``parts`` are lists of sample indexes."""
    lines = [line.split("\t") for line in text.splitlines() if not line.startswith("##")]
    meta = "".join(line + "\n" for line in text.splitlines() if line.startswith("##"))
    for part in parts:
        chosen = ["\t".join(line[:9] + [line[9 + i] for i in part]) for line in lines]
        yield meta + "\n".join(chosen) + "\n"


def test_a_second_add_of_other_people_at_the_same_sites(tmp_path):
    text = vcf_text.make_vcf(30, 89, 13, max_alts=3, missing=0.05, contigs=("1", "22"))
    vcf = reference.read_vcf(text)
    first, second = split_samples(text, [[0, 2, 3, 7, 11], [1, 4, 5, 6, 8, 9, 10, 12]])
    repo = vs.create(tmp_path / "repo", vcf_text.write_bgzf(tmp_path / "1.vcf.gz", first, 777))
    repo.add(vcf_text.write_gzip(tmp_path / "2.vcf.gz", second))
    members = [12, 3, 0]
    for found in (repo, vs.open(tmp_path / "repo")):
        assert_same_rows(found.count_genotypes(), reference.count_rows(vcf.records))
        table = found.count_genotypes(samples=[vcf.samples[i] for i in members])
        assert_same_rows(table, reference.count_rows(vcf.records, members))
        cohorts = {"old": [0, 7], "both": [7, 8], "new": [8]}
        ids = {name: [vcf.samples[i] for i in group] for name, group in cohorts.items()}
        rows = reference.count_rows(vcf.records, cohorts=cohorts)
        assert_same_rows(found.count_genotypes(cohorts=ids), rows)


def test_an_open_repository_answers_for_the_version_it_opened(tmp_path):
    text = vcf_text.make_vcf(31, 29, 6)
    first, second = split_samples(text, [[0, 1], [2, 3, 4, 5]])
    repo = vs.create(tmp_path / "repo", vcf_text.write_bgzf(tmp_path / "1.vcf.gz", first))
    before = vs.open(tmp_path / "repo")
    repo.add(vcf_text.write_bgzf(tmp_path / "2.vcf.gz", second))
    records = reference.read_vcf(text).records
    assert_same_rows(before.count_genotypes(), reference.count_rows(records, [0, 1]))
    assert_same_rows(vs.open(tmp_path / "repo").count_genotypes(), reference.count_rows(records))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_inputs_split_by_chromosome_make_one_batch(order, tmp_path):
    text = vcf_text.make_vcf(32, 113, 9, max_alts=3, contigs=("1", "2", "X"), odd_alts=False)
    vcf = reference.read_vcf(text)
    head = "".join(line + "\n" for line in text.splitlines() if line.startswith("#"))
    paths = []
    for contig in vcf.contigs:
        lines = [line + "\n" for line in text.splitlines() if line.startswith(f"{contig}\t")]
        assert lines
        path = tmp_path / f"{contig}.vcf.gz"
        paths.append(vcf_text.write_bgzf(path, head + "".join(lines), 2003))
    repo = vs.create(tmp_path / "repo", *(paths[i] for i in order))
    assert_same_rows(repo.count_genotypes(), reference.count_rows(vcf.records))
    assert len(list((tmp_path / "repo" / "batches").iterdir())) == 1


def test_genotypes_come_back_in_the_order_asked(fx_kind, fx_rng):
    repo = vs.open(fx_kind.path)
    vcf = fx_kind.vcf
    members = fx_rng.permutation(len(vcf.samples))[:50].tolist()
    for text, region in list(some_regions(fx_rng, vcf.records, 2)):
        found = reference.overlapping(vcf.records, [region])
        part = repo.genotypes(text, samples=fx_kind.ids(members))
        assert part.call_genotype.shape == (len(found), len(members), vcf.call_genotype.shape[2])
        assert list(part.sample_id) == fx_kind.ids(members)
        assert np.asarray(part.variant_position).tolist() == [record.pos for record in found]
        for row, record in enumerate(found):
            np.testing.assert_array_equal(part.call_genotype[row], record.codes[members])


def test_genotypes_of_everybody_come_back_whole(fx_kind):
    whole = vs.open(fx_kind.path).genotypes()
    assert whole.call_genotype.dtype == np.int8
    np.testing.assert_array_equal(whole.call_genotype, fx_kind.vcf.call_genotype)
    assert list(whole.sample_id) == fx_kind.vcf.samples
    phased = np.stack([record.phased for record in fx_kind.vcf.records])
    np.testing.assert_array_equal(whole.call_genotype_phased, phased)
    alleles = [[text for text in row if text] for row in np.asarray(whole.variant_allele).tolist()]
    assert alleles == [list(record.alleles) for record in fx_kind.vcf.records]
