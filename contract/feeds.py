#!/usr/bin/env python3
"""Reads the feeds and the sitemap of Broadsheet back with parsers by others, and compares every entry of every feed with the API.

usage: contract/feeds.py --feedsmith FOLDER [--broadsheet PATH]

It starts the program with nothing in it, publishes the example posts and some of the oddest that the API takes, and asks for each
feed: of the site, of each author, of each tag. feedparser (Python) reads Atom and RSS, feedsmith (JavaScript) all three formats.
FOLDER is where `npm install feedsmith` was run. contract/requirements-feeds.txt names the rest.

The W3C's feed validator is in no package registry. What it checks of feeds such as these is written out here, rule by rule, from its
source (https://github.com/w3c/feedvalidator): errors and warnings alike.
"""

import argparse
import datetime
import email.utils
import html
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import feedparser
import html5lib

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = secrets.token_urlsafe(18)
FILES = ["feed.xml", "feed.json", "rss.xml"]
NEWEST = 20

ATOM = "{http://www.w3.org/2005/Atom}"
XML = "{http://www.w3.org/XML/1998/namespace}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
DC = "{http://purl.org/dc/elements/1.1/}"
MODIFIED = "{http://purl.org/dc/terms/}modified"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"

# Titles, names and texts that are odd in a way of their own.
ODD_NAMES = ["Ada & <Co>", "عائشة", "</b>", "R&D &amp; Sons", "😀", "\ufffe", "O'Neil \"Q\""]
ODD_POSTS = [
    {"title": "Fish & chips < 5 > 3", "body": "a & b < c > d \"e\" 'f' &amp; &lt;"},
    {"title": "How to write <b>bold</b> &amp; </i>", "body": "`<script>alert(1)</script>` and <script>alert(1)</script>"},
    {"title": "]]> ends nothing", "body": "<![CDATA[ x ]]> ]]> <!-- c --> <?php ?>"},
    {"title": "שלום עולם", "language": "he", "body": "שלום [קישור](/he) \u200fעולם"},
    {"title": "العربية \u200f123", "language": "ar-EG", "body": "<p dir=\"rtl\">مرحبا</p>\n\n<bdo dir=\"rtl\">abc</bdo>"},
    {"title": "😀👩‍👩‍👧 emoji \U0010ffff", "body": "👩🏽‍🚀 \U000e0001 \ue000", "language": "zxx"},
    {"title": "noncharacters \ufffe\uffff \ufffd", "body": "a\ufffeb\uffffc\ufffdd\u0000e\u0008f\u001bg\u0085h\ri"},
    {"title": "\ufffe", "body": "A title of which nothing can be shown."},
    {"title": "A language that nobody knows", "language": "klingon", "body": "nuqneH"},
    {"title": "Two letters that are none", "language": "qq-QQ", "body": "x"},
    {"body": "A note without a title, which is long enough that what stands for its title has to be cut somewhere, " * 3},
    {"body": "![](/only-an-image.png)"},
    {"body": "<b>Bold</b> &amp; 5 < 6, said by </i>"},
    {"title": "Links", "body": "[a](/a?b=1&c=2) [b](b.html#c) [c](#d) [e](//e.example/f) <a href='q\"q'>q</a> <https://g.example/?h=1&i=2> "
     "[j](mailto:k@l.example) ![m](n%20o.png) <a href=\"a b|c^d\">e</a> <q cite=\"/q\">q</q>\n\n# d"},
    {"title": "Everything", "body": "# H\n\n- [ ] t\n- [x] u\n\n| a | b |\n|---|--:|\n| c | d |\n\n> q\n\n~~s~~ n[^1] m[^1]\n\n```rust\nfn a() -> &str "
     "{ \"<b>\" }\n```\n\n<details><summary>s</summary>d</details> <ruby>漢<rt>kan</rt></ruby>\n\n1. a\n2. b\n\n[^1]: Here *it* is.",
     "summary": "A summary with <b>markup</b> & more"},
    {"title": "A cover", "cover_image_url": "https://img.example.com/a|b[c]{d}^`e.JPG?f=1&g=<h>", "body": "x",
     "canonical_url": "https://elsewhere.example.com/é?a=1&b=\"2\"", "tags": ["C++", "a b", "日本", "R&D"]},
    {"title": "A cover of no known type", "cover_image_url": "http://localhost:9000/cover?size=5", "body": "x"},
    {"title": "Pre", "body": "```\n\n  two\n\tthree  \n```\n\n    \n\nx\\\ny"},
]

