"""Diploid calls of chosen sites as planes and lists, against decoded genotypes: one batch, several, shared, absent."""

import numpy as np
import pytest
from hypothesis import given, settings

import varstore as vs
import vcf_text
from test_variant_stats import create, far_apart, several, split
from varstore.kernels.diploid import transpose
from varstore.query.diploid import by_person, num_words, read_lists, read_planes
from varstore.query.site_choice import SiteLimits, allele_keys, choose_sites
from varstore.storage.keys import key_of

ANYWHERE = SiteLimits(min_mac=0, autosomes=False)


def bits(plane, columns):
    """Planes as bool, with nothing behind the columns."""
    out = np.unpackbits(plane.view(np.uint8), axis=1, bitorder="little").astype(bool)
    assert not out[:, columns:].any()
    assert plane.shape[1] == num_words(columns)
    return out[:, :columns]


def as_codes(planes):
    """(rows, columns) copies of ALT, -1 where missing."""
    het, hom, missing = (bits(plane, planes.num_columns) for plane in (planes.het, planes.hom_alt, planes.missing))
    assert not (het & hom).any()
    assert not ((het | hom) & missing).any()
    return het + 2 * hom - missing.astype(int)


def expected_codes(repo, sites, people):
    """Copies of ALT by decoding: -1 unless a call is of two alleles, 0 or 1 each."""
    found = repo.genotypes(samples=[repo.samples[i] for i in people.tolist()])
    out = {}
    for i, calls in enumerate(found.call_genotype):
        if (found.variant_allele[i] != "").sum() != 2:
            continue
        site = found.variant_contig[i], int(found.variant_position[i]), *found.variant_allele[i, :2]
        real = calls != -2
        good = (real.sum(axis=1) == 2) & (((calls == 0) | (calls == 1)) | ~real).all(axis=1)
        out.setdefault(site, []).append(np.where(good, np.where(real, calls, 0).sum(axis=1), -1))
    names = np.array([repo.contigs[contig] for contig in sites.contig.tolist()], object)
    rows = [(*site,) for site in zip(names, sites.position.tolist(), sites.ref, sites.alt, strict=True)]
    seen = {}
    codes = []
    for row in rows:
        codes.append(out[row][seen.get(row, 0)])
        seen[row] = seen.get(row, 0) + 1
    return np.array(codes).reshape(len(rows), len(people))


def check(repo, people=None):
    people = np.arange(repo.num_samples) if people is None else np.array(people)
    sites = choose_sites(repo, people, ANYWHERE)
    planes = read_planes(repo, sites, people)
    codes = expected_codes(repo, sites, people)
    np.testing.assert_array_equal(as_codes(planes), codes)
    np.testing.assert_array_equal(as_codes(by_person(repo, planes)), codes.T)
    lists = read_lists(repo, sites, people)
    for i, row in enumerate(codes):
        called = row[row >= 0]
        assert lists.flipped[i] == (called.sum() > len(called))
        rarer = np.where(row < 0, 3, 2 - row if lists.flipped[i] else row)
        part = slice(*lists.start[i : i + 2].tolist())
        np.testing.assert_array_equal(lists.person[part], np.flatnonzero(rarer))
        np.testing.assert_array_equal(lists.code[part], rarer[rarer > 0])
    return sites


@given(text=vcf_text.vcf_texts(max_variants=12, max_samples=9))
@settings(deadline=None, max_examples=40)
def test_any_calls(text, tmp_path_factory):
    check(create(tmp_path_factory.mktemp("diploid"), text))


def test_every_oddity_and_some_people(fx_small):
    repo = vs.open(fx_small.path)
    assert len(check(repo)) > 20
    check(repo, [3])
    check(repo, [0, 5, 6, 11, 22])
    check(repo, list(range(9, 23)))


def random_vcf(frequency, people, missing, seed):
    """One contig, a record for each frequency of ALT, calls at random."""
    rng = np.random.default_rng(seed)
    lines = ["##fileformat=VCFv4.3", "##contig=<ID=1>", '##FORMAT=<ID=GT,Number=1,Type=String,Description="GT">']
    fixed = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()
    lines.append("\t".join([*fixed, *(f"s{i}" for i in range(people))]))
    for row, p in enumerate(frequency):
        calls = (rng.random((people, 2)) < p).astype(int).tolist()
        lost = (rng.random(people) < missing[row % len(missing)]).tolist()
        gt = ["./." if gone else f"{a}|{b}" for gone, (a, b) in zip(lost, calls, strict=True)]
        lines.append("\t".join(["1", str(100 + 7 * row), ".", "A", "C", ".", "PASS", ".", "GT", *gt]))
    return "\n".join(lines) + "\n"


