"""The YAML loader: values, positions, substitution and traps."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config_errors import ConfigErrors
from monitor.yaml import Document, read_document, typed
from sources.base import JSON

ENVIRON = {"ACME": "Acme", "N": "12", "YES": "yes", "TIME": "12:30", "HASH": "a #b", "LONG": "geheim-geheim"}


def read(folder: Path, text: str | bytes) -> Document:
    path = folder / "config.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_document(path, ENVIRON)


def refusal(folder: Path, text: str | bytes) -> str:
    with pytest.raises(ConfigErrors) as caught:
        read(folder, text)
    return str(caught.value).replace(str(folder) + "/", "")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", True),
        ("Off", False),
        ("yEs", "yEs"),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("010", "010"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("1.50", 1.5),
        ("1e5", "1e5"),
        (".inf", ".inf"),
        ("2026-01-01", "2026-01-01"),
        ("99999999999999999999", "99999999999999999999"),
        ("180d", "180d"),
    ],
)
def test_unquoted_scalars(written: str, value: JSON) -> None:
    assert typed(written) == value


def test_values_and_where_they_stand(tmp_path: Path) -> None:
    document = read(tmp_path, 'a:\n  - b: 1\n    ü: "x"\nc: |\n  one\n  two\n')
    assert document.value == {"a": [{"b": 1, "ü": "x"}], "c": "one\ntwo\n"}
    assert document.nodes[("a", 0, "ü")].key == (2, 4)
    assert document.nodes[("a", 0, "ü")].value == (2, 7)
    assert document.errors == ()


@pytest.mark.parametrize(
    ("text", "offset", "place"),
    [
        ("q: acme OR x", (0, 5), (1, 9)),
        ("q: 'acme OR x'", (0, 5), (1, 10)),
        ('q: "acme OR x"', (0, 5), (1, 10)),
        ('q: "acme \\"OR\\" x"', (0, 5), (1, 4)),  # escapes shift the columns: the start of the text
        ("q: |\n  acme\n  OR (x", (1, 3), (3, 6)),
        ("q: >\n  acme\n  OR (x", (0, 8), (1, 4)),
        ("q: ${ACME} OR x", (0, 5), (1, 4)),
    ],
)
def test_places_within_a_text(tmp_path: Path, text: str, offset: tuple[int, int], place: tuple[int, int]) -> None:
    error = read(tmp_path, text).error(("q",), "wrong", offset=offset)
    assert (error.line, error.column) == place


def test_substitution(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("line\n\n")
    text = "a: ${N}\nb: '${N}'\nc: ${N}d\nd: ${YES}\ne: ${TIME}\nf: '${file:key}'\ng: '${ACME} OR ${N}' # ${NONE}\n"
    document = read(tmp_path, text)
    assert document.errors == ()
    assert document.value == {
        "a": 12,
        "b": "12",
        "c": "12d",
        "d": True,
        "e": "12:30",
        "f": "line",
        "g": "Acme OR 12",
    }


def test_what_is_substituted_is_no_yaml_and_not_substituted_again(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("query: ${Q}\nnames: ['${R}']\n")
    document = read_document(path, {"Q": "acme OR #tag: [x]", "R": "${Q}"})
    assert document.errors == ()
    assert document.value == {"query": "acme OR #tag: [x]", "names": ["${Q}"]}


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("${NONE}", "the environment variable NONE is not set"),
        ("${NONE:-x}", "expected ${NAME} for an environment variable or ${file:PATH} for a file"),
        ("${}", "expected ${NAME} for an environment variable or ${file:PATH} for a file"),
        ("${file:none}", 'cannot read the file "none": No such file or directory'),
        ("${file:.}", 'cannot read the file ".": Is a directory'),
        ("${file:empty}", 'the file "empty" is empty'),
        ("${file:latin}", 'the file "latin" is not UTF-8'),
        ("${file:large}", 'the file "large" is larger than 64 KiB'),
    ],
)
def test_references_that_lead_nowhere(tmp_path: Path, reference: str, message: str) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "latin").write_bytes(b"gr\xfcn")
    (tmp_path / "large").write_text("x" * 70_000)
    (error,) = read(tmp_path, f"a: '{reference}'").errors
    assert (error.line, error.column, error.key_path, error.message) == (1, 4, "a", message)


def test_values_of_references_are_replaced_in_messages(tmp_path: Path) -> None:
    document = read(tmp_path, "a: '${LONG}'")
    assert document.error(("a",), 'no such "geheim-geheim"').message == 'no such "${LONG}"'
    assert "geheim" not in repr(document)


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("query: acme OR #AcmeFail", 1),
        ("query: acme #AcmeFail", 1),
        ("query: #AcmeFail", 1),
        ("query: acme\n  OR globex #AcmeFail", 1),
        ("query: acme NOT # globex", 1),
        ("query: acme NEAR/5 # globex", 1),
        ("query: 'acme' #AcmeFail", 1),
        ("names:\n  - acme\n  - #acme", 1),
        ("query: acme # our brand", 0),
        ("query: 'acme OR #AcmeFail'", 0),
        ("query: 'acme' # our brand", 0),
        ("query: |\n  acme OR #AcmeFail", 0),
        ("query: acme#fail", 0),
        ("query: brand  ## remark", 0),
        ("name: acme #remark", 0),
    ],
)
def test_queries_cut_by_a_comment(tmp_path: Path, text: str, errors: int) -> None:
    found = read(tmp_path, text).errors
    assert len(found) == errors
    assert all("quote the" in error.message for error in found)


@pytest.mark.parametrize(
    ("written", "is_trap"), [("12:30", True), ("1:2:3", True), ("'12:30'", False), ("1:99", False)]
)
def test_sexagesimals(tmp_path: Path, written: str, is_trap: bool) -> None:
    assert bool(read(tmp_path, f"a: {written}").errors) is is_trap


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a: gr\xfcn", "config.yaml:1:6: is not UTF-8 (byte 0xfc)"),
        ("a: 1".encode("utf-16"), "config.yaml:1:1: is not UTF-8 (byte 0xff)"),
        (b"a: 1\nb: x\x00y", "config.yaml:2:5: contains the control character U+0000"),
        (b"a: " + b"x" * 1_000_000, "config.yaml: is larger than 1 MB"),
        (b"", "config.yaml: is empty"),
        (b"\xef\xbb\xbf", "config.yaml: is empty"),
        ("a: [1, 2", "did not find expected ',' or ']'; the bracket was opened on line 1"),
        ('a: "x', "config.yaml:1:4: not valid YAML: found unexpected end of stream"),
        ("a:\n\tb: 1", "there is a tab in the indentation: use spaces"),
        ("a: @x", "quote the whole text with ' '"),
        ("a: b: c", 'quote a text that contains ": "'),
        ("a: {t: ${N}}", 'within [ ] and { } quote "${NAME}"'),
        ("names: [Acme, #acme]\nb: 1", '"#acme]" starts a comment: quote the text'),
    ],
)
def test_files_that_are_no_yaml(tmp_path: Path, text: str | bytes, message: str) -> None:
    assert message in refusal(tmp_path, text)


def test_f39_a_bomb_is_refused_before_it_grows(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    document = read(tmp_path, "\n".join(lines))
    assert len(document.errors) == 9 + 8 * 9
    assert len(str(document.value)) < 5_000


def test_a_broken_value_is_known_as_broken(tmp_path: Path) -> None:
    document = read(tmp_path, "a: ${NONE}\nb: 1")
    assert document.is_broken(("a",))
    assert not document.is_broken(("b",))


def test_windows_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    document = read(tmp_path, b"\xef\xbb\xbfa: 1\r\nquery: x OR #y\r\n")
    assert document.value == {"a": 1, "query": "x OR"}
    assert document.errors[0].line == 2


keys = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(st.characters(codec="utf-8", categories=("L", "P", "Zs")))
)
trees = st.dictionaries(
    keys, st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=12)
)


@settings(max_examples=60, deadline=None)
@given(tree=trees)
def test_reads_what_pyyaml_writes(tmp_path_factory: pytest.TempPathFactory, tree: dict[str, JSON]) -> None:
    text = yaml.safe_dump(tree, allow_unicode=True, default_style=None).replace("${", "$ {")
    folder = tmp_path_factory.mktemp("yaml")
    assert read(folder, text).value == yaml.safe_load(text)


@settings(max_examples=150, deadline=None)
@given(text=st.text(st.sampled_from("ab:-[]{}#&*!|>'\"%@`, \n\t${}?.~0"), max_size=60))
def test_any_text_gives_values_or_errors(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    try:
        document = read(folder, text)
    except ConfigErrors as errors:
        assert errors.errors
    else:
        assert () in document.nodes