problems = []


def problem(where, what):
    problems.append(f"{where}: {what}")


# ------------------------------------------------------------------ the API


class Api:
    def __init__(self, url):
        self.url = url

    def call(self, method, path, body=None, token=None):
        request = urllib.request.Request(self.url + path, method=method)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
            if method == "PATCH":
                request.add_header("If-Match", "*")
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def json(self, method, path, body=None, token=None):
        status, _, answer = self.call(method, path, body, token)
        if status >= 300:
            raise SystemExit(f"{method} {path}: {status} {answer.decode()}")
        return json.loads(answer) if answer else None

    def walk(self, path):
        separator = "&" if "?" in path else "?"
        cursor = ""
        while True:
            page = self.json("GET", f"{path}{separator}limit=100{cursor}")
            yield from page["items"]
            if not page["next_cursor"]:
                return
            cursor = "&cursor=" + urllib.parse.quote(page["next_cursor"])


def register(api, name):
    account = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    api.json("POST", "/users", account)
    return api.json("POST", "/sessions", {"login": name, "password": PASSWORD})["access_token"]


def fill(api, program):
    """The example posts, and the odd ones, of authors with odd names."""
    register(api, "examples")
    seed = [program, "seed", str(ROOT / "examples/posts"), "--as", "examples", "--url", api.url]
    subprocess.run(seed, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "BROADSHEET_PASSWORD": PASSWORD})
    tokens = []
    for number, name in enumerate(ODD_NAMES):
        token = register(api, f"odd-{number}")
        api.json("PATCH", "/me", {"display_name": name}, token)
        tokens.append(token)
    for number, post in enumerate(ODD_POSTS):
        post = {"tags": ["odd"], **post, "status": "published"}
        api.json("POST", "/posts", post, tokens[number % len(tokens)])
    quoted = api.json("GET", "/posts?limit=1")["items"][0]["slug"]
    api.json("POST", "/posts", {"title": "A quote", "body": "So.", "quote_of": quoted, "status": "published"}, tokens[0])
    api.json("POST", "/posts", {"body": "An answer.", "reply_to": quoted, "status": "published"}, tokens[1])
    api.json("POST", "/posts", {"title": "A draft that nobody sees", "body": "Draft."}, tokens[0])
    api.call("PUT", f"/posts/{quoted}/repost", None, tokens[2])


# ------------------------------------------------------------------ what a feed should say


# Controls, of which no feed in XML has any.
GONE = "[\0-\x08\x0b\x0c\x0e-\x1f\x80-\x9f]"


def in_xml(text):
    """What of a plain text a feed in XML shows (docs/feeds.md)."""
    return re.sub(GONE + "|[\ufffd-\uffff]", "", text)


def html_in_xml(text):
    """The same of HTML, which has another way to write U+FFFD."""
    return re.sub(GONE + "|[\ufffe\uffff]", "", text)


def tree(source, page=None):
    """HTML as html5lib reads it, with absolute addresses as they are seen from `page`."""
    fragment = html5lib.parseFragment(source, namespaceHTMLElements=False)
    for element in fragment.iter():
        if page is not None and isinstance(element.tag, str):
            element.tag = {"bdo": "span", "rtc": "span"}.get(element.tag, element.tag)
            element.attrib.pop("aria-label", None)
            for name in ["href", "src", "cite"]:
                if name in element.attrib and not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", element.attrib[name]):
                    element.attrib[name] = urllib.parse.urljoin(page, element.attrib[name])
        # One way to write an address: what the URL standard escapes in a path, escaped.
        for name in ["href", "src", "cite"]:
            if name in element.attrib:
                element.attrib[name] = urllib.parse.quote(element.attrib[name], safe=":/?#[]@!$&'()*+,;=%~|^")
    return ElementTree.tostring(fragment, encoding="unicode")


