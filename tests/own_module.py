"""A user's own module, with an estimator that reflectio knows nothing of."""

from functools import cached_property

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import Ridge  # noqa: F401 - imported, and so not covered by a pattern for this module


class Shrink(TransformerMixin, BaseEstimator):
    """Multiply by a factor."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def fit(self, X, y=None):
        self.n_features_in_ = len(X[0])
        self.is_fitted_ = True
        return self

    def transform(self, X):
        return [[value * self.factor for value in row] for row in X]


class Cached:
    """Keeps what it has computed where the property was."""

    def __init__(self):
        self.values = [1, 2]

    @cached_property
    def doubled(self):
        return [2 * value for value in self.values]
