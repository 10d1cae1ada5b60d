"""Write a reply down as the lines a person reads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from registry.wording import (
    bound_of,
    doubts_of,
    farness,
    figure_of,
    foretold,
    further,
    is_limited,
    is_near,
    params_of,
    reference_of,
    required,
    shape_of,
    shown,
    sought,
    trained_on,
)

if TYPE_CHECKING:
    from registry.answers import Answer, Bracket, Miss, Network, Query, Reply, Source

_HEADINGS = ("target", "guideline", "width", "depth", "route", "params", "flops", "bytes")
_LEFT = (1, 4)  # columns of words; numbers are set to the right


def lines(query: Query, reply: Reply) -> list[str]:
    """Return the reply as lines: per data set a table, and per answer what binds and how sure it is."""
    out: list[str] = []
    if not any(answer.near for answer in reply.answers):
        out.append(far_line(query, reply))
    datasets = list(dict.fromkeys(answer.question for answer in reply.answers))
    for question in datasets:
        answers = [answer for answer in reply.answers if answer.question == question]
        out += [""] if out else []
        out += _baselines(answers)
        out.append(f"{question.task} on {question.dataset}, by {question.metric}{_from(answers)}:")
        out += _table(query, answers)
        for answer in answers:
            out += _beside(query, answer, answers)
    out += [_missed(query, miss) for miss in reply.misses]
    if len(datasets) > 1:
        out += ["", "Sizes for different data sets are not comparable."]
    if reply.more:
        out.append(f"Only the first {len(datasets)} data sets are here: choose one with --dataset; --json has all.")
    return out


def far_line(query: Query, reply: Reply) -> str:
    """Say that no answer is near the asker's task, and which command makes evidence, or what near it was left out."""
    left_out = [miss for miss in reply.misses if miss.unlimited is not None and is_near(query, miss.unlimited)]
    if left_out:
        names = ", ".join(dict.fromkeys(miss.question.dataset for miss in left_out))
        return f"no answer is near your task: near it is {names}, where nothing known to keep these limits is enough"
    answer = min(reply.answers, key=lambda one: farness(query, one.network))
    network = answer.network
    facts = (
        ("training examples", network.n_train),
        ("values an input", network.record_input_size),
        ("classes", network.record_n_classes),
    )
    has = ", ".join(f"{value:,} {what}" for what, value in facts if value is not None)
    took = "" if network.record_wall_s is None else f" (that record took {_minutes(network.record_wall_s)} of one core)"
    more = further(query, query.dataset or answer.question.dataset, "Make some")
    return f"no evidence near your task: the nearest record has {has}. {more}{took}"


