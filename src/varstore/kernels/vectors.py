"""Code of vector operations on bit planes, for the intrinsics that count bits of many words at a time.

Processors without a vector popcount count bits through tables, which is most of the work: carry-save adders make few
vectors of many before any bit is counted.
"""

from typing import Any

from .later import cgutils, ir

# Words of a vector.
LANES = 8


def bytes64() -> Any:
    """The type of a vector of 64 bytes."""
    return ir.VectorType(ir.IntType(8), 64)


def load(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """The ``LANES`` words at ``array[index]``."""
    view = context.make_array(array_type)(context, builder, array)
    pointer = cgutils.gep_inbounds(builder, view.data, index)
    words = ir.VectorType(ir.IntType(64), LANES)
    return builder.load(builder.bitcast(pointer, words.as_pointer()), align=8)


def add_bits(builder: Any, a: Any, b: Any, c: Any) -> tuple[Any, Any]:
    """Sum and carry of three bits, each of its vector."""
    total = builder.xor(builder.xor(a, b), c)
    return total, builder.or_(builder.and_(a, b), builder.and_(c, builder.or_(a, b)))


def count_bits(builder: Any, vector: Any) -> Any:
    """Set bits of each byte."""
    kind = ir.FunctionType(bytes64(), [bytes64()])
    count = cgutils.get_or_insert_function(builder.module, kind, "llvm.ctpop.v64i8")
    return builder.call(count, [builder.bitcast(vector, bytes64())])


def sum_bytes(builder: Any, numbers: Any) -> Any:
    """The sum of 64 bytes, an int64."""
    wide = ir.VectorType(ir.IntType(16), 64)  # 64 x 255 fits
    kind = ir.FunctionType(ir.IntType(16), [wide])
    add = cgutils.get_or_insert_function(builder.module, kind, "llvm.vector.reduce.add.v64i16")
    return builder.zext(builder.call(add, [builder.zext(numbers, wide)]), ir.IntType(64))
