"""Say things one way: networks, numbers, commands, and why there is no answer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from registry.answers import FAR, OUT_OF_TIME, OWN_DATA
from registry.errors import NoAnswer

if TYPE_CHECKING:
    from registry.answers import Bracket, Miss, Network, NoKnee, Query, Question, Reply

UNLABELLED: Final = ("image-cls", "lang-model")  # folders name the classes, or there are none
FIRST: Final = {"text-cls": "ngram-mlp", "lang-model": "gru"}  # families to begin with where an mlp does not fit


def no_answer(query: Query, reply: Reply) -> NoAnswer:
    """Say in one line that nothing reaches the target, what comes nearest, and in a hint what to do."""
    if not reply.misses:  # only published figures are on record, which have no knee
        return _no_knee(query)
    miss = max(reply.misses, key=_nearness)
    dataset = miss.question.dataset
    about = f"{query.task} with {query.family}" if query.family else query.task
    start = f"no guideline for {about} {'has a knee' if miss.target is None else f'reaches {aim(miss.target)}'}"
    if query.n_train is not None and miss.unlimited is not None:
        trained = miss.unlimited.n_train
        if not is_limited(query._replace(n_train=None)) if trained is None else trained > query.n_train:
            return _too_few_examples(start, query, query.n_train, miss, miss.unlimited)
    if miss.unlimited is not None:
        least = f"{naming(miss.unlimited)} with {params_of(miss.unlimited)}"
        message = f"{start} within these limits; without them the smallest is {least}"
        return NoAnswer(message, _with_int8(miss.int8) or further(query, dataset, "Ask for less, or measure"))
    if miss.target is None and miss.no_knee is None:
        return NoAnswer("no knee is on record yet", further(query, dataset, "Measure one"))
    if miss.no_knee is not None:
        hint = f"Its notes say what it was held to: guides show {miss.no_knee.id}"
        if miss.no_knee.reason == OUT_OF_TIME:
            hint = further(query, dataset, "Measure one")
        return NoAnswer(f"no knee is on record; {sought(miss.no_knee)}", hint)
    if miss.best is None:
        said = start if miss.limit is None else f"{start}: {required(miss)}"
        return NoAnswer(said, further(query, dataset, "Measure one"))
    where = "within these limits" if is_limited(query) else "on record"
    message = f"{start}; the best {where} is {figure_of(miss.best, miss.question, miss.target)} ({naming(miss.best)})"
    return NoAnswer(message, miss.advice or further(query, dataset, "Measure more"))


def counted(n: int, noun: str) -> str:
    """Return ``1 file``, ``2 files``."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def sought(no_knee: NoKnee) -> str:
    """Say that a knee was looked for, and why none was found."""
    return f"{no_knee.id} v{no_knee.version} was to have one: {no_knee.reason}"


def required(miss: Miss) -> str:
    """Say that what is on record is a limit that its source sets or meets, and no result."""
    if miss.limit is None:
        return ""
    name, value, citation = miss.limit
    least = "at least" if miss.question.sign > 0 else "at most"
    return f"on record is a limit, {least} {shown(value)} ('{name}', {citation}): a required score, not a result"


def figure_of(network: Network, question: Question, target: float | None) -> str:
    """Return the figure of a network and what of it is sure, with as many decimals as tell it from the target."""
    plain = "in the median run" if network.evidence == "measured" else "as published"
    bound = _nearest(bound_of(network, question), target)
    sure = f"of which {bound} is 95 % sure" if question.sign > 0 else f"with 95 % confidence at most {bound}"
    return f"{_nearest(network.median, target)} {plain}, {sure}"


def _no_knee(query: Query) -> NoAnswer:
    from registry.plugins import datasets, known

    dataset = query.dataset or _dataset_of(query.task)
    hint = "Published figures have none: ask for a target, with --target-acc A or --target METRIC=VALUE"
    if not known("dataset") or dataset in datasets(query.task):
        hint = f"Measure one: {bench_command(query, dataset)}"
    about = f"{query.task} on {query.dataset}" if query.dataset else query.task
    return NoAnswer(f"no knee is on record for {about}", hint)


def _with_int8(least: Network | None) -> str | None:
    """Return what answers where bytes are those of int8 files; None where nothing does, either."""
    if least is None:
        return None
    sizes = (("of weights", least.weight_bytes_int8), ("of live tensors", least.ram_bytes_int8))
    taken = " and ".join(f"{size:,} bytes {what}" for what, size in sizes if size is not None)
    return f"With --int8, {naming(least)} is on record: {taken or params_of(least)}"


def foretold(miss: Miss) -> str:
    """Return what a law predicts for the asker's examples, where it does; else nothing."""
    if miss.predicted is None:
        return ""
    said = miss.predicted
    interval = "open" if said.low is None or said.high is None else f"{shown(said.low)}, {shown(said.high)}"
    return f"; predicted with {said.n_train:,}: {shown(said.value)} [{interval}] by the law for {said.network}"


def _too_few_examples(start: str, query: Query, n_train: int, miss: Miss, least: Network) -> NoAnswer:
    far = "no evidence near your task: " if (least.n_train or 0) > FAR * n_train else ""
    message = f"{far}{start} with at most {n_train:,} training examples"
    if least.n_train is None:
        trained = f"of {naming(least)} it is not known: {trained_on(least, miss.question.dataset)}"
    else:
        trained = f"{naming(least)} was trained on {least.n_train:,}"
    hint = _with_int8(miss.int8) or further(query, miss.question.dataset, "Measure one")
    return NoAnswer(f"{message}; {trained}{foretold(miss)}", hint)


