"""Feeds: a document of each entry of RSS and Atom, with what it says of itself; and HTML as the text that a reader
sees."""

from __future__ import annotations

import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.documents import Document, Found, Remark, Skipped
from indexer.reading.files import Options
from indexer.reading.html_fragment import html_text
from indexer.reading.mail_date import iso_date
from indexer.reading.source import Limits, Source


def read(content: str | bytes, name: str = "a.xml", limits: Limits | None = None) -> list[Found]:
    data = content.encode() if isinstance(content, str) else content
    source = Source(name, io.BytesIO(data), len(data), name[name.rindex(".") :])
    return list(Options(limits or Limits()).context.read(source))


def entry(content: str | bytes) -> Document:
    (found,) = read(content)
    assert isinstance(found, Document), found
    return found


def item(inner: str, outer: str = "") -> Document:
    """The only entry of an RSS feed."""
    names = (
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:media="http://search.yahoo.com/mrss/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
    )
    return entry(f'<rss version="2.0" {names}><channel>{outer}<item>{inner}</item></channel></rss>')


def reason(content: str | bytes) -> str:
    (found,) = read(content)
    assert isinstance(found, Skipped), found
    assert found.name == "a.xml"
    assert "\n" not in found.reason
    return found.reason


# Kinds of feeds


def test_rss_2() -> None:
    feed = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
  xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel>
  <image><title>LOGO</title><link>https://logo.example</link></image>
  <title>経済 &amp; 産業</title><link>https://news.example/</link><language>ja-JP</language>
  <item>
    <title>半導体の輸出規制</title>
    <link>/2024/a?x=1&amp;y=2</link>
    <guid isPermaLink="false">tag:1</guid>
    <pubDate>Mon, 06 May 2024 23:30:00 +0900</pubDate>
    <dc:creator>山田</dc:creator><dc:creator>鈴木</dc:creator>
    <category>経済</category><category domain="x">産業</category><category>経済</category>
    <description>短い説明</description>
    <content:encoded><![CDATA[<p>経済産業省は<ruby>十日<rt>とおか</rt></ruby>、発表した。</p><p>来月から。</p>]]></content:encoded>
  </item>
  <item><title>The second</title><guid>https://news.example/b</guid>
    <description>In &lt;b&gt;brief&lt;/b&gt;</description></item>
</channel></rss>"""
    assert read(feed) == [
        Document(
            id="a.xml#tag:1",
            text="経済産業省は十日、発表した。\n\n来月から。",
            title="半導体の輸出規制",
            lang="ja",
            date="2024-05-06",
            source="経済 & 産業",
            url="https://news.example/2024/a?x=1&y=2",
            metadata={"author": "山田, 鈴木", "tags": ["経済", "産業"]},
        ),
        Document(
            id="a.xml#https://news.example/b",
            text="In brief",
            title="The second",
            lang="ja",
            source="経済 & 産業",
            url="https://news.example/b",
        ),
    ]


def test_atom() -> None:
    feed = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="ar" xml:base="https://a.example/">
<title type="html">أخبار &lt;b&gt;اليوم&lt;/b&gt;</title>
<link rel="self" href="https://a.example/feed"/><link href="https://a.example/"/>
<author><name>التحرير</name></author>
<entry><id>urn:1</id><title>المعادن &lt;b&gt;</title>
  <link rel="enclosure" href="sound.mp3"/><link rel="alternate" href="1.html"/>
  <published>2024-05-06T22:00:00+03:00</published><updated>2024-05-08T00:00:00Z</updated>
  <author><name>ليلى</name><email>l@a.example</email></author>
  <category term="eco" label="اقتصاد"/><category term="world"/>
  <summary>ملخص</summary>
  <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>أعلنت الوزارة.</p><p>ترخيص.</p></div></content>
</entry>
<entry xml:lang="en"><id>urn:2</id>
  <title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">A <i>title</i></div></title>
  <content type="image/png">iVBORw0KGgo=</content><summary type="html">&lt;p&gt;Short.&lt;/p&gt;</summary></entry>
</feed>"""
    assert read(feed, "a.atom") == [
        Document(
            id="a.atom#urn:1",
            text="أعلنت الوزارة.\n\nترخيص.",
            title="المعادن <b>",
            lang="ar",
            date="2024-05-06",
            source="أخبار اليوم",
            url="https://a.example/1.html",
            metadata={"author": "ليلى", "tags": ["اقتصاد", "world"]},
        ),
        Document(
            id="a.atom#urn:2",
            text="Short.",
            title="A title",
            lang="en",
            source="أخبار اليوم",
            metadata={"author": "التحرير"},
        ),
    ]