def table(rows: list[tuple[str, ...]], left: tuple[int, ...]) -> list[str]:
    """Set rows in columns two spaces apart; the columns in ``left`` to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    columns = range(len(widths))
    return [
        "  ".join(row[i].ljust(widths[i]) if i in left else row[i].rjust(widths[i]) for i in columns)
        .rstrip()
        for row in rows
    ]  # fmt: skip


def _from(answers: list[Answer]) -> str:
    """Name the folder the answers are from, if it is one and did not come with the package."""
    roots = {answer.root for answer in answers}
    (first, *others) = roots
    return "" if others or first.shipped else f" (records in {first.path})"


def _table(query: Query, answers: list[Answer]) -> list[str]:
    mixed = len({answer.root for answer in answers}) > 1
    shown_ones = [one for answer in answers for one in (answer.network, answer.scratch, answer.measured) if one]
    kinds = {"median" if one.evidence == "measured" else "published" for one in shown_ones}
    rows: list[tuple[str, ...]] = [(*_HEADINGS, f"{' or '.join(sorted(kinds))} [low, high]", "runs")]
    for answer in answers:
        place = f" ({answer.root.path})" if mixed and not answer.root.shipped else ""
        target = "knee" if answer.target is None else f"{answer.target:g}"
        rows.append((target, f"{_name(answer.network)}{place}", *_row(query, answer.network)))
        rows += [("", _name(one), *_row(query, one)) for one in (answer.scratch, answer.measured) if one is not None]
    return ["  " + line for line in table(rows, _LEFT)]


def _name(network: Network) -> str:
    """Return ``mlp v1``: task and data set stand above."""
    return f"{network.family} v{network.version}"


def _row(query: Query, network: Network) -> tuple[str, ...]:
    weight_bytes = network.weight_bytes_int8 if query.int8 else network.weight_bytes
    bounded = network.low is not None or network.high is not None
    interval = f" [{_or_open(network.low)}, {_or_open(network.high)}]" if bounded else ""
    return (
        _or_dash(network.width),
        _or_dash(network.depth),
        network.route,
        _or_dash(network.params),
        _or_dash(network.flops),
        _or_dash(weight_bytes),
        f"{shown(network.median)}{interval}",
        _or_dash(network.n_seeds),
    )


def _baselines(answers: list[Answer]) -> list[str]:
    """Name each method without a network that beats an answer, once: first those that beat every network.

    Of methods with the same figures (the nearest of 1 neighbour and of k = 1) the first is named.
    """
    methods = {(one.metric, one.bytes): one for one in reversed(answers[0].baselines)}
    beating: dict[str, list[str]] = {}
    for one in sorted(methods.values(), key=answers[0].baselines.index):
        beaten = [answer for answer in answers if answer.question.beats(one.metric, answer.network.median)]
        if not beaten:
            continue
        if beaten[0].question.beats(one.metric, beaten[0].best):
            what = f"every network on record for {beaten[0].question.dataset} (best: {shown(beaten[0].best)})"
        else:
            aims = dict.fromkeys("the knee" if one.target is None else f"{one.target:g}" for one in beaten)
            what = f"the answer for {', '.join(aims)}"
        also = ", another fit of depth 0" if one.name == "linear" and any(a.network.depth == 0 for a in beaten) else ""
        beating.setdefault(what, []).append(f"{one.name} ({shown(one.metric)}, {one.bytes:,} bytes{also})")
    return [f"{' and '.join(names)} {'beats' if len(names) == 1 else 'beat'} {what}" for what, names in beating.items()]


def _beside(query: Query, answer: Answer, answers: list[Answer]) -> list[str]:
    """Return the sentence that says how sure the answer is and what binds, and what that rests on."""
    network = answer.network
    harder = (one for one in answers if one.network.point == network.point and one.root == answer.root)
    own = next((one.target for one in harder if one.target == network.target != answer.target), None)
    if own is not None and answer.target is not None:
        return [f"  {answer.target:g} is met by the answer for {own:g}: nothing smaller was tried for it."]
    out = [f"  {_sentence(query, answer)}", *(f"    {_tried(answer, part)}" for part in answer.bracket)]
    if answer.target is None:
        out += [f"  But {doubt}." for doubt in doubts_of(network)]
    out += [f"  {line}" for line in _further(query, answer)]
    if network.superseded:
        out.append("  This version is superseded; no newer one answers.")
    if not answer.near:
        out.append("  Far from your task: more than 4 x in examples, input size or classes.")
    return out


def _is_smallest(query: Query, answer: Answer) -> str:
    """Say what stands between a published answer and a smaller one, and which networks nobody can rank beside it."""
    first, unstated = query.sizes[0], answer.n_unstated or 0
    limits = " known to keep these limits" if is_limited(query._replace(int8=False)) else ""
    kind = f"{f' with {query.family}' if query.family else ''}{' in int8' if query.int8 else ''}"
    network = f"network{kind}" if kind or limits else "network on record"
    if getattr(answer.network, first) is None:
        if first != "params":
            return ""
        others = "" if unstated < 2 else f", nor are those of {unstated - 1:,} more that meet{'s' * (unstated == 2)} it"
        return f"no network{kind} with stated params{limits} does, and this one's are not{others}"
    if first == "latency_ratio":
        smaller = f"no {network} with a lower latency ratio{limits} does"
    elif first == "params" and not unstated:
        smaller = f"no smaller {network}{limits} does"
    else:
        smaller = f"no {network} with fewer {'stated ' * bool(unstated)}{_words(first)}{limits} does"
    one = "1 that meets it states" if unstated == 1 else f"{unstated:,} that meet it state"
    return f"{smaller}; {one} none" if unstated else smaller


def _words(column: str) -> str:
    return column.replace("_", " ")


def _sentence(query: Query, answer: Answer) -> str:
    network = answer.network
    if network.evidence == "published":
        side = "lower" if answer.question.sign > 0 else "upper"
        others = _is_smallest(query, answer)
        return (
            f"'{network.name}' is published evidence ({network.citation}, {network.found_at}): its {side} bound, "
            f"{shown(bound_of(network, answer.question))}, meets {answer.target:g}{others and '; '}{others}."
        )
    if answer.target is None:
        within = "" if network.reach_value is None else f" ({_n_of(network)} runs are)"
        best = f"{reference_of(network)}, the best by validation with {network.n_train or 0:,} examples"
        own = f"The error of {network.family}'s median run"
        sure = f"{own} is within 1.1 x of that of {best}, with 95 % confidence{within}"
    else:
        runs = answer.n_meeting
        counted = "" if runs is None else f" ({_at_least(answer)}{runs} of {network.n_seeds} runs do)"
        sure = f"The median fresh run meets {answer.target:g} with 95 % confidence{counted}"
    return f"{sure}; {_what_binds(answer)}"


def _what_binds(answer: Answer) -> str:
    if not answer.bracket:
        own = answer.network.target
        aim = "it" if own is None or own == answer.target else f"{own:g}"
        tried = f"was tried for {aim}, for want of time" if answer.network.hasty else "could be tried"
        return f"nothing smaller {tried}."
    undecided = [part for part in answer.bracket if not answer.refutes(part)]
    nearest = max(undecided or answer.bracket, key=lambda part: part.params)
    smaller = f"{(answer.network.params or 0) / max(nearest.params, 1):.2f} x smaller"
    return f"{smaller} may do:" if undecided else f"{smaller} does not:"


def _tried(answer: Answer, part: Bracket) -> str:
    """Say what became of a smaller shape: ``width 7, depth 1 (535 params) is undecided: 14 of 20 runs meet 0.95``."""
    subject = f"{shape_of(part)} ({part.params:,} params)"
    own = answer.network.target
    if part.n_meeting is None:
        return f"{subject} has {shown(part.median)} [{shown(part.low)}, {shown(part.high)}] over {part.n_seeds} runs"
    verdict = part.verdict
    if verdict == "refuted" and not answer.refutes(part):
        verdict = f"refuted only for {own:g}"
    counted = f"{part.n_meeting} of {part.n_seeds} runs {'are within 1.1 x' if own is None else f'meet {own:g}'}"
    if part.longer_n_seeds is not None:
        counted += f", {part.longer_n_meeting} of {part.longer_n_seeds} at 4 x the steps"
    return f"{subject} is {verdict}: {counted}"


def _further(query: Query, answer: Answer) -> list[str]:
    """Return what the route and the options asked for add."""
    network, out = answer.network, []
    first, by = query.sizes[0], query.ranked_by(network)
    if by != first and first != "params":
        rank = "nothing says which is smallest" if by is None else f"this one is the smallest by {_words(by)}"
        out.append(f"Of no network that meets it is the {_words(first)} on record: {rank}.")
    out += _costs(query, network)
    if network.evidence == "published":
        out += _published(answer)
    if network.route != "scratch":
        other = "nothing on record does from scratch"
        if answer.scratch is not None:
            least = answer.scratch
            other = f"from scratch it takes {params_of(least)} ({_name(least)}, {shape_of(least)})"
        out.append(f"This network was {network.route}; {other}.")
    if query.int8 and network.int8_metric is not None and network.evidence == "measured":
        out.append(f"Its int8 file makes {shown(network.int8_metric)} (one network, no interval).")
    if query.reach is not None and network.reach_low is not None:
        out.append(
            f"At least {shown(network.reach_low)} of fresh runs meet {network.target:g} (95 % bound), "
            f"so as many meet {answer.target:g}."
        )
    return out


def _costs(query: Query, network: Network) -> list[str]:
    """Return the bytes of live tensors, where asked for or published, and the seconds on a board, where stated."""
    out = []
    ram = network.ram_bytes_int8 if query.int8 else network.ram_bytes
    asked = query.ram is not None or query.minimise == "ram-bytes" or network.evidence == "published"
    if ram is not None and asked:
        out.append(f"Its live tensors take {ram:,} bytes of RAM.")
    if network.latency_s is not None:
        took = f"{network.latency_s * 1000:,.4g} ms"
        asked = query.minimise == "latency" or query.max_latency_ratio is not None
        ratio = ": seconds, from which no latency ratio follows" if asked else ""
        out.append(f"One inference takes {took} on {network.board or 'a board that is not named'}{ratio}.")
    return out


def _published(answer: Answer) -> list[str]:
    """Return what a published answer is, where to read on, and what was measured instead."""
    network, out = answer.network, []
    sizes = [f"{network.precision} weights"] if network.precision not in (None, "float32") else []
    sizes += [f"a file of {network.file_bytes:,} bytes"] if network.file_bytes is not None else []
    sizes += [f"an input of {network.resolution} a side"] if network.resolution and network.width is None else []
    out += [f"By name, size and figure the same network: {_source(one)}." for one in answer.also]
    if sizes:
        out.append(f"It has {', '.join(sizes)}.")
    if network.n_train is None and network.record_n_train is not None:
        said = trained_on(network, answer.question.dataset)
        out.append(f"{said[0].upper()}{said[1:]}.")
    if network.note is not None:
        out.append(f"Note: {network.note}")
    if network.recipe is not None:
        out.append(f"Recipe: {network.recipe}")
    if answer.measured is None:
        out.append(f"No measured network on record for {answer.question.dataset} meets {answer.target:g}.")
    else:
        least = answer.measured
        out.append(f"Measured here, it takes {params_of(least)} ({_name(least)}, {shape_of(least)}).")
    return out


def _source(one: Source) -> str:
    what = f"'{one.name}' in {one.id} v{one.version}: {one.params:,} params, {shown(one.median)}"
    return f"{what} ({one.citation}, {one.found_at})"


def _n_of(network: Network) -> str:
    n_seeds = network.n_seeds or 0
    return f"{round((network.reach_value or 0) * n_seeds)} of {n_seeds}"


def _at_least(answer: Answer) -> str:
    return "" if answer.target == answer.network.target else "at least "


def _missed(query: Query, miss: Miss) -> str:
    """Say that a target has no answer, whether limits alone are in the way, and what comes nearest."""
    limits = is_limited(query)
    least = miss.unlimited
    nothing = "nothing" if least is None else "nothing known to keep these limits"
    said = f"{nothing}{f' with {miss.family}' if miss.family else ''} "
    said += "has a knee" if miss.target is None else f"reaches {miss.target:g}"
    if miss.limit is not None:
        said += f"; {required(miss)}"
    if miss.no_knee is not None:
        said += f"; {sought(miss.no_knee)}"
    if least is not None:
        said += f"; without them: {_name(least)}, {shape_of(least)}, with {params_of(least)}"
        if query.n_train is not None and least.n_train is None:
            said += f", {trained_on(least, miss.question.dataset)}"
        elif least.n_train is not None and least.n_train > (query.n_train or math.inf):
            said += f", trained on {least.n_train:,}"
    if miss.best is not None:
        said += f"; best {'within them' if limits and least else 'within these limits' if limits else 'on record'}: "
        said += f"{_name(miss.best)}, {shape_of(miss.best)}, with {figure_of(miss.best, miss.question, miss.target)}"
    if miss.int8 is not None:
        said += f"; with --int8: {_name(miss.int8)}, {shape_of(miss.int8)}"
    return f"{miss.question.task} on {miss.question.dataset}: {said}{foretold(miss)}"


def _minutes(seconds: float) -> str:
    return "under a minute" if seconds < 60 else f"about {seconds / 60:.0f} min"


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _or_open(value: float | None) -> str:
    return "open" if value is None else shown(value)
