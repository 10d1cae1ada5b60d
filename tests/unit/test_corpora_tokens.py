import io
import tokenize

import pytest

from harness.corpora.source import SYMPY
from harness.corpora.tokens import KEYWORDS, OPERATORS, keyword_places, token_types

F_STRING_BEGINS = {"FSTRING_START", "TSTRING_START"}  # from 3.12 and 3.14 on
F_STRING_ENDS = {"FSTRING_END", "TSTRING_END"}


def by_the_standard_library(text):
    """Types by `tokenize`, an f-string being one string whatever this Python makes of it."""
    types, depth = [], 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        name = tokenize.tok_name[token.type]
        if name in F_STRING_BEGINS:
            types += ["STRING"] if depth == 0 else []
            depth += 1
        elif name in F_STRING_ENDS:
            depth -= 1
        elif depth == 0 and name not in {"COMMENT", "NL", "ENDMARKER"}:
            types.append(token.string if name == "OP" or token.string in KEYWORDS else name)
    return types


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_files_of_the_corpus_have_the_types_that_the_standard_library_finds(part):
    contents = list(getattr(SYMPY.parts(), part).values())
    compared = [text for text in (content.decode("utf-8") for content in contents) if len(text) < 12_000][:30]

    assert len(compared) == 30
    for text in compared:
        assert token_types(text) == by_the_standard_library(text)


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("x = 1", "NAME = NUMBER NEWLINE"),
        ("f'{x!r:>{width}} {d[\"k\"]}' + rb'\\''", "STRING + STRING NEWLINE"),
        ('F"""{\nx}\n""" "a" \'b\'', "STRING STRING STRING NEWLINE"),
        ("'''a'b''c\\'''d'''", "STRING NEWLINE"),
        ("''", "STRING NEWLINE"),
        ("x: int = 0x_fF + 1_0.5e-3j + .5 + 1.", "NAME : NAME = NUMBER + NUMBER + NUMBER + NUMBER NEWLINE"),
        ("a **= b // c; d @ e", "NAME **= NAME // NAME ; NAME @ NAME NEWLINE"),
        ("été = σ", "NAME = NAME NEWLINE"),
        (
            "if a:\n    b # c\n\n  # d\n    e\nf",
            "if NAME : NEWLINE INDENT NAME NEWLINE NAME NEWLINE DEDENT NAME NEWLINE",
        ),
        ("if a:\n\tif b:\n\t\tc", "if NAME : NEWLINE INDENT if NAME : NEWLINE INDENT NAME NEWLINE DEDENT DEDENT"),
        ("f(a,\n  # b\n  c)\n", "NAME ( NAME , NAME ) NEWLINE"),
        ("a + \\\n  b", "NAME + NAME NEWLINE"),
        ("# nothing\n\n", ""),
        ("", ""),
        ("match x:\n  case _: pass", "NAME NAME : NEWLINE INDENT NAME NAME : pass NEWLINE DEDENT"),
        ("infinity = isnt", "NAME = NAME NEWLINE"),
        ('return"a"if b else""', "return STRING if NAME else STRING NEWLINE"),
    ],
    ids=range(17),
)
def test_types_are_those_of_pythons_grammar(text, types):
    assert token_types(text) == types.split()


def test_a_character_that_python_does_not_know_is_other():
    assert token_types("a ? b") == ["NAME", "OTHER", "NAME", "NEWLINE"]


def test_every_keyword_and_operator_is_its_own_type():
    for one in (*KEYWORDS, *OPERATORS):
        assert token_types(f"a {one} b")[:2] == ["NAME", one]


def test_keywords_in_strings_comments_and_names_are_not_found():
    text = 'if "if" in f"{x if y else z}":  # if\n    """for"""\n    iffy.notify(a or b)\n'

    assert [text[begin:end] for begin, end, _ in keyword_places(text)] == ["if", "in", "or"]
    assert [name for _, _, name in keyword_places(text)] == ["if", "in", "or"]
