"""Two people's calls compared 3,584 at a time: the sums of KING-robust from bit planes, in vector operations."""

from collections.abc import Iterator
from typing import Any

from .jit import intrinsic
from .later import ir, types
from .vectors import LANES, add_bits, bytes64, count_bits, load, sum_bytes

# Words of a block: seven vectors of eight, which carry-save adders make three before any bit is counted.
BLOCK = 56
# A byte of opposite homozygotes, twice, is at most this.
_MOST = 2 * BLOCK


@intrinsic
def score(typingctx: Any, hom: Any, alt: Any, at: Any, other: Any) -> Any:
    """Sites at which both are heterozygous, less twice those at which they are opposite homozygotes.

    hom, alt : uint64 of one axis, planes of people one behind another, as ``kinship.call_planes`` makes them
    at, other : where the ``BLOCK`` words of the two people begin
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        both, opposite = [], []
        for hom, alt, other_hom, other_alt in _planes(context, builder, signature, args):
            both.append(_only(builder, alt, hom, other_hom, other_alt))
            opposite.append(builder.and_(builder.and_(hom, other_hom), builder.xor(alt, other_alt)))
        more, less = _bits_of_bytes(builder, both), _bits_of_bytes(builder, opposite)
        above = builder.sub(builder.add(more, _splat(_MOST)), builder.add(less, less))
        return builder.sub(sum_bytes(builder, above), ir.Constant(ir.IntType(64), _MOST * 64))

    return types.int64(hom, alt, types.intp, types.intp), codegen


@intrinsic
def both_het(typingctx: Any, hom: Any, alt: Any, at: Any, other: Any) -> Any:
    """Sites at which both are heterozygous; arguments as of ``score``."""
    return types.int64(hom, alt, types.intp, types.intp), _counting(lambda b, h, a, h2, a2: _only(b, a, h, h2, a2))


@intrinsic
def het_lost(typingctx: Any, hom: Any, alt: Any, at: Any, other: Any) -> Any:
    """Sites at which the first is heterozygous and the other missing; arguments as of ``score``."""

    def lost(builder: Any, hom: Any, alt: Any, other_hom: Any, other_alt: Any) -> Any:
        none = builder.or_(builder.or_(hom, other_hom), other_alt)
        return builder.and_(alt, builder.not_(none))

    return types.int64(hom, alt, types.intp, types.intp), _counting(lost)


@intrinsic
def both_missing(typingctx: Any, hom: Any, alt: Any, at: Any, other: Any) -> Any:
    """Sites at which both are missing, those of the padding too; arguments as of ``score``."""

    def missing(builder: Any, hom: Any, alt: Any, other_hom: Any, other_alt: Any) -> Any:
        return builder.not_(builder.or_(builder.or_(hom, alt), builder.or_(other_hom, other_alt)))

    return types.int64(hom, alt, types.intp, types.intp), _counting(missing)


def _only(builder: Any, alt: Any, hom: Any, other_hom: Any, other_alt: Any) -> Any:
    return builder.and_(builder.and_(alt, other_alt), builder.not_(builder.or_(hom, other_hom)))


def _counting(expression: Any) -> Any:
    """Code that counts the bits that an expression of two people's planes sets in a block."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vectors = [expression(builder, *planes) for planes in _planes(context, builder, signature, args)]
        return sum_bytes(builder, _bits_of_bytes(builder, vectors))

    return codegen


def _planes(context: Any, builder: Any, signature: Any, args: Any) -> Iterator[list[Any]]:
    """hom and alt of the one, then of the other, vector after vector."""
    for lane in range(0, BLOCK, LANES):
        places = [builder.add(place, ir.Constant(ir.IntType(64), lane)) for place in args[2:]]
        yield [
            load(context, builder, signature.args[plane], args[plane], place) for place in places for plane in (0, 1)
        ]


def _splat(value: int) -> Any:
    return ir.Constant(bytes64(), [ir.Constant(ir.IntType(8), value)] * 64)


def _bits_of_bytes(builder: Any, vectors: list[Any]) -> Any:
    """Set bits of each byte of seven vectors together: at most 56."""
    first, carry_1 = add_bits(builder, *vectors[:3])
    second, carry_2 = add_bits(builder, *vectors[3:6])
    ones, carry_3 = add_bits(builder, first, second, vectors[6])
    twos, fours = add_bits(builder, carry_1, carry_2, carry_3)
    ones, twos, fours = (count_bits(builder, vector) for vector in (ones, twos, fours))
    twos = builder.add(twos, builder.add(fours, fours))
    return builder.add(ones, builder.add(twos, twos))
