"""The genotype codec: block layout, encoding, decoding, and its numcodecs shell."""
