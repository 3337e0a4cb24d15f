"""Explainers for scoring scripts under an older name."""

from azureml.interpret.scoring.scoring_explainer import (
    KernelScoringExplainer,
    LinearScoringExplainer,
    TreeScoringExplainer,
    load,
    save,
)

__all__ = [
    "KernelScoringExplainer",
    "LinearScoringExplainer",
    "TreeScoringExplainer",
    "load",
    "save",
]
