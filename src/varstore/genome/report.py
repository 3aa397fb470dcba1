"""A comparison as one HTML page that needs nothing else: no network, no server, no script.

docs/personal-genome.md, "The report", says what stands in it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import QueryError
from . import pictures
from .checks import Check, checks_of
from .definitions import DEFINITIONS, DOCUMENT, LIMITS
from .markup import Child, Safe, join, tag
from .style import STYLE
from .words import NAMES, number, percent, shortened, small
from .worth_a_look import Row, rows_worth_a_look

if TYPE_CHECKING:
    from .comparing import GenomeComparison
    from .table import GenomeTable

# Pages load nothing and run nothing, whatever a name in them says.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_MOST_GROUPS = 12
_MARKS = {"good": ("✓", "in order"), "look": ("!", "look at this"), "open": ("?", "not known")}


def write_report(found: GenomeComparison, path: str | os.PathLike[str]) -> None:
    """Write the report of a comparison that was described. Raises QueryError."""
    if "person" not in found.summary:
        raise QueryError("the genome is not described yet: call repo.describe_genome(found) first")
    try:
        Path(path).write_text(report(found.summary, found.variants), encoding="utf-8")
    except OSError as error:
        raise QueryError(f"{os.fspath(path)}: cannot be written ({error.strerror})") from None


def report(summary: Mapping[str, Any], variants: GenomeTable) -> str:
    """The page.

    summary : of ``GenomeComparison``, with what ``whole.describe`` adds    variants : its table
    """
    title = f"{summary['genome']['sample']} against {number(summary['repository']['num_people'])} genomes"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Safe(STYLE)),
    )
    checks = checks_of(summary)
    main = tag(
        "main",
        _at_a_glance(summary, checks), _compared(summary, checks), _rarity(summary), _person(summary),
        _homozygosity(summary), _sex(summary),
        _variants(variants), _groups(summary), _nearest(summary), _axes(summary), _panel(summary), _limits(),
        _definitions(), id="main",
    )  # fmt: skip
    body = tag("body", tag("a", "Skip to the report", class_="skip", href="#main"), _header(title, summary), main,
               _footer(summary))  # fmt: skip
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _more(anchor: str) -> Safe:
    """A link to how something is counted."""
    return _link("how this is counted", anchor)


def _link(text: str, anchor: str) -> Safe:
    return tag("a", text, href=f"#def-{anchor}")


def _section(identity: str, title: str, *children: Child) -> Safe:
    return tag("section", tag("h2", title, id=identity), *children, aria_labelledby=identity)


def table(
    caption: Child, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Child]], *, long: bool = False
) -> Safe:
    """A table. columns : heading and class of each; a long one may be cut between pages"""
    heads = [tag("th", name, scope="col", class_=kind or None) for name, kind in columns]
    lines = [
        tag("tr", *(tag("td", cell, class_=kind or None) for cell, (_, kind) in zip(row, columns, strict=True)))
        for row in rows
    ]
    made = tag("table", tag("caption", caption), tag("thead", tag("tr", *heads)), tag("tbody", *lines),
               class_="long" if long else None)  # fmt: skip
    # What scrolls has to be reached by the keyboard.
    return tag("div", made, class_="wide", tabindex="0", role="region", aria_label="table")


def _header(title: str, summary: Mapping[str, Any]) -> Safe:
    return tag("header", tag("h1", title), tag("p", _where_from(summary), class_="soft"))


def _where_from(summary: Mapping[str, Any]) -> str:
    """The file, the repository and their builds."""
    genome, repository = summary["genome"], summary["repository"]
    name = Path(genome["file"]).name
    mine = f"{name} ({genome['format']}, build {genome['build'] or 'not known'})"
    of = f"{Path(repository['path']).name}, version {repository['version']}"
    return f"{mine} against repository {of} (build {repository['assembly'] or 'not known'})"


def _footer(summary: Mapping[str, Any]) -> Safe:
    from .. import __version__  # noqa: PLC0415

    said = f"varstore {__version__}; {_where_from(summary)}. This page loads nothing and runs no script."
    return tag("footer", tag("p", said, class_="soft"))


def _at_a_glance(summary: Mapping[str, Any], checks: Sequence[Check]) -> Safe:
    states = summary["variants"]
    to_look = [check for check in checks if check.state == "look"]
    cards = [
        (number(states["all"]), "ALT alleles carried", "compared"),
        (percent(states["found"], states["all"]), "found in somebody else", "states"),
        (number(states["novel"] + states["unseen"]), "in nobody else", "states"),
        (number(summary["rarity"]["singleton"]), "in one other copy", "rarity"),
    ]
    closest = summary["sharing"]["closest"]
    if closest:
        cards.append((", ".join(map(shortened, closest)), "closest by rare alleles", "sharing"))
    said = "Nothing speaks against the comparison." if not to_look else "Look at this before you read on:"
    listed = tag("ul", *(tag("li", check.text) for check in to_look)) if to_look else None
    return _section(
        "glance", "At a glance",
        tag("div", tag("b", said), listed, class_="note look" if to_look else "note"),
        tag("ul", *(tag("li", tag("b", value), tag("a", what, href=f"#def-{anchor}")) for value, what, anchor in cards),
            class_="cards"),
    )  # fmt: skip


def _compared(summary: Mapping[str, Any], checks: Sequence[Check]) -> Safe:
    states = [(NAMES[name], summary["variants"][name]) for name in ("found", "novel", "unseen", "not_callable")]
    lines = []
    for check in checks:
        mark, said = _MARKS[check.state]
        shown = tag("b", mark, role="img", aria_label=said)
        lines.append(tag("li", shown, check.text, " ", _more(check.anchor), class_=check.state))
    records, filters = summary["genome"]["records"], summary["filters"]
    others = "other people" if summary["genome"]["in_repository"] else "people"
    said = (
        f"{number(records['records'])} records were read, of {number(records['called'])} the genome has a call, of "
        f"{number(records['missing'])} none. It was compared with {number(summary['repository']['num_people'])} "
        f"{others}; filters of their records: {filters or 'none'}."
    )
    return _section(
        "compared", "What was compared, and how well",
        tag("p", said),
        tag("ul", *lines, class_="checks"),
        tag("figure", pictures.parts_of_whole("states", "Alleles of the genome by state", states),
            tag("figcaption", "ALT alleles of the genome by what the repository says of them; ", _more("states"))),
    )  # fmt: skip


def _rarity(summary: Mapping[str, Any]) -> Safe:
    counts, measures = summary["person"]["counts"], summary["person"]["measures"]
    total = measures["n_alleles"]["value"]
    rows = [
        (NAMES[name], number(counts[name]), percent(counts[name], total), _range(measures[name]))
        for name in measures
        if name.startswith("n_") and name != "n_alleles"
    ]
    said = "How rare the alleles are among everybody else; "
    return _section(
        "rarity", "How rare its variants are",
        table([said, _more("rarity")],
              [("Among the others", ""), ("Alleles", "n"), ("Share", "n"), ("Of 90 in 100 others", "n")], rows),
    )  # fmt: skip


def _range(measure: Mapping[str, Any]) -> str:
    if measure["median"] is None:
        return "nobody to compare with"
    return f"{number(measure['p5'])} to {number(measure['p95'])}"


def _strips(identity: str, title: str, measures: Mapping[str, Any]) -> Safe:
    rows = [
        pictures.Strip(
            NAMES[name], each["value"], number(each["value"]), each["low"], each["p5"], each["median"], each["p95"],
            each["high"], bool(each["stands_out"]),
        )
        for name, each in measures.items()
        if each["median"] is not None
    ]  # fmt: skip
    return pictures.strips(identity, title, rows)


def _person(summary: Mapping[str, Any]) -> Safe:
    person = summary["person"]
    if not person["num_people"]:
        return _section("person", "Beside the others", tag("p", "The repository has nobody to compare with."))
    of = f"{number(person['num_people'])} people of the repository"
    parts: list[Child] = [
        tag("figure", _strips("strips", f"This genome beside {of}", person["measures"]),
            tag("figcaption", f"The dot is this genome, the band 90 in 100 of {of}; ", _more("person"))),
        _standing_out(person["stands_out"], person["measures"], "the others"),
        *(tag("p", f"{NAMES[name]}: not known, {reason}.") for name, reason in person["not_known"].items()),
    ]  # fmt: skip
    inside = person["in_closest_group"]
    if inside and inside["measures"]["n_alleles"]["num_people"]:
        name = shortened(inside["group"])
        parts += [
            tag("figure", _strips("strips-group", f"This genome beside the people of {name}", inside["measures"]),
                tag("figcaption", f"The same beside the {number(inside['measures']['n_alleles']['num_people'])} people "
                    f"of {name}, the closest group: numbers differ between groups by history alone; ",
                    _more("person"))),
            _standing_out(inside["stands_out"], inside["measures"], name),
        ]  # fmt: skip
    return _section("person", "Beside the others", parts)


def _standing_out(names: Sequence[str], measures: Mapping[str, Any], others: str) -> Safe:
    if not names:
        return tag("p", f"No number stands out beside {others}.")
    said = [
        f"{NAMES[name]}: {number(measures[name]['value'])} is {measures[name]['stands_out']} beside a median of "
        f"{number(measures[name]['median'])} of {others}."
        for name in names
    ]
    return tag("div", tag("ul", *(tag("li", text) for text in said)), class_="note look")


def _homozygosity(summary: Mapping[str, Any]) -> Safe:
    found = summary["homozygosity"]
    if found["reason"]:
        said = f"Not known: {found['reason']}. "
    else:
        f_roh, bases = found["f_roh"], found["num_bases"]
        said = (
            f"{number(found['n_runs']['value'])} runs of {number(bases['value'])} bases together: F "
            f"{number(f_roh['value'])} (of 90 in 100 others {number(f_roh['p5'])} to {number(f_roh['p95'])}). "
        )
    return _section("homozygosity", "Runs of homozygosity", tag("p", said, _more("homozygosity")))


def _sex(summary: Mapping[str, Any]) -> Safe:
    sex = summary["sex"]
    share = "not known" if sex["x_het_share"] is None else f"{sex['x_het_share']:.2f}"
    said = (
        f"Stated: {sex['stated']}. From X: {sex['inferred']} ({number(sex['num_x_alleles'])} alleles, share beside "
        f"another allele {share})."
    )
    reason = f" {sex['reason'][0].upper()}{sex['reason'][1:]}." if sex["reason"] else ""
    strong = tag("b", " The calls on X contradict the stated sex.") if sex["contradiction"] else None
    kind = "note look" if sex["contradiction"] else "note"
    return _section("sex", "Sex", tag("div", said, reason, strong, " ", _more("sex"), class_=kind))


def _variants(variants: GenomeTable) -> Safe:
    rows, total = rows_worth_a_look(variants)
    if not rows:
        return _section("variants", "Rarest alleles", tag("p", "No allele is rarer than 1 in 100."))
    columns = [("Site", ""), ("Change", "allele"), ("Call", ""), ("Among the others", ""), ("Copies", "n"),
               ("Of", "n"), ("Homozygous others", "n"), ("Expected share", "n")]  # fmt: skip
    if rows[0].hwe_p_value is not None:
        columns.append(("Hardy-Weinberg p", "n"))
    extra = list(rows[0].annotations)
    columns += [(shortened(name), "") for name in extra]
    said = f"{len(rows):,} of {total:,} alleles below 1 %: those in all copies first, then the rarest"
    cells = [_cells(row) for row in rows]
    return _section(
        "variants",
        "Rarest alleles",
        table(
            [f"{said}; ", _more("rarity"), "; ", _link("what the expected share is", "hardy")],
            columns,
            cells,
            long=True,
        ),
    )


def _cells(row: Row) -> list[Child]:
    tested = [] if row.hwe_p_value is None else [small(row.hwe_p_value)]
    return [
        f"{row.contig}:{row.position:,}", f"{shortened(row.ref)} → {shortened(row.alt)}", NAMES.get(row.zygosity, ""),
        row.rarity, number(row.allele_count), number(row.allele_number), number(row.n_hom_alt),
        small(row.expected_share), *tested, *(shortened(value) for value in row.annotations.values()),
    ]  # fmt: skip


def _groups(summary: Mapping[str, Any]) -> Safe:
    sharing = summary["sharing"]
    intro = (
        f"{number(sharing['num_shared'])} of the genome's alleles below {sharing['max_frequency']:.0%} are found in "
        "others; "
    )
    parts: list[Child] = [tag("p", intro, _more("sharing"))]
    if sharing["reason"]:
        parts.append(tag("div", f"No closest group: {sharing['reason']}.", class_="note"))
    shown = [row for row in sharing["groups"] if row["weight"]]
    if shown:
        bars = [
            pictures.Bar(shortened(row["group"]), row["share_of_weight"], row["share_of_people"],
                         f"{row['share_of_weight']:.1%}  x{row['enrichment']:.1f}")
            for row in shown[:_MOST_GROUPS]
        ]  # fmt: skip
        rest = len(sharing["groups"]) - len(bars)
        said = "Share of the weight of shared rare alleles by group, the most enriched first, and how many times its "
        said += "share of the people (the tick) it is; "
        parts.append(
            tag("figure", pictures.bars("groups", "Shared rare alleles by group", bars),
                tag("figcaption", said, f"{number(rest)} groups share less or nothing; " if rest else None,
                    _more("sharing")))
        )  # fmt: skip
    if sharing["people"]:
        rows = [
            (str(place), shortened(row["sample"]) if row["sample"] else "not named", row["group"] or "",
             number(row["n_shared"]), f"{row['share_of_alleles']:.1%}", f"{row['weight']:.2f}")
            for place, row in enumerate(sharing["people"], start=1)
        ]  # fmt: skip
        columns = [("", "n"), ("Person", ""), ("Group", ""), ("Alleles shared", "n"), ("Share", "n"), ("Weight", "n")]
        parts.append(table(["People who share most; ", _more("sharing")], columns, rows))
    return _section("sharing", "Who shares its rare alleles", parts)


def _nearest(summary: Mapping[str, Any]) -> Safe:
    nearest = summary["nearest"]
    if not nearest.get("people"):
        said = nearest["reason"]
        return _section("kinship", "Kin", tag("p", f"Not known: {said}. ", _more("kinship")))
    rows = [
        (
            shortened(row["sample"] or "not named"),
            row.get("label") or "",
            f"{row['kinship']:.3f}",
            number(row["n_sites"]),
        )
        for row in nearest["people"]
    ]
    columns = [("Person", ""), ("Relationship", ""), ("Kinship", "n"), ("Sites", "n")]
    return _section("kinship", "Kin", table(["Nearest by kinship; ", _more("kinship")], columns, rows))


def _axes(summary: Mapping[str, Any]) -> Safe:
    axes = summary["axes"]
    if not axes.get("coordinates"):
        return _section("axes", "Where it falls", tag("p", f"Not known: {axes['reason']}. ", _more("axes")))
    rows = [(f"PC{place}", f"{value:.4f}") for place, value in enumerate(axes["coordinates"], start=1)]
    group = f"Falls in {shortened(axes['group'])}. " if axes.get("group") else "Falls in no group that was asked for. "
    return _section("axes", "Where it falls", tag("p", group, _more("axes")),
                    table(["Coordinates; ", _more("axes")], [("Axis", ""), ("Coordinate", "n")], rows))  # fmt: skip


def _panel(summary: Mapping[str, Any]) -> Safe | None:
    if summary["panel"] is None:
        return None
    rows = [
        (shortened(row["name"]), f"{row['contig']}:{row['start']:,}-{row['end']:,}", number(row["n_rare"]),
         number(row["n_novel"]), number(row["n_hom_alt"]), number(row["n_carriers"]), percent(row["n_carriers"],
         row["num_people"]))
        for row in summary["panel"]
    ]  # fmt: skip
    columns = [("Gene", ""), ("Interval", ""), ("Rare alleles here", "n"), ("in nobody else", "n"),
               ("in all copies", "n"),
               ("Carriers in the repository", "n"), ("Share", "n")]  # fmt: skip
    return _section("panel", "Panel of genes", table(["Rare alleles gene by gene; ", _more("panel")], columns, rows,
                                                     long=True))  # fmt: skip


def _limits() -> Safe:
    return _section("limits", "What these numbers do not mean", tag("ul", *(tag("li", text) for text in LIMITS)))


def _definitions() -> Safe:
    lines = [
        join([tag("dt", each.title, id=f"def-{each.anchor}"), tag("dd", each.text, " ", tag(
            "span", f"In full: {DOCUMENT}, “{each.title}”.", class_="soft"))])
        for each in DEFINITIONS
    ]  # fmt: skip
    return _section("definitions", "How it is counted", tag("dl", *lines))
