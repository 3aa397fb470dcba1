"""The codec alone: one chunk of 2,048 variants x 4,096 people, and one with every kind of odd call."""

import numpy as np

from varstore.codec.genotype import decode_array, encode_array

from . import make_codes


class Codec:
    """Plain codes to a block and back."""

    params = ("plain", "odd")
    param_names = ("calls",)
    timeout = 300

    def setup(self, calls: str) -> None:
        self.codes = make_codes(2_048, 4_096)
        if calls == "odd":
            rng = np.random.default_rng(2)
            self.codes[rng.random(self.codes.shape[:2]) < 0.02] = -1
            for code in (-1, -2, 2, 3):
                self.codes[rng.random(self.codes.shape) < 0.002] = code
        self.data = encode_array(self.codes)
        assert np.array_equal(decode_array(memoryview(self.data)), self.codes)

    def time_encode(self, calls: str) -> None:
        encode_array(self.codes)

    def time_decode(self, calls: str) -> None:
        decode_array(memoryview(self.data))

    def track_size(self, calls: str) -> int:
        return len(self.data)

    track_size.unit = "bytes"
