"""Trials: two ways to search one collection held against each other on real visitors, and an honest verdict."""

from lookalike.trials.report import Arm, Preference, Report
from lookalike.trials.running import Trials, promoted_variant
from lookalike.trials.variant import Variant

__all__ = ["Arm", "Preference", "Report", "Trials", "Variant", "promoted_variant"]
