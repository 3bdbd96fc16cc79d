"""Lets Rasa 3.6.21 run on a maintained Python, with current libraries and without TensorFlow. Import before `rasa`.

Four things differ from the stack that Rasa was released with:

- TensorFlow and Keras are not installed, nor what Rasa's own channels and stores speak with. Rasa imports them at the top of
  modules that we never use; those imports get inert classes. Whoever configures a component that needs them gets a clear error
  from `refuse_absent_components`.
- Modules of Rasa that need scikit-learn at import, for components that we do not use, are inert as well: with scipy behind it
  scikit-learn takes a second and 80 MB of every process that only answers. So are plots and socket servers, but for
  `spillway rasa`.
- numpy 2 no longer has `VisibleDeprecationWarning` at its top.
- packaging 22 removed `LegacyVersion`, which Rasa only names in a type check."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import sys
import types
import warnings
from collections.abc import Iterable, MutableSequence
from typing import Any, ClassVar, Final

from server.errors import NotReady

NOISY: Final = ("rasa", "pkg_resources", "google", "sanic", "jsonpickle", "dask", "matplotlib", "slack_sdk", "aiogram", "pymongo")
"""Libraries whose deprecation warnings are about code that is not ours."""
ABSENT_ROOTS: Final = frozenset(
    {
        *("tensorflow", "keras", "tensorflow_hub", "tensorflow_text", "tensorflow_addons"),
        # What Rasa's own channels and stores speak with; none of them runs here.
        *("aiogram", "boto3", "botocore", "bson", "confluent_kafka", "fbmessenger", "mattermostwrapper", "pymongo", "redis"),
        *("rocketchat_API", "slack_sdk", "webexteamssdk"),
    }
)
"""Libraries that Rasa imports and that are not there; each import gets an inert module."""
UNUSED_MODULES: Final = frozenset(
    {
        "rasa.utils.tensorflow.model_data",
        "rasa.nlu.classifiers.logistic_regression_classifier",
        "rasa.nlu.featurizers.sparse_featurizer.count_vectors_featurizer",
    }
)
"""Modules of Rasa that nothing here uses and that would load scikit-learn."""
COMMAND_MODULES: Final = frozenset({"rasa.utils.plotting", "rasa.core.channels.socketio"})
"""Modules of Rasa that only its own commands use. With matplotlib and socket servers behind them they take 50 MB of a process."""
TENSORFLOW_COMPONENTS: Final = frozenset(
    {
        "DIETClassifier",
        "ResponseSelector",
        "TEDPolicy",
        "UnexpecTEDIntentPolicy",
        "ConveRTFeaturizer",
        "LanguageModelFeaturizer",
    }
)
"""Components of Rasa that train or run on TensorFlow."""
UNUSED_COMPONENTS: Final = frozenset({"LogisticRegressionClassifier", "CountVectorsFeaturizer"})
"""Components of Rasa whose modules are inert here."""


class _AbsentMeta(type):
    """Answers every attribute, call, subscript and union with an inert class, so that module-level code of Rasa runs through."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return _Absent

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is not _Absent:
            return super().__call__(*args, **kwargs)
        # Used as a decorator, it gives back what it decorates.
        return args[0] if len(args) == 1 and callable(args[0]) and not kwargs else _Absent

    def __or__(cls, _other: Any) -> Any:
        return _Absent

    def __ror__(cls, _other: Any) -> Any:
        return _Absent

    def __getitem__(cls, _key: Any) -> Any:
        return _Absent


class _Absent(metaclass=_AbsentMeta):
    """Stands for anything of TensorFlow or Keras."""


class _AbsentModule(types.ModuleType):
    """A module in which every name is inert. `is_tensor` answers honestly: nothing is a TensorFlow tensor here."""

    __path__: ClassVar[MutableSequence[str]] = []  # type: ignore[misc]

    @staticmethod
    def is_tensor(_value: object) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return _Absent


class _AbsentFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self) -> None:
        self.unused = UNUSED_MODULES | COMMAND_MODULES

    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:  # noqa: ARG002
        if fullname.partition(".")[0] in ABSENT_ROOTS or fullname in self.unused:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _AbsentModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """An inert module has no body."""


def install() -> None:
    """Prepares this process for `import rasa`. Doing it again changes nothing."""
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    if not any(isinstance(finder, _AbsentFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AbsentFinder())
    import numpy as np
    import packaging.version

    if not hasattr(np, "VisibleDeprecationWarning"):
        np.VisibleDeprecationWarning = np.exceptions.VisibleDeprecationWarning  # type: ignore[attr-defined]
    if not hasattr(packaging.version, "LegacyVersion"):
        packaging.version.LegacyVersion = type("LegacyVersion", (), {})  # type: ignore[attr-defined]
    for module in (
        "rasa",
        "pkg_resources",
        "google",
        "sanic",
        "jsonpickle",
        "dask",
        "matplotlib",
        "slack_sdk",
        "aiogram",
        "pymongo",
    ):
        warnings.filterwarnings("ignore", module=rf"{module}(\..*)?")
    warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*pkg_resources.*")


def install_for_commands() -> None:
    """Prepares this process for Rasa's own commands, which draw plots. Call it before anything of Rasa is imported."""
    install()
    for finder in sys.meta_path:
        if isinstance(finder, _AbsentFinder):
            finder.unused = UNUSED_MODULES


def refuse_absent_components(names: Iterable[str]) -> None:
    """Raises `NotReady` naming every configured component that is not here."""
    configured = tuple(names)
    unused = sorted(name for name in configured if name.rpartition(".")[2] in UNUSED_COMPONENTS)
    if unused:
        raise NotReady(f"{', '.join(unused)} in config.yml is not loaded here. Use the components of bot/components instead.")
    refused = sorted(name for name in configured if name.rpartition(".")[2] in TENSORFLOW_COMPONENTS)
    if refused:
        raise NotReady(
            f"{', '.join(refused)} in config.yml cannot run here: it needs TensorFlow, which is not installed. "
            "Use the components of bot/components instead."
        )


install()