def expected(card, post, site):
    author = post["author"]
    page = f"{site}/posts/{post['slug']}"
    return {
        "page": page,
        "title": card["title"],
        "summary": card["summary"],
        "html": post["html"],
        "author": author["display_name"],
        "username": author["username"],
        "tags": card["tags"],
        "language": card["language"],
        "cover": card["cover_image_url"],
        "published": card["published_at"],
        "updated": card["updated_at"],
    }


def seconds(time):
    return datetime.datetime.fromisoformat(time.replace("Z", "+00:00")).replace(microsecond=0)


def plain(text):
    """A title, however it is escaped."""
    return html.unescape(html.unescape(text or ""))


def of_feedparser(text):
    feed = feedparser.parse(text, sanitize_html=False, resolve_relative_uris=False)
    if feed.bozo:
        raise ValueError(feed.bozo_exception)
    for entry in feed.entries:
        content = entry.get("content") or [{"value": entry.get("summary", "")}]
        enclosures = entry.get("enclosures", []) + entry.get("media_content", [])
        yield {
            "id": entry.id,
            "page": entry.link,
            "title": entry.get("title"),
            "html": content[0]["value"],
            "author": entry.author,
            "tags": [tag.term for tag in entry.get("tags", [])],
            "cover": next((it.get("href") or it.get("url") for it in enclosures), None),
            "published": datetime.datetime(*entry.published_parsed[:6], tzinfo=datetime.UTC),
            "updated": datetime.datetime(*entry.updated_parsed[:6], tzinfo=datetime.UTC),
        }


def of_feedsmith(read):
    feed, form = read["feed"], read["format"]
    for entry in feed["entries"] if form == "atom" else feed["items"]:
        dates = {"atom": ("published", "updated"), "rss": ("pubDate", None), "json": ("date_published", "date_modified")}[form]
        date = entry.get(dates[0])
        published = email.utils.parsedate_to_datetime(date) if form == "rss" else seconds(date)
        if form == "atom":
            links = {link.get("rel"): link["href"] for link in entry["links"]}
            found = {
                "id": entry["id"], "page": links["alternate"], "cover": links.get("enclosure"),
                "title": text_of(entry.get("title")), "html": text_of(entry.get("content")),
                "author": entry["authors"][0]["name"], "tags": [it["term"] for it in entry.get("categories", [])],
            }
        elif form == "rss":
            media = [it["url"] for it in (entry.get("media") or {}).get("contents", [])]
            enclosures = [it["url"] for it in entry.get("enclosures", [])]
            found = {
                "id": entry["guid"]["value"], "page": entry["link"], "cover": next(iter(enclosures + media), None),
                "title": text_of(entry.get("title")),
                "html": text_of((entry.get("content") or {}).get("encoded") or entry.get("description")),
                "author": (entry["dc"].get("creators") or [entry["dc"].get("creator")])[0],
                "tags": [it["name"] for it in entry.get("categories", [])],
            }
        else:
            found = {
                "id": entry["id"], "page": entry["url"], "cover": entry.get("image"), "title": entry.get("title"),
                "html": entry.get("content_html"), "author": entry["authors"][0]["name"], "tags": entry.get("tags", []),
            }
        found["published"] = published
        found["updated"] = seconds(entry[dates[1]]) if dates[1] else None
        yield found


def text_of(value):
    return value.get("value") if isinstance(value, dict) else value


