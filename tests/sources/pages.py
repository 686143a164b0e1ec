"""Pages of newspapers as tests serve them: an article, and all that is none."""

from __future__ import annotations

import json

SENTENCE = "Der Akku eines Acme Phone ist am Samstag in einem Regionalzug in Brand geraten, wie die Polizei mitteilte."
TEASER = "Der Konzern steckt nach internen Papieren tiefer in Schwierigkeiten als bisher bekannt."


def page(body: str, head: str = "") -> str:
    return f"<!doctype html><html><head><title>Zeitung</title>{head}</head><body>{body}</body></html>"


def article(head: str = "", sentence: str = SENTENCE, paragraphs: int = 8) -> str:
    text = "".join(f"<p>{sentence} Absatz {number} des Berichts.</p>" for number in range(paragraphs))
    menu = "<nav><ul><li><a href='/'>Start</a></li><li><a href='/w'>Wirtschaft</a></li></ul></nav>"
    foot = "<footer><a href='/impressum'>Impressum</a> <a href='/dsgvo'>Datenschutz</a> Cookie-Einstellungen</footer>"
    return page(f"{menu}<main><article><h1>Akku brennt</h1>{text}</article></main>{foot}", head)


def structured(value: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(value)}</script>'


CONSENT_DE = page(
    """<div id="sp_message_container_1"><h1>Wir benötigen Ihre Zustimmung</h1>
<p>Mit Ihrer Zustimmung verwenden wir und unsere bis zu 230 Partner Cookies und Tracking, um Werbung und Inhalte zu
personalisieren und auf Informationen auf Ihrem Endgerät zuzugreifen.</p><p>Ihre Einwilligung können Sie jederzeit in
der Datenschutzerklärung widerrufen. Alternativ lesen Sie mit dem Pur-Abo ohne Werbung und Tracking.</p>
<button>Akzeptieren und weiter</button><button>Ablehnen mit Pur</button></div>"""
)
CONSENT_EN = page(
    """<form action="/save"><h1>Before you continue</h1><p>We use cookies and data to deliver our services, to
personalise content and advertising, and to measure engagement. If you accept all, we and our partners will also use
cookies to show personalised advertising. If you reject all, we will not use cookies for these additional purposes.</p>
<p>See our privacy policy for more on consent and vendors.</p>
<button>Accept all</button><button>Reject all</button></form>"""
)
ABO_DE = page(
    f"""<article><h1>Exklusiv: Acme</h1><p>{TEASER}</p><div><p>Jetzt weiterlesen mit Zeitung Plus.</p>
<p>Sie haben schon ein Abo? Hier anmelden. Sonst vier Wochen kostenlos testen, jederzeit kündbar.</p></div></article>"""
)
ABO_EN = page(
    """<article><h1>Acme in trouble</h1><p>The company is in deeper trouble than was known.</p>
<p>Subscribe to unlock this article. Already a subscriber? Sign in. Premium from 1 euro a week.</p></article>"""
)
EMPTY = page("<div id='root'></div><noscript>Please enable JavaScript</noscript>")
ABOUT_COOKIES = article(
    sentence="Das Gericht hat entschieden, dass Acme ohne Einwilligung keine Cookies für die Werbung setzen darf, "
    "und verurteilte den Konzern am Samstag zu einem Bußgeld von drei Millionen Euro, gegen das er vorgehen will."
)
NOT_FREE = structured(
    {
        "@context": "https://schema.org",
        "@graph": [
            {"@type": "NewsArticle", "isAccessibleForFree": False, "hasPart": {"isAccessibleForFree": "False"}},
            {"@type": "WebPage", "isAccessibleForFree": True},
        ],
    }
)
FREE = structured(
    [
        {"@type": ["NewsArticle"], "isAccessibleForFree": True},
        {"@type": "NewsArticle", "headline": "another one", "isAccessibleForFree": False},
    ]
)
