"""Numbers and names as a report spells them."""

from __future__ import annotations

UNKNOWN = "not known"
NAMES = {
    "found": "Found",
    "novel": "Novel",
    "unseen": "Unseen",
    "not_callable": "Not callable",
    "n_novel": "In nobody else",
    "n_singleton": "In one other copy",
    "n_<1e-4": "Below 1e-4",
    "n_<1e-3": "Below 1e-3",
    "n_<1%": "Below 1 %",
    "n_<5%": "Below 5 %",
    "n_common": "5 % and above",
    "n_alleles": "All alleles",
    "ts_tv": "Transitions a transversion",
    "het_hom": "Het a homozygote",
    "x_het_share": "Het share on X",
    "call_rate": "Call rate",
    "het": "heterozygous",
    "hom": "homozygous",
    "hemi": "one copy of one",
}
_LONGEST = 32


def number(value: float | None) -> str:
    """
    >>> number(12345), number(0.51237), number(None)
    ('12,345', '0.512', 'not known')
    """
    if value is None or value != value:
        return UNKNOWN
    return f"{int(value):,}" if value == int(value) else f"{value:,.1f}" if value >= 100 else f"{value:.3g}"


def small(value: float) -> str:
    """
    >>> small(0.0000123), small(0.25), small(float("nan"))
    ('1.2e-05', '0.25', 'not known')
    """
    return UNKNOWN if value != value else f"{value:.2g}"


def percent(part: float, whole: float | None) -> str:
    """
    A part is never called the whole, and nothing is called 0 % that is not.

    >>> percent(1, 3), percent(1, 0), percent(9, 9), percent(1, 100_000), percent(99_999, 100_000)
    ('33.3 %', 'not known', '100 %', '0.001 %', 'above 99.9 %')
    """
    if not whole:
        return UNKNOWN
    share = 100 * part / whole
    if part < whole and share >= 99.95:
        return "above 99.9 %"
    return f"{share:.1f} %".replace(".0 ", " ") if share >= 0.1 else f"{share:.1g} %"


def shortened(text: object) -> str:
    """Text that a table has room for.

    >>> shortened("A" * 50)
    'AAAAAAAAAAAAAAAAAAAA... (50 characters)'
    """
    shown = str(text)
    return shown if len(shown) <= _LONGEST else f"{shown[:20]}... ({len(shown):,} characters)"
