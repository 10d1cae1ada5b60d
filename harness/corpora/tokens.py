"""Python tokens by one regular expression: the same on every Python, where ``tokenize`` changed with 3.12.

An f-string is one string, as ``tokenize`` had it before 3.12. Keywords are those of Python 3.7 to 3.14; ``match``,
``case`` and ``type``, which are keywords in some places only, are names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

KEYWORDS: Final = (
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
)  # fmt: skip
OPERATORS: Final = (
    "(", ")", "[", "]", "{", "}", ",", ":", ".", ";", "=", "==", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "//",
    "%", "**", "@", "&", "|", "^", "~", "<<", ">>", "->", ":=", "...", "+=", "-=", "*=", "/=", "//=", "%=", "**=",
    "@=", "&=", "|=", "^=", "<<=", ">>=",
)  # fmt: skip
KINDS: Final = ("NAME", "NUMBER", "STRING", "NEWLINE", "INDENT", "DEDENT")

# Names need no table of letters, which differs by Unicode version: whatever is not ASCII is part of one.
_LETTER, _LETTER_OR_DIGIT = r"[A-Za-z_\x80-\U0010ffff]", r"[A-Za-z0-9_\x80-\U0010ffff]"
_STRING = (
    r"[bBrRuUfF]{0,2}(?:"
    r"'''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'''"
    r'|"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""'
    r"|'[^'\\\n]*(?:\\.[^'\\\n]*)*'"
    r'|"[^"\\\n]*(?:\\.[^"\\\n]*)*")'
)
_NUMBER = (
    r"(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+"
    r"|(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9][0-9_]*)?[jJ]?)"
)
_OPERATOR = "|".join(re.escape(operator) for operator in sorted(OPERATORS, key=len, reverse=True))
_NEWLINE = (
    r"\n(?:[ \t\f]*(?:\#[^\n]*)?\n)*[ \t\f]*"  # with the blank and comment lines after it, and what indents the next
)
TOKEN: Final = re.compile(
    r"(?:[ \t\f]+|\#[^\n]*|\\\n)*"  # what separates tokens
    rf"({_LETTER}{_LETTER_OR_DIGIT}*(?!['\"A-Za-z0-9_\x80-\U0010ffff])|{_NEWLINE}|{_STRING}"
    rf"|{_LETTER}{_LETTER_OR_DIGIT}*|{_NUMBER}|{_OPERATOR}|.|\Z)",
    re.DOTALL,
)


def keyword_places(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield beginning, end and name of each keyword: none in strings and comments."""
    keywords = set(KEYWORDS)
    for found in TOKEN.finditer(text):
        if found[1] in keywords:
            yield found.start(1), found.end(1), found[1]


def token_types(text: str) -> list[str]:
    """Return the type of each token: a keyword or operator as it is written, else one of :data:`KINDS`.

    Comments, blank lines and line breaks inside brackets are no tokens, as in Python's own grammar.

    Source:
        https://docs.python.org/3/reference/lexical_analysis.html
    """
    types: list[str] = []
    depth, columns = 0, [0]
    for found in TOKEN.findall(f"\n{text}\n"):
        if found in _ITSELF:
            types.append(found)
            if found in "([{":
                depth += 1
            elif found in ")]}":
                depth -= 1
        elif found[:1] == "\n":
            if depth == 0:
                if types and types[-1] != "NEWLINE":
                    types.append("NEWLINE")
                _indent(types, columns, _column(found))
        elif found:
            types.append(_kind(found))
    return types


def _indent(types: list[str], columns: list[int], column: int) -> None:
    """Add what opens or closes blocks where a line begins at ``column``."""
    if column > columns[-1]:
        columns.append(column)
        types.append("INDENT")
    while column < columns[-1]:
        columns.pop()
        types.append("DEDENT")


def _column(newline: str) -> int:
    return len(newline[newline.rindex("\n") + 1 :].expandtabs(8).replace("\f", ""))


def _kind(token: str) -> str:
    if token[-1] in "'\"":
        return "STRING"
    first = token[0]
    return (
        "NUMBER"
        if "0" <= first <= "9" or first == "."
        else "NAME"
        if first == "_" or first > "\x7f" or first.isalpha()
        else "OTHER"
    )


_ITSELF: Final = frozenset(KEYWORDS + OPERATORS)