def compare(where, found, wanted, is_xml):
    """The entries of a feed with what the API says."""
    found = list(found)
    if [it["page"] for it in found] != [it["page"] for it in wanted]:
        problem(where, f"has {[it['page'] for it in found]} and not {[it['page'] for it in wanted]}")
        return
    if len({it["id"] for it in found}) != len(found):
        problem(where, "has two entries of one id")
    for one, other in zip(found, wanted, strict=True):
        at = f"{where} {other['page']}"
        show = in_xml if is_xml else lambda text: text
        title = show(other["title"] or "").strip()
        # Atom has a title for each entry.
        missing = where.endswith("/feed.xml") and not one["title"]
        if missing or (title and plain(one["title"]).strip() != plain(title).strip()):
            problem(at, f"the title is {one['title']!r}, not {title!r}")
        name = show(other["author"]).strip()
        names = {name or other["username"]} | ({other["username"]} if "<" in name or not name else set())
        if plain(one["author"]).strip() not in {plain(it) for it in names}:
            problem(at, f"the author is {one['author']!r}, not {names}")
        if sorted(one["tags"]) != sorted(other["tags"]):
            problem(at, f"the tags are {one['tags']}, not {other['tags']}")
        if bool(one["cover"]) != bool(other["cover"]):
            problem(at, f"the cover is {one['cover']}, not {other['cover']}")
        if one["cover"] and urllib.parse.unquote(one["cover"]) != urllib.parse.unquote(other["cover"]):
            problem(at, f"the cover is {one['cover']}, not {other['cover']}")
        if one["published"] != seconds(other["published"]):
            problem(at, f"was published at {one['published']}, not {other['published']}")
        if one["updated"] and one["updated"] != seconds(other["updated"]):
            problem(at, f"was updated at {one['updated']}, not {other['updated']}")
        # Parsers leave out white space at both ends.
        whole = tree((html_in_xml(other["html"]) if is_xml else other["html"]).strip(), other["page"])
        found_text = tree((one["html"] or "").strip())
        if found_text != whole:
            problem(at, f"the text is\n    {found_text!r}\n    and not\n    {whole!r}")


# ------------------------------------------------------------------ the rules of the W3C's validator

URI = re.compile(r"[a-zA-Z][0-9a-zA-Z+\-.]*:(//)?[0-9a-zA-Z;/?:@&=+$.\-_!~*'()%,#]+$")
TAG_URI = re.compile(r"tag:[a-z0-9.\-]+,\d{4}(-\d\d(-\d\d)?)?:[0-9a-zA-Z;/?:@&=+$.\-_!~*'()%,]*$")
RFC_2822 = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d? (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$")
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
END_TAG = re.compile(r"</(\w+)>")
ENTITY = re.compile(r"&(#?\w+)")
# What its list of safe HTML lacks of what the sanitiser of posts lets through (docs/markdown.md).
UNSAFE_ELEMENTS = {"bdo", "rtc", "script", "style", "iframe", "object", "embed", "link", "meta", "base"}
UNSAFE_ATTRIBUTES = re.compile(r"^(on|aria-|style$|role$)")
ISO_639_1 = set(
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es et eu fa ff fi fj fo "
    "fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg "
    "li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se "
    "sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu".split()
)


def check_html(where, source):
    parser = html5lib.HTMLParser(strict=True)
    try:
        fragment = parser.parseFragment(source)
    except html5lib.html5parser.ParseError as error:
        problem(where, f"NotHtml: {error} in {source[:200]!r}")
        return
    for element in fragment.iter():
        if not isinstance(element.tag, str) or element.tag == "DOCUMENT_FRAGMENT":
            continue
        name = element.tag.split("}")[-1]
        if name in UNSAFE_ELEMENTS:
            problem(where, f"SecurityRisk: {name}")
        for attribute, value in element.attrib.items():
            if UNSAFE_ATTRIBUTES.match(attribute):
                problem(where, f"SecurityRiskAttr: {attribute} of {name}")
            if attribute in ("href", "src") and not re.match(r"\w+:", value):
                problem(where, f"ContainsRelRef: {value}")


def check_plain(where, text, line):
    """Text that is no HTML. `line` is how it was written: numbers say that it is meant as it is."""
    if END_TAG.search(text):
        problem(where, f"ContainsHTML: {text!r}")
    entities = [it for it in ENTITY.findall(text) if it in html.entities.name2codepoint or it == "apos" or not it.isalpha()]
    if entities and "&#x" not in line:
        problem(where, f"ContainsHTML: {text!r}")
    if re.search("&#[x0-9]|<[/a-zA-Z]", text) and "&#x" not in line:
        problem(where, f"CharacterData: {text!r}")
    if re.search(r"<[A-Z0-9_\-+.']+@[A-Z0-9.\-]+>", text, re.I):
        problem(where, f"ContainsEmail: {text!r}")
    if not text:
        problem(where, "NotBlank")


def check_language(where, language):
    primary = language.split("-")[0].lower()
    if not (primary in ISO_639_1 or len(primary) == 3):
        problem(where, f"InvalidLanguage: {language}")


def check_date(where, time, pattern):
    if not pattern.match(time):
        problem(where, f"InvalidDate: {time}")
        return
    is_rfc_3339 = pattern is RFC_3339
    parsed = seconds(time) if is_rfc_3339 else email.utils.parsedate_to_datetime(time)
    if not is_rfc_3339 and parsed.strftime("%a") != time[:3]:
        problem(where, f"IncorrectDOW: {time}")
    if parsed.year < 1990 or parsed > datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=10):
        problem(where, f"ImplausibleDate: {time}")


