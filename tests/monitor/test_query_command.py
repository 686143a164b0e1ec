"""`mentiond query`: what it prints of matches and comparisons, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.commands import OK, USAGE
from tests.monitor.query_runs import Query, write

POSTS = [
    {"external_id": "a", "text": "Mein Acme Telefon ist kaputt"},
    {"external_id": "b", "title": "Neues von Acme", "text": "Rabatt Gutschein nur heute"},
    {"external_id": "c", "text": "nichts davon"},
    {"external_id": "d", "text": "Acme: Rabatt Gutschein sichern"},
    {"external_id": "e", "text": "Globex Telefon"},
]


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    return write(tmp_path, POSTS)


def test_matches_go_to_standard_output_and_everything_else_to_standard_error(query: Query, posts: Path) -> None:
    said = query("acme -jobs", posts)
    assert said.code == OK
    assert said.out.splitlines() == [
        "line 1: Mein [Acme] Telefon ist kaputt",
        "line 2: Neues von [Acme] | Rabatt Gutschein nur heute",
        "line 4: [Acme]: Rabatt Gutschein sichern",
    ]
    first, *rest = said.err.splitlines()
    assert first == "read as: acme AND NOT jobs"
    assert "3 of 5 posts match (60.0 %)" in rest


def test_json_has_the_documented_shape_and_nothing_else(query: Query, posts: Path) -> None:
    said = query("acme telefon", posts, "--json")
    assert said.lines == [
        {
            "line": 1,
            "external_id": "a",
            "spans": [{"field": "text", "start": 5, "end": 9}, {"field": "text", "start": 10, "end": 17}],
            "terms": ["acme", "telefon"],
        }
    ]
    assert "1 of 5 posts match (20.0 %)" in said.err


def test_the_most_frequent_words_of_the_matches_are_named_but_not_those_of_the_query(
    query: Query, tmp_path: Path
) -> None:
    adverts = [{"text": f"Acme Rabatt und Gutschein {number}"} for number in range(20)]
    others = [{"text": f"das Telefon und der Rest {number}"} for number in range(20)]
    said = query("acme", write(tmp_path, adverts + others))
    [often] = [line for line in said.err.splitlines() if line.startswith("often in what matches")]
    assert often.endswith(": gutschein (20), rabatt (20)")
    alone = query("acme", write(tmp_path, adverts))
    assert "gutschein (20), rabatt (20)" in alone.err
    assert "und (" not in alone.err


def test_the_share_says_when_it_is_small_and_nothing_of_no_posts(query: Query, tmp_path: Path) -> None:
    said = query("acme", write(tmp_path, [{"text": "Acme"}, *[{"text": "nichts"}] * 2000]))
    assert "1 of 2001 posts match (under 0.1 %)" in said.err
    assert "0 of 0 posts match\n" in query("acme", write(tmp_path, [])).err


def test_limit(query: Query, posts: Path) -> None:
    said = query("acme", "--limit", "2", posts)
    assert len(said.out.splitlines()) == 2
    assert "... and 1 more that match (--limit)" in said.err
    assert "3 of 5 posts match" in said.err
    assert len(query("acme", "--limit", "1", "--json", posts).lines) == 1
    assert query("acme", "--limit", "0", posts).code == USAGE


def test_a_comparison_shows_gains_and_losses(query: Query, posts: Path) -> None:
    said = query("acme NOT rabatt", posts, "--compare", "acme rabatt")
    assert said.out.splitlines() == [
        "+ line 1: Mein [Acme] Telefon ist kaputt",
        "- line 2: Neues von [Acme] | [Rabatt] Gutschein nur heute",
        "- line 4: [Acme]: [Rabatt] Gutschein sichern",
    ]
    assert said.err.splitlines()[:2] == ["read as: acme AND NOT rabatt", "compared with: acme AND rabatt"]
    assert "1 of 5 posts match (20.0 %)" in said.err
    assert "1 gained, 2 lost, 0 found by both" in said.err


def test_a_comparison_reads_old_and_new_in_this_order(query: Query, posts: Path) -> None:
    said = query("--compare", "acme", "acme OR globex", posts, "--json")
    assert [(line["external_id"], line["change"], line["terms"]) for line in said.lines] == [
        ("e", "gained", ["globex"])
    ]
    assert "1 gained, 0 lost, 3 found by both" in said.err


def test_a_comparison_limits_gains_and_losses_each(query: Query, tmp_path: Path) -> None:
    said = query(
        "new", "--compare", "old", "--limit", "1", write(tmp_path, [{"text": "new"}] * 3 + [{"text": "old"}] * 2)
    )
    assert said.out.splitlines() == ["+ line 1: [new]", "- line 4: [old]"]
    assert "... and 2 more that are gained (--limit)" in said.err
    assert "... and 1 more that are lost (--limit)" in said.err


def test_what_the_linter_finds_is_said_and_the_query_runs_all_the_same(query: Query, posts: Path) -> None:
    said = query("acme\nAND (rabatt or the)", posts)
    assert said.code == OK
    warnings = [line for line in said.err.splitlines() if line.startswith("warning: line 2, column 13: `or`")]
    assert len(warnings) == 1
    dead = query("acme NOT acme", posts)
    assert (dead.code, dead.out) == (OK, "")
    assert "error: line 1, column " in dead.err


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("acme NEAR/3 (kaputt OR defekt*)", "only posts with acme are looked at"),
        ('"Müller"', "only posts with mueller are looked at"),
        ("globex OR site:heise.de", "only posts with globex or site:heise.de are looked at"),
        (" OR ".join(f"globex{number:02}" for number in range(20)), "globex11 or 8 others are looked at"),
        ("rating:[1 TO 2]", "only posts with rating:* are looked at"),
        ("/[0-9]+ euro/", "only posts with *euro* are looked at"),
        ("/[0-9]+/", "every post is looked at, because no word is required"),
    ],
)
def test_what_the_index_requires_is_said(query: Query, posts: Path, text: str, keys: str) -> None:
    [index] = [line for line in query(text, posts).err.splitlines() if line.startswith("index: ")]
    assert index.endswith(keys)


def test_a_pasted_query_does_not_steer_the_terminal(query: Query, posts: Path) -> None:
    said = query('acme OR "a\x1b[2Jb  \u202ec"', posts)
    assert "\x1b" not in said.out + said.err
    assert "\u202e" not in said.out + said.err
    assert 'read as: acme OR "b  c"' in query('acme OR "b  c"', posts).err


@pytest.mark.parametrize("arguments", [("((acme",), ("acme", "--compare", "((acme")])
def test_a_query_that_cannot_be_read(query: Query, posts: Path, arguments: tuple[str, ...]) -> None:
    said = query(*arguments, posts)
    assert (said.code, said.out) == (USAGE, "")
    assert "  ((acme\n" in said.err
    assert said.err.splitlines()[-1].strip() == "^"


def test_umlauts_and_their_spellings(query: Query, tmp_path: Path) -> None:
    path = write(
        tmp_path, [{"text": "Grüße von Müller"}, {"text": "Mu\u0308ller"}, {"text": "mueller"}, {"text": "muller"}]
    )
    assert [line["line"] for line in query("Müller", path, "--json").lines] == [1, 2, 3]
    assert [line["line"] for line in query("Mu\u0308ller", path, "--json").lines] == [1, 2, 3]
    assert query("müller", path).out.splitlines()[0] == "line 1: Grüße von [Müller]"


def test_what_steers_a_terminal_is_left_out(query: Query, tmp_path: Path) -> None:
    said = query("acme", write(tmp_path, [{"text": "Acme \x1b[2J\x07\u202e evil\r\n\nnext\u200b"}]))
    assert said.out == "line 1: [Acme] [2J evil next\n"


def test_long_posts_are_cut_around_what_was_found(query: Query, tmp_path: Path) -> None:
    said = query("acme", write(tmp_path, [{"text": "x " * 100_000 + "Acme" + " y" * 100_000}]))
    assert len(said.out) < 450
    assert "[Acme]" in said.out
