"""What is asked and what is answered: plain tuples, cheap to import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from registry.tuples import NamedTuple

if TYPE_CHECKING:
    from registry.roots import Root

FAR: Final = 4.0  # a task whose size differs by more than this factor is not evidence for yours
KNEE_NOTE: Final = "knee: "  # begins the notes of a record on its knee
NO_BRACKET: Final = "no bracket:"  # begins the note of a record that says where nothing smaller was tried
OWN_DATA: Final = "own-"  # begins the ids of data sets that somebody measured on data of their own
NO_KNEE: Final = "no knee: "  # begins the note of a record that says why there is none
OUT_OF_TIME: Final = "the time was up"
MINIMISE: Final = ("params", "flops", "weight-bytes", "ram-bytes", "latency")


class Query(NamedTuple):
    """What is asked.

    Args:
        task: The task category.
        targets: Values of ``metric`` to reach; none asks for the knee.
        metric: The metric's name.
        dataset: One data set only.
        family: One family only.
        n_train: Training examples the asker has.
        input_size: Values in one of the asker's inputs.
        n_classes: The asker's classes.
        reach: Share of fresh runs that must meet the target, as a 95 % lower bound.
        max_params: Largest number of parameters.
        max_flops: Most flops of one forward pass.
        flash: Most bytes of weights.
        ram: Most bytes of live tensors.
        int8: Whether bytes, and the metric, are those of the int8 file.
        max_latency_ratio: Largest latency ratio.
        minimise: What "smallest" goes by first.
    """

    task: str
    targets: tuple[float, ...] = ()
    metric: str = "accuracy"
    dataset: str | None = None
    family: str | None = None
    n_train: int | None = None
    input_size: int | None = None
    n_classes: int | None = None
    reach: float | None = None
    max_params: int | None = None
    max_flops: float | None = None
    flash: int | None = None
    ram: int | None = None
    int8: bool = False
    max_latency_ratio: float | None = None
    minimise: str = "params"

    @property
    def sizes(self) -> tuple[str, ...]:
        """The fields of a network that "smallest" goes by, first to last."""
        int8 = "_int8" if self.int8 else ""
        first = {
            "params": "params",
            "flops": "flops",
            "weight-bytes": f"weight_bytes{int8}",
            "ram-bytes": f"ram_bytes{int8}",
            "latency": "latency_ratio",
        }[self.minimise]
        bytes_of = (f"weight_bytes{int8}", f"ram_bytes{int8}")  # what is left to compare where params are not stated
        return tuple(dict.fromkeys((first, "params", "flops", "depth", "width", "resolution", *bytes_of)))

    def ranked_by(self, network: Network) -> str | None:
        """Return the first of the sizes that "smallest" goes by that the network has: what really ranked it."""
        return next((column for column in self.sizes if getattr(network, column) is not None), None)


class Question(NamedTuple):
    """A data set and the metric it is asked in."""

    task: str
    dataset: str
    metric: str
    unit: str
    direction: str

    @property
    def sign(self) -> int:
        """1 where higher is better, -1 where lower is."""
        return 1 if self.direction == "higher" else -1

    def meets(self, value: float, target: float) -> bool:
        """Say whether ``value`` is at least as good as ``target``."""
        return self.sign * value >= self.sign * target

    def beats(self, value: float, other: float) -> bool:
        """Say whether ``value`` is better than ``other``."""
        return not self.meets(other, value)


class Network(NamedTuple):
    """One network on record. Fields are those of a point in the record; ``int8_metric`` is its int8 file's.

    Those from ``name`` on are of published evidence; ``found_at`` is ``where`` in the record, a word of SQL.
    ``latency_s`` is in seconds on ``board``, which no ``latency_ratio`` follows from.
    ``reference`` is the shape whose error a knee is measured against, ``doubts`` why it may be the wrong one; as JSON.
    ``hasty`` says that nothing smaller was tried for want of time.
    ``median`` is its one figure, ``n_train`` is None where other data were used, too, or its source does not say.
    """

    id: str
    version: int
    superseded: bool
    evidence: str
    record_n_train: int | None
    record_input_size: int | None
    record_n_classes: int | None
    record_wall_s: float | None
    point: int
    family: str
    target: float | None
    width: int | None
    depth: int | None
    resolution: int | None
    family_options: str
    route: str
    n_train: int | None
    steps: int | None
    params: int | None
    flops: float | None
    train_flops: float | None
    weight_bytes: int | None
    weight_bytes_int8: int | None
    ram_bytes: int | None
    ram_bytes_int8: int | None
    latency_ratio: float | None
    median: float
    low: float | None
    high: float | None
    n_seeds: int | None
    reach_value: float | None
    reach_low: float | None
    int8_metric: float | None
    name: str | None
    citation: str | None
    found_at: str | None
    recipe: str | None
    precision: str | None
    file_bytes: int | None
    note: str | None
    latency_s: float | None
    board: str | None
    reference: str | None
    doubts: str | None
    hasty: int


class Bracket(NamedTuple):
    """The largest cheaper network that was tried at one depth and resolution.

    ``longer``: at 4 x as many steps; None where it was not measured there, as it did not miss in the first place.
    """

    width: int
    depth: int
    resolution: int | None
    params: int
    median: float
    low: float
    high: float
    n_seeds: int
    n_meeting: int | None
    longer_n_seeds: int | None
    longer_n_meeting: int | None
    verdict: str


class Baseline(NamedTuple):
    """What a method without a network reaches on the same test split."""

    name: str
    metric: float
    bytes: int
    flops: float | None


class Source(NamedTuple):
    """Another place that tells of a published network; fields as in :class:`Network`."""

    id: str
    version: int
    name: str
    citation: str
    found_at: str
    params: int
    median: float


class Answer(NamedTuple):
    """The smallest network of one data set for one target, and what stands beside it.

    Args:
        question: The data set and its metric.
        target: The value asked for; None for a knee.
        network: The answer.
        root: Where its record lies.
        scratch: The smallest network trained from scratch, where the answer's route is another one and there is any.
        measured: The smallest network of measured evidence, where the answer's is published and there is any.
        bracket: What was tried below it.
        baselines: Every baseline of the data set, best first.
        best: The best median of any network of the data set.
        near: Whether the asker's task is within a factor of 4 of the record's.
        also: Other published records of the same network: the same name, params within 1 %, figure within 0.1 %.
        n_unstated: Where the answer is published, how many networks reach the target within the limits, as far as their
            figures are stated, and have no figure of the size that "smallest" goes by first; None elsewhere.
    """

    question: Question
    target: float | None
    network: Network
    root: Root
    scratch: Network | None
    measured: Network | None
    bracket: tuple[Bracket, ...]
    baselines: tuple[Baseline, ...]
    best: float
    near: bool
    also: tuple[Source, ...] = ()
    n_unstated: int | None = None

    @property
    def n_meeting(self) -> int | None:
        """How many runs met the point's target, if that says how many at least met the one asked."""
        network = self.network
        if network.reach_value is None or network.n_seeds is None or network.target is None or self.target is None:
            return None
        if not self.question.meets(network.target, self.target):
            return None
        return round(network.reach_value * network.n_seeds)

    def refutes(self, part: Bracket) -> bool:
        """Say whether a bracket refuted for the point's own target is so for the target asked; a knee's is its own."""
        if part.verdict != "refuted" or self.target is None:
            return part.verdict == "refuted"
        return not self.question.meets(part.high if self.question.sign > 0 else part.low, self.target)


