"""A genome against many batches is told what it is told against the same people in one."""

import pytest

import varstore as vs
import vcf_text
from test_variant_stats import create, far_apart, several, split
from varstore.query import alleles, axis
from varstore.storage import batch as batch_module

PEOPLE = [5, 3, 6, 2, 7, 4, 3, 5, 2, 3]


def made(seed):
    """Forty people without missing calls: a record that is left out says no more than that all are reference."""
    settings = {"odd_alts": False, "contigs": ("1", "2"), "missing": 0, "half_missing": 0, "filters": ("PASS",)}
    return far_apart(vcf_text.make_vcf(seed, 400, sum(PEOPLE), max_alts=3, **settings))


@pytest.fixture(scope="module")
def fx_one_and_many(tmp_path_factory):
    """One batch; and ten of small chunks, each with the records in which some of its people are not reference."""
    text, folder = made(17), tmp_path_factory.mktemp("one")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_module, "CHUNK_VARIANTS", 8)
        many = several(tmp_path_factory.mktemp("many"), split(text, PEOPLE, drop_monomorphic=True), absent="reference")
    people = [f"{name}\tg{i % 3}\n" for i, name in enumerate(many.samples)]
    (folder / "people.tsv").write_text("sample\tgroup\n" + "".join(people))
    one = create(folder, text)
    for repo in (one, many):
        repo.set_samples(folder / "people.tsv")
    assert len(many.info()["batches"]) == len(PEOPLE)
    assert many._batches[0].store.chunk_variants == 8
    return one.path, many.path


@pytest.fixture(params=[64, 3], ids=["few pieces", "many pieces"])
def fx_pieces(request, monkeypatch):
    """Axes in pieces of so many chunks, and of what is read no more kept than has to be."""
    monkeypatch.setattr(axis, "_PIECE_RUNS", request.param)
    if request.param == 3:
        monkeypatch.setattr(alleles, "_KEPT_OF_ALL", 1)
        monkeypatch.setattr(alleles, "_LEAST_KEPT", 1)
        monkeypatch.setattr(batch_module, "KEPT_OF_MANY", 1)
        monkeypatch.setattr(batch_module, "LEAST_KEPT_SITES", 1)


def described(path, who):
    """The table of somebody's variants by allele, and what they are like as a whole."""
    found = vs.open(path).compare_genome(who, by="group", carriers=True)
    summary = vs.open(path).describe_genome(found).summary
    columns = [name for name in found.variants.columns if name != "rsid"]
    table = [found.variants[name].tolist() for name in columns]
    return sorted(map(str, zip(*table, strict=True))), summary


def same(found, expected):
    """Whether two answers are equal, numbers that were added up in another order to 1e-11."""
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            same(found[key], expected[key])
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same(one, other)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-11, nan_ok=True)
    else:
        assert found == expected


@pytest.mark.parametrize("place", [0, 9, 39])
def test_one_batch_or_many(place, fx_one_and_many, fx_pieces):
    one, many = fx_one_and_many
    who = vs.open(one).samples[place]
    table, expected = described(one, who)
    rows, found = described(many, who)
    assert rows == table
    assert len(rows) > 20
    keys = ("person", "sex", "sharing", "nearest", "axes", "homozygosity")
    same({key: found[key] for key in keys}, {key: expected[key] for key in keys})
