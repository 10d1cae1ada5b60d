"""Import torchvision, also where its compiled operators do not fit this torch: builders and data sets need none."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any, Final

from registry.errors import MissingDependency

# torchvision attaches shape rules to these two as it is imported, and fails where they are not defined.
_SCHEMAS: Final = ("nms", "qnms")
_ARGUMENTS: Final = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def load() -> Any:
    """Return the module ``torchvision``.

    Where its operators cannot be loaded (a CPU build of torch beside a CUDA build of torchvision), those that its
    import asks for are declared without an implementation: calling one is an error, building networks is not.

    Raises:
        MissingDependency: If it is not installed.
    """
    try:
        return _import()
    except ModuleNotFoundError as error:
        if error.name != "torchvision":
            raise
        raise MissingDependency("torchvision is not installed: pip install torchvision==0.28.0") from None
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    import torch  # torchvision has imported it by now; who only names its data sets does not wait for it

    for name in _SCHEMAS:
        torch.library.define(f"torchvision::{name}", _ARGUMENTS)
    return _import()


def _import() -> ModuleType:
    return importlib.import_module("torchvision")
