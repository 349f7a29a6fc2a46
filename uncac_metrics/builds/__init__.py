"""Builds: an office's folder goes in, a release comes out, whole or not at all."""

from uncac_metrics.builds.jobs import Outcome, run_job
from uncac_metrics.builds.plan import Inputs, Job, gather, plan
from uncac_metrics.builds.run import Plan, Release, build, prepare
from uncac_metrics.builds.verify import verify
from uncac_metrics.results import read_estimates

__all__ = ["Inputs", "Job", "Outcome", "Plan", "Release", "build", "gather", "plan", "prepare", "read_estimates",
           "run_job", "verify"]  # fmt: skip
