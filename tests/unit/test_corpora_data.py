from collections import Counter

import numpy as np
import pytest

from harness import plugins
from harness.corpora import alphabet
from harness.corpora.cloze import cloze
from harness.corpora.next_token import next_token
from harness.corpora.source import SYMPY
from harness.corpora.tokens import KEYWORDS, KINDS, OPERATORS, token_types
from harness.corpora.windows import windows
from harness.datasets import cloze_sympy_1_14, next_token_sympy_1_14


@pytest.fixture(scope="module")
def counted():
    """How often each type of token occurs in train."""
    return Counter(name for content in SYMPY.parts().train.values() for name in token_types(content.decode("utf-8")))


def test_the_hidden_keywords_are_those_with_500_examples(counted):
    assert set(cloze_sympy_1_14.KEYWORDS) == {name for name in KEYWORDS if counted[name] >= 500}
    assert len(cloze_sympy_1_14.KEYWORDS) == 24


def test_the_types_are_those_with_100_examples(counted):
    frequent = {name for name in KINDS + KEYWORDS + OPERATORS if counted[name] >= 100}

    assert set(next_token_sympy_1_14.TYPES[1:]) == frequent
    assert next_token_sympy_1_14.TYPES[0] == "RARE"
    assert sum(counted.values()) - sum(counted[name] for name in frequent) == 619


def test_three_of_ten_thousand_bytes_are_the_other_symbol():
    train = plugins.load("datasets", "bytes-sympy-1-14").train()

    assert round(float(np.mean(train.labels == alphabet.OTHER)), 4) == 0.0003


def test_symbols_are_characters():
    text = "a\n ~\t\x7fé∑z"

    assert alphabet.as_text(alphabet.of_characters(text)) == "a\n ~\0\0\0\0z"
    assert alphabet.as_text(alphabet.of_bytes(text.encode())) == "a\n ~" + 7 * "\0" + "z"
    assert alphabet.of_characters("\n ~").tolist() == [1, 2, alphabet.N_SYMBOLS - 1]


def test_a_cloze_is_what_stands_around_a_keyword():
    text = "x = 1  # if\nif x:\n    y = 'if'\n"
    split = cloze([text.encode(), b"z = 1\n", b"# \xc3\xa9\npass\n"], ["pass", "if"])
    shown = [alphabet.as_text(row) for row in split.inputs]

    assert split.labels.tolist() == [1, 0]
    assert shown[0] == text[:12].rjust(40, "\0") + text[14:].ljust(40, "\0")
    assert shown[1] == "# \0\n".rjust(40, "\0") + "\n".ljust(40, "\0")


def test_a_cloze_shows_40_characters_on_either_side():
    text = "a" * 60 + " if " + "b" * 60
    shown = alphabet.as_text(cloze([text.encode()], ["if"]).inputs[0])

    assert shown == "a" * 39 + " " + " " + "b" * 39


def test_the_next_token_follows_the_eight_before_it():
    split = next_token([b"a = b + c * d\ne = 1\n", b"a = 1\n"], ["RARE", "NAME", "=", "+", "NEWLINE", "NUMBER"])

    assert split.inputs.tolist()[0] == [1, 2, 1, 3, 1, 0, 1, 4]
    assert split.labels.tolist() == [1, 2, 5, 4]
    assert split.inputs[1:, -1].tolist() == split.labels[:-1].tolist()


def test_a_label_is_the_byte_that_follows():
    content = bytes(range(32, 127)) * 2
    split = windows([content, b"short"])

    assert split.inputs.shape == (2, 64)
    assert alphabet.as_text(split.inputs.ravel()) == content[:128].decode()
    assert alphabet.as_text(split.labels.ravel().astype(np.uint8)) == content[1:129].decode()


def test_a_window_that_ends_a_file_has_a_byte_after_it():
    assert [len(windows([b"x" * n, b"y" * 65])) for n in (64, 65, 128, 129)] == [1, 2, 2, 3]


@pytest.mark.parametrize(
    "cut", [lambda c, n: cloze(c, ["in"], n), lambda c, n: next_token(c, ["RARE"], n), windows], ids=range(3)
)
def test_fewer_are_spread_over_all(cut):
    contents = [b"for i in range(10):\n    print(i, i + 1, i + 2)\n" * 40]
    every, few = cut(contents, None), cut(contents, 5)
    chosen = np.arange(5) * len(every) // 5

    assert len(few) == 5
    assert np.array_equal(few.inputs, every.inputs[chosen])
    assert np.array_equal(few.labels, every.labels[chosen])
