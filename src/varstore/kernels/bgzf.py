"""The blocks of a BGZF file, one after another: SAM specification, section 4.1."""

from typing import Any

from .jit import kernel


@kernel
def _number(data: Any, at: int, size: int) -> int:
    found = 0
    for i in range(size):
        found |= int(data[at + i]) << (8 * i)
    return found


@kernel
def walk_blocks(data: Any, at: int, text: int, offsets: Any) -> Any:
    """Write where blocks begin, from the one at ``at``; return how many, where the next begins, and its text.

    It stops at a block that does not name its size in the first of its extra fields, or that the data does not hold.

    data : uint8, the file    text : inflated bytes before ``at``    offsets : (2, any) int64: in the file, in the text
    """
    num = 0
    while num < offsets.shape[1] and at + 26 <= data.size:
        magic, key, length = _number(data, at, 4), _number(data, at + 12, 2), _number(data, at + 14, 2)
        size = _number(data, at + 16, 2) + 1
        if magic != 0x04088B1F or key != 0x4342 or length != 2 or size < 26 or at + size > data.size:
            break
        offsets[0, num], offsets[1, num] = at, text
        num += 1
        text += _number(data, at + size - 4, 4)
        at += size
    return num, at, text