def check_uri(where, uri):
    if not URI.match(uri):
        problem(where, f"InvalidLink: {uri!r}")


def line_of(text, element, value):
    """How the plain text of an element was written: each stands on a line of its own."""
    for line in text.split("\n"):
        found = re.match(rf"\s*<{element}[^>]*>(.*)</{element}>$", line)
        if found and html.unescape(found[1]) == value:
            return line
    return ""


def check_characters(where, root):
    for element in root.iter():
        for text in [element.text or "", *element.attrib.values()]:
            if re.search("[\x80-\x9f\ufffd]", text):
                problem(where, f"BadCharacters: {element.tag}")


def text_construct(where, text, parent, name, required=True):
    element = parent.find(ATOM + name)
    if element is None:
        if required:
            problem(where, f"MissingElement: {name}")
        return
    value = element.text or ""
    if not value.strip():
        problem(where, f"NotBlank: {name}")
    if element.get("type") == "html":
        check_html(where, value)
    else:
        check_plain(where, value, line_of(text, name, value))


def validate_atom(where, text, url):
    root = ElementTree.fromstring(text.encode())
    check_characters(where, root)
    check_language(where, root.get(XML + "lang"))
    text_construct(where, text, root, "title")
    text_construct(where, text, root, "subtitle", required=False)
    ids, updates = [root.findtext(ATOM + "id")], []
    links = {link.get("rel"): link.get("href") for link in root.findall(ATOM + "link")}
    if links.get("self") != url:
        problem(where, f"SelfDoesntMatchLocation: {links.get('self')}")
    if "alternate" not in links:
        problem(where, "MissingAlternateLink")
    check_date(where, root.findtext(ATOM + "updated"), RFC_3339)
    for entry in root.findall(ATOM + "entry"):
        at = f"{where} {entry.findtext(ATOM + 'id')}"
        ids.append(entry.findtext(ATOM + "id"))
        updates.append(entry.findtext(ATOM + "updated"))
        text_construct(at, text, entry, "title")
        text_construct(at, text, entry, "summary", required=False)
        for name in ["published", "updated"]:
            check_date(at, entry.findtext(ATOM + name), RFC_3339)
        if entry.get(XML + "lang") is not None:
            check_language(at, entry.get(XML + "lang"))
        for link in entry.findall(ATOM + "link"):
            check_uri(at, link.get("href"))
            if link.get("rel") not in ["alternate", "enclosure", "via", "related"]:
                problem(at, f"UnregisteredAtomLinkRel: {link.get('rel')}")
        author = entry.find(ATOM + "author")
        check_plain(at, author.findtext(ATOM + "name"), line_of(text, "name", author.findtext(ATOM + "name")))
        check_uri(at, author.findtext(ATOM + "uri"))
        content = entry.find(ATOM + "content")
        if content is None and entry.find(ATOM + "summary") is None:
            problem(at, "MissingTextualContent")
        if content is not None:
            check_html(at, content.text or "")
    for identity in ids:
        if not TAG_URI.match(identity):
            problem(where, f"InvalidTAG: {identity}")
    if len(set(ids)) != len(ids):
        problem(where, "DuplicateIds")
    if len(set(updates)) != len(updates):
        problem(where, "DuplicateUpdated")


