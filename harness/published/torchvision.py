"""torchvision's model zoo as records: what the metadata of its weights state, nothing downloaded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from harness import cited, vision
from harness.published.zoo import counts, page, sizes
from harness.published.zoo.counts import Row
from harness.published.zoo.questions import QUESTIONS, Question
from registry.errors import InvalidData
from registry.heading import heading
from registry.prior import published_bounds

_NAMES: Final = {
    "acc@5": "accuracy-top-5",
    "box_map": "box-map",
    "mask_map": "mask-map",
    "pixel_acc": "pixel-accuracy",
    "per_image_epe": "epe-per-image",
}
_PERCENT: Final = ("acc@", "map", "miou", "pixel_acc", "fl_all")  # metrics stated in percent
_MORE_DATA: Final = {
    "SWAG": "Trained first on other data, weakly labelled: SWAG, arXiv:2201.08371.",
    "IMAGENET22K": "Trained first on ImageNet-22K.",
    "COCO": "Its backbone may have been trained first, on ImageNet-1K: see the recipe.",
}
_FIRST: Final = {"SWAG": "weakly labelled images (SWAG, arXiv:2201.08371)", "IMAGENET22K": "ImageNet-22K"}
_ROOT: Final = Path(__file__).parents[2] / "guidelines"
_PAGE: Final = Path(__file__).parents[2] / "docs" / "torchvision.md"


@click.command("torchvision")
@click.option("--check", is_flag=True, help="Build every network first and count it; rewrites the table of counts.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=_ROOT, help="Folder of the records.")
def COMMAND(check: bool, out: Path) -> None:  # noqa: N802  # the name __main__ looks for
    """Write torchvision's weights as records of published figures; with --check count each network beside them."""
    every = list(counts.every())
    if check:
        counts.write(map(counts.count, every))
    table = counts.read()
    made = list(records(every, table))
    changed = [record["id"] for record in made if cited.write(out, record)]
    if out == _ROOT:
        _PAGE.write_text(page.text(every, table), encoding="utf-8")
    points = sum(len(record["frontier"]) for record in made)
    silent = len(every) - points
    click.echo(f"{points} weights in {len(made)} records below {out}, {len(changed)} changed; {silent} state no figure")
    click.echo(page.agreement(every, table))


def records(every: list[Any], table: dict[str, Row]) -> Iterator[dict[str, Any]]:
    """Yield a record for each data set and family of these weights, without the time it was made.

    Args:
        every: Entries of weights enumerations.
        table: What was counted of each.

    Raises:
        InvalidData: If one of them was never counted, or states a data set that is not in ``QUESTIONS``.
    """
    groups: dict[str, tuple[Question, list[Any]]] = {}
    for weights in filter(counts.has_figure, every):
        question = question_of(weights)
        record_id = f"{question.task}/{question.dataset}/{family(weights)}"
        groups.setdefault(record_id, (question, []))[1].append(weights)
    for record_id, (question, members) in sorted(groups.items()):
        points = [_point(weights, question, table) for weights in members]
        yield {
            **heading(record_id, "BSD-3-Clause"),
            "authors": ["TorchVision maintainers and contributors"],
            "cite": f"TorchVision maintainers and contributors, TorchVision, metadata of version {version()}",
            "question": question.facts(),
            "notes": [
                "Each figure is one training as torchvision states it; low and high rest on a stated prior, not runs.",
                question.note,
                "Flops are twice the multiply-adds stated; docs/torchvision.md sets them beside our own counts.",
            ],
            "frontier": sorted(points, key=lambda point: (point["params"], point["precision"], point["name"])),
        }


def version() -> str:
    """Return torchvision's version without the part that says how it was built."""
    return str(vision.load().__version__).partition("+")[0]


def family(weights: Any) -> str:
    """Return the family: the file of torchvision that builds the network, int8 ones beside their float ones."""
    return type(weights).__module__.rpartition(".")[2].replace("_", "-")


