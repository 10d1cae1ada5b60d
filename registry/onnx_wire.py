"""Read what an ONNX file is made of without trusting it: its operators, the tensors inside, nothing run or loaded.

A closed world: every message has the fields listed here and no others, each once unless it repeats, in the one
encoding that protocol buffers give it. What could reach outside the file or hide in it (external data, functions,
inner graphs, sparse tensors, training graphs, operators of other domains) has no place here. Standard library only.

Source:
    onnx.proto of ONNX 1.18 (IR version 11) for field numbers; the protocol buffers wire format for the rest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, final

from registry.errors import InvalidRecord
from registry.loader import LARGEST_INT, shown

SIZE_LIMIT: Final = 5_000_000  # bytes of a file: as many as a record's folder holds
FIELD_LIMIT: Final = 100_000  # fields in all messages of a file
RANK_LIMIT: Final = 8  # dimensions of a tensor
CONSTANT_LIMIT: Final = 32  # single floats a float network's formulas may need, such as a scale of attention

# What a float network is made of, and what its static int8 form adds. None of them holds a graph or draws numbers.
FLOAT_OPERATORS: Final = frozenset(
    {
        "Add",
        "AveragePool",
        "Cast",
        "Concat",
        "Constant",
        "Conv",
        "Expand",
        "Flatten",
        "GRU",
        "Gather",
        "Gemm",
        "GlobalAveragePool",
        "LSTM",
        "LayerNormalization",
        "MatMul",
        "MaxPool",
        "Mul",
        "ReduceMax",
        "ReduceMean",
        "Relu",
        "Reshape",
        "Shape",
        "Slice",
        "Softmax",
        "Squeeze",
        "Transpose",
        "Trilu",
        "Unsqueeze",
        "Where",
    }
)
INT8_OPERATORS: Final = FLOAT_OPERATORS | {"DequantizeLinear", "QuantizeLinear"}

_DOMAINS: Final = ("", "ai.onnx")
_FLOATS: Final = frozenset({1, 10, 11, 16})  # TensorProto.DataType: float, float16, double, bfloat16
# Bytes of an element in raw_data: float, uint8, int8, int32, int64, bool, float16, double, bfloat16.
_ELEMENT_BYTES: Final = {1: 4, 2: 1, 3: 1, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 16: 2}

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types; 3 and 4 are groups, which ONNX never had


@final
class _Field(NamedTuple):
    """One field of a message.

    Args:
        name: As in onnx.proto.
        kind: The wire type of a scalar or bytes, or the message it holds; None where it has no place here.
        repeated: Whether it may stand more than once (scalars then also packed).
    """

    name: str
    kind: int | str | None
    repeated: bool = False


_DOC: Final = _Field("doc_string", _BYTES)
_PROPS: Final = _Field("metadata_props", "property", repeated=True)
_MESSAGES: Final[dict[str, dict[int, _Field]]] = {
    "model": {
        1: _Field("ir_version", _VARINT),
        2: _Field("producer_name", _BYTES),
        3: _Field("producer_version", _BYTES),
        4: _Field("domain", _BYTES),
        5: _Field("model_version", _VARINT),
        6: _DOC,
        7: _Field("graph", "graph"),
        8: _Field("opset_import", "opset", repeated=True),
        14: _PROPS,
        20: _Field("training_info", None),
        25: _Field("functions", None),
    },
    "opset": {1: _Field("domain", _BYTES), 2: _Field("version", _VARINT)},
    "property": {1: _Field("key", _BYTES), 2: _Field("value", _BYTES)},
    "graph": {
        1: _Field("node", "node", repeated=True),
        2: _Field("name", _BYTES),
        5: _Field("initializer", "tensor", repeated=True),
        10: _DOC,
        11: _Field("input", "value", repeated=True),
        12: _Field("output", "value", repeated=True),
        13: _Field("value_info", "value", repeated=True),
        15: _Field("sparse_initializer", None),
        16: _PROPS,
    },
    "node": {
        1: _Field("input", _BYTES, repeated=True),
        2: _Field("output", _BYTES, repeated=True),
        3: _Field("name", _BYTES),
        4: _Field("op_type", _BYTES),
        5: _Field("attribute", "attribute", repeated=True),
        6: _DOC,
        7: _Field("domain", _BYTES),
        8: _Field("overload", None),
        9: _PROPS,
    },
    "attribute": {
        1: _Field("name", _BYTES),
        2: _Field("f", _FIXED32),
        3: _Field("i", _VARINT),
        4: _Field("s", _BYTES),
        5: _Field("t", "tensor"),
        6: _Field("g", None),
        7: _Field("floats", _FIXED32, repeated=True),
        8: _Field("ints", _VARINT, repeated=True),
        9: _Field("strings", _BYTES, repeated=True),
        10: _Field("tensors", "tensor", repeated=True),
        11: _Field("graphs", None),
        13: _DOC,
        20: _Field("type", _VARINT),
        21: _Field("ref_attr_name", None),
        22: _Field("sparse_tensor", None),
        23: _Field("sparse_tensors", None),
    },
    "tensor": {
        1: _Field("dims", _VARINT, repeated=True),
        2: _Field("data_type", _VARINT),
        4: _Field("float_data", _FIXED32, repeated=True),
        5: _Field("int32_data", _VARINT, repeated=True),
        7: _Field("int64_data", _VARINT, repeated=True),
        8: _Field("name", _BYTES),
        9: _Field("raw_data", _BYTES),
        10: _Field("double_data", _FIXED64, repeated=True),
        11: _Field("uint64_data", _VARINT, repeated=True),
        12: _DOC,
        13: _Field("external_data", None),
        14: _Field("data_location", _VARINT),
        16: _PROPS,
    },
    "value": {1: _Field("name", _BYTES), 2: _Field("type", "type"), 3: _DOC, 4: _PROPS},
    "type": {1: _Field("tensor_type", "tensor type"), 6: _Field("denotation", _BYTES)},
    "tensor type": {1: _Field("elem_type", _VARINT), 2: _Field("shape", "shape")},
    "shape": {1: _Field("dim", "dimension", repeated=True)},
    "dimension": {
        1: _Field("dim_value", _VARINT),
        2: _Field("dim_param", _BYTES),
        3: _Field("denotation", _BYTES),
    },
}


@final
class Network(NamedTuple):
    """What a file is made of.

    Args:
        opset: Version of the default operator set.
        operators: Types of the nodes.
        params: Elements of all float tensors, wherever they stand; but not those without dimensions, single numbers
            of a formula, of which a float network may have few.
        largest_integers: Elements of the largest tensor of another type; a shape constant has few.
    """

    opset: int
    operators: frozenset[str]
    params: int
    largest_integers: int


def read_network(data: bytes, kind: Literal["float", "int8"]) -> Network:
    """Read the ONNX file ``data``.

    Args:
        data: The file, at most 5 MB.
        kind: What it should be: decides which operators it may have.

    Raises:
        InvalidRecord: If it is no ONNX file, refers to anything outside it, or holds what no plain network needs.
    """
    if len(data) > SIZE_LIMIT:
        raise InvalidRecord(f"is larger than {SIZE_LIMIT:,} bytes")
    network, constants = _Reader(FLOAT_OPERATORS if kind == "float" else INT8_OPERATORS).read(memoryview(data))
    if kind == "float" and constants > CONSTANT_LIMIT:
        raise InvalidRecord(
            f"has {constants:,} single floats, expected at most {CONSTANT_LIMIT}: weights have dimensions"
        )
    return network


@final
class _Message:
    """The fields of one message by name: numbers, bytes and inner messages, in the order they stand."""

    def __init__(self) -> None:
        self.numbers: dict[str, list[int]] = {}
        self.texts: dict[str, list[memoryview]] = {}
        self.inner: dict[str, list[_Message]] = {}

    def number(self, name: str) -> int:
        """Return the number of a field that does not repeat; 0 where it is absent, as protocol buffers have it."""
        return self.numbers.get(name, [0])[0]

    def text(self, name: str) -> str:
        """Return the text of a field that does not repeat, printable."""
        return shown(bytes(self.texts.get(name, [memoryview(b"")])[0]).decode("utf-8", "backslashreplace"))


@final
class _Reader:
    """Reads one file; counts its fields, so that a small file cannot keep it busy."""

    def __init__(self, operators: frozenset[str]) -> None:
        self._allowed = operators
        self._n_fields = 0

    def read(self, data: memoryview) -> tuple[Network, int]:
        """Return what a file is made of, and how many floats stand in it by themselves."""
        model = self._message(data, "model")
        if not data or "graph" not in model.inner:
            raise InvalidRecord("is not an ONNX file: it has no graph")
        graph = model.inner["graph"][0]
        nodes = graph.inner.get("node", [])
        if not nodes:
            raise InvalidRecord("is not a network: its graph has no operators")
        operators = frozenset(self._operator(node) for node in nodes)
        attributes = [each for node in nodes for each in node.inner.get("attribute", [])]
        tensors = [*graph.inner.get("initializer", [])]
        for attribute in attributes:
            tensors += [*attribute.inner.get("t", []), *attribute.inner.get("tensors", [])]
        sizes = [(each.number("data_type") in _FLOATS, _elements(each)) for each in tensors]
        constants = sum(each.number("data_type") in _FLOATS and not each.numbers.get("dims") for each in tensors)
        network = Network(
            opset=_opset(model),
            operators=operators,
            params=sum(size for is_float, size in sizes if is_float)
            - constants
            + sum(len(each.numbers.get("floats", [])) for each in attributes),
            largest_integers=max((size for is_float, size in sizes if not is_float), default=0),
        )
        return network, constants

    def _operator(self, node: _Message) -> str:
        name, domain = node.text("op_type"), node.text("domain")
        if domain not in _DOMAINS or name not in self._allowed:
            raise InvalidRecord(f"has the operator {domain + '.' if domain else ''}{name or 'of no name'}, not allowed")
        return name

    def _message(self, data: memoryview, kind: str) -> _Message:
        """Read one message; the recursion is as deep as the table, which has no cycle."""
        message = _Message()
        seen = set()
        for number, wire, value in self._fields(data, kind):
            field = _MESSAGES[kind].get(number)
            if field is None or field.kind is None:
                named = f"field {number}" if field is None else field.name
                raise InvalidRecord(f"has {named} in its {kind}, expected a plain network with all weights inside")
            if number in seen and not field.repeated:
                raise InvalidRecord(f"has {field.name} twice in its {kind}")
            seen.add(number)
            if isinstance(value, int):
                if wire != field.kind:
                    raise _malformed(f"{field.name} in a {kind} has wire type {wire}")
                message.numbers.setdefault(field.name, []).append(value)
            elif isinstance(field.kind, str):
                message.inner.setdefault(field.name, []).append(self._message(value, field.kind))
            elif field.kind == _BYTES:
                message.texts.setdefault(field.name, []).append(value)
            elif field.repeated:
                message.numbers.setdefault(field.name, []).extend(_packed(value, field.kind))
            else:
                raise _malformed(f"{field.name} in a {kind} has wire type {wire}")
        return message

    def _fields(self, data: memoryview, kind: str) -> Iterator[tuple[int, int, int | memoryview]]:
        """Yield (number, wire type, value) of each field of a message."""
        at = 0
        while at < len(data):
            self._n_fields += 1
            if self._n_fields > FIELD_LIMIT:
                raise InvalidRecord(f"has more than {FIELD_LIMIT:,} fields")
            tag, at = _varint(data, at)
            number, wire = tag >> 3, tag & 7
            if wire == _VARINT:
                value, at = _varint(data, at)
                yield number, wire, value
                continue
            if wire == _BYTES:
                size, at = _varint(data, at)
            elif wire in (_FIXED32, _FIXED64):
                size = 4 if wire == _FIXED32 else 8
            else:
                raise _malformed(f"wire type {wire} in a {kind}")
            if size > len(data) - at:
                raise _malformed(f"a {kind} ends too early")
            part = data[at : at + size]
            at += size
            yield number, wire, part if wire == _BYTES else int.from_bytes(part, "little")


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """Return the number that starts at ``at`` and where it ends."""
    value = 0
    for position in range(10):
        if at + position >= len(data):
            raise _malformed("a number ends too early")
        byte = data[at + position]
        value |= (byte & 0x7F) << (7 * position)
        if byte < 0x80:
            if byte == 0 and position:
                raise _malformed("a number is written longer than it needs to be")
            if value >= 2**64:
                break
            return value, at + position + 1
    raise _malformed("a number has more than 64 bits")


def _packed(data: memoryview, wire: int) -> Iterator[int]:
    """Yield the numbers of a packed field."""
    if wire == _VARINT:
        at = 0
        while at < len(data):
            value, at = _varint(data, at)
            yield value
        return
    size = 4 if wire == _FIXED32 else 8
    if len(data) % size:
        raise _malformed("a list of numbers ends too early")
    for at in range(0, len(data), size):
        yield int.from_bytes(data[at : at + size], "little")


def _elements(tensor: _Message) -> int:
    """Return how many elements a tensor has, all of them inside the file."""
    name = tensor.text("name")
    if tensor.number("data_location"):
        raise InvalidRecord(f"has data_location in tensor '{name}', expected all weights inside")
    dims = tensor.numbers.get("dims", [])
    if len(dims) > RANK_LIMIT or (elements := math.prod(dims)) > LARGEST_INT:
        raise InvalidRecord(f"has a tensor '{name}' of more than {RANK_LIMIT} dimensions or 2**53 - 1 elements")
    raw = tensor.texts.get("raw_data")
    if raw is None:
        found = sum(len(values) for key, values in tensor.numbers.items() if key.endswith("_data"))
    else:
        size = _ELEMENT_BYTES.get(tensor.number("data_type"))
        if size is None:
            raise InvalidRecord(f"has data_type {tensor.number('data_type')} in tensor '{name}', not allowed")
        found = len(raw[0]) // size if len(raw[0]) % size == 0 else -1
    if found != elements:
        raise InvalidRecord(f"has a tensor '{name}' of {elements:,} elements that does not hold as many")
    return elements


def _opset(model: _Message) -> int:
    """Return the version of the default operator set, the only one there may be."""
    imports = model.inner.get("opset_import", [])
    if len(imports) != 1 or imports[0].text("domain") not in _DOMAINS or imports[0].number("version") < 1:
        raise InvalidRecord("does not import the default operator set, and it alone")
    return imports[0].number("version")


def _malformed(reason: str) -> InvalidRecord:
    return InvalidRecord(f"is not an ONNX file: {reason}")
