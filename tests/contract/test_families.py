"""What ``harness/families/base.py`` promises, for every family there is, in single and in double precision."""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from harness import plugins
from harness.batches import BatchStream
from harness.datasets.base import Dataset, Split, Splits
from harness.families.base import Family, Outputs, State
from harness.inference import blank
from harness.loss import mean_loss
from harness.pictures.fetched import Fetched
from harness.plugins import load, names
from harness.stack import StackedNetwork, train
from harness.train import load_weights, run_pack
from harness.trial import Outcome, Shape, Trial

N_OUTPUTS = 3
MEMBERS = 8
BATCH = 5
DRAWN = 40  # examples of the made-up splits
LENGTH, N_SYMBOLS = 5, 5
ONE_ANSWER = [(name, depth, False) for name in names("families") for depth in load("families", name).depths]
EVERY_PLACE = [
    (name, max(load("families", name).depths), True)
    for name in names("families")
    if "lang-model" in load("families", name).tasks
]
CASES = [*ONE_ANSWER, *EVERY_PLACE]
IDS = [f"{name}-depth-{depth}{'-every-place' * every}" for name, depth, every in CASES]
PADDED = [(case, id_) for case, id_ in zip(CASES, IDS, strict=True) if load("families", case[0]).buckets]


@dataclass(frozen=True)
class Case:
    """One family at one depth, with an input shape it takes; one answer an example, or one at every place."""

    family: Family
    depth: int
    every: bool = False

    @property
    def input_shape(self) -> tuple[int, ...]:
        return next(s for s in ((2, 9, 6), (7,), (1, 8, 8), (LENGTH, N_SYMBOLS)) if self.family.fits(s))

    @property
    def n_outputs(self) -> Outputs:
        return (LENGTH, N_OUTPUTS) if self.every else N_OUTPUTS

    @property
    def answers(self) -> tuple[int, ...]:
        """The shape of one example's labels."""
        return (LENGTH,) if self.every else ()

    @property
    def shapes(self) -> list[Shape]:
        """Shapes of one program: all but the widest are padded, where its bucket has narrower ones."""
        ladder = [Shape(width, self.depth) for width in self.family.ladder(self.depth)]
        program = self.family.padded(ladder[min(4, len(ladder) - 1)])
        shapes = [shape for shape in ladder if self.family.padded(shape) == program][-MEMBERS:]
        return [shapes[i % len(shapes)] for i in range(MEMBERS)]

    @property
    def padded(self) -> Shape:
        return self.family.padded(self.shapes[0])

    def states(self) -> list[State]:
        generator = torch.Generator().manual_seed(1)
        states = [
            self.family.initial_state(self.input_shape, self.n_outputs, shape, generator) for shape in self.shapes
        ]
        for state in states:  # biases start at zero: give them something to be wrong about
            for tensor in state.values():
                tensor += 0.1 * torch.randn(tensor.shape, generator=generator)
        return states

    def networks(self, states: list[State]) -> list[nn.Module]:
        """The plain networks."""
        networks = [self.family.network(self.input_shape, self.n_outputs, shape) for shape in self.shapes]
        for network, state in zip(networks, states, strict=True):
            network.load_state_dict(state)
        return networks

    def stacked(self, states: list[State]) -> StackedNetwork:
        stacked = self.family.stacked(self.input_shape, self.n_outputs, self.padded, len(states))
        for member, state in enumerate(states):
            stacked.load(member, state)
        return stacked

    def real(self, states: list[State]) -> torch.Tensor:
        """Which scalars of the stacked form belong to a member and which are padding, (members, scalars)."""
        ones = [{name: torch.ones_like(tensor) for name, tensor in state.items()} for state in states]
        return self.stacked(ones).parameters != 0

    def draw(self, *lead: int) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(2)
        if self.family.reads_symbols:
            inputs = torch.randint(N_SYMBOLS, (*lead, LENGTH), generator=generator)
        else:
            inputs = torch.randn(*lead, *self.input_shape, generator=generator)
        return inputs, torch.randint(N_OUTPUTS, (*lead, *self.answers), generator=generator)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """As packs run: with more, small convolutions wait for each other, up to ten times as long."""
    torch.set_num_threads(1)


