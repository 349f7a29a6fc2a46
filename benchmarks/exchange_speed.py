"""Files of a large release: seconds and memory to write, check and read back, by our writer and by pysdmx's.

    python benchmarks/exchange_speed.py [--indicators 60] [--areas 193] [--years 20] [--limit 15] [--sdmx1]
        [--out benchmarks/results/exchange_speed.csv]

Made-up rows: indicators x areas x years. Each step runs once; `limit` is the seconds that SDMX-CSV may take. What
is read back must be the release to the last bit.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measuring import Peak

from uncac_metrics import exchange
from uncac_metrics.builds.plan import gather
from uncac_metrics.exchange.frames import as_text
from uncac_metrics.readers.sdmx_data import sdmx, sdmx_cells
from uncac_metrics.reference import load
from uncac_metrics.results import combine


def release(indicators: list[str], areas: list[str], years: int) -> pd.DataFrame:
    """Made-up estimates with intervals."""
    rng = np.random.default_rng(1)
    shape = (len(indicators), len(areas), years)
    i, a, y = (part.ravel() for part in np.indices(shape))
    n = i.size
    value = rng.random(n) * 100
    error = rng.random(n)
    table = pd.DataFrame(
        {
            "indicator": np.array(indicators, object)[i], "dataset": "made_up", "statistic": "proportion",
            "ref_area": np.array(areas, object)[a], "time_period": (2006 + y).astype(str),
            "value": value, "std_error": error, "lower": value - 2 * error, "upper": value + 2 * error,
            "conf_level": 0.95, "interval": "korn_graubard", "df": rng.integers(50, 400, n).astype(float),
            "n": rng.integers(500, 9000, n), "n_eligible": 9000, "n_psu": 400, "events": rng.integers(10, 500, n),
            "denominator": "with_contact", "deff": 1 + rng.random(n), "cv": error / value, "unit": "%",
            "obs_status": "A", "conf_status": "F", "display": "shown", "reason": "", "quality": "",
            "method": "Taylor linearisation; 12 strata, 600 PSUs",
        }
    )  # fmt: skip
    return combine([table])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--indicators", type=int, default=60)
    parser.add_argument("--areas", type=int, default=193)
    parser.add_argument("--years", type=int, default=20)
    parser.add_argument("--limit", type=float, default=15.0)
    parser.add_argument("--sdmx1", action="store_true", help="read back by sdmx1 too, which takes minutes")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/exchange_speed.csv"))
    options = parser.parse_args()

    from pysdmx.io import read_sdmx, write_sdmx
    from pysdmx.io.format import Format
    from pysdmx.io.pd import PandasDataset

    from uncac_metrics.exchange.sdmx import _definition

    inputs = gather()
    places = load("areas")
    areas = sorted(places.loc[places["level"] == "country", "iso3"])[: options.areas]
    table = release(sorted(inputs.catalogue)[: options.indicators], areas, options.years)
    source = replace(next(iter(inputs.sources.values())), id="made_up")
    given = (inputs.catalogue, inputs.office, {"made_up": source})
    rows: list[dict[str, Any]] = []

    def timed(step: str, run: Callable[[], Any]) -> Any:
        with Peak() as peak:
            start = time.perf_counter()
            found = run()
            seconds = time.perf_counter() - start
        size = len(found) / 1e6 if isinstance(found, bytes) else float("nan")
        rows.append({"step": step, "rows": len(table), "seconds": seconds, "added_mb": peak.added, "file_mb": size})
        print(rows[-1], flush=True)
        return found

    with tempfile.TemporaryDirectory() as folder:
        mixed = table.sample(frac=1, random_state=1)
        text = timed("release_files: sdmx-csv", lambda: exchange.release_files(mixed, *given, formats=["sdmx-csv"])[
            "sdmx/estimates.csv"])  # fmt: skip
        published = exchange.publishable(mixed)
        own = exchange.own_structure(published, *given)
        frame = exchange.cells(published, own, inputs.catalogue)
        timed("our writer of SDMX-CSV: frame to text", lambda: exchange.to_sdmx_csv(frame, own))
        data = PandasDataset(structure=_definition(own, plain=True)[0].to_schema(), data=as_text(frame))
        timed("pysdmx's writer of SDMX-CSV: frame to text",
              lambda: str(write_sdmx(data, Format.DATA_SDMX_CSV_2_0_0)).encode())  # fmt: skip
        path = Path(folder) / "estimates.csv"
        path.write_bytes(text)
        timed("check_exchange: SDMX-CSV", lambda: exchange.check_exchange(path, own))
        back = timed("reader sdmx: SDMX-CSV", lambda: sdmx(path))
        theirs = timed("pysdmx reads SDMX-CSV", lambda: read_sdmx(BytesIO(text)).data[0].data)
        same = [np.array_equal(back[name], published[name].astype(float)) for name in ("value", "lower", "upper")]
        same.append(np.array_equal(theirs["OBS_VALUE"].astype(str).map(float), published["value"]))
        for version in ("2.1", "3.0"):
            made = timed(f"data_xml: SDMX-ML {version}",
                         lambda v=version: exchange.data_xml(frame, own, v, sender="ME", day="2026-01-01"))  # fmt: skip
            xml = Path(folder) / "estimates.xml"
            xml.write_bytes(made)
            cells = timed(f"pysdmx reads SDMX-ML {version}", lambda path=xml: sdmx_cells(path))
            same.append(cells["OBS_VALUE"].tolist() == as_text(frame)["OBS_VALUE"].tolist())
        if options.sdmx1:
            import sdmx as sdmx1

            structure = exchange.structure_xml(own, "2.1", sender="ME", day="2026-01-01")
            (definition,) = sdmx1.read_sdmx(BytesIO(structure)).structure.values()
            options_of = {"format": "CSV", "structure": definition}
            found = timed("sdmx1 reads SDMX-CSV", lambda: sdmx1.read_sdmx(BytesIO(text), **options_of).data[0].obs)
            same.append([float(one.value) for one in found] == published["value"].tolist())
    result = pd.DataFrame(rows)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    result.to_csv(options.out, index=False, float_format="%.4g", lineterminator="\n")
    print(result.to_string(index=False))
    return 0 if all(same) and result["seconds"].iloc[0] <= options.limit else 1


if __name__ == "__main__":
    sys.exit(main())
