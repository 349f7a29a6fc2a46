r"""Quadratic forms of variances, never written out as a matrix of pairs.

With :math:`\pi_i` the inclusion probabilities and :math:`\pi_{ij}` the joint ones, the Horvitz–Thompson variance of a
sum of weighted values is :math:`z^\top D z`, :math:`D_{ij} = 1 - \pi_i \pi_j / \pi_{ij}`. For stratified and clustered
samples, for approximations of :math:`\pi_{ij}` by functions of :math:`\pi_i`, and for two phases, D is a sum of
blocks of low rank within classes of units: applying it takes as long as reading the units.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from uncac_metrics.stats.survey.stages import Stage

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Block:
    """``D_ij = left_i right_j`` for units i, j of one class, 0 for units of different classes."""

    classes: Array
    left: Array
    right: Array

    @cached_property
    def _order(self) -> tuple[Array, Array, Array]:
        order = np.argsort(self.classes, kind="stable")
        change = np.flatnonzero(np.diff(self.classes[order])) + 1
        starts = np.concatenate([[0], change])
        place = np.empty(order.size, dtype=np.intp)
        place[order] = np.repeat(np.arange(starts.size), np.diff([*starts, order.size]))
        return order, starts, place

    def apply(self, z: Array) -> Array:
        """D z for values by unit, shape (units, estimates)."""
        order, starts, place = self._order
        sums = np.add.reduceat((self.right[:, None] * z)[order], starts, axis=0)
        return self.left[:, None] * sums[place]


@dataclass(frozen=True, eq=False)
class Form:
    """A quadratic form: a diagonal and blocks, or a full matrix where joint probabilities are given."""

    name: str
    diagonal: Array
    blocks: tuple[Block, ...] = ()
    matrix: Array | None = None

    def __matmul__(self, z: Array) -> Array:
        flat = z.ndim == 1
        wide = z[:, None] if flat else z
        out = self.diagonal[:, None] * wide
        if self.matrix is not None:
            out = out + self.matrix @ wide
        for block in self.blocks:
            out = out + block.apply(wide)
        return out[:, 0] if flat else out

    def yates_grundy(self) -> Form:
        """The form of Sen, Yates and Grundy: the same pairs, without what rests on a fixed sample size."""
        rows = self @ np.ones(self.diagonal.size)
        name = self.name.replace("Horvitz–Thompson", "Sen–Yates–Grundy")
        return Form(name, self.diagonal - rows, self.blocks, self.matrix)


def one_minus_fractions(stages: Iterable[Stage]) -> list[Array]:
    """1 − f for every stratum of each stage, f the fraction of its units that are in the sample."""
    out: list[Array] = []
    carry: Array | None = None
    for stage in stages:
        above = np.ones(stage.size.size) if carry is None else carry
        with np.errstate(divide="ignore", invalid="ignore"):
            rest = stage.factor * np.where(stage.size > 1, (stage.size - 1) / stage.size, 1.0) / above
        rest = np.where(above > 0, rest, 1.0)
        out.append(rest)
        # the units of this stage are the strata of the next
        carry = (above * (1 - rest))[stage.stratum]
    return out


@dataclass(frozen=True, eq=False)
class Level:
    """One stage of one phase, seen by unit: ``D_ij`` is `same` within a unit and `other` between its neighbours."""

    parent: Array
    unit: Array
    same: Array
    other: Array


def levels(stages: tuple[Stage, ...], unit: Array, *, independent: bool = False) -> list[Level]:
    """The stages of a design as seen by the units with these final units.

    Parameters
    ----------
    stages : tuple of Stage
    unit : integer array
        Final unit of each unit of the form.
    independent : bool
        Without a population size, units of the first stage were drawn independently of one another and their number
        is random; otherwise it is fixed.
    """
    out = []
    for s, (stage, rest) in enumerate(zip(stages, one_minus_fractions(stages), strict=True)):
        own = stage.unit[unit]
        parent = stage.stratum[own]
        same = np.where(stage.lonely, 0.0, rest)
        with np.errstate(divide="ignore", invalid="ignore"):
            other = np.where(stage.size > 1, -rest / (stage.size - 1.0), 0.0)
        if independent and s == 0:
            other = np.where(rest == 1, 0.0, other)
        out.append(Level(parent, own, same[parent], other[parent]))
    return out


def product(name: str, parts: Iterable[Level]) -> Form:
    r"""The form of stages and phases one after the other: :math:`1 - D_{ij} = \prod_s (1 - D_{s,ij})`.

    Parameters
    ----------
    name : str
        What the form is, in words.
    parts : iterable of Level

    Returns
    -------
    Form
    """
    parts = list(parts)
    n = parts[0].unit.size
    terms = [(np.zeros(n, dtype=np.intp), np.ones(n))]
    for part in parts:
        # 1 − D = 1 − other·[same parent] − (same − other)·[same unit]
        pieces = [(part.parent, -part.other), (part.unit, part.other - part.same)]
        grown = [
            (_within(classes, codes), factor * coefficient)
            for classes, factor in terms
            for codes, coefficient in pieces
            if coefficient.any()
        ]
        terms += [term for term in grown if term[1].any()]
    blocks = [Block(classes, -factor, np.ones(n)) for classes, factor in terms[1:]]
    diagonal = np.zeros(n)
    kept = []
    for block in blocks:
        if block.classes.size and int(block.classes.max()) == n - 1:  # each unit a class of its own
            diagonal += block.left
        else:
            kept.append(block)
    return Form(name, diagonal, tuple(kept))


def _within(classes: Array, codes: Array) -> Array:
    """Dense codes of the classes cut by further codes."""
    wide = classes.astype(np.int64) * (int(codes.max(initial=0)) + 1) + codes
    return np.unique(wide, return_inverse=True)[1].astype(np.intp)
