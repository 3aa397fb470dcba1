"""Texts of users as messages show them."""

# So many characters of a text; of a line with an error, so many before and behind it.
SHOWN = 60


def shortened(text: str) -> str:
    """The text, or its beginning."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
