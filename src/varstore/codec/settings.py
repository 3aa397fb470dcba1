"""What the encoder chooses. All settled by benchmarks/codec.py; docs/architecture.md says why.

A reader needs none of it: a block says how it was made.
"""

MAX_HAPLOTYPES = 65536  # of an inner block: its indexes are uint16
INNER = 16384  # samples of an inner block, at most
SPARSE_SHIFT = 9  # a set is a list while it holds less than 1/512 of its haplotypes
RESIDUAL_SHIFT = 3  # what an XOR leaves is a list while it has less than 1/8 of the haplotypes
LEVEL = 3  # zstd
