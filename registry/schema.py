"""The guideline record: every field with its unit, range and meaning.

The JSON Schema (``guides schema``, committed as ``registry/guideline.schema.json``) is generated from these models.
Rules that need more than one field live in ``validate.py``; a shape or range that one field can say is said here.
Every model is strict and frozen: no text for a number, no NaN, no unknown key at this schema version.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from registry.loader import LARGEST_INT

SCHEMA_VERSION: Final = "1.0.0"
SCHEMA_ID: Final = f"urn:sizing-guides:guideline:{SCHEMA_VERSION}"

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,63}$")]
RecordId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,63}(/[a-z0-9][a-z0-9-]{1,63}){2}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Prose = Annotated[str, StringConstraints(max_length=4000)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Timestamp = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")]
RelativePath = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$")
]
Count = Annotated[int, Field(ge=0, le=LARGEST_INT)]
PositiveCount = Annotated[int, Field(ge=1, le=LARGEST_INT)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Measure = Annotated[float, Field(ge=0, le=1e30)]
Real = Annotated[float, Field(ge=-1e30, le=1e30)]
Parameter = Annotated[float, Field(ge=-1e200, le=1e200)]
ParameterName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class Model(BaseModel):
    """What all parts of a record share: strict types, finite numbers, no unknown keys, no change after reading."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Shape(Model):
    """The size of a network inside its family."""

    width: Annotated[
        Count,
        Field(description="units per hidden layer, channels of the first stage, or model dimension; 0 at depth 0"),
    ]
    depth: Annotated[Count, Field(description="hidden layers or blocks, input and output not counted; 0 is linear")]
    resolution: Annotated[PositiveCount | None, Field(description="input side in pixels, where the task has one")] = (
        None
    )


class Licence(Model):
    """Licences of what the record holds."""

    code: Annotated[Line, Field(description="SPDX id of the exported code and networks")]
    data: Annotated[Line, Field(description="SPDX id of the record's figures")]


class DatasetFacts(Model):
    """One concrete data set with its fixed splits."""

    id: Annotated[Slug, Field(description="data set name")]
    source: Annotated[Line, Field(description="where the data come from, citable")]
    licence: Annotated[Line, Field(description="licence of the data")]
    sha256: Annotated[
        Sha256 | None, Field(description="content hash of inputs, labels and splits; null for published evidence")
    ]
    n_train: Annotated[PositiveCount | None, Field(description="examples to train on")]
    n_val: Annotated[Count | None, Field(description="examples to choose by")]
    n_test: Annotated[PositiveCount | None, Field(description="examples the claim rests on")]
    input_shape: Annotated[
        list[PositiveCount] | None,
        Field(
            max_length=4,
            description="one example: features, channels x height x width, or length x symbols where they are symbols",
        ),
    ]
    n_classes: Annotated[PositiveCount | None, Field(description="classes, where the task has them")]
    group: Annotated[
        Line | None, Field(description="what the splits keep apart (file, font family); null: same source")
    ]
    symbols: Annotated[bool, Field(description="whether inputs are symbols, such as characters, not numbers")] = False
    per_position: Annotated[bool, Field(description="whether every position is answered, not each example")] = False
    target_mean: Annotated[
        Real | None, Field(description="of a regression: mean of the training targets; networks answer (y - mean) / sd")
    ] = None
    target_sd: Annotated[Real | None, Field(description="of a regression: standard deviation of them")] = None
    n_test_by_class: Annotated[
        list[Count] | None,
        Field(max_length=80_000, description="beside balanced-accuracy alone: test items of each class, n_test in all"),
    ] = None
    private: Annotated[bool, Field(description="whether the data are somebody's own, and not to be had")] = False


class Metric(Model):
    """The number a target is stated in."""

    name: Annotated[Slug, Field(description="accuracy, balanced-accuracy, r2, bits-per-byte ...")]
    unit: Annotated[
        Literal["fraction", "r2", "bits-per-byte", "pixels"],
        Field(description="fraction is in [0, 1]; pixels is a distance, as of an end-point error"),
    ]
    direction: Annotated[Literal["higher", "lower"], Field(description="which way is better")]
    chance: Annotated[
        Real | None,
        Field(description="the metric of the best constant answer on the test split; null: not known (published only)"),
    ]


class Question(Model):
    """What is asked: task, data, metric."""

    task: Annotated[Slug, Field(description="task category")]
    dataset: DatasetFacts
    metric: Metric


