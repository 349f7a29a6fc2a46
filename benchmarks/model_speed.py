"""Logistic regression with strata and PSUs beside statsmodels' own fit; coefficients are compared first.

    python benchmarks/model_speed.py [--rows 1e6] [--out benchmarks/results/model_speed.csv]

36 columns: an intercept, 11 numbers and 8 codes of four levels. statsmodels fits the same matrix with the same weights,
without the matrix from the formula being counted; its covariance knows clusters, but neither strata nor weights.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.api as sm
from measuring import best
from survey_speed import design, frame

from uncac_metrics.stats import survey

NUMBERS, CODES = 11, 8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=float, default=1e6)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/model_speed.csv"))
    options = parser.parse_args()
    n = int(options.rows)
    rng = np.random.default_rng(0)
    data = frame(n)[["w", "h", "psu"]]
    for k in range(CODES):
        data[f"c{k}"] = rng.integers(0, 4, n).astype(np.int8)
    for k in range(NUMBERS):
        data[f"x{k}"] = rng.normal(size=n)
    odds = np.exp(-1 + 0.3 * data["x0"] + 0.2 * (data["c0"] == 1))
    data["paid"] = (rng.random(n) < odds / (1 + odds)).astype(np.uint8)
    terms = [f"x{k}" for k in range(NUMBERS)] + [f"C(c{k})" for k in range(CODES)]
    formula = f"paid ~ {' + '.join(terms)}"
    sample = design(data)
    fit = survey.glm(sample, formula, family="binomial")
    ours = best(lambda: survey.glm(sample, formula, family="binomial"))
    columns = [np.ones(n)] + [data[f"x{k}"] for k in range(NUMBERS)]
    columns += [data[f"c{k}"] == j for k in range(CODES) for j in (1, 2, 3)]
    x = np.column_stack(columns).astype(float)

    def theirs() -> object:
        weight = data["w"] / data["w"].mean()
        model = sm.GLM(data["paid"].to_numpy(float), x, family=sm.families.Binomial(), freq_weights=weight)
        return model.fit(cov_type="cluster", cov_kwds={"groups": data["psu"].to_numpy()})

    if not np.allclose(np.sort(theirs().params), np.sort(fit.estimates.table["value"]), rtol=1e-7, atol=1e-9):
        raise SystemExit("statsmodels gives other coefficients")
    peer = best(theirs, 1)
    rows = [("uncac_metrics, formula included", *ours), ("statsmodels GLM, matrix given", *peer)]
    table = pd.DataFrame(rows, columns=["what", "cpu_s", "wall_s", "added_mb"]).assign(
        rows=n, columns=x.shape[1], ratio=peer[0] / ours[0]
    )
    print(table.to_string(index=False))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.out, index=False, float_format="%.4g", lineterminator="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