def question_of(weights: Any) -> Question:
    """Return the question that the metadata answer first.

    Raises:
        InvalidData: If its data set is not in ``QUESTIONS``.
    """
    stated = weights.meta["_metrics"]
    name = next(iter(stated))
    key = f"{name} (keypoints)" if "kp_map" in stated[name] else name
    if key not in QUESTIONS:
        raise InvalidData(f"{weights} states figures on '{key}'", f"add it to QUESTIONS; known: {', '.join(QUESTIONS)}")
    return QUESTIONS[key]


def _point(weights: Any, question: Question, table: dict[str, Row]) -> dict[str, Any]:
    meta, builder = weights.meta, sizes.builder_name(weights)
    row = table.get(str(weights))
    if row is None:
        raise InvalidData(f"{weights} was never counted", "count it: python -m harness published torchvision --check")
    first = next(iter(meta["_metrics"].values()))
    value = _value(question.stated, first[question.stated])
    size = int(meta["num_params"])
    low, high = published_bounds(value, question.metric, question.unit, question.direction, question.n_test, size)
    is_int8 = sizes.kind(weights) == "quantization"
    counted = row.counted
    shape = {"width": counted.width, "depth": counted.depth, "resolution": counted.input_shape[-1]}
    return {
        "name": f"{builder} {weights.name}",
        "shape": None if counted.width is None else shape,
        "family_options": _options(builder),
        "route": "scratch",
        "params": int(meta["num_params"]),
        "flops": counts.stated_flops(weights),
        "train_flops": None,
        "weight_bytes": None if is_int8 else 4 * int(meta["num_params"]),
        "weight_bytes_int8": None,
        "ram_bytes": None,
        "ram_bytes_int8": None,
        "latency_ratio": None,
        "value": value,
        "low": low,
        "high": high,
        "year": None,
        "n_train": _n_train(weights, question),
        "pretrained_on": next((data for part, data in _FIRST.items() if part in weights.name), None),
        "citation": f"torchvision {version()}",
        "where": f"metadata of {weights}",
        "precision": "int8" if is_int8 else "float32",
        "input_shape": list(counted.input_shape),
        "file_bytes": int(round(meta["_file_size"] * 2**20, -3)),  # stated to 0.001 MiB
        "metrics": _further(meta["_metrics"], question),
        "links": {"recipe": meta["recipe"], "weights": weights.url},
        "licence": meta.get("license"),
        "note": _note(weights, row),
    }


def _n_train(weights: Any, question: Question) -> int | None:
    """Return how many images weights saw that are named for ImageNet-1k alone; None for all others."""
    named = question.dataset == "imagenet-1k" and re.fullmatch(r"IMAGENET1K(_FBGEMM)?_V\d+", weights.name)
    return question.n_train if named else None


def _options(builder: str) -> dict[str, Any]:
    """Return the builder, and the factor of all widths where its name ends in one: ``mnasnet0_75``."""
    factor = re.search(r"(?:mnasnet|_x)(\d)_(\d+)$", builder)
    return {"builder": builder, **({"width-factor": float(f"{factor[1]}.{factor[2]}")} if factor else {})}


def _value(stated: str, value: float) -> float:
    """Return a figure in our unit: a fraction where it is stated in percent."""
    return round(value / 100, 9) if any(part in stated for part in _PERCENT) else float(value)


def _further(stated: dict[str, dict[str, float]], question: Question) -> dict[str, float]:
    """Return the other figures; those of another data set carry its name."""
    found = {}
    for position, (dataset, values) in enumerate(stated.items()):
        for name, value in values.items():
            if position == 0 and name == question.stated:
                continue
            ours = _NAMES.get(name, name.replace("_", "-"))
            found[f"{ours}-{dataset.lower()}" if position else ours] = _value(name, value)
    return found


def _note(weights: Any, row: Row) -> str | None:
    notes = [text for part, text in _MORE_DATA.items() if part in weights.name]
    notes += [f"{part.capitalize()}." for part in row.counted.rule.split("; ") if "auxiliary" in part]
    if not counts.same_params(weights, row.counted):
        notes.append(f"We count {row.counted.params:,} params.")
    if not counts.same_flops(weights, row.counted):
        notes.append(f"We count {row.counted.flops:.4g} flops.")
    return " ".join([*notes, *([f"{row.explained}."] if row.explained else [])]) or None