class Reach(Model):
    """Share of fresh training runs that meet the target."""

    value: Annotated[Fraction, Field(description="share among the runs of this record")]
    low: Annotated[Fraction, Field(description="one-sided 95 % Clopper-Pearson lower bound")]


class TestResult(Model):
    """The test metric over fresh seeds of one shape.

    ``low`` and ``high`` bound the median run by order statistics at the level of the sign test, so that
    "meets the target" is exactly ``low >= target`` and "refuted" is exactly ``high < target``
    (with ``direction`` lower, the other way round).
    """

    __test__ = False  # pytest would collect it by its name

    median: Annotated[Real, Field(description="median over seeds, in the metric's unit")]
    mean: Annotated[Real, Field(description="mean over seeds, in the metric's unit")]
    low: Annotated[Real, Field(description="one-sided 95 % lower bound of the median run (exact sign test)")]
    high: Annotated[Real, Field(description="one-sided 95 % upper bound of the median run (exact sign test)")]
    sd: Annotated[Measure, Field(description="standard deviation over seeds")]
    n_seeds: Annotated[PositiveCount, Field(description="fresh training runs, fixed in advance")]
    n_diverged: Annotated[Count, Field(description="runs among them that diverged; they count as missing the target")]
    best_of_3: Annotated[
        Real, Field(description="mean test metric of the best by validation of 3 runs, over all triples of these runs")
    ]
    reach: Annotated[
        Reach | None, Field(description="of a knee, runs within its limit; null where there is neither (a reference)")
    ]
    outcomes: Annotated[
        str,
        Field(
            max_length=400_000,
            description="per seed and test item: zlib + base64 of packed correct bits (classification; items sorted "
            "by class where the metric is balanced-accuracy) or float16 losses (of more than 100 items their means "
            "over 100 blocks), seeds first",
        ),
    ]


class Int8File(Model):
    """The static int8 (QDQ) variant of a network."""

    path: RelativePath
    sha256: Sha256
    bytes: PositiveCount
    metric: Annotated[Real, Field(description="test metric of this file in onnxruntime")]


class OnnxFile(Model):
    """An exported network: the validation-median run."""

    path: Annotated[RelativePath, Field(description="inside the record's folder")]
    sha256: Sha256
    bytes: PositiveCount
    opset: Annotated[int, Field(ge=13, le=40)]
    metric: Annotated[Real, Field(description="test metric of this file in onnxruntime")]
    max_abs_difference: Annotated[
        Measure,
        Field(description="largest difference of a logit between PyTorch and onnxruntime, batch 1, 7 and n_test"),
    ]
    int8: Int8File | None = None


class BracketPoint(Model):
    """The largest cheaper ladder shape at one depth and resolution, measured with seeds of its own."""

    shape: Shape
    params: Count
    test: Annotated[TestResult, Field(description="at its settled steps")]
    test_longer: Annotated[
        TestResult | None, Field(description="at 4 x as many steps; null where test does not miss the target already")
    ]
    verdict: Annotated[
        Literal["refuted", "undecided"],
        Field(description="refuted: high < target at both step counts; undecided otherwise"),
    ]
    steps_tried: Annotated[
        list[PositiveCount],
        Field(min_length=1, max_length=2, description="optimiser steps of test and, where measured, of test_longer"),
    ]


class Attempt(Model):
    """One certification attempt, failures included, in the order they were made.

    The first needs 15 of 20 fresh runs that meet the target, later ones more, so that, per target and
    route, the chance that any claims a shape that misses is at most 5 %; a look after 64 runs has a count of its own.
    """

    shape: Shape
    params: Count
    steps: PositiveCount
    learning_rate: Annotated[float, Field(gt=0, le=1e6)]
    n_seeds: PositiveCount
    n_meeting: Count
    verdict: Annotated[
        Literal["certified", "failed"],
        Field(description="certified: as many runs meet the target as this attempt needs, counted from 1"),
    ]


