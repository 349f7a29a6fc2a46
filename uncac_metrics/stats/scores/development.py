r"""Indices of human development as the United Nations Development Programme computes them: known answers for recipes.

The Human Development Index itself is the shipped recipe ``HDI-01``.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def inequality_adjusted(hdi: Array, *losses: Array) -> Array:
    r"""Inequality-adjusted index: :math:`\mathrm{IHDI} = \mathrm{HDI}\,\prod_d (1 - A_d)^{1/D}`.

    Parameters
    ----------
    hdi : array
        Index before the adjustment.
    *losses : arrays
        Atkinson inequality of each dimension, a share.

    References
    ----------
    UNDP (2022), Human Development Report 2021/22, technical note 2.

    Examples
    --------
    >>> inequality_adjusted(np.array([0.961]), np.array([0.025]), np.array([0.023]), np.array([0.125])).round(3)
    array([0.904])
    """
    kept = np.prod([1 - np.asarray(a, dtype=float) for a in losses], axis=0)
    return np.asarray(hdi, dtype=float) * kept ** (1 / len(losses))


def gender_inequality(
    maternal_mortality: Array,
    adolescent_births: Array,
    seats: tuple[Array, Array],
    schooling: tuple[Array, Array],
    labour: tuple[Array, Array],
) -> Array:
    r"""Gender Inequality Index: one less the harmonic mean of the sexes over the geometric mean of the averages.

    .. math:: G_F = \sqrt[3]{\sqrt{\tfrac{10}{MMR}\tfrac{1}{ABR}}\,\sqrt{PR_F\,SE_F}\,LFPR_F},\quad
              G_M = \sqrt[3]{1 \cdot \sqrt{PR_M\,SE_M}\,LFPR_M},\quad
              \mathrm{GII} = 1 - \frac{2 / (1/G_F + 1/G_M)}{\sqrt[3]{\bar H \bar E \bar L}}

    Parameters
    ----------
    maternal_mortality : array
        Deaths per 100 000 live births, held within 10 and 1000.
    adolescent_births : array
        Per 1000 women aged 15–19.
    seats, schooling, labour : pairs of arrays (women, men)
        Shares of seats in parliament (women's at least 0.1 %), with secondary education, in the labour force.

    References
    ----------
    UNDP (2022), Human Development Report 2021/22, technical note 4.

    Examples
    --------
    >>> gender_inequality(2.0, 2.3, (0.45, 0.55), (0.954, 0.985), (0.603, 0.72)).round(3)
    np.float64(0.016)
    """
    mortality = np.clip(np.asarray(maternal_mortality, dtype=float), 10, 1000)
    women = np.maximum(np.asarray(seats[0], dtype=float), 0.001)
    men = np.minimum(np.asarray(seats[1], dtype=float), 0.999)
    health = np.sqrt(10 / mortality / np.asarray(adolescent_births, dtype=float))
    voice = np.sqrt(women * schooling[0]), np.sqrt(men * schooling[1])
    female = np.cbrt(health * voice[0] * labour[0])
    male = np.cbrt(voice[1] * labour[1])
    average = np.cbrt((health + 1) / 2 * (voice[0] + voice[1]) / 2 * (np.asarray(labour[0]) + labour[1]) / 2)
    return 1 - 2 * female * male / (female + male) / average
