"""Size taken out: indicators divided by a denominator."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def denominate(x: Array, denominator: Array, scale: Array | float = 1.0) -> Array:
    """``x · scale / denominator``; a scale of 100 000 gives values per 100 000 of the denominator.

    Parameters
    ----------
    x : array of shape (..., units, indicators)
    denominator : array of shape (..., units, indicators) or broadcastable to it
    scale : float or array

    Returns
    -------
    array
        Missing where the denominator is missing or not positive: nothing is a rate of nobody.

    Examples
    --------
    >>> denominate(np.array([[30.0], [5.0]]), np.array([[2000.0], [0.0]]), 1000).ravel()
    array([15., nan])
    """
    below = np.asarray(denominator, dtype=float)
    return np.asarray(x, dtype=float) * scale / np.where(below > 0, below, np.nan)
