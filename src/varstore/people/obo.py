"""Vocabularies: terms of an OBO file (HPO, MONDO), and what is below each."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputError
from .tables import read_text


@dataclass
class Vocabulary:
    """Terms of an ontology.

    children : term to those that name it in ``is_a``    current : a term to the one that stands for it now: of
    ``alt_id`` the main one, of an obsolete term what ``replaced_by`` names
    """

    source: str
    names: dict[str, str] = field(default_factory=dict)
    children: dict[str, set[str]] = field(default_factory=dict)
    current: dict[str, str] = field(default_factory=dict)

    def __contains__(self, term: object) -> bool:
        return term in self.names or term in self.current

    def __len__(self) -> int:
        return len(self.names)

    def name(self, term: str) -> str:
        """What a term is called; empty where nobody said."""
        return self.names.get(self.resolve(term), "")

    def resolve(self, term: str) -> str:
        """The term that stands for a term now. Raises InputError where the vocabulary does not know it."""
        if term not in self:
            raise InputError(f"{self.source}: no term {term!r}")
        seen = set()
        while term in self.current and term not in seen:
            seen.add(term)
            term = self.current[term]
        return term

    def descendants(self, term: str) -> set[str]:
        """A term and all terms below it by ``is_a``, with the ids that they had before.

        Raises InputError where the vocabulary does not know the term.
        """
        found: set[str] = set()
        left = [self.resolve(term)]
        while left:
            one = left.pop()
            if one not in found:
                found.add(one)
                left += self.children.get(one, ())
        before = {old for old in self.current if old not in found and self.resolve(old) in found}
        return found | before | {term}


def read_obo(path: Path) -> Vocabulary:
    """Read an OBO file (1.2 or 1.4): ``id``, ``name``, ``is_a``, ``alt_id``, ``is_obsolete``, ``replaced_by``.

    https://owlcollab.github.io/oboformat/doc/GO.format.obo-1_4.html
    Raises InputError where it is no such file.
    """
    vocabulary = Vocabulary(str(path))
    stanza: dict[str, list[str]] | None = None
    stanzas = 0
    for number, line in enumerate(read_text(path).splitlines(), 1):
        text = line.strip()
        if text.startswith("["):
            _take(vocabulary, stanza)
            stanza = {"line": [str(number)]} if text == "[Term]" else None
            stanzas += text == "[Term]"
        elif stanza is not None and text and not text.startswith("!"):
            key, colon, value = text.partition(":")
            if not colon:
                raise InputError(f"{path}, line {number}: found {text[:60]!r}, expected `tag: value`")
            stanza.setdefault(key.strip(), []).append(value.strip())
    _take(vocabulary, stanza)
    if not stanzas:
        raise InputError(f"{path}: no [Term] in it, expected an OBO file")
    return vocabulary


def _take(vocabulary: Vocabulary, stanza: dict[str, list[str]] | None) -> None:
    """Take a term in. Raises InputError if it has no id."""
    if stanza is None:
        return
    if "id" not in stanza:
        raise InputError(f"{vocabulary.source}, line {stanza['line'][0]}: a [Term] without id")
    term = _first_word(stanza["id"][0])
    if _first_word(stanza.get("is_obsolete", ["false"])[0]) == "true":
        for other in stanza.get("replaced_by", [])[:1]:
            vocabulary.current[term] = _first_word(other)
        if term in vocabulary.current:
            return
    vocabulary.names[term] = stanza.get("name", [""])[0].partition(" !")[0]
    for parent in stanza.get("is_a", []):
        vocabulary.children.setdefault(_first_word(parent), set()).add(term)
    for other in stanza.get("alt_id", []):
        vocabulary.current.setdefault(_first_word(other), term)


def _first_word(text: str) -> str:
    """A value without comment and qualifiers."""
    return text.split("!")[0].split("{")[0].strip()