def test_rss_1() -> None:
    feed = """<?xml version="1.0" encoding="Shift_JIS"?>
<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
  xmlns:dc="http://purl.org/dc/elements/1.1/" xml:lang="ja">
<channel rdf:about="x"><title>記事一覧</title><link>http://h.example/</link>
<items><rdf:Seq><rdf:li rdf:resource="u"/></rdf:Seq></items></channel>
<item rdf:about="u"><title>表題</title><link>http://h.example/1</link><description>説明の文章です。</description>
<dc:date>2024-05-06T01:00:00+09:00</dc:date><dc:subject>技術</dc:subject></item></rdf:RDF>"""
    assert read(feed.encode("cp932"), "a.rss") == [
        Document(
            id="a.rss#http://h.example/1",
            text="説明の文章です。",
            title="表題",
            lang="ja",
            date="2024-05-06",
            source="記事一覧",
            url="http://h.example/1",
            metadata={"tags": ["技術"]},
        )
    ]


def test_an_old_feed_without_vocabularies_and_a_single_entry() -> None:
    assert entry("<rss version='0.91'><channel><item><title>旧</title></item></channel></rss>").text == "旧"
    assert (
        entry("<entry xmlns='http://www.w3.org/2005/Atom'><title>单</title><content>正文</content></entry>").text
        == "正文"
    )


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "gb2312", "big5"])
def test_the_encoding_is_that_of_the_declaration_or_the_mark(charset: str) -> None:
    declared = charset.removesuffix("-sig")
    text = "稀土出口需要許可" if charset == "big5" else "稀土出口需要许可"
    feed = f"<?xml version='1.0' encoding='{declared}'?>\n<rss><item><title>{text}</title></item></rss>"
    assert entry(feed.encode(charset)).text == text


# What an entry says


def test_names_within_a_feed_are_unique() -> None:
    same = "<item><guid>g</guid><title>x</title></item>"
    linked = "<item><link>https://e.example/l</link><title>x</title></item>"
    bare = "<item><title>x</title></item>"
    found = read(f"<rss><channel>{same}{same}{linked}{bare}{bare}</channel></rss>")
    assert [one.id for one in found if isinstance(one, Document)] == [
        "a.xml#g",
        "a.xml#g#2",
        "a.xml#https://e.example/l",
        "a.xml#4",
        "a.xml#5",
    ]
    assert item(f"<guid>{'g' * 600}</guid><title>x</title>").id == "a.xml#1"


def test_the_fullest_text_is_taken() -> None:
    assert item("<description>short</description><content:encoded>whole</content:encoded>").text == "whole"
    assert item("<content:encoded> </content:encoded><description>short</description>").text == "short"
    assert item("<title>t</title><media:description>m</media:description>").text == "m"


def test_an_entry_without_text_is_its_title() -> None:
    found = item("<title>Only a &amp;lt;b&amp;gt; headline</title><description/>")
    assert (found.title, found.text) == ("Only a <b> headline", "Only a <b> headline")
    assert read("<rss><item><link>http://l.example</link></item></rss>") == [
        Skipped("a.xml#http://l.example", "an entry without title and text")
    ]


def test_parts_of_other_vocabularies_are_not_taken_for_those_of_the_feed() -> None:
    found = item(
        "<media:title>m</media:title><x:title xmlns:x='urn:x'>x</x:title><title>t</title><description>d</description>"
    )
    assert found.title == "t"


def test_the_link_is_the_page_of_the_entry() -> None:
    assert item("<title>t</title><guid>https://g.example/</guid>").url == "https://g.example/"
    assert item("<title>t</title><guid isPermaLink='false'>https://g.example/</guid>").url == ""
    assert item("<title>t</title><guid>123</guid>").url == ""
    assert item("<title>t</title><link>http://[x</link>").url == "http://[x"
    assert item("<title>t</title><link>b</link>", "<link>https://f.example/a/</link>").url == "https://f.example/a/b"


def test_the_source_of_an_entry_taken_over_is_where_it_came_from() -> None:
    outer = "<title>Collected</title>"
    assert item("<title>t</title><source url='https://o.example'>Origin</source>", outer).source == "Origin"
    assert item("<title>t</title><source><title>Feed</title></source>", outer).source == "Feed"
    assert item("<title>t</title><source/>", outer).source == "Collected"