def test_planes_of_many_people(tmp_path):
    """More people than a word, rows that are flipped; common and rare."""
    frequency = np.random.default_rng(4).beta(0.3, 0.3, 700)
    repo = create(tmp_path, random_vcf(frequency, 210, [0.03], 4))
    assert len(check(repo)) == 700
    check(repo, sorted(np.random.default_rng(5).permutation(210)[:131].tolist()))
    check(repo, range(70, 199))


def test_lists_of_rare_sites(tmp_path):
    """Rows whose sets are lists in the blocks; among few people the rarer allele may be the other one."""
    frequency = [0, 0.0002, 0.0005, 0.999, 0.001, 0.3, 0.0004] * 12
    text = random_vcf(frequency, 2500, [0, 0.0005, 0.05], 6)
    lines = text.splitlines()
    calls = lines[5].split("\t")
    calls[9 + 7] = "1|1"
    lines[5] = "\t".join(calls)
    text = "\n".join(lines) + "\n"
    repo = create(tmp_path, text)
    sites = check(repo)
    check(repo, [7])
    check(repo, [7, 8])
    assert (sites.allele_count > 0).mean() > 0.6
    chosen = sites.take((sites.allele_count > 0) & (sites.allele_count < 4))
    carriers = sorted(set(read_lists(repo, chosen, np.arange(2500)).person.tolist()))
    check(repo, carriers[:3])
    check(repo, carriers[:1])
    check(several(tmp_path, split(text, [1200, 1300])))


@pytest.mark.parametrize("absent", ["reference", "unknown"])
@pytest.mark.parametrize("drop_monomorphic", [False, True])
def test_several_batches_and_compacted(absent, drop_monomorphic, tmp_path):
    text = far_apart(
        vcf_text.make_vcf(8, 400, 90, missing=0.05, half_missing=0.05, odd_alts=False, contigs=("1", "22"))
    )
    parts = split(text, [40, 3, 47], drop_monomorphic=drop_monomorphic)
    repo = several(tmp_path, parts, absent=absent)
    assert len(check(repo)) > 50
    check(repo, [1, 39, 40, 44, 80, 89])
    repo.compact()
    assert len(check(repo)) > 50
    check(repo, [1, 39, 40, 44, 80, 89])


def test_limits(tmp_path):
    """Frequency, copies, calls, autosomes and single bases; sites of several alleles are never there."""
    rows = [
        ("1", 10, "A", "C", "0/1 0/0 0/0 0/0"), ("1", 20, "A", "C", "1/1 1/1 1/1 0/1"),
        ("1", 30, "A", "C", "./. ./. 0/1 0/1"), ("1", 40, "A", "C,G", "0/1 0/2 0/0 0/0"),
        ("1", 50, "AT", "A", "0/1 0/1 0/0 0/0"),
        ("X", 60, "A", "C", "0/1 0/1 0/0 0/0"), ("1", 70, "A", "*", "0/1 0/1 0/0 0/0"),
        ("1", 80, "A", "C", "0/0 0/0 0/0 0/0"),
    ]  # fmt: skip
    head = ["##fileformat=VCFv4.3", "##contig=<ID=1>", "##contig=<ID=X>"]
    head += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="GT">']
    head += ["\t".join("#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT a b c d".split())]
    body = [
        "\t".join([c, str(p), ".", r, a, ".", ".", ".", "GT", *calls.split()]) for c, p, r, a, calls in sorted(rows)
    ]
    repo = create(tmp_path, "\n".join([*head, *body]) + "\n")

    def positions(people=(0, 1, 2, 3), **limits):
        return choose_sites(repo, np.array(people), SiteLimits(**limits)).position.tolist()

    assert positions() == [10, 20, 30, 50]
    assert positions(autosomes=False, min_mac=0) == [10, 20, 30, 50, 80, 60]
    assert positions(snvs=True, min_maf=0.25) == [30]
    assert positions(min_mac=2) == [30, 50]
    assert positions(min_call_rate=0.75) == [10, 20, 50]
    assert positions(people=(1, 2, 3), min_mac=0, min_maf=0.2) == [30]
    sites = choose_sites(repo, np.arange(4), SiteLimits())
    assert sites.maf.tolist() == [0.125, 0.125, 0.5, 0.25]
    key, digest = allele_keys(repo, sites)
    expected = [key_of(p, r, a) for p, r, a in zip(sites.position.tolist(), sites.ref, sites.alt, strict=True)]
    assert list(zip(key.tolist(), digest.tolist(), strict=True)) == expected


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (64, 64), (65, 3), (130, 700), (700, 130)])
def test_transpose(rows, columns):
    flags = np.random.default_rng(1).random((rows, columns)) < 0.4
    padded = np.zeros((rows, 64 * num_words(columns)), bool)
    padded[:, :columns] = flags
    plane = np.packbits(padded, axis=1, bitorder="little").view(np.uint64)
    out = np.zeros((columns, num_words(rows)), np.uint64)
    transpose(plane, 0, plane.shape[1], out)
    np.testing.assert_array_equal(bits(out, rows), flags.T)
