"""Builds: an office's folder goes in, a release comes out, whole or not at all."""

from uncac_metrics.builds.plan import Inputs, Job, gather, plan
from uncac_metrics.builds.run import Outcome, Release, build, read_estimates, run_job
from uncac_metrics.builds.verify import verify

__all__ = ["Inputs", "Job", "Outcome", "Release", "build", "gather", "plan", "read_estimates", "run_job", "verify"]
