"""Lines of keys, against TOML written with a known line for each key."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.toml_lines import KeyPath, key_lines, line_of, syntax_line

TRICKY = '''# comment = "no key"
title = "a # b = [c" # d = 1
"quoted key" = 1
'literal.key' = 2
dotted.inner . "leaf" = 3
text = """
[not.a.table]
key = 1 \\""" still """
lit = \'\'\'
[[neither]]\'\'\'
list = [
  "a", # [b]
  { x = 1 },
]
inline = { a = 1, b = { c = 2 } }
[table] # [other]
key = 1
[table.sub]
key = """two quotes at the end"""""
[[rows]]
x = 1
[rows.more]
y = 2
[[rows]]
x = 3
[[rows.deep]]
z = 4
[[rows.deep]]
z = 5
last = 3.5e1'''

EXPECTED: dict[KeyPath, int] = {
    ("title",): 2,
    ("quoted key",): 3,
    ("literal.key",): 4,
    ("dotted",): 5,
    ("dotted", "inner"): 5,
    ("dotted", "inner", "leaf"): 5,
    ("text",): 6,
    ("lit",): 9,
    ("list",): 11,
    ("inline",): 15,
    ("table",): 16,
    ("table", "key"): 17,
    ("table", "sub"): 18,
    ("table", "sub", "key"): 19,
    ("rows",): 20,
    ("rows", 0): 20,
    ("rows", 0, "x"): 21,
    ("rows", 0, "more"): 22,
    ("rows", 0, "more", "y"): 23,
    ("rows", 1): 24,
    ("rows", 1, "x"): 25,
    ("rows", 1, "deep"): 26,
    ("rows", 1, "deep", 0): 26,
    ("rows", 1, "deep", 0, "z"): 27,
    ("rows", 1, "deep", 1): 28,
    ("rows", 1, "deep", 1, "z"): 29,
    ("rows", 1, "deep", 1, "last"): 30,
}


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_every_key_has_its_line(line_break: str) -> None:
    text = TRICKY.replace("\n", line_break)
    tomllib.loads(text)
    assert key_lines(text) == EXPECTED


def test_what_has_no_line_has_that_of_what_is_around_it() -> None:
    lines = key_lines(TRICKY)
    assert line_of(("inline", "b", "c"), lines) == 15
    assert line_of(("list", 1, "x"), lines) == 11
    assert line_of(("missing",), lines) == 1


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a = 1\nb = \n", 2, "Invalid value"),
        ("a = 1\na = 2\n", 2, "Cannot overwrite a value"),
        ("x = 1\ny", 2, "Expected '=' after a key"),
    ],
)
def test_syntax_errors_have_a_line(text: str, line: int, message: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    at, said = syntax_line(caught.value, text)
    assert at == line
    assert said.startswith(message)
    assert "(at" not in said


def _basic(text: str) -> str:
    return '"' + "".join(f"\\u{ord(c):04x}" if c in '"\\' or ord(c) < 32 or ord(c) == 127 else c for c in text) + '"'


VALUES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12).map(_basic),
    st.text("[]{}=#.,\"'x \n", max_size=12).map(lambda t: "[\n" + ",\n".join(_basic(c) for c in t) + "]"),
    st.text("[]=#'x \n", max_size=12).map(lambda t: f'"""{t}"""'),
    st.text('[]=#"x \n', max_size=12).map(lambda t: f"'''{t}'''"),
    st.just("{ a = 1, b = [1, 2] }"),
)


@given(st.lists(st.tuples(st.text("ab. [#='", min_size=1, max_size=4), VALUES), max_size=8, unique_by=lambda pair: pair[0]))
def test_keys_among_any_values(pairs: list[tuple[str, str]]) -> None:
    text, expected = "", {}
    for key, value in pairs:
        expected[(key,)] = text.count("\n") + 1
        text += f"{_basic(key)} = {value}\n"
    assert list(tomllib.loads(text)) == [key for key, _value in pairs]
    assert key_lines(text) == expected
