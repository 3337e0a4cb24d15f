"""The names of the metrics that `scoring` computes."""

REGRESSION_SCALAR_SET = frozenset(
    {
        "explained_variance",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "median_absolute_error",
        "normalized_mean_absolute_error",
        "normalized_median_absolute_error",
        "normalized_root_mean_squared_error",
        "normalized_root_mean_squared_log_error",
        "r2_score",
        "root_mean_squared_error",
        "root_mean_squared_log_error",
        "spearman_correlation",
    }
)
CLASSIFICATION_SCALAR_SET = frozenset(
    {
        "accuracy",
        "AUC_weighted",
        "average_precision_score_weighted",
        "balanced_accuracy",
        "f1_score_macro",
        "f1_score_micro",
        "f1_score_weighted",
        "log_loss",
        "matthews_correlation",
        "norm_macro_recall",
        "precision_score_macro",
        "precision_score_micro",
        "precision_score_weighted",
        "recall_score_macro",
        "recall_score_weighted",
    }
)
REGRESSION_SET = REGRESSION_SCALAR_SET
CLASSIFICATION_SET = CLASSIFICATION_SCALAR_SET