@pytest.fixture(params=CASES, ids=IDS)
def case(request: pytest.FixtureRequest) -> Case:
    name, depth, every = request.param
    return Case(load("families", name), depth, every)


@pytest.fixture(params=[case for case, _ in PADDED], ids=[id_ for _, id_ in PADDED])
def padded_case(request: pytest.FixtureRequest) -> Case:
    """A case of a family whose widths are padded into buckets."""
    name, depth, every = request.param
    return Case(load("families", name), depth, every)


@pytest.fixture(params=names("families"))
def family(request: pytest.FixtureRequest) -> Family:
    return load("families", request.param)


@pytest.fixture(params=[torch.float32, torch.float64], ids=["float32", "float64"])
def tolerance(request: pytest.FixtureRequest) -> Iterator[float]:
    """How close two ways of computing the same come: everything is made in the type of the parameter."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(request.param)
    yield {torch.float32: 1e-5, torch.float64: 1e-9}[request.param]
    torch.set_default_dtype(before)


def close(found: torch.Tensor, expected: torch.Tensor, tolerance: float) -> bool:
    return found.shape == expected.shape and torch.allclose(found, expected, rtol=tolerance, atol=tolerance)


def gradients(case: Case, states: list[State], inputs: torch.Tensor, labels: torch.Tensor) -> list[State]:
    """The stacked form's gradients, each in its plain network's layout."""
    stacked = case.stacked(states)
    stacked.differentiate(inputs, labels)
    stacked.parameters.copy_(stacked.gradient)
    return [stacked.state(member, state) for member, state in enumerate(states)]


def train_plainly(
    network: nn.Module, inputs: torch.Tensor, labels: torch.Tensor, rows: np.ndarray, rate: float, decay: float
) -> State:
    """Train one network the usual way: torch's own optimiser over the same batches."""
    optimiser = (
        torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay)
        if decay
        else torch.optim.Adam(network.parameters(), lr=rate)
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=len(rows))
    for batch in torch.from_numpy(rows):
        optimiser.zero_grad()
        mean_loss(network(inputs[batch]), labels[batch]).backward()
        optimiser.step()
        schedule.step()
    return dict(network.state_dict())


def train_stacked(case: Case, states: list[State], rates: list[float], decays: list[float]) -> StackedNetwork:
    """20 steps of the stacked form over the made-up split; member i takes the batches of seed i."""
    inputs, labels = case.draw(DRAWN)
    stacked = case.stacked(states)
    train(
        stacked,
        inputs=inputs,
        labels=labels,
        val_inputs=inputs[:BATCH],
        val_labels=labels[:BATCH],
        streams=[BatchStream(np.arange(DRAWN), BATCH, seed) for seed in range(MEMBERS)],
        learning_rates=rates,
        weight_decays=decays,
        steps=20,
    )
    return stacked


def test_family_is_an_instance_of_the_seam_named_like_its_file(family: Family) -> None:
    assert isinstance(family, Family)
    assert family.name in names("families")
    assert load("families", family.name) is family
    assert set(family.tasks) <= set(names("tasks"))
    assert family.tasks


def test_ladder_rises_and_params_with_it(case: Case) -> None:
    ladder = case.family.ladder(case.depth)
    params = [case.family.params(case.input_shape, case.n_outputs, Shape(width, case.depth)) for width in ladder]

    assert list(ladder) == sorted(set(ladder))
    assert params == sorted(set(params))


def test_params_are_those_of_the_plain_network(case: Case) -> None:
    shape = case.shapes[0]
    network = case.family.network(case.input_shape, case.n_outputs, shape)

    counted = case.family.params(case.input_shape, case.n_outputs, shape)

    assert counted == sum(parameter.numel() for parameter in network.parameters())


