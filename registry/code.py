"""Print the network behind an answer as a PyTorch program that needs torch and nothing of this project.

The class is cut out of the source text of its family's file. That file names it in a module-level line such as
``NETWORK_CLASS = "Mlp"``; nothing of the harness is imported or run.
"""

from __future__ import annotations

import ast
from typing import Any

from registry.errors import InvalidData
from registry.metrics import family_of
from registry.plugins import family_source


def program(values: dict[str, Any], point: dict[str, Any], target: str) -> str:
    """Return a program that defines the network of ``point``, builds it and prints its output shape and params.

    Args:
        values: The measured record.
        point: One of its points.
        target: The target as it was asked for.

    Raises:
        MissingDependency: If the family's source is not installed.
        InvalidData: If its file does not follow the contract of families.
    """
    family = family_of(values["id"].rpartition("/")[2], values["question"]["metric"]["name"])
    name, source = network_class(family_source(family), family)
    takes = _constructor_names(source)
    options = {key.replace("-", "_"): value for key, value in point["family_options"].items()}
    dataset = values["question"]["dataset"]
    input_shape = tuple(dataset["input_shape"])
    n_outputs = dataset["n_classes"] or 1
    arguments = {
        "input_shape": input_shape,
        "n_outputs": (input_shape[0], n_outputs) if dataset.get("per_position") else n_outputs,
        "width": point["shape"]["width"],
        "depth": point["shape"]["depth"],
        **{key: value for key, value in options.items() if key in takes},
    }
    built = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    command = f"guides export {values['id']}@{values['version']} {target}"
    if point["route"] != "scratch":
        command += f" --route {point['route']}"
    fixed = "".join(f"# Fixed in this family: {key} {value}\n" for key, value in options.items() if key not in takes)
    imports = "import math\n\n" if _uses(source, "math") else ""
    shape, kind = (input_shape[:-1], ", dtype=torch.int64") if _reads_symbols(source) else (input_shape, "")
    head = f"{values['id']} v{values['version']}, target {target}: {point['route']}, {point['params']:,} params"
    return f"""# {head}.
{fixed}# Untrained: the trained weights are in the ONNX file of the same answer.
# SPDX-License-Identifier: Apache-2.0
# Usage: {command} --code > net.py && python net.py
{imports}import torch
from torch import nn


{source}


if __name__ == "__main__":
    network = {name}({built})
    outputs = network(torch.zeros({", ".join(map(str, (2, *shape)))}{kind}))
    print(tuple(outputs.shape), sum(p.numel() for p in network.parameters()), "params")
"""


def network_class(text: str, family: str) -> tuple[str, str]:
    """Return the name and the source of the class that a family's file names as its network.

    Args:
        text: The file's text.
        family: The family, for errors.

    Raises:
        InvalidData: If it names none, or the class is not there.
    """
    module = ast.parse(text)
    names = [
        node.value.value
        for node in module.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and _target(node) == "NETWORK_CLASS"
        and isinstance(node.value, ast.Constant)
    ]
    for node in module.body:
        if isinstance(node, ast.ClassDef) and names == [node.name]:
            lines = text.splitlines()
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            return node.name, "\n".join(lines[first - 1 : node.end_lineno])
    raise InvalidData(
        f"the family '{family}' names no network class", 'expected a line NETWORK_CLASS = "Name" and that class'
    )


def _target(node: ast.Assign | ast.AnnAssign) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return target.id if isinstance(target, ast.Name) else ""


def _constructor_names(source: str) -> set[str]:
    """Return the names of the parameters of a class's constructor."""
    functions = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
    arguments = next((node.args for node in functions if node.name == "__init__"), None)
    return {one.arg for one in (*arguments.args, *arguments.kwonlyargs)} if arguments else set()


def _reads_symbols(source: str) -> bool:
    """Say whether a class sets ``reads_symbols = True``: its network takes symbols, int64 (batch, length)."""
    [found] = ast.parse(source).body
    assert isinstance(found, ast.ClassDef)  # noqa: S101 - narrows the type: the source is that of one class
    return any(
        isinstance(node, ast.Assign | ast.AnnAssign)
        and _target(node) == "reads_symbols"
        and isinstance(node.value, ast.Constant)
        and node.value.value is True
        for node in found.body
    )


def _uses(source: str, module: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == module for node in ast.walk(ast.parse(source)))