class Point(Model):
    """What every answer says of a network, measured or published."""

    shape: Annotated[Shape | None, Field(description="null for published networks without a width or depth")]
    family_options: Annotated[
        dict[Slug, str | int | float | bool], Field(max_length=32, description="what stays fixed inside the family")
    ] = {}
    route: Annotated[Literal["scratch", "pruned", "distilled"], Field(description="how the network got small")]
    params: Annotated[
        Count | None,
        Field(description="trainable scalars, biases and embeddings included; null: not stated (published only)"),
    ]
    flops: Annotated[Measure | None, Field(description="forward pass of one example; a multiply-add is 2")]
    train_flops: Annotated[
        Measure | None, Field(description="one training run: 3 x flops x examples seen (all stages)")
    ]
    weight_bytes: Annotated[Count | None, Field(description="parameters alone, float32")]
    weight_bytes_int8: Annotated[
        Count | None, Field(description="parameters alone, int8 with float32 scales, int32 biases")
    ]
    ram_bytes: Annotated[Count | None, Field(description="peak of live tensors, float32, batch 1, weights apart")]
    ram_bytes_int8: Annotated[Count | None, Field(description="peak of live tensors, int8, batch 1, weights apart")]
    latency_ratio: Annotated[
        Measure | None,
        Field(description="median onnxruntime time at batch 1 over that of a dense 64-128-128-10 network"),
    ]


class MeasuredPoint(Point):
    """The smallest certified network of one route for one target."""

    target: Annotated[Real | None, Field(description="in the metric's unit; null for a knee")]
    shape: Shape
    params: Annotated[Count, Field(description="trainable scalars, biases and embeddings included")]
    n_train: PositiveCount
    steps: Annotated[PositiveCount, Field(description="optimiser steps of the (last) training stage")]
    learning_rate: Annotated[float, Field(gt=0, le=1e6)]
    weight_decay: Annotated[Measure, Field(description="decoupled weight decay")]
    pruned_from: Annotated[
        Shape | None, Field(description="the shape that was trained first, where route is pruned")
    ] = None
    test: TestResult
    attempts: Annotated[list[Attempt], Field(max_length=200)]
    bracket: Annotated[list[BracketPoint], Field(max_length=64)]
    onnx: OnnxFile | None


class KneeReference(Model):
    """The network that stands for the widest: of all that were tried, the best by validation, the widest included.

    The median error of its runs estimates the width floor, between those of ``test.low`` and ``test.high``.
    """

    shape: Shape
    params: Count
    steps: PositiveCount
    learning_rate: Annotated[float, Field(gt=0, le=1e6)]
    test: Annotated[TestResult, Field(description="fresh runs that no certification uses")]


class KneePoint(MeasuredPoint):
    """The smallest certified network whose error is within 1.1 x the width floor: target null, held to ``limit``."""

    limit: Annotated[
        Real,
        Field(description="in the metric's unit: 1.1 x the reference's median error, k wrong of n as k + 0.5 of n + 1"),
    ]
    reference: KneeReference


class PublishedPoint(Point):
    """Somebody's figure, cited."""

    name: Annotated[Line, Field(description="the model's name at the source")]
    value: Annotated[Real, Field(description="test metric as published, in the metric's unit")]
    low: Annotated[
        Real | None,
        Field(description="lower bound of the metric: binomial on the test set and a stated prior for the seed"),
    ]
    high: Annotated[
        Real | None, Field(description="upper bound of the metric, likewise: what a lower-is-better figure ranks by")
    ]
    year: Annotated[int | None, Field(ge=1950, le=2100)]
    citation: Annotated[Line, Field(description="citation key or link")]
    where: Annotated[Line, Field(description="table, figure or page of the source")]
    precision: Annotated[
        Literal["float32", "float16", "int8", "int8-mixed"] | None,
        Field(
            description="numbers the weights are stored in and run with; int8-mixed: some of them in fewer bits; "
            "null: not stated"
        ),
    ] = "float32"
    resolution: Annotated[PositiveCount | None, Field(description="input side that value was measured at")] = None
    n_train: Annotated[
        PositiveCount | None,
        Field(description="examples of the data set trained on; null: not stated, or other data were used, too"),
    ] = None
    pretrained_on: Annotated[
        Line | None, Field(description="other data that it was trained on first; null: none that the source names")
    ] = None
    latency_s: Annotated[Measure | None, Field(description="seconds of one inference on board")] = None
    board: Annotated[Line | None, Field(description="what latency_s was measured on")] = None
    input_shape: Annotated[
        list[PositiveCount] | None,
        Field(max_length=4, description="one example: channels x (frames x) height x width; what flops are counted at"),
    ] = None
    file_bytes: Annotated[Count | None, Field(description="the file of weights, as precise as the source says")] = None
    metrics: Annotated[
        dict[Slug, Real],
        Field(max_length=32, description="further figures of the source: name, with the unit it needs -> value"),
    ] = {}
    links: Annotated[
        dict[Slug, Line], Field(max_length=8, description="what there is to read or fetch: recipe, weights ...")
    ] = {}
    licence: Annotated[Line | None, Field(description="of the weights, where the source names one")] = None
    train_flops_source: Annotated[
        Literal["stated", "hardware-x-time", "params-x-tokens", "flops-x-examples", "derived"] | None,
        Field(description="how train_flops was obtained"),
    ] = None
    note: Annotated[Line | None, Field(description="what a reader should know before trusting this figure")] = None


