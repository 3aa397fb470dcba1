"""The report of a genome: one page that loads nothing, says what the summary says, and cannot be spoken through."""

import copy
import dataclasses
import re
import shutil
import subprocess
import warnings
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest

import two_groups
from conftest import CHECKOUT
from test_variant_stats import create
from varstore.genome import checks, definitions, markup, report, style, words
from varstore.genome.table import GenomeTable
from varstore.genome.text_rows import Codes
from varstore.genome.worth_a_look import rows_worth_a_look

HOSTILE = "</title></td><script>alert(1)</script><img src=x onerror=alert(1)>\"' style=x {color:red} \u202e\x00&amp;"
VOID = {"meta"}


class Page(HTMLParser):
    """A page as a browser takes it; complains of elements that do not close."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.text, self.rows = [], [], "", []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, name, attributes):
        self.elements.append((name, dict(attributes)))
        if name not in VOID:
            self.open.append(name)
        if name == "tr":
            self.rows.append([])
        if name in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, name, attributes):
        self.elements.append((name, dict(attributes)))

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data

    def all(self, name):
        return [attributes for element, attributes in self.elements if element == name]

    def ids(self):
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]


@pytest.fixture(scope="module")
def fx_compared(tmp_path_factory):
    """A genome of a repository with groups, and a panel: summary and table."""
    folder = tmp_path_factory.mktemp("report")
    codes = two_groups.calls()
    (folder / "people.tsv").write_text(two_groups.table())
    (folder / "genes.bed").write_text("1\t0\t40000\tA gene\n1\t90000\t190000\tanother\nX\t0\t9\tempty\n")
    (folder / "child.vcf").write_text(two_groups.vcf(codes, [200]))
    repo = create(folder, two_groups.vcf(codes, range(200)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the table has the child, too
        repo.set_samples(folder / "people.tsv")
    found = repo.compare_genome(folder / "child.vcf", by="group", carriers=True)
    repo.describe_genome(found, panel=folder / "genes.bed", sex="male")
    return found.summary, found.variants


def assert_sound(text):
    """It loads nothing, runs nothing, and holds together."""
    page = Page(text)
    ids = page.ids()
    assert len(ids) == len(set(ids))
    for name, attributes in page.elements:
        assert name not in ("script", "img", "iframe", "object", "embed", "link", "form", "base", "input")
        assert not [key for key in attributes if key.startswith("on") or key in ("src", "style", "srcset", "action")]
        if "href" in attributes:
            assert attributes["href"][0] == "#"
            assert attributes["href"][1:] in ids, attributes["href"]
        for key in ("aria-labelledby",):
            assert set(attributes.get(key, "").split()) <= set(ids)
    assert not re.search(r"url\(|@import|https?:", text)
    assert "default-src 'none'" in page.all("meta")[1]["content"]
    return page


def test_the_page_says_what_the_summary_says(fx_compared):
    summary, variants = fx_compared
    page = assert_sound(report.report(summary, variants))
    counts, measures = summary["person"]["counts"], summary["person"]["measures"]
    total = measures["n_alleles"]["value"]
    for name in ("n_novel", "n_singleton", "n_<1%", "n_common"):
        row = next(row for row in page.rows if row[0] == words.NAMES[name])
        assert row[1] == f"{counts[name]:,}"
        assert row[2] == words.percent(counts[name], total)
        assert row[3] == f"{words.number(measures[name]['p5'])} to {words.number(measures[name]['p95'])}"
    for row in summary["panel"]:
        shown = next(each for each in page.rows if each[0] == row["name"])
        assert shown[2:6] == [f"{row[name]:,}" for name in ("n_rare", "n_novel", "n_hom_alt", "n_carriers")]
    for person in summary["sharing"]["people"]:
        assert any(row[1:2] == [person["sample"]] and row[3] == str(person["n_shared"]) for row in page.rows)
    for group in summary["sharing"]["closest"] or []:
        assert group in page.text
    for limit in definitions.LIMITS:
        assert limit in page.text
    assert f"against {summary['repository']['num_people']} genomes" in page.text


def test_the_page_can_be_read_by_everybody(fx_compared):
    page = assert_sound(report.report(*fx_compared))
    assert page.all("html")[0]["lang"] == "en"
    pictures = page.all("svg")
    assert len(pictures) >= 3
    assert all(each["role"] == "img" and each["aria-labelledby"] for each in pictures)
    assert all(each["scope"] == "col" for each in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    levels = [int(name[1]) for name, _ in page.elements if re.fullmatch(r"h\d", name)]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(theme):
    """WCAG 2.1, success criterion 1.4.3: a contrast of 4.5 at least, of relative luminances."""
    blocks = re.findall(r":root \{([^}]*)\}", style.STYLE)
    colours = dict(re.findall(r"--(\w+): (#\w+)", blocks[("light", "dark").index(theme)]))

    def luminance(name):
        values = [int(colours[name][i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
        return np.dot(linear, [0.2126, 0.7152, 0.0722])

    for ink in ("ink", "soft", "blue", "orange", "green"):
        for ground in ("paper", "card"):
            dark, bright = sorted([luminance(ink), luminance(ground)])
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


def hostile(value):
    """Every text of a document, and every name of a key that is not ours, says something else."""
    if isinstance(value, dict):
        return {key: value[key] if key in ("stands_out", "inferred") else hostile(value[key]) for key in value}
    if isinstance(value, list):
        return [hostile(each) for each in value]
    return HOSTILE if isinstance(value, str) else value


def spoken(variants):
    """The table, in which contigs and annotations say something else; their texts are its own."""
    rows = len(variants)
    hidden = Codes(np.zeros(rows, np.int32), [HOSTILE])
    genome = dataclasses.replace(variants.genome, contigs=[HOSTILE] * len(variants.genome.contigs))
    return GenomeTable(genome, variants._counts, {f"{HOSTILE}:CLNSIG": hidden})


def test_names_and_alleles_cannot_become_markup(fx_compared):
    summary, variants = copy.deepcopy(fx_compared[0]), fx_compared[1]
    for key in ("stands_out",):
        fine = summary["person"][key]
        summary = hostile(summary)
        summary["person"][key] = fine
    for part in (summary["person"], summary["person"]["in_closest_group"] or {"stands_out": []}):
        part["stands_out"] = []
    summary["problems"] = [HOSTILE]
    page = assert_sound(report.report(summary, spoken(variants)))
    assert "</title></td><script>" in page.text
    assert "\u202e" not in page.text
    assert "\x00" not in page.text


def test_markup_by_itself():
    assert (
        markup.tag("b", "<i>", markup.tag("i", 3), None, ["&"], title='"')
        == '<b title="&quot;">&lt;i&gt;<i>3</i>&amp;</b>'
    )
    assert markup.text(markup.Safe("<i>")) == "<i>"


def test_what_is_not_known_is_said(fx_compared):
    """A repository of one person, no groups, nothing on X, nothing shared."""
    summary, variants = copy.deepcopy(fx_compared[0]), fx_compared[1]
    nothing = dict.fromkeys(("median", "p5", "p95", "low", "high", "percentile", "stands_out"))
    person = summary["person"]
    person["num_people"], person["stands_out"], person["in_closest_group"] = 0, [], None
    person["measures"] = {name: {"value": each["value"], "num_people": 0} | nothing
                          for name, each in person["measures"].items()}  # fmt: skip
    summary["sharing"] |= {"groups": [], "people": [], "closest": None, "reason": "no groups: name a column"}
    summary["sex"] |= {"inferred": "unknown", "x_het_share": None, "contradiction": False, "reason": "too few alleles"}
    summary["panel"] = None
    page = assert_sound(report.report(summary, variants))
    for said in ("nobody to compare with", "No closest group: no groups", "Too few alleles", "Not known: kinship"):
        assert said in page.text
    assert "Panel" not in page.text
    empty = variants.take(np.zeros(0, np.int64))
    assert "No allele is rarer" in assert_sound(report.report(summary, empty)).text


def test_checks(fx_compared):
    summary = copy.deepcopy(fx_compared[0])
    summary["variants"] = {"all": 100, "found": 90, "novel": 5, "unseen": 5, "not_callable": 0}
    summary["problems"] = []
    summary["person"]["in_closest_group"] = None
    summary["person"]["stands_out"] = []
    summary["sex"] |= {"inferred": "male", "stated": "male", "contradiction": False, "reason": None}
    assert {check.state for check in checks.checks_of(summary)} == {"good"}
    for change, said in (
        ({"variants": {"all": 100, "found": 49, "not_callable": 0}}, "Only 49.0 % of 100"),
        ({"variants": {"all": 100, "found": 60, "not_callable": 40}}, "40.0 % of the alleles are where"),
        ({"problems": ["odd"]}, "odd"),
        ({"variants": {"all": 0, "found": 0, "not_callable": 0}}, "no allele to compare"),
        (
            {"sex": summary["sex"] | {"stated": "female", "contradiction": True}},
            "Stated to be female, but .* of a male",
        ),
    ):
        found = [check.text for check in checks.checks_of(summary | change) if check.state == "look"]
        assert len(found) == 1
        assert re.search(said, found[0])
    person = copy.deepcopy(summary["person"])
    person["measures"]["n_novel"]["stands_out"], person["stands_out"] = "high", ["n_novel"]
    assert any("In nobody else (high)" in check.text for check in checks.checks_of(summary | {"person": person}))


def test_the_rarest_come_first(fx_compared):
    rows, total = rows_worth_a_look(fx_compared[1])
    assert total >= len(rows) > 5
    order = [
        (row.zygosity != "hom", row.allele_count > 0, row.allele_count / max(1, row.allele_number)) for row in rows
    ]
    assert order == sorted(order)
    assert all(row.allele_count < 0.01 * row.allele_number or not row.allele_count for row in rows)


def test_every_definition_is_a_section_of_the_documentation():
    path = CHECKOUT / definitions.DOCUMENT
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    assert [each.title for each in definitions.DEFINITIONS if each.title not in headings] == []


def test_in_a_browser(fx_compared, tmp_path):
    """A real one, without a screen: nothing of a hostile page runs, and something is drawn."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no Chromium is installed")
    summary, variants = copy.deepcopy(fx_compared[0]), fx_compared[1]
    summary["genome"]["sample"] = HOSTILE.replace("alert(1)", "document.title='run'")
    path = tmp_path / "report.html"
    path.write_text(report.report(summary, variants))
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'user'}"]
    picture = tmp_path / "report.png"
    dom = subprocess.run(
        [*command, "--window-size=1000,2000", f"--screenshot={picture}", "--dump-dom", path.as_uri()],
        capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    title = re.search("<title>(.*?)</title>", dom.stdout, re.DOTALL).group(1)
    assert title != "run"
    assert "&lt;script&gt;" in title
    assert dom.stdout.count("<svg") == report.report(summary, variants).count("<svg")
    import matplotlib.image

    pixels = matplotlib.image.imread(picture)
    assert pixels.shape[:2] == (2000, 1000)
    assert len(np.unique((pixels[..., :3] * 255).astype(np.uint8).reshape(-1, 3), axis=0)) > 50