def validate_rss(where, text, url):
    root = ElementTree.fromstring(text.encode())
    check_characters(where, root)
    channel = root.find("channel")
    own = [link.get("href") for link in channel.findall(ATOM + "link") if link.get("rel") == "self"]
    if own != [url]:
        problem(where, f"MissingAtomSelfLink: {own}")
    for name in ["title", "description"]:
        check_plain(where, channel.findtext(name) or "", line_of(text, name, channel.findtext(name)))
    check_uri(where, channel.findtext("link"))
    check_language(where, channel.findtext("language"))
    check_date(where, channel.findtext("lastBuildDate"), RFC_2822)
    names = [child.tag for child in channel]
    if "item" in names and any(name != "item" for name in names[names.index("item"):]):
        problem(where, "MisplacedItem")
    guids = []
    for item in channel.findall("item"):
        at = f"{where} {item.findtext('guid')}"
        guids.append(item.findtext("guid"))
        names = [child.tag for child in item]
        single = [name for name in names if name != "category"]
        if len(set(single)) != len(single):
            problem(at, f"DuplicateElement: {names}")
        if not {"title", "description"} & set(names):
            problem(at, "ItemMustContainTitleOrDescription")
        if CONTENT in names and "description" not in names[: names.index(CONTENT)]:
            problem(at, "NeedDescriptionBeforeContent")
        if "title" in names:
            check_plain(at, item.findtext("title"), line_of(text, "title", item.findtext("title")))
        for name in ["description", CONTENT]:
            if name in names:
                check_html(at, item.findtext(name) or "")
        check_uri(at, item.findtext("link"))
        check_date(at, item.findtext("pubDate"), RFC_2822)
        check_date(at, item.findtext(MODIFIED), RFC_3339)
        if item.find("guid").get("isPermaLink") != "false":
            problem(at, "InvalidPermalink")
        if item.find(DC + "language") is not None:
            check_language(at, item.findtext(DC + "language"))
        for category in item.findall("category"):
            check_plain(at, category.text or "", "")
        enclosure = item.find("enclosure")
        if enclosure is not None:
            check_uri(at, enclosure.get("url"))
            if not (enclosure.get("length", "").isdigit() and re.match(r"[a-z]+/[a-z+]+$", enclosure.get("type", ""))):
                problem(at, f"MissingAttribute: {enclosure.attrib}")
    if len(set(guids)) != len(guids):
        problem(where, "DuplicateValue: guid")


def validate_json(where, text, url):
    """JSON Feed 1.1: what there has to be, and of which kind."""
    feed = json.loads(text)
    if feed.get("version") != "https://jsonfeed.org/version/1.1" or feed.get("feed_url") != url or not feed.get("title"):
        problem(where, "version, title or feed_url")
    for item in feed["items"]:
        if not isinstance(item.get("id"), str) or not ({"content_html", "content_text"} & set(item)):
            problem(where, f"an item without an id or a content: {item}")
        if any(value is None for value in item.values()):
            problem(where, f"null: {item['id']}")
        if "content_html" in item:
            # JSON may have characters that HTML had better not.
            check_html(f"{where} {item['id']}", html_in_xml(item["content_html"]))


VALIDATORS = {"feed.xml": validate_atom, "rss.xml": validate_rss, "feed.json": validate_json}

# ------------------------------------------------------------------ all of it


