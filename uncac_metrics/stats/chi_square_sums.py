r"""Distribution of a weighted sum of independent chi-squares, :math:`\sum_j \lambda_j \chi^2_1`.

It is the law of quadratic forms in normal variables, and with that of Rao–Scott statistics. With a finite `df` the sum
is divided by an independent :math:`\chi^2_{df} / df`, as F is to chi-square. The cumulant function is
:math:`K(z) = -\tfrac12 \sum_j h_j \log(1 - 2 \lambda_j z)`, and

.. math:: P(Q > x) = \frac{1}{2\pi i} \int e^{K(z) - zx} \frac{dz}{z}

along any line from :math:`-i\infty` to :math:`i\infty` that crosses the real axis between 0 and the first pole. The
crossing is put at the saddlepoint, where the integrand does not oscillate, so that small tails are exact too.

References
----------
Imhof, J.P. (1961). Computing the distribution of quadratic forms in normal variables. Biometrika 48, 419–426.
Kuonen, D. (1999). Saddlepoint approximations for distributions of quadratic forms in normal variables. Biometrika 86,
929–935.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from uncac_metrics.model import Fault, Faults

Array = np.ndarray
METHODS = ("exact", "saddlepoint", "satterthwaite")


def tail(x: float, weights: Array, df: float = np.inf, method: str = "exact") -> float:
    r"""Probability that :math:`\sum_j \lambda_j \chi^2_1` (over :math:`\chi^2_{df}/df`) is above x.

    Parameters
    ----------
    x : float
    weights : array
        The :math:`\lambda_j`, not negative; zeros are left out.
    df : float
        Degrees of freedom of the denominator; infinite: there is none.
    method : {"exact", "saddlepoint", "satterthwaite"}
        Numerical inversion; Kuonen's saddlepoint approximation; a scaled chi-square (or F) with the same mean and
        variance.

    Returns
    -------
    float

    Examples
    --------
    >>> round(tail(5.0, np.array([1.0, 1.0])), 6)  # chi-square with two degrees of freedom: exp(−5/2)
    0.082085
    >>> [round(tail(5.0, np.array([1.6, 0.4]), df=20, method=m), 4) for m in METHODS]
    [0.1135, 0.1146, 0.1192]
    """
    if method not in METHODS:
        raise Faults([Fault("tail", "method", f"unknown method {method!r}", f"one of {', '.join(METHODS)}")])
    lam = np.asarray(weights, dtype=float)
    lam = lam[lam > 1e-12 * lam.max(initial=0)]
    if np.isnan(x) or np.isnan(lam).any() or not lam.size or not df > 0:
        return np.nan
    if x <= 0:
        return 1.0
    spread = float((lam**2).sum() * lam.size / lam.sum() ** 2)
    if method == "satterthwaite" or (method == "exact" and spread < 1 + 1e-14):
        n = lam.size / spread
        scaled = x / (lam.mean() * spread)
        return float(special.chdtrc(n, scaled) if np.isinf(df) else special.fdtrc(n, df, scaled / n))
    h = np.ones(lam.size)
    if np.isfinite(df):
        lam, h, x = np.append(lam, -x / df), np.append(h, df), 0.0
    top = float(np.abs(lam).max())
    lam, x = lam / top, x / top
    point = _saddlepoint(x, lam, h)
    return _approximate(x, lam, h, point) if method == "saddlepoint" else _inverted(x, lam, h, point)


def _cumulants(z: float, lam: Array, h: Array) -> tuple[float, float, float, float]:
    """K and its first three derivatives at a real z."""
    q = lam / (1 - 2 * z * lam)
    k = -0.5 * float((h * np.log1p(-2 * z * lam)).sum())
    return k, float((h * q).sum()), float(2 * (h * q**2).sum()), float(8 * (h * q**3).sum())


def _saddlepoint(x: float, lam: Array, h: Array) -> float:
    """Root of K'(z) = x, which increases between the poles around zero."""
    from scipy.optimize import brentq

    high = 1 / (2 * lam[lam > 0].max())
    negative = lam[lam < 0]
    # without negative weights K' falls like −Σh/(2z): the root lies above that of x = Σh/(−2z)
    low = 1 / (2 * negative.min()) if negative.size else -h.sum() / (2 * x) - 1

    def slope(z: float) -> float:
        return _cumulants(z, lam, h)[1] - x

    gap = 1e-3
    while slope(high * (1 - gap)) < 0:
        gap /= 10
    lift = 1e-3 if negative.size else 0.0
    while lift and slope(low * (1 - lift)) > 0:
        lift /= 10
    return float(brentq(slope, low * (1 - lift), high * (1 - gap), xtol=1e-300, rtol=1e-14))


def _approximate(x: float, lam: Array, h: Array, z: float) -> float:
    k, _, curvature, third = _cumulants(z, lam, h)
    w = np.sign(z) * np.sqrt(max(2 * (z * x - k), 0.0))
    v = z * np.sqrt(curvature)
    # next to the mean log(v/w)/w is 0/0; its limit is a sixth of the skewness
    shift = third / (6 * curvature**1.5) if abs(v) < 1e-4 else np.log(v / w) / w
    return float(special.ndtr(-(w + shift)))


def _inverted(x: float, lam: Array, h: Array, z: float) -> float:
    from scipy.integrate import quad

    high = 1 / (2 * lam[lam > 0].max())
    if abs(z) < 0.05 * high:  # not through the pole at zero
        z = 0.05 * high
    k, _, curvature, _ = _cumulants(z, lam, h)
    scale = 1 / np.sqrt(curvature)
    # bent to the right where there is no pole on the left: e^{−zx} then falls off
    bend = 0.0 if (lam < 0).any() else 0.25
    log_scale = k - z * x

    def integrand(t: float) -> float:
        s = z + scale * (1j * t + bend * t * t)
        value = np.exp(-0.5 * (h * np.log(1 - 2 * lam * s)).sum() - s * x - log_scale) / s
        return float((value * (1 + (2 * bend * t) / 1j)).real)

    whole = quad(integrand, 0, np.inf, epsabs=0, epsrel=1e-11, limit=500)[0] * scale * np.exp(log_scale) / np.pi
    return float(min(max(whole + (z < 0), 0.0), 1.0))