class Bound(Model):
    """A value with an interval that may be open."""

    value: Real
    low: Annotated[Real | None, Field(description="5 % point; null: open")]
    high: Annotated[Real | None, Field(description="95 % point; null: open")]


class LawForm(Model):
    """One fitted form of a law with its weight in the log-average."""

    form: Annotated[
        Literal[
            "power-law",
            "shifted-power-law",
            "m4",
            "broken-power-law",
            "additive",
            "envelope",
            "saturating",
            "saturating-mean",
            "product",
            "power-mean",
            "crossed",
            "additive-block",
            "additive-shape",
            "product-shape",
            "power-mean-shape",
        ],
        Field(description="formulas and parameters: registry/laws/forms.py and surfaces.py there"),
    ]
    weight: Fraction
    parameters: Annotated[dict[ParameterName, Parameter], Field(min_length=1, max_length=16)]


class LawInterval(Model):
    """How far a law's doubt reaches, learnt on back-tests.

    With L the law and s the root of (mean square of log draw - log L) + noise ** 2 + (drift x log-distance outside the
    range) ** 2: the mean curve lies in L x exp(-+ factor x s), one new run in L x exp(-+ sqrt((factor s)**2 +
    (z run_sd)**2)), z the normal quantile.
    """

    factor80: Annotated[Measure, Field(description="for 80 %")]
    factor90: Annotated[Measure, Field(description="for 90 %")]
    noise: Annotated[Measure, Field(description="doubt, in log error, that is there however well the draws agree")]
    drift: Annotated[Measure, Field(description="doubt per unit of natural log-distance outside the range")]
    run_sd: Annotated[Measure | None, Field(description="standard deviation of log error between runs; null: unknown")]


Range = Annotated[list[PositiveCount], Field(min_length=2, max_length=2)]


class ValidRange(Model):
    """The range a law was fitted on: smallest and largest of each of its variables."""

    n_train: Range | None = None
    steps: Range | None = None
    params: Range | None = None
    width: Range | None = None
    depth: Range | None = None


class LawPoint(Model):
    """One cell a law was fitted to. What is the same for all cells, such as the shape, may be left out."""

    n_train: PositiveCount
    params: PositiveCount | None = None
    width: Count | None = None
    depth: Count | None = None
    resolution: PositiveCount | None = None
    learning_rate: Annotated[float | None, Field(gt=0, le=1e6, description="the one chosen on validation")] = None
    error: Annotated[Measure, Field(description="mean validation error over seeds")]
    sd: Measure
    n_seeds: PositiveCount
    steps: PositiveCount
    capped: Annotated[
        bool, Field(description="validation error was still falling at the most steps; fitted as it stood")
    ]


class LawRegions(Model):
    """Where a curve leaves its power law, in units of its first variable; null: unseen."""

    small_data_end: Annotated[Bound | None, Field(description="below it the error stays near chance")]
    irreducible_start: Annotated[Bound | None, Field(description="beyond it the error stays near its floor")]


LawVariable = Literal["n_train", "steps", "params", "width", "depth"]


class Law(Model):
    """Validation error as a function of data at one shape, or of data and size."""

    variables: Annotated[list[LawVariable], Field(min_length=1, max_length=3, description="data first, then sizes")] = [
        "n_train"
    ]
    shape: Annotated[Shape | None, Field(description="the one shape of a law in data alone")]
    forms: Annotated[list[LawForm], Field(min_length=1, max_length=16)]
    draws: Annotated[
        list[Annotated[list[Parameter], Field(min_length=1, max_length=17)]],
        Field(
            max_length=200,
            description="members fitted again to resampled data: position in forms, then its parameters in the form's "
            "order; the position may be left out where there is one form",
        ),
    ]
    interval: Annotated[LawInterval | None, Field(description="null: not calibrated")] = None
    valid_range: ValidRange
    points: Annotated[list[LawPoint], Field(min_length=5, max_length=400)]
    backtest_error: Annotated[
        Measure | None, Field(description="mean |log(predicted / measured)| at the largest cells, fitted without them")
    ]
    width_floor: Annotated[Bound | None, Field(description="limit of the error as params grow, at the largest n_train")]
    irreducible_error: Annotated[Bound | None, Field(description="limit of the error as n_train grows")]
    regions: LawRegions | None = None
    chance: Annotated[Measure | None, Field(description="error of the best constant answer")] = None
    examples_seen_rule: Annotated[Line, Field(description="how many examples a run saw at each n_train")]


