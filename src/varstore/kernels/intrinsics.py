"""The few machine operations numba does not offer, as LLVM code."""

from typing import Any

import numpy as np

from .jit import intrinsic
from .later import cgutils, ir, types


@intrinsic
def popcount(typingctx: Any, word: Any) -> Any:
    """Count the set bits of a uint64 (``llvm.ctpop``, which vectorises)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), codegen


@intrinsic
def trailing_zeros(typingctx: Any, word: Any) -> Any:
    """Index of the lowest set bit of a uint64 that is not 0."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), codegen


@intrinsic
def bit_length(typingctx: Any, number: Any) -> Any:
    """Bits up to the highest set bit of a non-negative int64; 0 of 0."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        zeros = builder.ctlz(args[0], ir.Constant(ir.IntType(1), 0))
        return builder.sub(ir.Constant(ir.IntType(64), 64), zeros)

    return types.int64(types.int64), codegen


def _pack_bits_slowly(word: Any, mask: Any) -> Any:
    out, place = np.uint64(0), np.uint64(1)
    while mask != np.uint64(0):
        lowest = mask & (~mask + np.uint64(1))
        if word & lowest != np.uint64(0):
            out |= place
        place <<= np.uint64(1)
        mask ^= lowest
    return out


@intrinsic
def pack_bits(typingctx: Any, word: Any, mask: Any) -> Any:
    """The bits of ``word`` where ``mask`` has bits, one beside the other from bit 0 on (PEXT)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        # Zen 1 and 2 have the instruction, and take as long for it as the loop does.
        _, processor, *_ = context.codegen().magic_tuple()
        has_it = "+bmi2" in context.codegen()._tm_features and processor not in ("znver1", "znver2")
        if not has_it:
            return context.compile_internal(builder, _pack_bits_slowly, signature, args)
        integer = ir.IntType(64)
        kind = ir.FunctionType(integer, [integer, integer])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.bmi.pext.64"), args)

    return types.uint64(types.uint64, types.uint64), codegen


@intrinsic
def load_word(typingctx: Any, array: Any, index: Any) -> Any:
    """The 8 bytes at ``array[index]`` as a little-endian uint64, wherever they lie."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, args[0])
        pointer = cgutils.gep_inbounds(builder, view.data, args[1])
        return builder.load(builder.bitcast(pointer, ir.IntType(64).as_pointer()), align=1)

    return types.uint64(array, types.intp), codegen


def _load_vector(context: Any, builder: Any, array_type: Any, args: Any, lane_bits: int) -> Any:
    """Load 64 bytes at ``array[index]`` as a vector of ``lane_bits``-wide integers, unaligned."""
    array = context.make_array(array_type)(context, builder, args[0])
    pointer = cgutils.gep_inbounds(builder, array.data, args[1])
    vector = ir.VectorType(ir.IntType(lane_bits), 512 // lane_bits)
    pointer = builder.bitcast(pointer, vector.as_pointer())
    return builder.load(pointer, align=1)


def _splat(value: int, lane_bits: int, lanes: int) -> Any:
    lane = ir.IntType(lane_bits)
    return ir.Constant(ir.VectorType(lane, lanes), [ir.Constant(lane, value)] * lanes)


def _splat_runtime(builder: Any, value: Any, lanes: int) -> Any:
    vector_type = ir.VectorType(value.type, lanes)
    vector = ir.Constant(vector_type, ir.Undefined)
    vector = builder.insert_element(vector, value, ir.Constant(ir.IntType(32), 0))
    index = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
    return builder.shuffle_vector(vector, ir.Constant(vector_type, ir.Undefined), index)


@intrinsic
def byte_mask64(typingctx: Any, array: Any, index: Any, byte: Any) -> Any:
    """Bit ``i`` is set where ``array[index + i] == byte``, for the 64 bytes at ``index``."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = _load_vector(context, builder, signature.args[0], args, 8)
        equal = builder.icmp_unsigned("==", data, _splat_runtime(builder, args[2], 64))
        return builder.bitcast(equal, ir.IntType(64))

    return types.uint64(array, types.intp, types.uint8), codegen


@intrinsic
def other_mask64(typingctx: Any, array: Any, index: Any) -> Any:
    """Bit ``i`` is set where ``array[index + i]`` is no digit, for the 64 bytes at ``index``."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = _load_vector(context, builder, signature.args[0], args, 8)
        others = builder.icmp_unsigned(">", builder.sub(data, _splat(48, 8, 64)), _splat(9, 8, 64))
        return builder.bitcast(others, ir.IntType(64))

    return types.uint64(array, types.intp), codegen


@intrinsic
def call_bits32(typingctx: Any, array: Any, index: Any) -> Any:
    """Low bits of the 32 digits of 16 calls of the form ``0|1`` + one byte, at ``index``."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = _load_vector(context, builder, signature.args[0], args, 16)
        digits = builder.trunc(data, ir.VectorType(ir.IntType(8), 32))
        ones = builder.and_(digits, _splat(1, 8, 32))
        bits = builder.icmp_unsigned("!=", ones, _splat(0, 8, 32))
        return builder.bitcast(bits, ir.IntType(32))

    return types.uint32(array, types.intp), codegen


