"""Mails of Google Alerts: from the JSON in them, else from their links; the shape is written from public accounts."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from sources.google_alerts import Result, unpack, unwrapped


def wrapped(url: str) -> str:
    return f"https://www.google.com/url?rct=j&sa=t&url={quote(url, safe='')}&ct=ga&cd=CAEY&usg=AOv"


def marked(*widgets: dict[str, Any]) -> str:
    said = {"api_version": "1.0", "entity": {"title": "Google Alert - acme"}, "cards": [{"widgets": list(widgets)}]}
    script = f'<script data-scope="inboxmarkup" type="application/json">{json.dumps(said)}</script>'
    return f"<html><body>{script}</body></html>"


def row(url: str, title: str, text: str = "", publisher: str = "") -> str:
    return (
        f'<tr itemscope itemtype="http://schema.org/Article"><td><a href="{wrapped(url).replace("&", "&amp;")}" '
        f'itemprop="url"><span itemprop="name">{title}</span></a><div><div itemprop="publisher"><a><span>{publisher}'
        f'</span></a></div><div itemprop="description">{text}</div></div><a href="https://www.google.com/alerts/share?'
        f'hl=de&amp;ru={url}">share</a></td></tr>'
    )


def test_links_are_unwrapped() -> None:
    assert unwrapped(wrapped("https://x.test/a?b=c&d=ü")) == "https://x.test/a?b=c&d=ü"
    assert unwrapped("https://www.google.de/url?q=https://x.test/") == "https://x.test/"
    assert unwrapped("https://x.test/direct") == "https://x.test/direct"


@pytest.mark.parametrize(
    "link",
    [
        "https://www.google.com/alerts?s=AB",
        "https://www.google.com/url?sa=t",
        "https://www.google.com/url?url=javascript:alert(1)",
        "https://[broken",
        "mailto:a@b",
        "",
    ],
)
def test_other_links_lead_nowhere(link: str) -> None:
    assert unwrapped(link) is None


def test_the_json_gives_title_text_and_address() -> None:
    first = {
        "type": "LINK",
        "title": "Acme <b>brennt</b>",
        "description": "In K&ouml;ln ...",
        "url": wrapped("https://x.test/1"),
    }
    second = {"type": "LINK", "title": "Zweites", "url": "https://x.test/2"}
    assert unpack(marked(first, second, first)) == [
        Result("https://x.test/1", "Acme brennt", "In Köln ..."),
        Result("https://x.test/2", "Zweites"),
    ]


def test_the_links_add_who_published_it() -> None:
    html = marked({"title": "Acme", "url": wrapped("https://x.test/1")})
    html += f"<table>{row('https://x.test/1', 'Acme &amp; Co', 'said so', 'Der Bote')}</table>"
    assert unpack(html) == [Result("https://x.test/1", "Acme", "said so", "Der Bote")]


def test_without_json_the_links_are_read() -> None:
    rows = row("https://x.test/1", "Acme <b>brennt</b>", "In Köln ...", "Der Bote") + row("https://x.test/2", "Zweites")
    assert unpack(f"<table>{rows}{rows}</table>") == [
        Result("https://x.test/1", "Acme brennt", "In Köln ...", "Der Bote"),
        Result("https://x.test/2", "Zweites"),
    ]


@pytest.mark.parametrize(
    "html",
    [
        "",
        "no markup",
        "<a href='https://www.google.com/alerts?s=AB'>edit this alert</a>",
        '<script data-scope="inboxmarkup" type="application/json">{"cards": [</script>',
        '<script data-scope="inboxmarkup">' + "[" * 100_000 + "</script>",
        marked({"title": 5, "url": []}, {"url": wrapped("https://x.test/1")}),
        marked().replace('"cards"', '"card"'),
    ],
)
def test_what_cannot_be_understood_has_no_results(html: str) -> None:
    assert unpack(html) == []


def test_results_are_bounded() -> None:
    assert len(unpack(marked(*({"title": "a", "url": f"https://x.test/{n}"} for n in range(1000))))) == 200
