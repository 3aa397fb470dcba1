"""Every number of a report can be traced to a definition on its page, and that to a section of the documentation."""

import copy
import re

import pytest

from conftest import CHECKOUT
from test_report import assert_sound, fx_compared
from varstore.genome import checks, definitions, report, words

__all__ = ["fx_compared"]
DOCUMENT = (CHECKOUT / definitions.DOCUMENT).read_text()
ANCHORS = {f"#def-{each.anchor}" for each in definitions.DEFINITIONS}


def pieces(text, name):
    """The markup of each element of a name that has none of its name inside."""
    return re.findall(rf"<{name}\b.*?</{name}>", text, re.DOTALL)


@pytest.fixture(scope="module")
def fx_full(fx_compared):
    """A summary in which every part has an answer: runs, kin and axes too, and something stands out."""
    summary, variants = copy.deepcopy(fx_compared[0]), fx_compared[1]
    one = summary["person"]["measures"]["n_alleles"]
    summary["person"]["measures"]["call_rate"] = one | {"value": 0.99}
    summary["person"]["stands_out"] = ["n_novel"]
    summary["person"]["measures"]["n_novel"]["stands_out"] = "high"
    names = ("n_runs", "num_bases", "longest", "f_roh")
    summary["homozygosity"] = {"reason": None} | dict.fromkeys(names, one)
    kin = {"sample": "p0", "label": "parent-offspring", "kinship": 0.25, "ibs0": 0, "n_sites": 2000}
    summary["nearest"] = {"people": [kin], "num_called": 2000, "reason": None}
    summary["axes"] = {"coordinates": [0.125, -0.5], "num_called": 99, "reason": None, "group": "x", "probability": 1.0}
    return summary, variants


def test_every_section_table_and_picture_leads_to_its_definition(fx_full):
    text = report.report(*fx_full)
    assert_sound(text)
    sections = pieces(text, "section")
    assert len(sections) == 13
    for section in sections:
        title = re.search("<h2[^>]*>(.*?)</h2>", section).group(1)
        if title in ("What these numbers do not mean", "How it is counted"):
            continue
        links = set(re.findall('href="(#def-[^"]*)"', section))
        assert links, title
        assert links <= ANCHORS, title
        for caption in pieces(section, "caption") + pieces(section, "figcaption"):
            assert "#def-" in caption, caption
    cards = pieces(pieces(text, "ul")[0], "li")
    assert len(cards) == 5
    assert all("#def-" in card for card in cards)
    # No definition that nothing leads to.
    assert set(re.findall('href="(#def-[^"]*)"', text)) == ANCHORS


def test_every_name_of_a_number_is_documented(fx_full):
    summary, variants = fx_full
    documented = set(re.findall("`([^`\n]+)`", re.sub("```.*?```", "", DOCUMENT, flags=re.DOTALL)))
    assert set(summary["person"]["measures"]) <= documented
    assert {"homozygosity", "f_roh"} <= documented
    assert set(summary["rarity"]) <= documented
    assert set(words.NAMES) >= set(summary["person"]["measures"])
    plain = [name for name in variants.columns if not re.search("_[xy]$|^carriers$", name)]
    assert set(plain) <= documented
    numbers = ("n_rare", "n_novel", "n_hom_alt", "num_rare_alleles", "n_carriers", "num_people")
    assert set(numbers) <= set(summary["panel"][0])
    assert set(numbers) <= documented
    for name in ("weight", "n_shared", "share_of_alleles", "share_of_weight", "share_of_people", "enrichment"):
        assert name in documented
    for bound in ("share below 0.1", "above 0.25", "fewer than 50", "fewer than 20", "at least 20 single"):
        assert bound in " ".join(DOCUMENT.split())


def test_every_number_of_a_table_is_one_of_the_summary(fx_full):
    """What stands in cells of the report that count something is a number of the summary or of the table."""
    summary, variants = fx_full
    known = set()

    def collect(value):
        if isinstance(value, dict | list):
            for each in value.values() if isinstance(value, dict) else value:
                collect(each)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            known.update((words.number(value), f"{value:.1%}", f"{value:.2f}", f"{value:.3f}", f"{value:.4f}"))

    collect(summary)
    total = summary["person"]["measures"]["n_alleles"]["value"]
    known.update(words.percent(count, total) for count in summary["person"]["counts"].values())
    known.update(words.percent(row["n_carriers"], row["num_people"]) for row in summary["panel"])
    for name in ("allele_count", "allele_number", "n_hom_alt"):
        known.update(words.number(value) for value in variants[name].tolist())
    known.update(words.small(value) for value in variants["expected_share"].tolist())
    places = [str(place) for place in range(1, 11)]
    cells = re.findall('<td class="n">([^<]*)</td>', report.report(summary, variants))
    assert len(cells) > 100
    for cell in cells:
        assert all(part in known or part in places for part in cell.split(" to ")), cell


def test_a_part_is_never_called_the_whole(fx_compared):
    summary = copy.deepcopy(fx_compared[0])
    summary["variants"] = {"all": 4_000_000, "found": 3_999_999, "novel": 1, "unseen": 0, "not_callable": 0}
    assert "above 99.9 % of 4,000,000" in checks.checks_of(summary)[0].text
    summary["variants"] = dict.fromkeys(summary["variants"], 0)
    texts = [check.text for check in checks.checks_of(summary)]
    assert texts[0] == "The genome has no allele to compare."
    assert not any("not known of" in text for text in texts)