@intrinsic
def odd_calls16(typingctx: Any, array: Any, index: Any, pattern: Any) -> Any:
    """Bit ``i`` is set where call ``i`` of 16 at ``index`` is not ``pattern`` up to its digits' low bits.

    pattern : uint32, a call and the tab behind it, digits 0, little-endian
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = _load_vector(context, builder, signature.args[0], args, 32)
        differing = builder.xor(data, _splat_runtime(builder, args[2], 16))
        differing = builder.and_(differing, _splat(0xFFFEFFFE, 32, 16))
        odd = builder.icmp_unsigned("!=", differing, _splat(0, 32, 16))
        return builder.bitcast(odd, ir.IntType(16))

    return types.uint16(array, types.intp, types.uint32), codegen


@intrinsic
def allele_bits64(typingctx: Any, array: Any, index: Any) -> Any:
    """Bit ``i`` is set where byte ``i`` of the 64 at ``index`` is allele 1 in BCF, if all are alleles 0 and 1."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = _load_vector(context, builder, signature.args[0], args, 8)
        ones = builder.and_(data, _splat(4, 8, 64))
        bits = builder.icmp_unsigned("!=", ones, _splat(0, 8, 64))
        return builder.bitcast(bits, ir.IntType(64))

    return types.uint64(array, types.intp), codegen


@intrinsic
def other_calls32(typingctx: Any, array: Any, index: Any, phase: Any) -> Any:
    """Bit ``i`` is set where diploid call ``i`` of BCF, of 32 at ``index``, has another allele than 0 and 1, or phase.

    phase : uint16, bit 8 is that of the second allele; that of the first does not matter
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = _load_vector(context, builder, signature.args[0], args, 8)
        # Alleles 0 and 1 are 2 to 5; less 2, nothing is left but the lowest two bits.
        calls = builder.bitcast(builder.sub(data, _splat(2, 8, 64)), ir.VectorType(ir.IntType(16), 32))
        left = builder.and_(calls, _splat(0xFDFC, 16, 32))
        odd = builder.icmp_unsigned("!=", left, _splat_runtime(builder, args[2], 32))
        return builder.bitcast(odd, ir.IntType(32))

    return types.uint32(array, types.intp, types.uint16), codegen


@intrinsic
def put_calls16(typingctx: Any, codes: Any, index: Any, out: Any, at: Any) -> Any:
    """Write 16 diploid calls of BCF, 32 bytes at ``codes[index]``, as ``<tab>0|1``: 64 bytes at ``out[at]``.

    Bit ``i`` of what is returned is set where call ``i`` has another allele than 0 to 8.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bytes32 = ir.VectorType(ir.IntType(8), 32)
        source = context.make_array(signature.args[0])(context, builder, args[0])
        pointer = cgutils.gep_inbounds(builder, source.data, args[1])
        data = builder.load(builder.bitcast(pointer, bytes32.as_pointer()), align=1)
        beyond = builder.icmp_unsigned(">", builder.sub(data, _splat(2, 8, 32)), _splat(17, 8, 32))
        pairs = builder.bitcast(builder.sext(beyond, bytes32), ir.VectorType(ir.IntType(16), 16))
        odd = builder.icmp_unsigned("!=", pairs, _splat(0, 16, 16))
        calls = builder.bitcast(data, ir.VectorType(ir.IntType(16), 16))
        calls = builder.zext(calls, ir.VectorType(ir.IntType(32), 16))
        # An allele's digit is half its code and "/"; "|" is 77 behind "/".
        first = builder.and_(builder.shl(calls, _splat(7, 32, 16)), _splat(0x7F00, 32, 16))
        second = builder.and_(builder.shl(calls, _splat(15, 32, 16)), _splat(0x7F000000, 32, 16))
        phase = builder.and_(builder.lshr(calls, _splat(8, 32, 16)), _splat(1, 32, 16))
        text = builder.mul(phase, _splat(77 << 16, 32, 16))
        for part in (first, second, _splat(0x2F2F2F09, 32, 16)):
            text = builder.add(text, part)
        target = context.make_array(signature.args[2])(context, builder, args[2])
        pointer = cgutils.gep_inbounds(builder, target.data, args[3])
        builder.store(text, builder.bitcast(pointer, text.type.as_pointer()), align=1)
        return builder.bitcast(odd, ir.IntType(16))

    return types.uint16(codes, types.intp, out, types.intp), codegen


@intrinsic
def add_looked_up(typingctx: Any, one: Any, two: Any, tables: Any, out: Any, row: Any) -> Any:
    """Add to the 8 float64 of ``out[row]`` the row of a table for each 4 bits of ``one``, and twice those of ``two``.

    one, two : uint64    tables : (16 * 16, 8) float64, a table of 16 rows for each 4 bits    out : (rows, 8) float64
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.VectorType(ir.DoubleType(), 8)
        word = ir.IntType(64)

        def at(number: int, index: Any) -> Any:
            view = context.make_array(signature.args[number])(context, builder, args[number])
            pointer = cgutils.gep_inbounds(builder, view.data, builder.mul(index, ir.Constant(word, 8)))
            return builder.bitcast(pointer, vector.as_pointer())

        def sums(bits: Any) -> Any:
            found = []
            for part in range(16):
                index = builder.and_(builder.lshr(bits, ir.Constant(word, 4 * part)), ir.Constant(word, 15))
                found.append(builder.load(at(2, builder.add(index, ir.Constant(word, 16 * part))), align=8))
            while len(found) > 1:  # in pairs: no sum waits for all before it
                found = [builder.fadd(a, b) for a, b in zip(found[::2], found[1::2], strict=True)]
            return found[0]

        target = at(3, args[4])
        twice = sums(args[1])
        total = builder.fadd(sums(args[0]), builder.fadd(twice, twice))
        builder.store(builder.fadd(builder.load(target, align=8), total), target, align=8)
        return context.get_dummy_value()

    return types.void(types.uint64, types.uint64, tables, out, types.intp), codegen