def check_feeds(api, site, feedsmith):
    posts = {}
    cards = [card for card in api.walk("/posts") if card["kind"] != "repost"]
    for card in cards:
        posts[card["slug"]] = api.json("GET", f"/posts/{card['slug']}")
    names = sorted({card["author"]["username"] for card in cards})
    tags = sorted({tag for card in cards for tag in card["tags"]})
    folders = [("", "/posts")] + [(f"/users/{name}", f"/posts?author={name}") for name in names]
    folders += [(f"/tags/{tag}", f"/posts?tag={tag}") for tag in tags]
    feeds = []
    for folder, listed in folders:
        listed = [card for card in api.walk(listed) if card["kind"] != "repost"]
        listed.sort(key=lambda card: (card["published_at"], card["id"]), reverse=True)
        wanted = [expected(card, posts[card["slug"]], site) for card in listed[:NEWEST]]
        for file in FILES:
            status, headers, body = api.call("GET", f"{folder}/{file}")
            where = f"{folder}/{file}"
            if status != 200:
                problem(where, f"{status} {body[:200]}")
                continue
            feeds.append((where, file, body.decode(), wanted))
            VALIDATORS[file](where, body.decode(), api.url + where)
            if b"nobody sees" in body:
                problem(where, "shows a draft")
    reads = json.loads(
        subprocess.run(
            ["node", str(ROOT / "contract/feeds.mjs"), feedsmith],
            input=json.dumps([text for _, _, text, _ in feeds]),
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )
    compared = 0
    for (where, file, text, wanted), read in zip(feeds, reads, strict=True):
        compare(f"feedsmith {where}", of_feedsmith(read), wanted, file != "feed.json")
        if file != "feed.json":
            try:
                compare(f"feedparser {where}", of_feedparser(text.encode()), wanted, True)
            except ValueError as error:
                problem(where, f"feedparser: {error}")
        compared += len(wanted) * (1 if file == "feed.json" else 2)
    print(f"{len(feeds)} feeds, {compared} entries compared")
    return cards


def check_sitemap(api, site, cards):
    deadline = time.monotonic() + 20
    wanted = sorted((f"{site}/posts/{card['slug']}", card["updated_at"]) for card in cards)
    while True:
        _, _, body = api.call("GET", "/sitemap.xml")
        root = ElementTree.fromstring(body)
        found = [(url.findtext(SITEMAP + "loc"), url.findtext(SITEMAP + "lastmod")) for url in root.findall(SITEMAP + "url")]
        home, found = [it for it in found if it[0] == f"{site}/"], sorted(it for it in found if it[0] != f"{site}/")
        # It follows from the stream.
        if found == wanted or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    if found != wanted or len(home) != 1 or root.tag != SITEMAP + "urlset":
        problem("/sitemap.xml", f"{set(found) ^ set(wanted)}")
    _, _, robots = api.call("GET", "/robots.txt")
    if f"Sitemap: {api.url}/sitemap.xml" not in robots.decode().splitlines():
        problem("/robots.txt", robots.decode())
    print(f"a sitemap of {len(found)} posts")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--feedsmith", required=True, metavar="FOLDER")
    options.add_argument("--broadsheet", default=str(ROOT / "target/debug/broadsheet"), metavar="PATH")
    options = options.parse_args()
    with tempfile.TemporaryFile("w+") as log:
        run = [options.broadsheet, "--memory", "--port", "0", "--parameter", "RequestsPerMinute=0"]
        stack = subprocess.Popen(run, stdout=log, stderr=subprocess.DEVNULL)
        try:
            url = None
            for _ in range(100):
                log.seek(0)
                found = re.search(r"^  API +(\S+)$", log.read(), re.M)
                if found:
                    url = found[1]
                    break
                time.sleep(0.1)
            if url is None:
                sys.exit("the program does not start")
            api = Api(url)
            site = urllib.parse.urljoin(url, "/").rstrip("/")
            fill(api, options.broadsheet)
            cards = check_feeds(api, site, options.feedsmith)
            check_sitemap(api, site, cards)
        finally:
            stack.terminate()
            stack.wait()
    for line in problems:
        print(f"FAIL  {line}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