def test_the_language_of_an_entry_comes_before_that_of_the_feed() -> None:
    outer = "<language>en-us</language>"
    assert item("<title>t</title>", outer).lang == "en"
    assert item("<title>t</title><dc:language>zh-Hant</dc:language>", outer).lang == "zh"
    assert item("<title>t</title><description xml:lang='ja'>d</description>", outer).lang == "ja"


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Mon, 06 May 2024 10:00:00 GMT", "2024-05-06"),
        ("Mon, 6 May 2024 23:59:00 -0800", "2024-05-06"),
        ("06 Sept 24 10:00 GMT", "2024-09-06"),
        ("Monday, 31-Dec-99 10:00:00 GMT", "1999-12-31"),
        ("2024-05-06T10:00:00Z", "2024-05-06T10:00:00Z"),
        ("32 May 2024", "32 May 2024"),
        ("soon", "soon"),
        ("", ""),
    ],
)
def test_dates_of_mails_become_iso_dates(date: str, expected: str) -> None:
    assert iso_date(date) == expected


# What is no feed, or a broken one


def test_other_xml_is_no_feed() -> None:
    assert reason("<urlset><url/></urlset>") == "XML, but no RSS or Atom feed (it begins with <urlset>)"
    assert reason('<x:a xmlns:x="urn:x"/>') == "XML, but no RSS or Atom feed (it begins with <a>)"
    assert reason("just text") == "not XML"
    assert reason("<!-- comment -->") == "not XML"
    assert reason("") == "empty"
    assert reason("<rss><channel><title>t</title></channel></rss>") == "a feed without entries"
    assert reason(f"<rss><item>{'<a>' * 1000}") == (
        "a feed without entries that can be read (XML with an error in line 1)"
    )


def test_slips_of_those_who_write_feeds_are_no_errors() -> None:
    feed = (
        "<rss><channel><item><title>AT&T: 1 < 2 &nbsp;&eacute;&#x65e5;</title><link>https://e.example/?a=1&b=2</link>"
        "<content:encoded><![CDATA[<p>x & y &amp; z</p>]]></content:encoded></item></channel></rss>"
    )
    found = entry(feed)
    assert found.title == "AT&T: 1 < 2 é日"
    assert found.url == "https://e.example/?a=1&b=2"
    assert found.text == "x & y & z"


def test_a_feed_that_was_cut_off_is_read_up_to_there() -> None:
    feed = "<rss><channel>\n<item><title>One</title></item>\n<item><title>Two</title><description>cut o"
    assert read(feed) == [
        Document(id="a.xml#1", text="One", title="One"),
        Document(id="a.xml#2", text="cut o", title="Two"),
        Remark("a.xml", "XML with an error in line 3; read as far as it can be"),
    ]


def test_a_wrong_end_tag_costs_no_other_entry() -> None:
    found = read("<rss><channel><item><title>One</b></title></item><item><title>Two</title></item></channel></rss>")
    assert [one.text for one in found] == ["One", "Two", "XML with an error in line 1; read as far as it can be"]  # type: ignore[union-attr]


def test_entities_are_not_resolved() -> None:
    declared = '<!ENTITY a0 "lol"><!ENTITY file SYSTEM "file:///etc/hostname">'
    found = entry(f"<!DOCTYPE rss [{declared}]><rss><item><title>&a0;&file;x</title></item></rss>")
    assert found.text == "&a0;&file;x"


@pytest.mark.parametrize("title", ["<title>&a11;</title>", "<title a='&a11;'>x</title>"])
def test_a_bomb_made_of_entities_is_refused(title: str) -> None:
    bomb = '<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    before = time.thread_time()
    assert reason(f"<!DOCTYPE rss [{bomb}]><rss><item>{title}</item></rss>") == (
        "a feed without entries that can be read (XML with an error in line 1)"
    )
    assert time.thread_time() - before < 1


def test_a_file_that_is_too_large_is_refused() -> None:
    assert read("<rss/>" + " " * 200, limits=Limits(text=100)) == [
        Skipped("a.xml", "0.0 MB, expected at most 0.0 MB; split it")
    ]


