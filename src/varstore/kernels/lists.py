"""Sorted lists of indexes as bits: a code after Elias and Fano.

A list of ``n`` indexes below ``universe`` is ``n`` low parts of ``width`` bits each, then their high parts in
unary: entry ``i`` with the high part ``h`` sets bit ``h + i``. With ``width = floor(log2(universe / n))``
that is within half a bit an entry of the least that any code takes for indexes without a pattern
(Vigna, "Quasi-succinct indices", WSDM 2013), entries are read without waiting for one another, and
where a list ends follows from ``n``. The shortest lists are plain numbers: no larger, and faster read.
"""

from typing import Any

import numpy as np

from .intrinsics import bit_length, load_word, popcount, trailing_zeros
from .jit import inlined, kernel

# A reader loads 8 bytes at a time: so many zero bytes stand behind the last list of a stream.
PADDING = 8
MOST_PLAIN = 4  # entries of a list of plain numbers
# Bits of a load that are left when it began inside a byte.
_STEP = 56


@kernel
def low_width(universe: int, length: int) -> int:
    """Bits of a low part: floor(log2(universe / length)), at least 0. ``length`` is not 0."""
    width: Any = np.int64(bit_length(universe)) - np.int64(bit_length(length))
    width = max(width, 0)
    # Lengths of bits alone are one too many where the length's leading part is the larger.
    return width - (width > 0 and (length << width) > universe)


@kernel
def list_bits(universe: int, length: int) -> int:
    """Bits of a list of ``length`` indexes below ``universe``."""
    if length <= MOST_PLAIN:
        return length * bit_length(universe - 1)
    width = low_width(universe, length)
    return length * (width + 1) + ((universe - 1) >> width)


@kernel
def _put_bits(words: Any, at: int, value: int) -> None:
    word, shift = at >> 6, np.uint64(at & 63)
    words[word] |= np.uint64(value) << shift
    if shift > np.uint64(47):  # a part has 16 bits at most
        words[word + 1] |= np.uint64(value) >> (np.uint64(64) - shift)


@kernel
def put_list(indexes: Any, universe: int, words: Any, at: int) -> int:
    """Write rising ``indexes`` at bit ``at`` of zeroed ``words``; return the bit behind them."""
    length = indexes.size
    if length <= MOST_PLAIN:
        width = bit_length(universe - 1)
        for i in range(length):
            _put_bits(words, at + i * width, np.int64(indexes[i]))
        return at + length * width
    width = low_width(universe, length)
    mask = (np.int64(1) << width) - 1
    high_at = at + length * width
    for i in range(length):
        index = np.int64(indexes[i])
        _put_bits(words, at + i * width, index & mask)
        bit = high_at + (index >> width) + i
        words[bit >> 6] |= np.uint64(1) << np.uint64(bit & 63)
    return at + list_bits(universe, length)


@kernel
def _read_bits(data: Any, at: int, mask: Any) -> Any:
    return (load_word(data, at >> 3) >> np.uint64(at & 7)) & mask


@kernel
def _read_parts(data: Any, at: int, length: int, universe: int, indexes: Any) -> bool:
    """``read_list`` of a list of low and high parts."""
    width = low_width(universe, length)
    mask = (np.uint64(1) << np.uint64(width)) - np.uint64(1)
    high_at = at + length * width
    most = length + ((universe - 1) >> width)
    num, position = 0, 0
    while num < length and position < most:
        bits = np.uint64(min(_STEP, most - position))
        word = _read_bits(data, high_at + position, (np.uint64(1) << bits) - np.uint64(1))
        ones: Any = np.int64(popcount(word))
        for _ in range(min(ones, length - num)):
            high = position - num + np.int64(trailing_zeros(word))
            word &= word - np.uint64(1)
            # An unsigned index: a signed one is tested for "from the end".
            indexes[np.uint64(num)] = np.uint16((high << width) | np.int64(_read_bits(data, at, mask)))
            at += width
            num += 1
        position += _STEP
    falls = False
    for i in range(1, num):
        falls |= indexes[i] <= indexes[i - 1]
    return num == length and not falls and np.int64(indexes[length - 1]) < universe


@inlined
def read_list(data: Any, at: int, length: int, universe: int, indexes: Any) -> bool:
    """Write the list at bit ``at`` of ``data`` to ``indexes``; return whether it is one.

    data : uint8, with ``PADDING`` bytes behind the last list    indexes : uint16, with room for ``length``
    ``at`` and ``length`` are validated; the bits themselves are not.
    """
    good = True
    if length <= MOST_PLAIN:
        width = np.int64(bit_length(universe - 1))
        mask = (np.uint64(1) << np.uint64(width)) - np.uint64(1)
        previous = np.int64(-1)
        for i in range(length):
            index = np.int64(_read_bits(data, at, mask))
            good &= index > previous
            previous = index
            indexes[i] = np.uint16(index)
            at += width
        good &= previous < universe
    else:
        good = _read_parts(data, at, length, universe, indexes)
    return good
