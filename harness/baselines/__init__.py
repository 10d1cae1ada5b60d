"""Methods without a network, to stand beside every answer: what a network has to beat, by metric, bytes and flops.

Each method is fitted on train and chooses its settings on validation; the test split is read once a method, at the end.
Ties go to the simpler setting. Single-threaded: the sets are small and the cores busy. Where train is too large for a
minute on one slow core, methods see a part of it: :func:`harness.baselines.base.capped`.
"""

from harness.baselines.methods import METHODS, run_baselines

__all__ = ["METHODS", "run_baselines"]