@pytest.mark.parametrize(
    "feed",
    ["<rss><item>" + "<b/>" * 50_000 + "<title>x</title></item></rss>", "<rss>" + "</x>" * 300_000, "&" * 500_000,
     "<rss>" + "<![CDATA[" * 100_000, "<rss><item>" + "<a>" * 200_000, "<" * 300_000],
    ids=["many elements", "many ends", "many ampersands", "many texts", "deep", "many beginnings"],
)  # fmt: skip
def test_no_markup_makes_reading_slow(feed: str) -> None:
    before = time.thread_time()
    assert read(feed)
    assert time.thread_time() - before < 5


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text("<>/rsitem&;![]CDAT\"'= é日", max_size=200).map(str.encode)))
def test_any_bytes_are_read_or_reported(data: bytes) -> None:
    for one in (*read(data), *read(b"<rss><item><title>" + data)):
        line = "" if isinstance(one, Document) else one.reason if isinstance(one, Skipped) else one.text
        assert "\n" not in line


# HTML


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("plain & simple", "plain & simple"),
        ("<h1>Head</h1><p>One <b>two</b>.</p>\n<p>Three</p>", "Head\n\nOne two.\n\nThree"),
        ("one<br>two<br/><br>three", "one\ntwo\n\nthree"),
        ("<div>one</div><div><div>two</div></div>three", "one\ntwo\nthree"),
        ("<p>x</p><ul><li>a<li><p>b</p><ol><li>c</li></ol></ul>after", "x\n\n- a\n- b\n- c\n\nafter"),
        ("<ul><li></li><li> <b>x</b></li></ul>", "- x"),
        ("<script>BAD</script><style>BAD</style><!-- BAD --><title>BAD</title>x<template>BAD</template>", "x"),
        ("<p hidden>BAD</p><div style='color: red; DISPLAY : none'>BAD<p>BAD</p></div>shown", "shown"),
        ("<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>を読む", "漢字を読む"),
        ("日本語の\n  改行は\n続く。\nABC\n中文，\n换行 한국어\n줄", "日本語の改行は続く。 ABC 中文，换行 한국어 줄"),
        ("نص\nعربي &quot;هنا&quot;", 'نص عربي "هنا"'),
        ("a&nbsp;&nbsp;b\t\n c", "a b c"),
        ("<pre>one\n  two\n</pre>", "one\ntwo"),
        ("broken <p>one <b>two</p> three</i>", "broken\n\none two\n\nthree"),
        ("", ""),
        ("<!-- only -->", ""),
        ("<img src='x' alt='y'>", ""),
    ],
)
def test_html_is_the_text_that_a_reader_sees(html: str, expected: str) -> None:
    assert html_text(html) == expected


def test_rows_of_a_table_are_lines() -> None:
    rows = "<tr><th>Metal</th><th>Use</th></tr><tr><td><p>Ga</p></td><td> chips\n<b>now</b> </td><td></td></tr>"
    assert html_text(f"<p>Before</p><table>{rows}</table>after") == "Before\n\nMetal | Use\nGa | chips now\n\nafter"


def test_tables_that_put_things_in_their_places_are_read_place_by_place() -> None:
    inner = "<table><tr><td><h1>Head</h1><p>Body</p></td></tr></table>"
    html = f"<table><tr><td>{inner}</td><td>Side</td></tr></table>"
    assert html_text(html) == "Head\n\nBody\n\nSide"


def test_deep_markup_keeps_its_text() -> None:
    assert html_text("<div>" * 300 + "one<p>two</p>" + "</div>" * 300) == "one\n\ntwo"
    assert html_text("<div>" * 100_000 + "one<p>two &amp; <b>three</b></p>" + "</div>" * 100_000) == "one\ntwo & three"


@pytest.mark.parametrize(
    "html",
    ["<b>" * 100_000 + "</i>" * 500_000, "<table><tr><td>" * 130 + "x" * 1_000_000, "<td>" * 50_000, "<!--" * 100_000,
     "<a b='" * 100_000, "x" * 2_000_000, "\n " * 500_000, "<b>" * 390 + "</i>" * 200_000, "&" * 500_000],
)  # fmt: skip
def test_no_html_makes_reading_slow(html: str) -> None:
    before = time.thread_time()
    html_text(html)
    assert time.thread_time() - before < 5


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from("<p> </p> <td> </td> <tr> </tr> <table> <li> </li> <ul> <br> <b> </i> w".split()), max_size=40
    )
)
def test_no_word_is_lost(parts: list[str]) -> None:
    words = 0
    for place, part in enumerate(parts):
        if part == "w":
            parts[place] = f"w{words}w"
            words += 1
    text = html_text("".join(parts))
    assert all(f"w{word}w" in text for word in range(words))