class Predicted(NamedTuple):
    """What a record's law predicts for the asker's number of examples; nothing was measured there.

    Args:
        n_train: The asker's training examples.
        network: The network that the law is of: its shape, or its params where the law knows them.
        value: The predicted metric.
        low: Lower end of the 90 % interval of its mean; None: open.
        high: Upper end.
    """

    n_train: int
    network: str
    value: float
    low: float | None
    high: float | None


class Limit(NamedTuple):
    """A score that a source requires, or says that a network meets: no result of anything."""

    name: str
    value: float
    citation: str


class NoKnee(NamedTuple):
    """A guideline whose knee was looked for in vain."""

    id: str
    version: int
    reason: str


class Miss(NamedTuple):
    """A data set and target that nothing on record reaches.

    Args:
        question: The data set and its metric.
        target: The value asked for; None for a knee.
        best: The network with the best bound within the limits asked for; None where no network is.
        unlimited: The smallest network that reaches the target when the limits are left out; None where none does.
        predicted: Where that one was trained on more examples than the asker has, what its record's law predicts
            for as many as these; None where it predicts nothing.
        advice: What a floor of the best one's record says the target takes; None where no floor is in the way, or where
            another data set or target has an answer.
        int8: The smallest network that reaches the target within the limits where bytes are those of int8 files, if
            these were not asked for.
        limit: The hardest score that a source requires, where nothing else is on record; None elsewhere.
        no_knee: Where a knee is asked for, the newest guideline that was to have one; None elsewhere.
        family: The family it is about; None for all. A knee is one of its family.
    """

    question: Question
    target: float | None
    best: Network | None
    unlimited: Network | None
    predicted: Predicted | None = None
    advice: str | None = None
    int8: Network | None = None
    limit: Limit | None = None
    no_knee: NoKnee | None = None
    family: str | None = None


class Reply(NamedTuple):
    """Everything found: answers and misses by data set and target, in that order.

    Args:
        answers: Data sets and targets with an answer.
        misses: Data sets and targets without.
        more: Whether there are data sets that were not looked at, because enough had answered.
        damaged: One line for each record that was left out.
    """

    answers: tuple[Answer, ...]
    misses: tuple[Miss, ...]
    more: bool
    damaged: tuple[str, ...]
