"""The second half of the long queries: press, prices, rivals, rumours."""

from __future__ import annotations

from sources.base import PostKind
from tests.rules.posts import post
from tests.rules.power_queries import PowerQuery

MARKET = (
    PowerQuery(
        "news sites",
        """
        acme AND site:(heise.de OR golem.de OR spiegel.de OR sueddeutsche.de OR orf.at)
        AND kind:(article OR comment) AND NOT title:(podcast OR newsletter OR "die woche")
        """,
        (
            post("Acme entlässt", url="https://www.heise.de/1", kind=PostKind.ARTICLE),
            post("über Acme", url="https://wien.orf.at/stories/1", kind=PostKind.ARTICLE, title="Wirtschaft"),
            post("Acme?", url="https://forum.golem.de/1", kind=PostKind.COMMENT),
        ),
        (
            post("Acme", url="https://www.heise.de/1", kind=PostKind.ARTICLE, title="Podcast"),
            post("Acme", url="https://www.bild.de/1", kind=PostKind.ARTICLE),
            post("Acme", url="https://heise.de.example.com/1", kind=PostKind.ARTICLE),
            post("Acme", url="https://www.heise.de/1", kind=PostKind.POST),
        ),
    ),
    PowerQuery(
        "delivery",
        """
        <<< parcels >>> (acme OR acmeshop) AND
        (((paket* OR lieferung OR sendung OR bestellung) NEAR/5 (fehlt OR verloren OR "nicht angekommen" OR beschädigt))
         OR ("wo bleibt" NEAR/4f (paket* OR bestellung OR ware)) OR /sendungsnummer\\s*[:#]?\\s*\\d{6,}/)
        """,
        (
            "Acme: mein Paket ist nicht angekommen",
            "Wo bleibt denn meine Bestellung, Acme?",
            "acmeshop Sendungsnummer: 1234567",
            "Lieferung von Acme schon wieder beschaedigt",
        ),
        (
            "Acme: mein Paket ist da",
            "Paket verloren",
            "acmeshop Sendungsnummer 123",
            "Acme, meine Bestellung, sie war lange unterwegs, wo bleibt",
        ),
    ),
    PowerQuery(
        "prices",
        """acme AND ((preis* NEAR/3 (erhöh* OR steig* OR rauf)) OR "zu teuer" OR wucher* OR abzock*)
        NOT (aktie* OR börse OR "acme ag" OR $ACME)""",
        (
            "Acme: Preise steigen wieder",
            "Acme ist zu teuer, Abzocke",
            "Preis erhoeht! Acme, das ist Wucher",
        ),
        (
            "Acme Aktie: Preise steigen",
            "Acme AG Preise steigen",
            "Preise steigen",
            "Boerse: Acme zu teuer",
        ),
    ),
    PowerQuery(
        "app",
        """
        (("acme app" OR "app von acme" OR acmeapp) OR (app NEAR/3 acme))
        AND (absturz* OR stürzt OR crash* OR "geht nicht" OR login OR anmeld* OR fehlercode OR /fehler\\s?\\d+/)
        """,
        (
            "Die Acme-App stürzt ab",
            "App der Acme: Fehler 403",
            "acmeapp Anmeldung unmöglich",
        ),
        (
            "Die Acme-App ist schön",
            "App stürzt ab",
            "Acme stürzt ab",
        ),
    ),
    PowerQuery(
        "customer service",
        """
        (acme OR @acme OR @acme_hilft) AND
        ((hotline OR kundenservice OR support OR callcenter OR *dienst) NEAR/8
         (unverschämt* OR unfreundlich* OR katastroph* OR warteschleife OR "geht keiner ran" OR "keine antwort"))
        """,
        (
            "Acme: Kundendienst eine Katastrophe",
            "@acme_hilft Hotline, seit 1 h Warteschleife",
            "Im Callcenter von Acme geht keiner ran",
        ),
        (
            "Acme: Kundendienst sehr freundlich",
            "Globex Hotline: Warteschleife",
            "Acme ist unverschämt",
        ),
    ),
    PowerQuery(
        "spelling",
        """("müller & söhne" OR "mueller und soehne" OR #müllersöhne OR m?llersöhne)
        AND (joghurt* OR milch* OR *produkt)""",
        (
            "Milch von Müller & Söhne",
            "Mueller und Söhne: Joghurtbecher undicht",
            "#MuellerSoehne Milchprodukt",
        ),
        (
            "Milch von Müller",
            "Müller & Söhne",
            "Muller & Sohne Milch",
        ),
    ),
    PowerQuery(
        "short name",
        """
        ({BT} OR {B.T.} OR "bt group"~1)
        AND ((broadband OR internet OR router) NEAR/5 (slow OR down OR outage OR langsam))
        NOT (bluetooth OR "bt drs" OR bundestag)
        """,
        (
            "BT broadband is slow again",
            "The BT group: internet down",
            "Router von BT ist langsam",
        ),
        (
            "bt broadband is slow",
            "BT Drs 20/1: Internet langsam",
            "BT Bluetooth router slow",
        ),
    ),
    PowerQuery(
        "recall",
        """(acme OR globex OR initech) AND
        ((rückruf* OR "zurück gerufen" OR zurückgerufen OR recall*) NEAR/10 (produkt* OR charge* OR gerät* OR modell*))
        AND NOT (site:(bundestag.de OR wikipedia.org) OR kind:message)""",
        (
            "Rückrufaktion: Acme Geräte",
            "Globex: Charge zurueckgerufen",
            post("Initech recalls Modell X", url="https://example.com/1"),
        ),
        (
            post("Acme Rückruf Produkt", url="https://de.wikipedia.org/wiki/Acme"),
            post("Acme Rückruf Produkt", kind=PostKind.MESSAGE),
            "Acme bittet um Rückruf",
            "Rückruf der Produkte",
        ),
    ),
    PowerQuery(
        "event",
        """
        acme NOT ("acme arena" OR "acme-stadion" OR #acmecup OR (acme NEAR/2 (cup OR liga OR pokal)))
        NOT title:(spielbericht OR aufstellung OR liveticker)
        """,
        (
            "Acme liefert nicht",
            post("Acme hilft", title="Bericht"),
            "Acme ist pleite, sagt man im Verein, der im Pokal spielt",
        ),
        (
            "Finale im Acme-Stadion",
            "Acme Pokal",
            "der Cup von Acme",
            post("Acme gewinnt", title="Liveticker"),
        ),
    ),
    PowerQuery(
        "nested nearness",
        """((acme OR globex) NEAR/3 (tarif* OR vertrag*)) AND
        (((tarif* OR vertrag*) NEAR/8 (kündig* OR wechsel*)) OR ((raus OR weg) NEAR/5f (acme OR globex)))
        NOT author:(bot* OR acme)""",
        (
            "Acme Tarif gekündigt? Wie kann ich den Acme Tarif kündigen",
            "Ich will wechseln, der Vertrag von Globex nervt",
            post("Kündigung: Acme-Vertrag", author="kim"),
        ),
        (
            "Acme kündigt",
            post("Acme Tarif kündigen", author="Acme"),
            "Vertrag kündigen",
        ),
    ),
    PowerQuery(
        "links",
        """(acme OR links:acme.de OR url:acme) AND (links:(bit.ly OR tinyurl.com) OR gutschein* OR rabatt*)
        AND -site:acme.de""",
        (
            "Acme Rabatt",
            "Gutscheine: https://www.acme.de/aktion",
            post("Rabatt", url="https://blog.example/acme/1"),
            "Acme! https://bit.ly/3x",
        ),
        (
            "https://www.acme.de/",
            "Rabatt bei Globex https://globex.de/",
            post("Acme Rabatt", url="https://shop.acme.de/1"),
        ),
    ),
    PowerQuery(
        "emoji",
        """(acme OR @acme OR #acme) (😡 OR 🤬 OR 👎 OR "nie wieder" OR (nie NEAR/2f mehr)) -(😂 OR ironie OR satire)""",
        (
            "Acme 😡😡",
            "@acme 👎🏽",
            "#acme nie wieder",
            "Bei Acme kaufe ich nie wirklich mehr",
        ),
        (
            "Acme 😀",
            "Acme 🤬😂",
            "mehr Acme nie",
        ),
    ),
    PowerQuery(
        "claim",
        """
        <<< an untruth that goes round:
            "Acme testet an Tieren" >>>
        (acme OR "acme kosmetik") AND
        ((tierversuch* OR (test* NEAR/3 (tier OR tieren OR kaninchen))) OR "cruelty free"~1)
        AND NOT ("keine tierversuche" OR "ohne tierversuche" OR faktencheck)
        """,
        (
            "Acme macht Tierversuche!",
            "Acme Kosmetik testet an Kaninchen",
            "Is Acme really cruelty-free?",
        ),
        (
            "Acme: keine Tierversuche",
            "Faktencheck: Acme testet an Tieren",
            "Tierversuche sind verboten",
            "Acme testet neue Farben",
        ),
    ),
)
