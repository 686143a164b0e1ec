"""Twenty-five queries as people write them who have used Brandwatch for years, each with posts that it must find and
posts that it must not."""

from __future__ import annotations

from dataclasses import dataclass

from sources.base import Post, PostKind
from tests.rules.posts import post


@dataclass(frozen=True, slots=True)
class PowerQuery:
    """At least three posts on either side; a bare text stands for a post without anything else."""

    name: str
    query: str
    found: tuple[str | Post, ...]
    left_out: tuple[str | Post, ...]


SERVICE = (
    PowerQuery(
        "outage",
        """
        <<< Netz: Störungen und Ausfälle.
            Owner: care, reviewed in November >>>
        (acme OR "acme mobil" OR @acme_hilft)
        AND ((netz* OR internet OR mobilfunk OR "5G" OR lte)
              NEAR/6 (stör* OR ausfall OR ausgefallen OR tot OR down OR weg))
        NOT (gewinnspiel OR "black friday" OR {WEG})
        """,
        (
            "Bei Acme ist seit heute früh das Internet schon wieder komplett ausgefallen",
            "@acme_hilft Netzstörung in Köln? Störung seit 6 Uhr",
            post("LTE und 5G sind tot, Hotline auch", title="Acme Mobil"),
            "Stoerung im Mobilfunk bei ACME!",
        ),
        (
            "Acme: Internet super, nie ein Problem",
            "Acme hat das beste Netz. Ich war bei vier Anbietern, jeder hatte einmal einen Ausfall",
            "Acme Gewinnspiel: Internet ausgefallen? Gewinne einen Router",
            "Netz bei Globex ausgefallen",
            "Acme Mobilfunk: WEG mit dem Ausfall",
        ),
    ),
    PowerQuery(
        "cancellation",
        """
        (acme OR #acme) AND (
          (kündig* OR kuendig* OR "will raus" OR widerruf*) NEAR/8 (vertrag* OR abo* OR tarif OR mitgliedschaft)
        ) NOT (site:acme.de OR site:acme-jobs.de)
        """,
        (
            "Wie kann ich bei Acme meinen Vertrag kündigen?",
            "#acme Widerruf für mein Abo wird ignoriert",
            post("Kuendigung vom Tarif nicht bestätigt", title="Acme", url="https://forum.example.de/t/1"),
        ),
        (
            post("Vertrag kündigen bei Acme: so geht es", url="https://hilfe.acme.de/kuendigen"),
            "Acme Vertrag verlängert, bin zufrieden",
            "Kündigung vom Vertrag bei Globex",
            post("acme kündigt Tarif an", url="https://acme-jobs.de/1"),
        ),
    ),
    PowerQuery(
        "battery",
        """
        ("acme phone"~2 OR acmephone* OR #acmephone) AND
        ((akku* OR batterie* OR ladegerät OR netzteil) NEAR/5
         (brenn* OR explod* OR geschmolzen OR heiß OR qualm* OR rauch* OR 🔥))
        """,
        (
            "Mein Acme Phone: Der Akku ist explodiert",
            "Acme neues Phone, Netzteil wird heiss",
            "#acmephone Ladegerät geschmolzen 😡",
            "AcmePhone7 Batterie 🔥",
        ),
        (
            "Mein Acme Phone hat einen guten Akku",
            "Der Akku vom Globex Phone ist explodiert",
            "Akkus brennen. Mehr dazu bei Acme. Dort gibt es auch ein Phone",
            "Acme Phone explodiert vor Funktionen, sagt der Tester nach vielen Tagen, auch der Akku",
        ),
    ),
    PowerQuery(
        "overheating, NEAR within NEAR",
        """
        ((acme OR @acme) NEAR/4 (tablet OR phone* OR (smart NEAR/0f phone))) NEAR/10
        ((akku* OR batterie* OR ladegerät) NEAR/5 (heiß OR brenn* OR explod* OR (raucht* NEAR/2 stark)))
        """,
        (
            "Vom Acme Tablet ist die Batterie gestern explodiert",
            "Akku brennt! Mein Acme smart Phone liegt jetzt im Garten",
            "@acme phone: Der Akku wird extrem heiss",
            "Das Ladegerät raucht ziemlich stark, es ist das vom Acme Phone",
        ),
        (
            "Acme Tablet top. Der Händler erzählte mir dann beim Kaffee noch sehr lange, dass woanders der Akku brennt",
            "Acme Tablet mit gutem Akku",
            "Der Akku brennt beim Globex Tablet",
            "Das Ladegerät vom Acme Phone raucht",
        ),
    ),
    PowerQuery(
        "refund",
        """
        title:(acme OR "acme shop") AND
        (("geld zurück" OR rückerstatt* OR erstattung OR refund) NEAR/10 (warte* OR nicht OR kein* OR nie OR wochen))
        AND lang:de
        """,
        (
            post("Ich warte seit Wochen auf mein Geld zurück", title="Acme Shop Erfahrungen", lang="de"),
            post("Keine Rueckerstattung erhalten", title="ACME", lang="de"),
            post("Refund? Gibt es nicht.", title="Nie wieder acme", lang="de"),
        ),
        (
            post("Ich warte seit Wochen auf mein Geld zurück", title="Acme Shop", lang="en"),
            post("Acme: keine Erstattung", title="Hilfe", lang="de"),
            post("Erstattung kam sofort", title="Acme", lang="de"),
            post("Keine Rückerstattung", title="Acme"),
        ),
    ),
    PowerQuery(
        "purchase",
        """
        (acme OR globex) AND
        ("welches handy" OR empfehl* OR "lohnt sich" OR
         (soll* NEAR/4 (kaufen OR holen OR bestellen)) OR "bin am überlegen")
        NOT ("zu verkaufen" OR kleinanzeigen OR biete OR site:(ebay.de OR kleinanzeigen.de))
        """,
        (
            "Soll ich mir das Acme kaufen?",
            "Könnt ihr Globex empfehlen?",
            "Acme oder Globex, bin am ueberlegen",
            post("Lohnt sich Acme?", url="https://www.gutefrage.net/frage/1"),
        ),
        (
            "Biete Acme, soll schnell weg, wer will kaufen",
            post("Acme, lohnt sich", url="https://www.ebay.de/itm/1"),
            "Acme gekauft",
            "Soll ich das kaufen?",
        ),
    ),
    PowerQuery(
        "bad reviews",
        """acme* AND kind:review AND rating:[* TO 2] AND lang:(de OR en)
        AND (service OR support OR hotline OR kundendienst)""",
        (
            post("Schlechter Service von Acme", kind=PostKind.REVIEW, rating=1.0, lang="de"),
            post("Acme support never answers", kind=PostKind.REVIEW, rating=2.0, lang="en"),
            post("Hotline: niemand da", title="AcmeMobil", kind=PostKind.REVIEW, rating=0.5, lang="de"),
        ),
        (
            post("Guter Service von Acme", kind=PostKind.REVIEW, rating=5.0, lang="de"),
            post("Schlechter Service von Acme", kind=PostKind.COMMENT, rating=1.0, lang="de"),
            post("Schlechter Service von Acme", kind=PostKind.REVIEW, lang="de"),
            post("Acme service nul", kind=PostKind.REVIEW, rating=1.0, lang="fr"),
        ),
    ),
    PowerQuery(
        "phishing",
        """
        (acme.de OR acme-login OR `acme.support`) AND
        ((phishing OR betrug* OR fake OR scam OR gefälscht*)
         NEAR/15 (mail* OR "e-mail" OR sms OR seite OR link* OR shop))
        NOT site:acme.de
        """,
        (
            "Achtung, Phishing Mail von acme[.]de!",
            "gefälschte Seite acme dot de, kein echter Shop",
            "Betrüger, Betrug per SMS: acme.support",
        ),
        (
            post("So erkennen Sie Phishing Mails, Ihr acme.de Team", url="https://www.acme.de/sicherheit"),
            "Phishing Mail von globex.de",
            "acme.de ist eine schöne Seite",
        ),
    ),
    PowerQuery(
        "rail",
        """
        ({DB} OR "deutsche bahn" OR @db_bahn OR bahncard*) AND
        ((verspät* OR ausgefallen OR zugausfall* OR "fällt aus") NEAR/7 (zug OR {ICE} OR {IC} OR {RE} OR anschluss))
        NOT (datenbank OR "db-level" OR dezibel)
        """,
        (
            "Die DB: Zug hat schon wieder Verspätung, Anschluss weg, verspätet",
            "@db_bahn mein ICE fällt aus",
            "Deutsche-Bahn-Chaos: RE ausgefallen",
        ),
        (
            "db: ice hat keinen Schalter, verspätet",
            "Datenbank DB: der Zug verspätet sich",
            "Die DB spart",
            "Deutsche Bahn: heute alles pünktlich mit dem Zug",
        ),
    ),
    PowerQuery(
        "insurance",
        """
        (*versicherung OR *police) AND (acme NEAR/8f (zahl* OR weiger* OR abgelehnt OR "lehnt ab"))
        AND NOT (author:(acme_presse OR pressebot) OR source:werbung)
        """,
        (
            "Hausratversicherung: Acme weigert sich",
            "Meine Police? Acme lehnt ab.",
            post("Acme hat die Zahlung abgelehnt, tolle Versicherung", author="kim"),
        ),
        (
            "Versicherung abgelehnt sagt Acme",
            post("Acme zahlt! Versicherung top", author="Pressebot"),
            post("Acme zahlt, Versicherung", source="werbung"),
            "Versicherungen: acme zahlt",
        ),
    ),
    PowerQuery(
        "wide reach",
        """(acme OR "acme gmbh" OR $ACME) AND (followers:[10000 TO *] OR engagement:[500 TO *])
        AND (skandal OR boykott* OR #acmefail OR (schäm* NEAR/3 euch))""",
        (
            post("Acme Skandal", followers=10_000),
            post("#AcmeFail $ACME", engagement=9_999, followers=3),
            post("Acme GmbH, schämt euch", followers=1_000_000),
        ),
        (
            post("Acme Skandal", followers=9_999),
            post("Acme Skandal"),
            post("Acme ist toll", followers=10_000),
            post("Boykott!", engagement=500),
        ),
    ),
    PowerQuery(
        "reddit",
        """
        subreddit:(de OR finanzen OR austria) AND (acme NOT ("acme corp" OR looney OR coyote))
        AND (hilfe OR problem* OR frage OR weiß OR jemand)
        """,
        (
            post("Weiß jemand, wie Acme arbeitet?", url="https://www.reddit.com/r/de/comments/1/a/"),
            post("Probleme mit Acme", url="https://www.reddit.com/r/finanzen/comments/1/a/"),
            post("Acme: Hilfe!", url="https://old.reddit.com/r/Austria/comments/1/a/"),
        ),
        (
            post("Problem mit Acme", url="https://www.reddit.com/r/ich_iel/comments/1/a/"),
            post("Acme Corp Problem", url="https://www.reddit.com/r/de/comments/1/a/"),
            post("Acme Coyote Frage", url="https://www.reddit.com/r/de/comments/1/a/"),
            post("Acme Problem"),
        ),
    ),
    PowerQuery(
        "churn to a rival",
        """
        ((wechsel* OR gewechselt OR "switch" OR umstieg) NEAR/6f (globex OR initech))
        AND (acme OR "meinem anbieter" OR bisherig*)
        """,
        (
            "Wechsel jetzt zu Globex, Acme kann mich mal",
            "Bin von Acme gewechselt, hin zu Initech",
            "Umstieg auf Globex, mein bisheriger Anbieter nervt",
        ),
        (
            "Ich komme von Globex, Wechsel zu Acme",
            "Wechsel zu Acme war gut",
            "Wechsel zu Globex, endlich",
        ),
    ),
)