class Baseline(Model):
    """What a method without a network reaches on the same test split."""

    name: Annotated[Slug, Field(description="majority, linear, nearest-neighbours, boosted-trees ...")]
    metric: Real
    bytes: Annotated[Count, Field(description="what has to be stored to answer")]
    flops: Annotated[Measure | None, Field(description="one prediction; null where it is not arithmetic")]


class Recipe(Model):
    """How every network of the record was trained."""

    optimiser: Line
    schedule: Line
    batch_size: PositiveCount
    initialisation: Line
    tuning: Annotated[Prose, Field(description="the rates tried and how one was chosen")]
    steps_rule: Annotated[Prose, Field(description="how long a run lasts and which checkpoint counts")]
    augmentation: Line


class EnergyEstimate(Model):
    """An estimate, never a reading."""

    kwh: Measure
    assumption: Line


class Cost(Model):
    """What the record cost to make."""

    train_flops: Annotated[Measure, Field(description="all training runs, unpadded")]
    wall_s: Annotated[Measure, Field(description="seconds, summed over worker processes")]
    n_trials: Count
    energy_estimate: EnergyEstimate


class Provenance(Model):
    """What made the record, enough to make it again."""

    git_sha: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{40}|unknown)$")]
    dirty: Annotated[bool, Field(description="the working tree differed from the commit, or the commit is unknown")]
    versions: Annotated[dict[str, Line], Field(max_length=32)]
    hardware: Annotated[dict[Slug, Line], Field(max_length=16)]
    threads: Annotated[PositiveCount, Field(description="threads of each training process")]
    command: Line
    seed: Count


class TrialsFile(Model):
    """Every training run behind the record, one JSON object a line."""

    path: RelativePath
    sha256: Sha256
    n: Count


class Guideline(Model):
    """What measured and published records share."""

    schema_uri: Annotated[str, Field(alias="$schema", description="the schema this record follows")]
    schema_version: Annotated[str, StringConstraints(pattern=r"^\d{1,4}\.\d{1,4}\.\d{1,4}$")]
    id: Annotated[
        RecordId, Field(description="task/dataset/family; task/dataset/family-balanced-accuracy by that metric")
    ]
    version: Annotated[PositiveCount, Field(description="counts up; a released version never changes")]
    supersedes: Annotated[PositiveCount | None, Field(description="the version this one replaces")]
    created: Annotated[Timestamp, Field(description="UTC")]
    licence: Licence
    authors: Annotated[list[Line], Field(min_length=1, max_length=64)]
    cite: Line
    question: Question
    notes: Annotated[list[Line], Field(max_length=64, description="what a reader should know before trusting a number")]


class MeasuredGuideline(Guideline):
    """Made by this harness, trials attached."""

    evidence: Literal["measured"]
    frontier: Annotated[list[MeasuredPoint], Field(max_length=500)]
    knee: Annotated[list[KneePoint], Field(max_length=64, description="one per n_train")]
    law: Annotated[Law | None, Field(description="null where none could be fitted; notes say why")]
    baselines: Annotated[list[Baseline], Field(min_length=1, max_length=64)]
    recipe: Recipe
    cost: Cost
    provenance: Provenance
    trials: TrialsFile


class PublishedGuideline(Guideline):
    """Somebody's figures, cited."""

    evidence: Literal["published"]
    frontier: Annotated[list[PublishedPoint], Field(min_length=1, max_length=2000)]


AnyGuideline = Annotated[MeasuredGuideline | PublishedGuideline, Field(discriminator="evidence")]
ADAPTER: Final[TypeAdapter[MeasuredGuideline | PublishedGuideline]] = TypeAdapter(AnyGuideline)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a guideline record, with ``$schema`` and a versioned ``$id``."""
    generated = ADAPTER.json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Guideline record",
        **generated,
    }