def test_padding_is_the_narrowest_bucket_and_keeps_the_depth(case: Case) -> None:
    for width in case.family.ladder(case.depth):
        padded = case.family.padded(Shape(width, case.depth))
        narrower = [bucket for bucket in case.family.buckets if bucket < padded.width]

        assert padded.depth == case.depth
        assert padded.width >= width
        assert not case.depth or all(bucket < width for bucket in narrower)


def test_head_makes_the_logits(case: Case) -> None:
    network = case.networks(case.states())[0]
    seen: list[torch.Tensor] = []
    case.family.head(network).register_forward_hook(lambda _module, _inputs, output: seen.append(output))

    logits = network(case.draw(BATCH)[0])

    assert [tuple(output.shape) for output in seen] == [(BATCH, *case.answers, N_OUTPUTS)]
    assert seen[0] is logits


def test_zero_units_stay_silent_and_nothing_normalises_where_widths_are_padded(padded_case: Case) -> None:
    network = padded_case.networks(padded_case.states())[-1]
    for name, parameter in network.named_parameters():
        if "bias" in name or "embedding" in name:
            nn.init.zeros_(parameter)
    logits = network(blank(network, padded_case.input_shape, n=2))

    assert logits.abs().max() == 0
    assert not [module for module in network.modules() if "norm" in type(module).__name__.lower()]


def test_network_says_what_its_family_reads(case: Case) -> None:
    network = case.networks(case.states())[0]

    assert getattr(network, "reads_symbols", False) == case.family.reads_symbols
    assert case.family.reads_symbols or not case.every


def test_initial_state_depends_on_its_generator_alone(case: Case) -> None:
    def draw(seed: int) -> State:
        generator = torch.Generator().manual_seed(seed)
        return case.family.initial_state(case.input_shape, case.n_outputs, case.shapes[0], generator)

    torch.manual_seed(1)
    first = draw(5)
    torch.manual_seed(2)
    again, other = draw(5), draw(6)

    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_initial_state_is_the_next_draw_of_a_generator_in_use(case: Case) -> None:
    generator = torch.Generator().manual_seed(5)
    first, second = (
        case.family.initial_state(case.input_shape, case.n_outputs, case.shapes[0], generator) for _ in range(2)
    )

    assert not all(torch.equal(first[name], second[name]) for name in first)


def test_state_that_was_loaded_comes_back(case: Case) -> None:
    states = case.states()
    stacked = case.stacked(states)

    for member, state in enumerate(states):
        found = stacked.state(member, state)

        assert found.keys() == state.keys()
        assert all(torch.equal(found[name], state[name]) for name in state)


def test_loading_a_member_again_leaves_nothing_of_what_was_there(case: Case) -> None:
    states = case.states()
    widest = max(states, key=lambda state: sum(tensor.numel() for tensor in state.values()))
    stacked = case.stacked([widest] * MEMBERS)
    for member, state in enumerate(states):
        stacked.load(member, state)

    assert torch.equal(stacked.parameters, case.stacked(states).parameters)


def test_every_scalar_of_a_member_has_one_place(case: Case) -> None:
    states = case.states()
    params = [case.family.params(case.input_shape, case.n_outputs, shape) for shape in case.shapes]

    assert case.real(states).sum(dim=1).tolist() == params


def test_stacked_logits_are_the_plain_networks(case: Case, tolerance: float) -> None:
    states = case.states()
    inputs, _ = case.draw(MEMBERS, BATCH)
    found = case.stacked(states).logits(inputs)
    expected = torch.stack([network(inputs[i]) for i, network in enumerate(case.networks(states))])

    assert not found.requires_grad
    assert close(found, expected.detach(), tolerance)


def test_stacked_gradients_are_the_plain_networks(case: Case, tolerance: float) -> None:
    states = case.states()
    inputs, labels = case.draw(MEMBERS, BATCH)
    found = gradients(case, states, inputs, labels)

    for i, network in enumerate(case.networks(states)):
        mean_loss(network(inputs[i]), labels[i]).backward()
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None
            assert close(found[i][name], parameter.grad, tolerance), (i, name)


