"""Sums by partition and in engines: the same estimates as from the rows in memory, the same bits on every executor."""

from __future__ import annotations

import os
import shutil
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncac_metrics.model import Faults
from uncac_metrics.stats import survey
from uncac_metrics.stats.survey import Measure, Plan, SparkExecutor, cells, merge, scan

NUMBERS = ("value", "std_error", "lower", "upper", "df", "n", "n_eligible", "n_psu", "events", "deff", "cv")
PLAN = Plan(
    (
        Measure("ratio", "paid", "contact", within=True),
        Measure("proportion", "paid", "contact"),
        Measure("mean", "y"),
        Measure("total", "y", "contact"),
    ),
    weight="w",
    stratum="h",
    psu="psu",
    by=("region", "sex"),
)


def frame(seed: int = 1, n: int = 4_000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    psu = np.sort(rng.integers(0, 120, n))
    out = pd.DataFrame({"w": rng.gamma(2, 50, n) + 1, "psu": psu, "h": psu % 12, "y": rng.normal(10, 3, n)})
    out["region"] = rng.choice(["north", "south", "east"], n)
    out["sex"] = np.where(rng.random(n) < 0.01, None, rng.choice(["F", "M"], n))
    out["contact"] = (rng.random(n) < 0.6).astype(np.int8)
    out["paid"] = ((rng.random(n) < 0.2) & (out["contact"] == 1)).astype(float)
    out.loc[rng.random(n) < 0.05, "paid"] = np.nan
    return out


def direct(data: pd.DataFrame, by) -> pd.DataFrame:
    design = survey.Design(data, weight="w", stratum="h", psu="psu")
    parts = [
        survey.ratio(design, "paid", "contact", by=by),
        survey.proportion(design, "paid", denominator="contact", by=by),
        survey.mean(design, "y", by=by),
        survey.total(design, data["y"] * data["contact"], by=by),
    ]
    return pd.concat([p.table for p in parts], ignore_index=True)


def assert_same(table: pd.DataFrame, other: pd.DataFrame, rtol: float) -> None:
    for name in NUMBERS:
        a, b = (t[name].to_numpy(float, na_value=np.nan) for t in (table, other))
        np.testing.assert_allclose(a, b, rtol=rtol, err_msg=name)


def bits(table: pd.DataFrame) -> bytes:
    return table[["value", "std_error", "lower", "upper", "deff"]].to_numpy(float).tobytes()


@pytest.mark.parametrize("by", [None, "sex", "region", ["region", "sex"]])
def test_partitions_give_what_the_rows_give(by):
    data = frame()
    found = scan([data.iloc[i : i + 700] for i in range(0, len(data), 700)], PLAN).estimate(by)
    expected = direct(data, by)
    # the total over a base counts the rows of the base, the product of the columns all rows: all but the value differ
    kept = len(expected) * 3 // 4
    assert_same(found.table.iloc[:kept], expected.iloc[:kept], 1e-9)
    np.testing.assert_allclose(found.table["value"], expected["value"], rtol=1e-12)
    np.testing.assert_allclose(found.table["std_error"], expected["std_error"], rtol=1e-9)


def test_joint_covariance_comes_from_the_cells():
    data = frame()
    design = survey.Design(data, weight="w", stratum="h", psu="psu")
    expected = survey.mean(design, "y", by="region").covariance().to_numpy()
    found = scan(data, PLAN).estimate("region").select(statistic="mean").covariance().to_numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)


def test_coarsening_is_the_margin():
    table = scan(frame(), PLAN)
    assert_same(table.coarsen("sex").estimate("sex").table, table.estimate("sex").table, 1e-12)
    assert len(table.coarsen().groups) == 1


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 399), min_size=1, max_size=5, unique=True))
def test_merging_is_associative_and_has_an_order(cuts):
    data = frame(2, 400)
    edges = [0, *sorted(cuts), 400]
    parts = [cells(data.iloc[a:b], PLAN) for a, b in pairwise(edges)]
    plan_design = {"df": "design"}
    whole = merge(parts).estimate("region", **plan_design).table
    grouped = merge([merge(parts[:1]), merge(parts[1:])]).estimate("region", **plan_design).table
    assert_same(whole, grouped, 1e-10)
    assert_same(whole, scan(data, PLAN).estimate("region", **plan_design).table, 1e-10)


