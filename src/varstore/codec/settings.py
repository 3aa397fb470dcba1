"""What the encoder chooses. All settled by benchmarks/codec.py; docs/architecture.md says why.

A reader needs none of it: a block says how it was made.
"""

MAX_HAPLOTYPES = 65536  # of an inner block: its indexes are uint16
INNER = 16384  # samples of an inner block, at most
SPARSE_SHIFT = 8  # a set is a list while it holds less than 1/256 of its haplotypes
RESIDUAL_SHIFT = 4  # an XOR is a list while it has less than 1/16 of the haplotypes
LEVEL = 3  # zstd, of forms and lists
PLANE_LEVEL = 9  # zstd, of planes: smaller, and faster to inflate
