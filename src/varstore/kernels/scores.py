"""Two people's calls compared 3,584 at a time: the sums of KING-robust from bit planes, in vector operations."""

from typing import Any

from .startup import loading

with loading():
    from llvmlite import ir
    from numba.core import cgutils, types
    from numba.extending import intrinsic

# Words of a block: seven vectors of eight, which carry-save adders make three before any bit is counted. Processors
# without a vector popcount count bits through tables, which is most of the work.
BLOCK = 56
_LANES = 8
_WORDS = ir.VectorType(ir.IntType(64), _LANES)
_BYTES = ir.VectorType(ir.IntType(8), 64)
# A byte of opposite homozygotes, twice, is at most this.
_MOST = 2 * BLOCK


@intrinsic
def score(typingctx: Any, hom: Any, alt: Any, other_hom: Any, other_alt: Any, at: Any) -> Any:
    """Sites at which both are heterozygous, less twice those at which they are opposite homozygotes.

    hom, alt, other_hom, other_alt : (words,) uint64, of two people, as ``kinship.call_planes`` makes them
    at : the first of ``BLOCK`` words
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        both, opposite = [], []
        for lane in range(0, BLOCK, _LANES):
            index = builder.add(args[4], ir.Constant(ir.IntType(64), lane))
            hom, alt, other_hom, other_alt = (
                _load(context, builder, kind, array, index)
                for kind, array in zip(signature.args[:4], args[:4], strict=True)
            )
            het_at_most = builder.not_(builder.or_(hom, other_hom))
            both.append(builder.and_(builder.and_(alt, other_alt), het_at_most))
            opposite.append(builder.and_(builder.and_(hom, other_hom), builder.xor(alt, other_alt)))
        more, less = _bits_of_bytes(builder, both), _bits_of_bytes(builder, opposite)
        above = builder.sub(builder.add(more, _splat(_MOST)), builder.add(less, less))
        return builder.sub(_sum(builder, above), ir.Constant(ir.IntType(64), _MOST * 64))

    return types.int64(hom, alt, other_hom, other_alt, types.intp), codegen


def _load(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    view = context.make_array(array_type)(context, builder, array)
    pointer = cgutils.gep_inbounds(builder, view.data, index)
    return builder.load(builder.bitcast(pointer, _WORDS.as_pointer()), align=8)


def _splat(value: int) -> Any:
    return ir.Constant(_BYTES, [ir.Constant(ir.IntType(8), value)] * 64)


def _add(builder: Any, a: Any, b: Any, c: Any) -> tuple[Any, Any]:
    """Sum and carry of three bits."""
    total = builder.xor(builder.xor(a, b), c)
    return total, builder.or_(builder.and_(a, b), builder.and_(c, builder.or_(a, b)))


def _bits_of_bytes(builder: Any, vectors: list[Any]) -> Any:
    """Set bits of each byte of seven vectors together: at most 56."""
    first, carry_1 = _add(builder, *vectors[:3])
    second, carry_2 = _add(builder, *vectors[3:6])
    ones, carry_3 = _add(builder, first, second, vectors[6])
    twos, fours = _add(builder, carry_1, carry_2, carry_3)
    kind = ir.FunctionType(_BYTES, [_BYTES])
    count = cgutils.get_or_insert_function(builder.module, kind, "llvm.ctpop.v64i8")
    ones, twos, fours = (builder.call(count, [builder.bitcast(v, _BYTES)]) for v in (ones, twos, fours))
    twos = builder.add(twos, builder.add(fours, fours))
    return builder.add(ones, builder.add(twos, twos))


def _sum(builder: Any, numbers: Any) -> Any:
    wide = ir.VectorType(ir.IntType(32), 64)
    kind = ir.FunctionType(ir.IntType(32), [wide])
    add = cgutils.get_or_insert_function(builder.module, kind, "llvm.vector.reduce.add.v64i32")
    return builder.zext(builder.call(add, [builder.zext(numbers, wide)]), ir.IntType(64))
