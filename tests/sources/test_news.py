"""News searches: what is asked, whose links they are, and what a gap is where results come by relevance."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import TypeAdapter, ValidationError

from sources.base import Page, Source, SourceError, Stream
from sources.document import Entry
from sources.feed_parser import FeedParser
from sources.news import NewsSettings, refined, unwrapped
from sources.registry import SourceConfig, build, fingerprint
from tests.fakes import START, FixedClock, PlainHttp, plain_http, source_tools
from tests.servers import Web

CONFIG: TypeAdapter[SourceConfig] = TypeAdapter(SourceConfig)
GOOGLE = """<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel>
<title>"acme" - Google News</title><language>de</language>
<item><title>Akku von Acme brennt - heise online</title>
<link>https://news.google.com/rss/articles/CBMiA?oc=5</link><guid isPermaLink="false">CBMiA</guid>
<pubDate>Sat, 21 Nov 2026 09:00:00 GMT</pubDate>
<description>&lt;a href="https://news.google.com/rss/articles/CBMiA?oc=5"&gt;Akku von Acme&lt;/a&gt; heise</description>
<source url="https://www.heise.de">heise online</source></item></channel></rss>"""
BING = """<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:News="https://www.bing.com/news/search?q=acme"><channel>
<title>acme - BingNews</title><item><title>Acme ruft Akkus zurück</title>
<link>http://www.bing.com/news/apiclick.aspx?ref=F&amp;url=https%3a%2f%2fwww.golem.de%2fnews%2facme.html&amp;c=2</link>
<description>Der Hersteller ruft zurück.</description><pubDate>Sat, 21 Nov 2026 08:00:00 GMT</pubDate>
<News:Source>Golem.de</News:Source></item></channel></rss>"""
ALERT = """<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">
<title>Google Alert - acme</title>
<entry><id>tag:google.com,2013:googlealerts/feed:125</id><title type="html">Neues von &lt;b&gt;Acme&lt;/b&gt;</title>
<link href="https://www.google.com/url?rct=j&amp;sa=t&amp;url=https://www.zeit.de/acme%3Fp%3D1&amp;ct=ga&amp;cd=C"/>
<published>2026-11-21T07:00:00Z</published><content type="html">&lt;b&gt;Acme&lt;/b&gt; hat&amp;nbsp;...</content>
<author><name></name></author></entry></feed>"""


@pytest.fixture
async def http() -> AsyncIterator[PlainHttp]:
    async with plain_http() as made:
        yield made


@pytest.fixture
async def parser() -> AsyncIterator[FeedParser]:
    made = FeedParser()
    yield made
    await made.close()


def configured(**keys: Any) -> NewsSettings:
    config = CONFIG.validate_python({"name": "press", "type": "news"} | keys)
    assert isinstance(config, NewsSettings)
    return config


def parts(
    config: NewsSettings, http: PlainHttp, parser: FeedParser, clock: FixedClock | None = None
) -> dict[str, Source]:
    tools = source_tools(http, clock=clock, parser=parser)
    return {name: part for name, part in build(config, tools).items() if not isinstance(part, Stream)}


def feed(web: Web, path: str, body: str) -> None:
    web[path] = (200, {"Content-Type": "application/xml"}, body.encode())


def asked(web: Web) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(web.requests[-1].path).query).items()}


async def only_page(config: NewsSettings, http: PlainHttp, parser: FeedParser) -> Page:
    (source,) = parts(config, http, parser).values()
    return await source.fetch({})


async def test_google_news(web: Web, http: PlainHttp, parser: FeedParser) -> None:
    feed(web, "/rss/search", GOOGLE)
    config = configured(search=("acme OR globex",), language="en", country="GB", base_url=web.base)
    page = await only_page(config, http, parser)
    (post,) = page.posts
    assert asked(web) == {"q": "acme OR globex when:1d", "hl": "en-GB", "gl": "GB", "ceid": "GB:en"}
    assert (post.title, post.text, post.author) == ("Akku von Acme brennt", "", "heise online")
    assert post.external_id == "news.google.com/rss/search CBMiA"
    assert post.url == "https://news.google.com/rss/articles/CBMiA?oc=5"
    assert post.lang == "de"


async def test_bing_news(web: Web, http: PlainHttp, parser: FeedParser) -> None:
    feed(web, "/news/search", BING)
    config = configured(search=("acme",), provider="bing", full_text=True, base_url=web.base)
    page = await only_page(config, http, parser)
    (post,) = page.posts
    assert (asked(web)["q"], asked(web)["format"], asked(web)["mkt"]) == ("acme", "rss", "de-DE")
    assert (post.title, post.author) == ("Acme ruft Akkus zurück", "Golem.de")
    assert post.url == "https://www.golem.de/news/acme.html"
    assert page.articles == {post.external_id: post.url}


async def test_google_alerts(web: Web, http: PlainHttp, parser: FeedParser) -> None:
    feed(web, "/alerts/feeds/17/42", ALERT)
    config = configured(alerts=("https://www.google.com/alerts/feeds/17/42",), base_url=web.base)
    assert list(parts(config, http, parser)) == ["alert 42"]
    (post,) = (await only_page(config, http, parser)).posts
    assert (post.title, post.text) == ("Neues von Acme", "Acme hat ...")
    assert post.url == "https://www.zeit.de/acme?p=1"
    assert post.external_id == "tag:google.com,2013:googlealerts/feed:125"


async def test_each_search_is_a_part_of_its_own(web: Web, http: PlainHttp, parser: FeedParser) -> None:
    before, after = configured(search=("acme", "globex")), configured(search=("acme", "initech"))
    assert list(parts(before, http, parser)) == ["acme", "globex"]
    assert fingerprint(before, "acme") == fingerprint(after, "acme")
    assert fingerprint(before, "globex") != fingerprint(after, "initech")


async def test_after_days_of_silence_google_is_asked_for_days(web: Web, http: PlainHttp, parser: FeedParser) -> None:
    clock = FixedClock()
    feed(web, "/rss/search", GOOGLE)
    (source,) = parts(configured(search=("acme",), base_url=web.base), http, parser, clock).values()
    cursor = (await source.fetch({})).cursor
    for silence, days in ((timedelta(hours=19), 1), (timedelta(hours=21), 2), (timedelta(days=3), 4)):
        clock.now = START + silence
        await source.fetch(cursor)
        assert asked(web)["q"] == f"acme when:{days}d"


async def test_a_first_pass_asks_as_far_back_as_the_backlog(web: Web, http: PlainHttp, parser: FeedParser) -> None:
    feed(web, "/rss/search", GOOGLE)
    for backlog, words in (("36h", "acme when:2d"), ("7d", "acme when:7d"), ("all", "acme")):
        await only_page(configured(search=("acme",), backlog=backlog, base_url=web.base), http, parser)
        assert asked(web)["q"] == words


def results(*numbers: int) -> str:
    items = (f"<item><title>T{n}</title><guid>g{n}</guid><description>x{n}</description></item>" for n in numbers)
    return f'<rss version="2.0"><channel><title>t</title>{"".join(items)}</channel></rss>'


async def test_an_answer_that_is_not_full_shows_everything_and_proves_no_gap(
    web: Web, http: PlainHttp, parser: FeedParser
) -> None:
    (source,) = parts(configured(search=("acme",), base_url=web.base), http, parser).values()
    feed(web, "/rss/search", results(1, 2, 3))
    first = await source.fetch({})
    feed(web, "/rss/search", results(4, 5))  # yesterday's results are all older than a day now
    assert (await source.fetch(first.cursor)).gaps == ()


async def test_full_answers_with_nothing_in_common_are_a_gap(web: Web, http: PlainHttp, parser: FeedParser) -> None:
    (source,) = parts(configured(search=("acme",), base_url=web.base), http, parser).values()
    feed(web, "/rss/search", results(*range(100)))
    first = await source.fetch({})
    assert "100 entries are all that it shows" in first.notices[0]
    feed(web, "/rss/search", results(*range(50, 150)))
    assert (await source.fetch(first.cursor)).gaps == ()
    feed(web, "/rss/search", results(*range(100, 200)))
    assert len((await source.fetch(first.cursor)).gaps) == 1


async def test_a_consent_page_is_no_feed(web: Web, http: PlainHttp, parser: FeedParser) -> None:
    web["/rss/search"] = (200, {"Content-Type": "text/html"}, b"<html><title>Bevor Sie fortfahren</title></html>")
    with pytest.raises(SourceError, match="not a feed"):
        await only_page(configured(search=("acme",), base_url=web.base), http, parser)
    assert len(web.requests) == 1  # nor is one looked for elsewhere


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("https://www.google.com/url?rct=j&url=https://a.test/x&ct=ga", "https://a.test/x"),
        ("https://www.google.de/url?url=https%3A%2F%2Fa.test%2Fx%3Fb%3D1%26c%3D2", "https://a.test/x?b=1&c=2"),
        ("http://www.bing.com/news/apiclick.aspx?ref=F&url=https%3a%2f%2fa.test%2f", "https://a.test/"),
        ("https://www.google.com/url?url=javascript:alert(1)", "https://www.google.com/url?url=javascript:alert(1)"),
        (
            "https://google.com.evil.test/url?url=https://a.test/",
            "https://google.com.evil.test/url?url=https://a.test/",
        ),
        ("https://a.test/url?url=https://b.test/", "https://a.test/url?url=https://b.test/"),
        ("http://[", "http://["),
        (None, None),
    ],
)
def test_unwrapped(link: str | None, target: str | None) -> None:
    assert unwrapped(link) == target


def test_a_title_that_is_nothing_but_the_publisher_stays() -> None:
    assert refined(Entry(title="A &lt; B - X - Y", publisher="Y")).title == "A &lt; B - X"
    assert refined(Entry(title="Y", publisher="Y")).title == "Y"


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ({}, "nothing to look for"),
        ({"search": ("acme",), "full_text": True}, "lead to no article"),
        ({"search": ("acme",), "country": "de"}, "country"),
    ],
)
def test_what_makes_no_sense_is_refused(keys: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValidationError, match=wrong):
        configured(**keys)