def trained_on(network: Network, dataset: str) -> str:
    """Say what is known of the training examples of a published network that its record gives no number of."""
    if network.record_n_train is None:
        return "the number of its training examples is not stated"
    return f"trained on more than the {network.record_n_train:,} examples of {dataset}, or its source does not say"


def _nearest(value: float, target: float | None) -> str:
    """Return ``value`` with as many decimals as it takes to tell it from ``target``."""
    texts = ((f"{value:.{digits}f}", f"{target or 0:.{digits}f}") for digits in range(3, 9))
    return next((mine for mine, other in texts if mine != other), f"{value!r}")


def bench_command(query: Query, dataset: str | None = None) -> str:
    """Return the command that makes the evidence a query lacks."""
    chosen = query.dataset or dataset or _dataset_of(query.task)
    if chosen.startswith(OWN_DATA):  # the command chooses a family that fits the data
        label = "" if query.task in UNLABELLED else " --label COL"
        source, family = f"--data PATH{label}", query.family
    else:
        source, family = f"--dataset {chosen}", query.family or FIRST.get(query.task, "mlp")
    command = f"guides bench --task {query.task} {source}{f' --family {family}' if family else ''}"
    if not query.targets:
        return f"{command} --knee"
    if query.metric != "accuracy":
        return f"{command} {target_option(query.metric, query.targets[0])}"
    return f"{command} --target-acc {','.join(f'{target:g}' for target in query.targets)}"


def further(query: Query, dataset: str | None, invitation: str) -> str:
    """Return an invitation with the command that makes the evidence a query lacks, or say that no command does."""
    if not can_train(query, dataset):
        cannot = f"The harness cannot train on {dataset or query.task}"
        return f"{cannot}; a published figure is added as a record: see CONTRIBUTING.md"
    return f"{invitation}: {bench_command(query, dataset)}"


def can_train(query: Query, dataset: str | None) -> bool:
    """Say whether ``guides bench`` knows the query's task and data set; where no harness is installed, it may.

    A data set may be of more than one task, and not every file says of which: one that another task claims is not.
    """
    from registry.plugins import datasets, known

    tasks = known("task")
    if not tasks:
        return True
    if dataset is not None and dataset.startswith(OWN_DATA):
        return query.task in tasks
    if query.task not in tasks or dataset not in {None, *known("dataset")}:
        return False
    own = dataset is None or dataset in datasets(query.task)
    return own or not any(dataset in datasets(task) for task in sorted(tasks))


def target_option(metric: str, target: float) -> str:
    """Return the option that asks for a target: ``--target-acc 0.95``, ``--target r2=0.9``."""
    return f"--target-acc {target:g}" if metric == "accuracy" else f"--target {metric}={target:g}"


def _dataset_of(task: str) -> str:
    """Return the first data set that the harness knows for a task."""
    from registry.plugins import datasets

    return next(iter(datasets(task)), "DATASET")


def naming(network: Network) -> str:
    """Return ``image-cls/digits/cnn v1, width 32, depth 2``."""
    return f"{network.id} v{network.version}, {shape_of(network)}"


def shape_of(network: Network | Bracket) -> str:
    """Return ``width 32, depth 2``, or the name of a published network."""
    name = getattr(network, "name", None)
    if name is not None:
        return f"'{name}'"
    return _in_words(network.width, network.depth, network.resolution)


def reference_of(knee: Network) -> str:
    """Return the shape whose error a knee is measured against."""
    import json

    return _in_words(**json.loads(knee.reference or "{}"))


def doubts_of(knee: Network) -> list[str]:
    """Return what speaks against the network that a knee is measured against."""
    import json

    found: list[str] = json.loads(knee.doubts or "[]")
    return found


def _in_words(width: int | None, depth: int | None, resolution: int | None) -> str:
    side = f", resolution {resolution}" if resolution is not None else ""
    return f"width {width}, depth {depth}{side}"


def params_of(network: Network) -> str:
    """Return ``1,234 params``, or that nobody states them."""
    return "params that are not stated" if network.params is None else f"{network.params:,} params"


def bound_of(network: Network, question: Question) -> float:
    """Return the bound a target is compared with; the plain figure of published evidence that has none."""
    bound = network.low if question.sign > 0 else network.high
    return network.median if bound is None else bound


def shown(value: float) -> str:
    """Return a measured fraction or metric with 3 decimals."""
    return f"{value:.3f}"


def aim(target: float) -> str:
    """Return a target with at least 3 decimals, and more where they were asked for."""
    return max(shown(target), f"{target:.6g}", key=len)


def is_near(query: Query, network: Network) -> bool:
    """Say whether a network's task is within a factor of ``FAR`` of the asker's, as far as both are known."""
    return farness(query, network) <= FAR


def farness(query: Query, network: Network) -> float:
    """Return the largest factor between the asker's task and a network's: in examples, input size or classes."""
    pairs = (
        (query.n_train, network.n_train),
        (query.input_size, network.record_input_size),
        (query.n_classes, network.record_n_classes),
    )
    known = ((asked, had) for asked, had in pairs if asked is not None and had is not None)
    return max((max(asked / had, had / asked) if asked and had else math.inf for asked, had in known), default=1.0)


def is_limited(query: Query) -> bool:
    """Say whether the query bounds more than the target."""
    sizes = (query.max_params, query.max_flops, query.flash, query.ram, query.max_latency_ratio)
    return query.int8 or any(limit is not None for limit in (*sizes, query.reach, query.n_train))


def _nearness(miss: Miss) -> tuple[Any, ...]:
    """Order misses: one that a limit alone prevents first, then by how close the best comes."""
    if miss.best is None:
        return (miss.unlimited is not None, -math.inf)
    gap = 0.0 if miss.target is None else miss.question.sign * (bound_of(miss.best, miss.question) - miss.target)
    return (miss.unlimited is not None, gap)
