"""Leading eigenvalues and eigenvectors of a symmetric matrix that is known by its products alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Vectors of a block beyond those that are asked for: they gather what would slow the last ones down.
_SPARE = 3
_LANES = 8
# Rows of a matrix that is written down and solved whole: quicker then, and exact.
SMALL = 512
# Vectors in the basis, blocks of it, before it is cut down to the best.
_BLOCKS = 20
_NOTHING = 1e-10
# Length of a residual, of its eigenvalue, that is small enough.
TOLERANCE = 1e-3
MOST_PASSES = 100


@dataclass(frozen=True)
class Eigenpairs:
    """values : (k,) descending    vectors : (rows, k), of length 1
    residual : (k,) length of A u - value u: an eigenvalue of A is so near    passes : products with A that were made
    spectrum : (points,) where the eigenvalues lie    weight : (points,) how many of them at each; adds up to the rows
    """

    values: Floats
    vectors: Floats
    residual: Floats
    passes: int
    spectrum: Floats
    weight: Floats

    @property
    def converged(self) -> bool:
        """Whether every pair is within the tolerance."""
        return bool(np.all(self.residual <= TOLERANCE * np.maximum(self.values, _NOTHING * self.values[0])))


def leading(multiply: Callable[[Floats], Floats], rows: int, k: int, seed: int) -> Eigenpairs:
    """The k largest eigenvalues of a positive semidefinite matrix (rows, rows), and their vectors.

    multiply : A times (rows, any) vectors

    Small matrices are solved whole. Others by randomised block Krylov iteration (Musco and Musco 2015) with all
    blocks kept orthogonal, begun from a block of random vectors and gone on with until each residual is at most
    ``TOLERANCE`` of its eigenvalue, or ``MOST_PASSES`` products are made; a basis that is too large is cut down to its
    best vectors (thick restart, Wu and Simon 2000).
    """
    if rows <= SMALL:
        return _whole(multiply, rows, k)
    block = -(-(k + _SPARE) // _LANES) * _LANES
    first = np.linalg.qr(np.random.default_rng(seed).standard_normal((rows, block)))[0]
    return _Basis(multiply, first, k).iterate()


def _whole(multiply: Callable[[Floats], Floats], rows: int, k: int) -> Eigenpairs:
    matrix = multiply(np.eye(rows))
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    values, vectors = values[::-1], vectors[:, ::-1]
    return Eigenpairs(values[:k].copy(), vectors[:, :k].copy(), np.zeros(k), 1, values, np.ones(rows))


class _Basis:
    """An orthogonal basis, A times it, and A within it.

    _first : (columns, block), the first block in terms of the basis, for the spectrum
    """

    def __init__(self, multiply: Callable[[Floats], Floats], first: Floats, k: int) -> None:
        self._multiply, self._k, self._block = multiply, k, first.shape[1]
        self._vectors, self._products = first[:, :0], first[:, :0]
        self._within, self._first = np.zeros((0, 0)), np.zeros((0, self._block))
        self._next = first
        self._spectrum: tuple[Floats, Floats] | None = None

    def iterate(self) -> Eigenpairs:
        """Go on until what is asked for is good enough, or the basis holds all there is."""
        passes = 0
        while True:
            passes += 1
            self._grow()
            found = self._solve(passes)
            if found.converged or passes == MOST_PASSES or not self._next.shape[1]:
                return found

    def _grow(self) -> None:
        """Take the next block in, and make the one after it of what A makes of this one."""
        old, new = self._vectors.shape[1], self._next.shape[1]
        product = self._multiply(self._next)
        self._vectors = np.hstack([self._vectors, self._next])
        self._products = np.hstack([self._products, product])
        across = self._vectors.T @ product
        within = np.empty((old + new, old + new))
        within[:old, :old] = self._within
        within[:, old:] = across
        within[old:, :old] = across[:old].T
        self._within = (within + within.T) / 2
        first = np.zeros((old + new, self._block))
        first[:old] = self._first
        if not old:
            first = np.eye(new)
        self._first = first
        self._next = _new_directions(product, self._vectors)

    def _solve(self, passes: int) -> Eigenpairs:
        """The best of the basis; it is cut down where it has become large."""
        values, turn = np.linalg.eigh(self._within)
        values, turn = values[::-1], turn[:, ::-1]
        best = turn[:, : self._k]
        vectors = self._vectors @ best
        residual = np.linalg.norm(self._products @ best - vectors * values[: self._k], axis=0)
        rows = len(vectors)
        weight = rows / self._block * ((turn.T @ self._first) ** 2).sum(axis=1)
        spectrum = self._spectrum or (np.maximum(values, 0), weight)
        if len(values) >= _BLOCKS * self._block:
            self._spectrum = spectrum
            self._cut(values, turn[:, : self._k + self._block])
        return Eigenpairs(values[: self._k].copy(), vectors, residual, passes, *spectrum)

    def _cut(self, values: Floats, kept: Floats) -> None:
        self._vectors, self._products = self._vectors @ kept, self._products @ kept
        self._within, self._first = np.diag(values[: kept.shape[1]]), kept.T @ self._first


def _new_directions(product: Floats, vectors: Floats) -> Floats:
    """Orthogonal directions of a product that a basis lacks; none, if it has all."""
    length = np.linalg.norm(product, axis=0).max(initial=0.0)
    rest = product - vectors @ (vectors.T @ product)
    rest -= vectors @ (vectors.T @ rest)  # once more: what rounding left
    directions, sizes = np.linalg.qr(rest)
    new: Floats = directions[:, np.abs(np.diag(sizes)) > _NOTHING * length]
    return new