@pytest.fixture(scope="module")
def parquet(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    frame(3, 20_000).to_parquet(path, row_group_size=1_000)
    return path


def test_same_bits_on_every_executor(parquet):
    serial = scan(parquet, PLAN, rows=3_000).estimate(["region", "sex"]).table
    with ThreadPoolExecutor(2) as pool:
        assert bits(scan(parquet, PLAN, executor=pool, rows=3_000).estimate(["region", "sex"]).table) == bits(serial)
    with ProcessPoolExecutor(2) as pool:
        assert bits(scan(parquet, PLAN, executor=pool, rows=3_000).estimate(["region", "sex"]).table) == bits(serial)
    assert_same(serial, scan(frame(3, 20_000), PLAN).estimate(["region", "sex"]).table, 1e-9)


@pytest.mark.filterwarnings("ignore")  # of dask and tornado
def test_same_bits_on_dask(parquet):
    from distributed import Client, LocalCluster

    serial = scan(parquet, PLAN, rows=3_000).estimate("region").table
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        found = scan(parquet, PLAN, executor=client.get_executor(), rows=3_000).estimate("region").table
    assert bits(found) == bits(serial)


@pytest.mark.skipif(
    not (shutil.which("java") or os.environ.get("JAVA_HOME") or os.environ.get("CI")), reason="Spark needs Java"
)
@pytest.mark.filterwarnings("ignore")  # of pyspark
def test_spark_as_executor_and_as_engine(parquet):
    import sys

    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        session.sparkContext.setLogLevel("ERROR")
        serial = scan(parquet, PLAN, rows=3_000).estimate("region").table
        spread = scan(parquet, PLAN, executor=SparkExecutor(session), rows=3_000).estimate("region").table
        assert bits(spread) == bits(serial)
        inside = scan(session.read.parquet(str(parquet)), PLAN).estimate("region").table
        assert_same(inside, serial, 1e-11)
    finally:
        session.stop()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_data_in_duckdb_and_polars_are_summed_there(parquet):
    import duckdb
    import polars as pl

    serial = scan(parquet, PLAN).estimate(["region", "sex"]).table
    tables = {
        "duckdb": duckdb.sql(f"select * from '{parquet}'"),
        "polars": pl.read_parquet(parquet),
        "polars lazy": pl.scan_parquet(parquet),
    }
    for engine, table in tables.items():
        found = scan(table, PLAN).estimate(["region", "sex"]).table
        assert found["region"].tolist() == serial["region"].tolist(), engine
        assert_same(found, serial, 1e-11)


def test_unequal_psu_labels_of_waves_are_text_too():
    data = frame(4, 600).assign(psu=lambda d: "psu " + d["psu"].astype(str), h=lambda d: "h " + d["h"].astype(str))
    found = scan([data.head(300), data.tail(300)], PLAN).estimate().table
    design = survey.Design(data, weight="w", stratum="h", psu="psu")
    assert found["std_error"][2] == pytest.approx(survey.mean(design, "y").table["std_error"][0], rel=1e-10)


def test_faults():
    data = frame(5, 50)
    with pytest.raises(Faults, match=r"no column 'contact'.*did you mean 'contacts'"):
        scan(data.rename(columns={"contact": "contacts"}), PLAN)
    with pytest.raises(Faults, match=r"weights \(1 row: 1\)"):
        scan(data.assign(w=np.r_[-1.0, np.ones(49)]), PLAN)
    with pytest.raises(Faults, match="missing values"):
        scan(data.assign(psu=[None, *range(49)]), PLAN)
    with pytest.raises(Faults, match="cannot read a dict"):
        scan({"w": [1]}, PLAN)
    with pytest.raises(Faults, match="there is no such file"):
        scan("no/such.parquet", PLAN)
    with pytest.raises(Faults, match="sampling units"):
        Plan(Measure("mean", "y"), weight="w")
    with pytest.raises(Faults, match="named twice"):
        Plan((Measure("mean", "y"), Measure("mean", "y")), weight="w", psu="psu")
    with pytest.raises(Faults, match="outside the denominator"):
        scan(data.assign(paid=1.0), PLAN)
    with pytest.raises(Faults, match="did you mean 'region'"):
        scan(data, PLAN).estimate("regions")


def test_faults_in_an_engine():
    import polars as pl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = pl.from_pandas(frame(6, 50).assign(w=np.r_[-1.0, np.ones(49)]))
        with pytest.raises(Faults, match="negative weights"):
            scan(table, PLAN)
        with pytest.raises(Faults, match="did you mean"):
            scan(table.rename({"contact": "contacts"}), PLAN)