@pytest.mark.parametrize("decay", [0.0, 0.3], ids=["adam", "adamw"])
def test_20_steps_are_those_of_torchs_optimiser(case: Case, tolerance: float, decay: float) -> None:
    states = case.states()
    rates = [0.001 * (1 + i) for i in range(MEMBERS)]
    stacked = train_stacked(case, states, rates, [decay] * MEMBERS)
    inputs, labels = case.draw(DRAWN)

    for i, network in [*enumerate(case.networks(states))][::3]:
        rows = BatchStream(np.arange(DRAWN), BATCH, i).take(20)
        expected = train_plainly(network, inputs, labels, rows, rates[i], decay)
        found = stacked.state(i, states[i])

        assert not all(close(found[name], states[i][name], 1e-3) for name in found)
        for name in expected:  # Adam divides by the gradient's own size: rounding of a small one is seen whole
            assert close(found[name], expected[name], 10 * tolerance), (i, name)


def test_members_of_one_pack_may_decay_differently(case: Case) -> None:
    states = [case.states()[0]] * MEMBERS
    decays = [0.0] * 4 + [5.0] * 4
    stacked = train_stacked(case, states, [0.01] * MEMBERS, decays)
    alone = train_stacked(case, states, [0.01] * MEMBERS, [0.0] * MEMBERS)

    assert torch.equal(stacked.parameters[:4], alone.parameters[:4])
    assert stacked.parameters[4:].norm() < 0.9 * alone.parameters[4:].norm()


def test_padding_stays_exactly_zero_in_training(padded_case: Case) -> None:
    case = padded_case
    states = case.states()
    real = case.real(states)
    stacked = train_stacked(case, states, [0.05] * MEMBERS, [0.1] * MEMBERS)

    assert case.depth == 0 or not real.all()
    assert stacked.parameters[~real].abs().sum() == 0
    assert stacked.gradient[~real].abs().sum() == 0
    assert stacked.parameters[real].abs().min() > 0


# --- whatever the pack, through run_pack


class Letters(Dataset):
    """Made-up texts: one of three answers is told by a symbol in the middle; or the answer at every place is it."""

    source = "made up"
    licence = "CC0-1.0"
    group = None
    input_shape = (LENGTH, N_SYMBOLS)
    n_classes = N_OUTPUTS
    symbols = True

    def __init__(self, every: bool) -> None:
        self.name = "letters-every" if every else "letters"
        self.task = "lang-model" if every else "text-cls"
        self.per_position = every

    def load(self) -> Splits:
        texts = np.random.default_rng(0).integers(N_SYMBOLS, size=(3, 80, LENGTH), dtype=np.uint8)
        labels = texts.astype(np.int64) % N_OUTPUTS
        return Splits(*(Split(x, y if self.per_position else y[:, 2]) for x, y in zip(texts, labels, strict=True)))


