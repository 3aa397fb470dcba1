"""What two people's calls have in common, 4,096 sites at a time: counts from two bits a call, in vector operations."""

from typing import Any

from .jit import intrinsic
from .later import cgutils, ir, types
from .vectors import LANES, add_bits, count_bits, load, sum_bytes

# Words of a block: eight vectors of eight, which carry-save adders make four before any bit is counted.
BLOCK = 64


@intrinsic
def add_block(
    typingctx: Any, low: Any, high: Any, my_het: Any, my_hom_alt: Any, called: Any, at: Any, mine: Any, sums: Any
) -> Any:
    """Add the counts of a block of two people, in the order of ``sketch``'s columns, to ``sums``.

    low, high : uint64 of one axis, bits of the calls of people one behind another; of the one who is looked at the
        block's ``BLOCK`` words begin at ``at``
    my_het, my_hom_alt, called : uint64 of one axis, planes of the other, whose words begin at ``mine``
    sums : (5,) int64
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        columns: list[list[Any]] = [[] for _ in range(5)]
        for lane in range(0, BLOCK, LANES):
            at, mine = (builder.add(place, ir.Constant(ir.IntType(64), lane)) for place in args[5:7])
            vectors = [load(context, builder, signature.args[i], args[i], at if i < 2 else mine) for i in range(5)]
            for column, vector in zip(columns, _counted(builder, *vectors), strict=True):
                column.append(vector)
        view = context.make_array(signature.args[7])(context, builder, args[7])
        for place, column in enumerate(columns):
            pointer = cgutils.gep_inbounds(builder, view.data, ir.Constant(ir.IntType(64), place))
            builder.store(builder.add(builder.load(pointer), _bits(builder, column)), pointer)
        return context.get_dummy_value()

    return types.void(low, high, my_het, my_hom_alt, called, types.intp, types.intp, sums), codegen


def _counted(builder: Any, low: Any, high: Any, my_het: Any, my_hom_alt: Any, called: Any) -> list[Any]:
    """Both called; I heterozygous, and the other, where both are called; both heterozygous; opposite homozygotes."""
    both = builder.and_(called, builder.not_(builder.and_(low, high)))
    het = builder.and_(low, both)
    homozygous = builder.and_(both, builder.not_(builder.or_(low, my_het)))
    opposite = builder.and_(builder.xor(high, my_hom_alt), homozygous)
    return [both, builder.and_(my_het, both), het, builder.and_(het, my_het), opposite]


def _bits(builder: Any, vectors: list[Any]) -> Any:
    """Set bits of eight vectors; a byte has 64 at most."""
    first, carry_1 = add_bits(builder, *vectors[:3])
    second, carry_2 = add_bits(builder, *vectors[3:6])
    third, carry_3 = add_bits(builder, first, second, vectors[6])
    ones, carry_4 = builder.xor(third, vectors[7]), builder.and_(third, vectors[7])
    fourth, four_1 = add_bits(builder, carry_1, carry_2, carry_3)
    twos, four_2 = builder.xor(fourth, carry_4), builder.and_(fourth, carry_4)
    ones, twos, four_1, four_2 = (count_bits(builder, vector) for vector in (ones, twos, four_1, four_2))
    fours = builder.add(four_1, four_2)
    twos = builder.add(twos, builder.add(fours, fours))
    return sum_bytes(builder, builder.add(ones, builder.add(twos, twos)))
