"""What a calibration cannot do, said before it is tried or after it has failed."""

from __future__ import annotations

import numpy as np

from uncac_metrics.model import Fault, Faults
from uncac_metrics.stats.survey.distances import DISTANCES, FREE, Basis, Solution
from uncac_metrics.stats.survey.targets import Targets

Array = np.ndarray


def check_options(method: str, bounds: tuple[float, float], residuals: str, name: str) -> None:
    """Refuse options that are none."""
    faults = []
    if method not in DISTANCES:
        faults.append(Fault(name, "method", f"unknown method {method!r}", f"one of {', '.join(DISTANCES)}"))
    if residuals not in ("weighted", "unweighted"):
        faults.append(Fault(name, "residuals", f"unknown regression {residuals!r}", "weighted or unweighted"))
    low, high = bounds
    if not low < 1 < high:
        remedy = "factors of the weights: low < 1 < high, as (0.5, 2); scale the weights to the population first"
        faults.append(Fault(name, "bounds", f"[{low:g}, {high:g}] does not hold 1", remedy))
    elif method == "logit" and not (low >= 0 and np.isfinite(high)):
        faults.append(Fault(name, "bounds", "the logit distance needs 0 ≤ low and a finite high", "as (0.3, 3)"))
    if faults:
        raise Faults(faults)


def impossible(
    aim: Targets, before: Array, of: Basis, bounds: tuple[float, float], tolerance: float, name: str
) -> list[Fault]:
    """Totals that no factors, or none within the bounds, can meet."""
    faults = []
    low, high = bounds
    for j, total in enumerate(aim.names):
        place = f"total {total!r}"
        if of.contradiction[j] > max(tolerance, 1e-9):
            what = f"{aim.wanted[j]:,.10g} contradicts the other totals: the columns depend on each other"
            faults.append(Fault(name, place, what, "leave one of them out, or take all totals from one source"))
            continue
        x = aim.x[:, j]
        if bounds == FREE or not ((x >= 0).all() or (x <= 0).all()):
            continue
        least, most = sorted((low * before[j], high * before[j]))
        slack = tolerance * of.size[j]
        if not least - slack <= aim.wanted[j] <= most + slack:
            needed = aim.wanted[j] / before[j]
            what = f"wanted {aim.wanted[j]:,.10g} is {needed:.4g} times the sample's {before[j]:,.10g}"
            faults.append(Fault(name, place, f"{what}, outside the bounds [{low:g}, {high:g}]", "widen the bounds"))
    return faults


def missed(
    aim: Targets, solution: Solution, size: Array, tolerance: float, bounds: tuple[float, float], name: str
) -> list[Fault]:
    """Totals that were not met, with what was reached."""
    achieved = solution.achieved[:, 0]
    remedy = "merge levels or drop a margin" + ("" if bounds == FREE else ", or widen the bounds")
    if not np.isfinite(achieved).all():
        what = f"no solution after {solution.steps} steps; the weights diverge"
        return [Fault(name, "totals", what, remedy)]
    off = np.flatnonzero(np.abs(achieved - aim.wanted) > tolerance * size)
    return [
        Fault(
            name, f"total {aim.names[j]!r}",
            f"not met after {solution.steps} steps: wanted {aim.wanted[j]:,.10g}, reached {achieved[j]:,.10g}", remedy,
        )
        for j in off
    ]  # fmt: skip