LETTERS = {data.name: data for data in (Letters(every=False), Letters(every=True))}


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let packs find the made-up texts."""
    found = plugins.load
    monkeypatch.setattr(plugins, "load", lambda seam, name: LETTERS[name] if name in LETTERS else found(seam, name))


def dataset_of(family: Family) -> Dataset:
    """The smallest data set that comes with the package and that the family fits; made up for those of symbols."""
    if family.reads_symbols:
        return LETTERS["letters"]
    known = [load("datasets", name) for name in names("datasets")]
    datasets: list[Dataset] = [data for data in known if not isinstance(data, Fetched)]
    fitting = [data for data in datasets if family.takes(data)]
    return min(fitting, key=lambda data: len(data.train()))


def company(case: Case, size: int) -> list[Trial]:
    """Trials of one program: other shapes, subsets, seeds, rates and decays, but one batch size."""
    data = LETTERS["letters-every"] if case.every else dataset_of(case.family)
    return [
        Trial(
            dataset=data.name,
            family=case.family.name,
            shape=case.shapes[i % MEMBERS],
            n_train=40 + i,
            seed=100 + i,
            learning_rate=0.002 * (1 + i % 7),
            weight_decay=0.01 * (i % 3),
            steps=12,
            batch_size=8,
            tested=True,
        )
        for i in range(size)
    ]


def without_time(outcome: Outcome) -> Outcome:
    return replace(outcome, wall_s=0.0)


@pytest.mark.usefixtures("letters")
def test_a_members_outcome_and_weights_are_the_same_bits_in_every_pack(case: Case, tmp_path: Path) -> None:
    own, *others = company(case, 21)
    packs = {
        "alone": [own],
        "first of 2": [own, others[0]],
        "last of 2": [others[5], own],
        "in the middle of 8": [*others[:4], own, *others[4:7]],
        "last of 8, others turned": [*others[7:][:7][::-1], own],
        "in the middle of 20": [*others[:10], own, *others[10:19]],
    }
    outcomes, weights = {}, {}
    for name, pack in packs.items():
        outcomes[name] = without_time(run_pack(pack, weights=tmp_path / name)[pack.index(own)])
        weights[name] = load_weights(tmp_path / name / f"{own.key}.npz")

    alone = weights.pop("alone")
    assert outcomes["alone"].status == "ok"
    assert {name: outcome for name, outcome in outcomes.items() if outcome != outcomes["alone"]} == {}
    assert [n for n, state in weights.items() if not all(torch.equal(state[key], alone[key]) for key in alone)] == []


@pytest.mark.usefixtures("letters")
def test_members_of_one_pack_differ(case: Case) -> None:
    outcomes = run_pack(company(case, 8))

    assert len({outcome.val_loss for outcome in outcomes}) == 8


# --- what `guides export --code` prints


def own_class(family: Family) -> tuple[ast.Module, ast.ClassDef]:
    module = ast.parse(inspect.getsource(sys.modules[type(family).__module__]))
    name = sys.modules[type(family).__module__].NETWORK_CLASS
    [found] = [node for node in module.body if isinstance(node, ast.ClassDef) and node.name == name]
    return module, found


def imports(module: ast.Module) -> dict[str, ast.stmt]:
    """Top-level names -> the statement that imports them."""
    return {
        (alias.asname or alias.name.partition(".")[0]): node
        for node in module.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


def borrowed(node: ast.ClassDef) -> set[str]:
    """Names that a class reads and neither binds itself nor finds among Python's own."""
    loaded = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    arguments = {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
    return loaded - stored - arguments - {node.name} - set(dir(builtins))


def test_network_class_needs_torch_and_math_alone(family: Family) -> None:
    module, found = own_class(family)
    known = imports(module)
    lines = {ast.unparse(known[name]) for name in borrowed(found)}

    assert lines <= {"import math", "import torch", "from torch import nn"}  # the ones that the program begins with
    assert not [n for n in ast.walk(found) if isinstance(n, ast.Import | ast.ImportFrom)]


def test_network_class_cut_out_of_its_file_computes_the_same(case: Case) -> None:
    module, found = own_class(case.family)
    known = imports(module)
    needed = [ast.unparse(known[name]) for name in sorted(borrowed(found))]
    place: dict[str, object] = {"__name__": "printed"}
    exec("\n".join(["from __future__ import annotations", *needed, ast.unparse(found)]), place)  # noqa: S102
    network = case.networks(case.states())[0]
    shape = case.shapes[0]
    printed = place[found.name](case.input_shape, case.n_outputs, shape.width, shape.depth)  # type: ignore[operator]
    printed.load_state_dict(network.state_dict())
    inputs, _ = case.draw(BATCH)

    assert torch.equal(printed(inputs), network(inputs))


def test_constructor_takes_input_shape_outputs_width_and_depth(case: Case) -> None:
    network = case.networks(case.states())[0]
    wanted = ["input_shape", "n_outputs", "width", "depth"]
    parameters = list(inspect.signature(type(network)).parameters.values())

    assert type(network).__name__ == sys.modules[type(case.family).__module__].NETWORK_CLASS
    assert [parameter.name for parameter in parameters[:4]] == wanted
    assert all(parameter.default is not inspect.Parameter.empty for parameter in parameters[4:])
    assert network(blank(network, case.input_shape, n=2)).shape == (2, *case.answers, N_OUTPUTS)
