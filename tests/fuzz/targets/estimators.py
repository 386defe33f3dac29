"""Estimators whose compiled code trusts fitted arrays: support vectors, clusters, encoders, linear models, and others."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import behaviour
import numpy as np
import test_validation
from sklearn import covariance, dummy, ensemble, gaussian_process, mixture, multiclass, naive_bayes, svm
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.multioutput import ClassifierChain
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import (
    KBinsDiscretizer,
    LabelBinarizer,
    OrdinalEncoder,
    SplineTransformer,
    TargetEncoder,
)

from fuzz.target import Attack, Target

X, CLASSES, TARGETS, CODES = (
    test_validation.X,
    test_validation.CLASSES,
    test_validation.TARGETS,
    test_validation.CODES,
)
SPARSE = test_validation.SPARSE

SUBJECTS: dict[str, Any] = dict(made for made, _, _ in test_validation.FORGERIES)
SUBJECTS |= {
    "Birch": test_validation.BIRCH[1],
    "NuSVC": lambda: svm.NuSVC(nu=0.2).fit(X, CLASSES),
    "NuSVR": lambda: svm.NuSVR().fit(SPARSE, TARGETS),
    "OneClassSVM": lambda: svm.OneClassSVM(kernel="poly").fit(X),
    "LinearSVC": lambda: svm.LinearSVC().fit(X, CLASSES),
    "BayesianGaussianMixture": lambda: mixture.BayesianGaussianMixture(n_components=2, random_state=0).fit(X),
    "GaussianMixture": lambda: mixture.GaussianMixture(2, random_state=0).fit(X),
    "GaussianProcessRegressor": lambda: gaussian_process.GaussianProcessRegressor(random_state=0).fit(
        X, TARGETS
    ),
    "GaussianProcessClassifier": lambda: gaussian_process.GaussianProcessClassifier().fit(X, CLASSES > 0),
    "LedoitWolf": lambda: covariance.LedoitWolf().fit(X),
    "EllipticEnvelope": lambda: covariance.EllipticEnvelope(random_state=0).fit(X),
    "OneVsRestClassifier": lambda: multiclass.OneVsRestClassifier(LogisticRegression()).fit(X, CLASSES),
    "OneVsRestClassifier of several labels": lambda: multiclass.OneVsRestClassifier(LogisticRegression()).fit(
        X, np.c_[CLASSES > 0, CLASSES > 1].astype(int)
    ),
    "OneVsRestClassifier of networks": lambda: multiclass.OneVsRestClassifier(
        MLPClassifier((3,), max_iter=2, random_state=0)
    ).fit(X, np.c_[CLASSES > 0, CLASSES > 1].astype(int)),
    "OneVsOneClassifier": lambda: multiclass.OneVsOneClassifier(LogisticRegression()).fit(X, CLASSES),
    "OutputCodeClassifier": lambda: multiclass.OutputCodeClassifier(naive_bayes.GaussianNB()).fit(X, CLASSES),
    "VotingClassifier": lambda: ensemble.VotingClassifier(
        [("a", naive_bayes.GaussianNB()), ("b", LogisticRegression())]
    ).fit(X, CLASSES),
    "StackingRegressor": lambda: ensemble.StackingRegressor([("a", LinearRegression())]).fit(X, TARGETS),
    "ClassifierChain": lambda: ClassifierChain(LogisticRegression()).fit(X, np.c_[CLASSES, CLASSES] > 0),
    "LabelBinarizer": lambda: LabelBinarizer().fit(TARGETS.round()),
    "OrdinalEncoder": lambda: OrdinalEncoder(min_frequency=9).fit(CODES),
    "TargetEncoder": lambda: TargetEncoder().fit(CODES, TARGETS),
    "KBinsDiscretizer": lambda: KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf").fit(X),
    "DummyClassifier of two outputs": lambda: dummy.DummyClassifier().fit(X, np.c_[CLASSES, CLASSES > 0]),
    "SplineTransformer": lambda: SplineTransformer(3).fit(X),
    "IsotonicRegression": lambda: IsotonicRegression().fit(X[:, 0], TARGETS),
    "BernoulliNB": lambda: naive_bayes.BernoulliNB().fit(X, CLASSES),
    "SGDClassifier of two classes": lambda: SGDClassifier().fit(X, CLASSES > 0),
}


def use(estimator: Any) -> None:
    """Ask an estimator for all it can do, other than to fit: its parameters may make that as long as they like."""
    for data in ((X, CLASSES), (SPARSE, TARGETS)):
        behaviour.outputs(estimator, data)
        with contextlib.suppress(Exception):
            copy.deepcopy(estimator).partial_fit(*data)
    for data in (test_validation.TEXTS, [{"a": 1, "b": "x"}], CODES, [[1], [2, 3]], X @ X.T):
        for method in ("transform", "predict"):
            with contextlib.suppress(Exception):
                result = getattr(estimator, method)(data)
                result @ np.ones((result.shape[1], 2))
    for name, arguments in (("kneighbors_graph", ()), ("dbscan_clustering", (0.5,)), ("sample_y", (X[:2],))):
        with contextlib.suppress(Exception):
            getattr(estimator, name)(*arguments)


_SPARSE_SVM = "support_vectors_ support_ _dual_coef_ _sparse n_features_in_ indices indptr"

TARGET = Target(
    "estimators",
    SUBJECTS,
    use,
    (
        Attack(
            "support_vectors.check_support_vectors",
            "SVC, SVR, Nu, OneClassSVM",
            "_impl _sparse_kernels kernel _sparse classes_ support_ support_vectors_",
        ),
        Attack(
            "support_vectors._check_counts",
            "SVC, SVR, Nu, sparse SVC, sparse OneClassSVM",
            "_n_support _intercept_ _probA _probB _effective_probability probability",
        ),
        Attack(
            "support_vectors._check_dense_vectors", "SVC, SVR, NuSVC", "support_ support_vectors_ _dual_coef_"
        ),
        Attack(
            "support_vectors._check_training_samples kernels.check_kept_samples",
            "precomputed SVC, SVC with a kernel",
            "support_ shape_fit_ _BaseLibSVM__Xfit",
        ),
        Attack("support_vectors._check_sparse_vectors", "sparse SVC, sparse One, NuSVR", _SPARSE_SVM),
        Attack("kernels.check_exponentiation", "Exponentiation", "exponent"),
        Attack("clusters.check_centers", "KMeans, MiniBatch", "cluster_centers_ _n_threads n_features_in_"),
        Attack("clusters.check_counts", "MiniBatchKMeans", "_counts"),
        Attack("clusters.check_bisections", "BisectingKMeans", "_bisecting_tree center left right _X_mean"),
        Attack("clusters.BisectingKMeansCodec", "BisectingKMeans", "_kmeans_single"),
        Attack("clusters.check_leaf_chain", "Birch", "next_leaf_ prev_leaf_ dummy_leaf_"),
        Attack(
            "clusters._nodes_below",
            "Birch",
            "subclusters_ centroids_ init_centroids_ squared_norm_ linear_sum_ child_",
        ),
        Attack("clusters.check_linkage", "HDBSCAN", "_single_linkage_tree_ min_cluster_size"),
        Attack("clusters.check_feature_clusters", "FeatureAgglomeration", "labels_"),
        Attack("linear.check_stochastic_gradient", "SGD", "_average_coef _standard_coef coef_"),
        Attack("linear._coefficients", "SGD, Lasso", "coef_ n_features_in_"),
        Attack("linear.check_coordinate_descent", "Lasso", "coef_ precompute"),
        Attack("embeddings.check_points", "TSNE", "learning_rate early_exaggeration init"),
        Attack("linear.check_huber", "HuberRegressor", "coef_ intercept_ scale_"),
        Attack(
            "linear.check_layers",
            "MLPRegressor",
            "coefs_ intercepts_ n_layers_ n_features_in_ hidden_layer_sizes",
        ),
        Attack("linear.check_initial_code", "DictionaryLearning", "code_init dict_init"),
        Attack(
            "categories.check_columns categories._check_order categories._last_code",
            "OneHotEncoder",
            "categories_ _n_features_outs _infrequent_indices _default_to_infrequent_mappings "
            "_drop_idx_after_grouping drop_idx_ _infrequent_enabled",
        ),
        Attack("categories.check_vocabulary", "CountVectorizer, DictVectorizer", "vocabulary_"),
        Attack("categories._check_places", "CountVectorizer, DictVectorizer", "cat dog sat the and a b=x"),
        Attack(
            "categories.check_labels categories._are_distinct?",
            "MultiLabelBinarizer",
            "classes_ _cached_dict",
        ),
        Attack(
            "categories.check_binarized_classes", "LabelBinarizer", "classes_ y_type_ neg_label pos_label"
        ),
        Attack("categories.check_hashed_features", "FeatureHasher, HashingVectorizer", "n_features"),
        Attack("", "OrdinalEncoder, TargetEncoder, KBins", "*"),
        Attack(
            "decompositions.check_mixture",
            "Gaussian, Bayesian",
            "covariances_ means_ weights_ precisions_cholesky_",
        ),
        Attack("decompositions.check_gaussian_process", "GaussianProcess", "X_train_ y_train_ alpha_ L_"),
        Attack(
            "decompositions.check_covariance decompositions._check_finite",
            "Ledoit, Ellip",
            "covariance_ location_",
        ),
        Attack(
            "multiclass.check_one_versus_rest multiclass._check_single_output multiclass._shape",
            "OneVsRest",
            "estimators_ coef_ intercept_ classes_ n_outputs_",
        ),
        Attack(
            "multiclass._check_rows?", "OneVsRestClassifier of several labels", "coef_ C tol intercept_ shape"
        ),
        Attack(
            "answers.check_one_answer",
            "OneVsRestClassifier of networks",
            "coefs_ intercepts_ estimators_ y_type_ n_outputs_",
        ),
        Attack(
            "multiclass.check_votes multiclass._check_votes", "VotingClassifier", "classes_ estimators_ le_"
        ),
        Attack("sizes.check_sizes sizes._check_backing", "Normalizer, PCA", "n_features_in_"),
        Attack("sizes.check_constant", "DummyRegressor", "n_outputs_ constant_"),
        Attack("sizes.check_dummy_classes", "DummyClassifier", "n_classes_ classes_"),
        Attack("sizes.check_steps", "AdditiveChi2Sampler", "sample_steps"),
        Attack(
            "sizes.check_sketch",
            "PolynomialCountSketch",
            "n_components _n_features_out indexHash_ bitHash_ degree",
        ),
        Attack(
            "sizes.check_degrees",
            "PolynomialFeatures",
            "_min_degree _max_degree n_features_in_ _n_out_full n_output_features_ interaction_only",
        ),
        Attack("sizes._check_flags sizes.check_bias", "SplineTransformer", "include_bias"),
        Attack("isotonic.IsotonicCodec", "IsotonicRegression", "X_thresholds_ y_thresholds_"),
        Attack("decompositions.check_components", "IncrementalPCA", "components_ singular_values_ mean_"),
        Attack("output_names.check_names", "AdditiveChi2Sampler", "n_features_in_ sample_steps"),
        Attack(
            "iterations.check_iterations iterations._check_loop",
            "NMF, LatentDirichlet",
            "max_iter tol max_doc_update_iter mean_change_tol",
        ),
        Attack("sizes.check_factors", "NMF", "_n_components n_components_ components_"),
        Attack("fitted.size_of", "KMeans, HashingVectorizer", "_n_threads n_features"),
        Attack("fitted.array_of fitted.refuse", "SVC, KMeans", "support_ cluster_centers_"),
        Attack("objects.ObjectCodec", "Normalizer, PCA, SVC", "$state $args $new $items __class__ predict"),
        Attack("", "", "*"),
        Attack("clusters.check_clusterer", "Birch", "n_clusters"),
        Attack("clusters.check_subclusters", "Birch", "_subcluster_norms subcluster_centers_"),
        Attack("decompositions.check_covariance", "Ledoit, Ellip", "precision_ covariance_ location_"),
        Attack("categories.check_binarized_classes", "BernoulliNB", "classes_"),
        Attack("linear._coefficients", "SGDClassifier of two classes", "coef_ classes_ intercept_"),
        Attack("clusters.check_centers", "KMeans, MiniBatch", "n_clusters"),
        Attack(
            "multiclass._check_classifier? multiclass._check_labels multiclass._check_encoders",
            "VotingClassifier",
            "estimators_ classes_ constant outlier_label_ le_",
        ),
    ),
)
