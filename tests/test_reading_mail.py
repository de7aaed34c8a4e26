"""Mails and mailboxes: what was written, by whom and when, and what is attached; however they were packed for the
way."""

from __future__ import annotations

import io
import mailbox
import time
import zipfile
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.documents import Document, Found, Remark, Skipped
from indexer.reading.files import Options
from indexer.reading.source import Limits, Source

ARABIC = "أعلنت الوزارة يوم الاثنين أن تصدير المعادن النادرة سيحتاج إلى ترخيص ابتداء من الشهر المقبل."
JAPANESE = "経済産業省は十日、半導体の製造装置の輸出規制を強化すると発表した。来月から施行される。"
CHINESE = "商务部周一宣布，从下个月起，稀土出口将需要许可证。企业表示，他们早已预料到这一决定。"


def read(content: str | bytes | EmailMessage, name: str = "a.eml", limits: Limits | None = None) -> list[Found]:
    data = content if isinstance(content, bytes) else content.encode() if isinstance(content, str) else bytes(content)
    source = Source(name, io.BytesIO(data), len(data), name[name.rindex(".") :])
    return list(Options(limits or Limits()).context.read(source))


def document(content: str | bytes | EmailMessage) -> Document:
    (found,) = read(content)
    assert isinstance(found, Document), found
    return found


def text_of(content: str | bytes | EmailMessage) -> str:
    return document(content).text


def reason(content: str | bytes | EmailMessage, name: str = "a.eml") -> str:
    (found,) = read(content, name)
    assert isinstance(found, Skipped), found
    assert found.name == name
    assert "\n" not in found.reason
    return found.reason


def mail(text: str = "Text.", subject: str = "Subject", sender: str = "a@a.example") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["Subject"] = sender, subject
    made.set_content(text)
    return made


# Headers


@pytest.mark.parametrize("line_ends", [policy.default, policy.SMTP], ids=["\\n", "\\r\\n"])
def test_headers_are_fields(line_ends: policy.EmailPolicy) -> None:
    made = EmailMessage()
    made["From"] = "山田 太郎 <taro@a.example>"
    made["To"] = "Ann Lee <ann@b.example>, لیلى <l@c.example>"
    made["Cc"] = "c@d.example"
    made["Subject"] = "半導体の輸出規制についての長い件名であり、これは折り返されるはずです。Re: 許可証"
    made["Date"] = "Mon, 06 May 2024 23:30:00 +0900"
    made["Message-ID"] = "<1@a.example>"
    made.set_content(f"{JAPANESE}\n\n> 引用です\n-- \n山田\n")
    made["Content-Language"] = "ja-JP"
    assert read(made.as_bytes(policy=line_ends)) == [
        Document(
            id="a.eml",
            text=f"{JAPANESE}\n\n> 引用です\n-- \n山田",
            title="半導体の輸出規制についての長い件名であり、これは折り返されるはずです。Re: 許可証",
            lang="ja",
            date="2024-05-06",
            metadata={
                "author": "山田 太郎 <taro@a.example>",
                "to": "Ann Lee <ann@b.example>, لیلى <l@c.example>",
                "cc": "c@d.example",
                "message_id": "<1@a.example>",
            },
        )
    ]


@pytest.mark.parametrize(
    ("written", "subject"),
    [
        (b"=?utf-8?Q?caf=C3=A9_au_lait?=", "café au lait"),
        (b"=?utf-8?b?5pel5pys?= =?UTF-8?B?6Kqe?=", "日本語"),
        (b"=?utf-8?b?5pel5g==?=\r\n =?utf-8?b?nKzoqp4=?=", "日本語"),
        (b"=?iso-2022-jp?B?GyRCRnxLXDhsGyhC?= (2)", "日本語 (2)"),
        (b"Re: =?gb2312?B?1tDOxA==?= x =?windows-1256?Q?=E4=D5?=", "Re: 中文 x نص"),
        (b"=?utf-8*en?Q?a?= b", "a b"),
        (b"=?nonsense?Q?abc?=", "abc"),
        (b"=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        (b"=?utf-8?b?!?=", "Text."),
        ("日本語の件名".encode(), "日本語の件名"),
        ("日本語の件名".encode("iso-2022-jp"), "日本語の件名"),
        ("日本語の件名".encode("cp932"), "日本語の件名"),
        (b" folded\n  twice\n\tand again", "folded twice and again"),
    ],
)
def test_a_subject_may_be_written_in_many_ways(written: bytes, subject: str) -> None:
    data = b"Subject: " + written + b"\nFrom: a@a.example\nContent-Type: text/plain; charset=shift_jis\n\nText.\n"
    assert document(data).title == subject


# Bodies


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("utf-8", ARABIC),
        ("cp1256", ARABIC),
        ("iso-8859-6", "نص عربي قصير عن المعادن النادرة"),
        ("iso-2022-jp", JAPANESE),
        ("shift_jis", JAPANESE),
        ("gb2312", CHINESE),
        ("big5", "稀土出口將需要許可證"),
    ],
)
@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
def test_a_body_is_in_the_encoding_that_it_declares(charset: str, text: str, encoding: str) -> None:
    made = EmailMessage()
    made["From"] = "a@a.example"
    if charset == "iso-2022-jp" and encoding == "8bit":
        encoding = "7bit"
    made.set_content(text, charset=charset, cte=encoding)
    assert text_of(made) == text


@pytest.mark.parametrize("declared", [b"", b"Content-Type: text/plain; charset=us-ascii\n", b"Content-Type: x\n"])
@pytest.mark.parametrize(("charset", "text"), [("cp1256", ARABIC), ("cp932", JAPANESE), ("gbk", CHINESE)])
def test_a_wrong_declaration_is_noticed(declared: bytes, charset: str, text: str) -> None:
    found = read(b"From: a@a.example\n" + declared + b"\n" + text.encode(charset))
    assert isinstance(found[0], Document)
    assert found[0].text == text


def test_plain_text_is_preferred_to_html() -> None:
    made = mail("Plain.")
    made.add_alternative("<p>HTML.</p>", subtype="html")
    assert text_of(made) == "Plain."


def test_html_is_read_where_the_plain_text_is_empty() -> None:
    made = mail(" \n")
    made.add_alternative("<style>BAD</style><h1>標題</h1><p>One<br>two</p>", subtype="html")
    assert text_of(made) == "標題\n\nOne\ntwo"
    assert text_of("From: a\nContent-Type: text/html\n\n<p>Only <b>HTML</b>.</p>") == "Only HTML."


def test_pictures_of_a_page_are_no_attachments() -> None:
    made = mail("Plain.")
    made.add_alternative("<p>HTML <img src=cid:1></p>", subtype="html")
    html = made.get_payload()[1]  # type: ignore[index]
    html.add_related(b"\x89PNG", "image", "png", cid="<1>")  # type: ignore[union-attr]
    assert text_of(made) == "Plain."


def test_several_bodies_follow_one_another() -> None:
    data = (
        "From: a\nContent-Type: multipart/mixed; boundary=x\n\nThis is a multipart mail.\n"
        "--x\n\nOne.\n--x\nContent-Type: text/html\n\n<p>Two.</p>\n--x-- \nepilogue"
    )
    assert text_of(data) == "One.\n\nTwo."


def test_lines_that_flow_are_joined() -> None:
    lines = "One two \nthree.\nNext\n\n> quoted \n> text\n>> deeper\n From x\n-- \nAnn"
    head = "From: a\nContent-Type: text/plain; format=flowed"
    assert text_of(f"{head}\n\n{lines}") == "One two three.\nNext\n\n> quoted text\n>> deeper\nFrom x\n-- \nAnn"
    assert text_of(f"{head}; delsp=yes; charset=utf-8\n\n日本 \n語です。\n終") == "日本語です。\n終"


def test_a_mail_without_a_body_is_its_subject() -> None:
    assert text_of("Subject: Lunch at one?\n\n") == "Lunch at one?"
    assert text_of("Subject: Lunch at one?") == "Lunch at one?"


def test_what_is_no_header_begins_the_body() -> None:
    found = document("From: a\nSubject: s\nno header\nmore\n\nend")
    assert (found.title, found.text) == ("s", "no header\nmore\n\nend")


def test_base64_may_be_broken_and_have_text_behind_it() -> None:
    head = "From: a\nContent-Transfer-Encoding: base64\n\n"
    assert text_of(f"{head}VGV4*dC4\n") == "Text."
    assert text_of(f"{head}VGV4dC4=\n\n____\nTo unsubscribe write to us\n") == "Text."


def test_uuencoded_bodies_are_read() -> None:
    assert text_of('From: a\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n%5&5X="X\n`\nend\n') == "Text."


# Attachments


def test_attachments_are_documents_of_their_own() -> None:
    made = mail()
    made["Date"] = "Mon, 06 May 2024 10:00:00 +0000"
    made.add_attachment("添付の文章です。".encode(), "text", "plain", filename="添付 資料.txt")
    made.add_attachment(b"# Heading\n\nText.", "application", "octet-stream", filename="C:\\docs\\a.MD")
    made.add_attachment(b"second", "text", "plain", filename="添付 資料.txt")
    made.add_attachment(b"<p>unnamed</p>", "text", "html")
    metadata = {"author": "a@a.example"}
    assert read(made) == [
        Document(id="a.eml", text="Text.", title="Subject", date="2024-05-06", metadata=metadata),
        Document(id="a.eml!添付 資料.txt", text="添付の文章です。", title="添付の文章です。", date="2024-05-06"),
        Document(id="a.eml!a.MD", text="Heading\n\nText.", title="Heading", date="2024-05-06"),
        Document(id="a.eml!添付 資料.txt#2", text="second", title="second", date="2024-05-06"),
        Document(id="a.eml!part-6.html", text="unnamed", title="unnamed", date="2024-05-06"),
    ]


def test_attachments_that_are_not_read_are_named_in_one_remark() -> None:
    made = mail()
    made.add_attachment(b"\x89PNG", "image", "png", filename="絵.png")
    made.add_attachment(b"MZ", "application", "octet-stream", filename="x.exe")
    assert read(made)[1:] == [Remark("a.eml", "not read: 絵.png, x.exe")]
    for number in range(30):
        made.add_attachment(b"MZ", "application", "octet-stream", filename=f"{number}.exe")
    (remark,) = read(made)[1:]
    assert isinstance(remark, Remark)
    assert remark.text.endswith("17.exe and 12 more")


def test_a_filename_may_be_an_encoded_word() -> None:
    data = (
        "From: a\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nText.\n--x\n"
        'Content-Type: application/octet-stream; name="=?iso-2022-jp?B?GyRCO3FOQRsoQi50eHQ=?="\n\n資料の中身\n--x--\n'
    )
    assert [item.id for item in read(data) if isinstance(item, Document)] == ["a.eml", "a.eml!資料.txt"]


def test_an_attached_mail_is_a_mail() -> None:
    inner = mail("内側の本文。", "内側", "b@b.example")
    inner.add_attachment(b"innermost", "text", "plain", filename="x.txt")
    made = mail()
    made.add_attachment(inner)
    assert read(made)[1:] == [
        Document(id="a.eml!message.eml", text="内側の本文。", title="内側", metadata={"author": "b@b.example"}),
        Document(id="a.eml!message.eml!x.txt", text="innermost", title="innermost"),
    ]


def test_an_attached_archive_is_opened() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("報告.txt", "報告の本文。")
    made = mail()
    made.add_attachment(packed.getvalue(), "application", "zip", filename="a.zip")
    assert read(made)[1:] == [Document(id="a.eml!a.zip!報告.txt", text="報告の本文。", title="報告の本文。")]


def test_signatures_are_no_attachments() -> None:
    data = (
        "From: a\nContent-Type: multipart/signed; boundary=x\n\n--x\n\nSigned.\n--x\n"
        "Content-Type: application/pgp-signature; name=signature.asc\n\n-----BEGIN\n--x--\n"
    )
    assert text_of(data) == "Signed."


def test_an_encrypted_mail_is_said_to_be_so() -> None:
    pgp = (
        "From: a\nContent-Type: multipart/encrypted; boundary=x\n\n--x\nContent-Type: application/pgp-encrypted\n\n"
        "Version: 1\n--x--\n"
    )
    assert reason(pgp) == "encrypted"
    assert reason("From: a\nContent-Type: application/pkcs7-mime\n\nMIIB") == "encrypted"
    assert reason("From: a\n\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n") == "encrypted"
    assert read(f"Subject: s\n{pgp}")[1:] == [Remark("a.eml", "encrypted in part; that part is not read")]


# Mailboxes


def test_a_mailbox_that_another_program_wrote(tmp_path: Path) -> None:
    written = mailbox.mbox(tmp_path / "a.mbox")
    bodies = ["One.\n\nFrom here on\nNote: all\n\nFrom me", JAPANESE, ARABIC, CHINESE]
    for number, body in enumerate(bodies, 1):
        written.add(mail(body, f"件名 {number}"))
    written.close()
    found = read((tmp_path / "a.mbox").read_bytes(), "a.mbox")
    assert [(item.id, item.title, item.text) for item in found if isinstance(item, Document)] == [
        (f"a.mbox#{number}", f"件名 {number}", body) for number, body in enumerate(bodies, 1)
    ]


def test_only_lines_that_look_like_envelopes_part_a_mailbox() -> None:
    box = (
        "From a@a.example Mon May  6 10:00:00 2024\nFrom: a\nSubject: one\n\nBody\n>From me\n>>From you\n\n"
        "From here it goes on\nNote: and on\nFrom 2020 to 2024\nSee: more\n\nFrom 2020 to 2024\nno header\n\n"
        "From b@b.example Tue May  7 10:00:00 2024\nFrom: b\n\nTwo\n"
        "From c@c.example Tue May  7 10:00:00 2024\nFrom: c\n\nThree\n"
    )
    assert [item.text for item in read(box, "a.mbox") if isinstance(item, Document)] == [
        "Body\nFrom me\n>From you\n\nFrom here it goes on\nNote: and on\nFrom 2020 to 2024\nSee: more\n\n"
        "From 2020 to 2024\nno header",
        "Two",
        "Three",
    ]


def test_a_mail_that_cannot_be_read_costs_no_other() -> None:
    box = "From a@a.example 2024\nFrom: a\n\n\nFrom b@b.example 2024\nX: b\n\nTwo\n\nFrom c 2024\nFrom: c\n\nThree\n"
    assert read(box, "a.mbox") == [
        Skipped("a.mbox#1", "a mail without text"),
        Skipped("a.mbox#2", "not a mail (no From:, Subject: or the like at its beginning)"),
        Document(id="a.mbox#3", text="Three", title="Three", metadata={"author": "c"}),
    ]


def test_a_mail_that_is_too_large_costs_no_other() -> None:
    box = "From a 2024\nFrom: a\n\n" + "x" * 300_000 + "\n\nFrom b 2024\nFrom: b\n\nTwo\n"
    assert read(box, "a.mbox", Limits(text=1000)) == [
        Skipped("a.mbox#1", "a mail of more than 0.0 MB, which is the most that is read"),
        Document(id="a.mbox#2", text="Two", title="Two", metadata={"author": "b"}),
    ]


def test_attachments_in_a_mailbox_are_named_by_mail() -> None:
    made = mail()
    made.add_attachment(b"attached", "text", "plain", filename="x.txt")
    box = b"From a 2024\n" + bytes(made)
    assert [item.id for item in read(box, "a.mbox") if isinstance(item, Document)] == ["a.mbox#1", "a.mbox#1!x.txt"]


def test_what_is_no_mailbox_is_refused() -> None:
    assert reason("Text.\n", "a.mbox") == 'not a mailbox (no line "From ..." at its beginning)'
    assert reason("", "a.mbox") == "empty"


def test_the_mails_of_apple_mail_are_read() -> None:
    inner = b"From: a\nSubject: s\n\nText.\n"
    assert read(b"%d      \n" % len(inner) + inner + b"<?xml version='1.0'?><plist/>", "a.emlx") == [
        Document(id="a.emlx", text="Text.", title="s", metadata={"author": "a"})
    ]
    assert reason(inner, "a.emlx") == "not a mail of Apple Mail (its first line is not a number)"


# Broken and hostile


def test_what_is_no_mail_is_refused() -> None:
    expected = "not a mail (no From:, Subject: or the like at its beginning)"
    assert reason("just text\n\nmore") == expected
    assert reason("note: this\n\nmore") == expected
    assert reason(b"\x89PNG\r\n\x1a\n\0\0") == expected
    assert reason("From: a\n\n") == "a mail without text"
    assert reason("") == "empty"
    assert reason("From: a\nContent-Type: image/png; name=a.png\n\nx") == "a mail without text; not read: a.png"


def test_a_mail_that_was_cut_off_is_read_up_to_there() -> None:
    made = mail(JAPANESE)
    made.add_attachment(b"attached " * 100, "text", "plain", filename="x.txt")
    data = bytes(made)
    found = read(data[: len(data) - 500])
    assert [item.id for item in found if isinstance(item, Document)] == ["a.eml", "a.eml!x.txt"]


def test_parts_in_parts_are_read_to_a_depth() -> None:
    def nested(depth: int) -> str:
        data = "\nThe innermost.\n"
        for number in range(depth):
            data = f"Content-Type: multipart/mixed; boundary=b{number}\n\n--b{number}\n{data}\n--b{number}--\n"
        return f"From: a\n{data}"

    assert text_of(nested(20)) == "The innermost."
    too_many = "more than 1,000 parts, or parts nested more than 20 deep"
    assert reason(nested(21)) == too_many
    assert reason(nested(3000)) == too_many
    flat = "From: a\nContent-Type: multipart/mixed; boundary=b\n\n" + "--b\n\nx\n" * 5000
    found = read(flat)
    assert isinstance(found[0], Document)
    assert found[0].text.count("x") == 999
    assert found[1:] == [Remark("a.eml", f"{too_many}; the rest is not read")]


def test_mails_in_mails_are_read_to_a_depth() -> None:
    data = "From: a\n\nThe innermost."
    for number in range(3000):
        data = f"Subject: {number}\nContent-Type: message/rfc822\n\n{data}"
    found = read(data, limits=Limits(depth=2))
    assert [item.text for item in found if isinstance(item, Document)] == ["2999", "2998", "2997"]
    assert found[-1] == Skipped("a.eml!message.eml!message.eml!message.eml", "mails nested more than 2 deep")


@pytest.mark.parametrize(
    "data",
    [
        "From: x\nContent-Type: " + ";" * 500_000 + "\n\nx",
        "From: x\nContent-Type: multipart/mixed; boundary=b\n\n"
        + ('--b\nContent-Type: text/plain; a="' + ";" * 1900 + "\n\nx\n") * 1000,
        "Subject: " + "=?a?q?" * 100_000 + "\n\nx",
        "a:b\n" * 300_000,
        "From: x\n" + " \n" * 300_000,
        "From: x\nContent-Type: multipart/mixed; boundary=b\n\n" + "--b\n" * 300_000,
    ],
    ids=["parameters", "parameters of parts", "words", "headers", "folds", "boundaries"],
)
def test_no_mail_makes_reading_slow(data: str) -> None:
    before = time.perf_counter()
    assert read(data)
    assert time.perf_counter() - before < 5


_PIECES = st.sampled_from(
    [b"From: a\n", b"\n", b"\n\n", b"Content-Type: multipart/mixed; boundary=x\n", b"--x\n", b"--x--\n", b"text ",
     b"Content-Type: message/rfc822\n", b"Content-Transfer-Encoding: base64\n", b"=?utf-8?b?5pel?=", b"Subject: ",
     b"Content-Type: text/plain; name*0*=utf-8''%E6; name*1=\"x.txt\"\n", b"From a 2024\n", b"\xff\x00", b"; =\"",
     b"Content-Type: multipart/alternative; boundary*=x'y'x\n", b"Content-Disposition: attachment; filename==?\n"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.lists(_PIECES, max_size=20).map(b"".join)))
def test_any_bytes_are_read_or_reported(data: bytes) -> None:
    for item in (*read(data), *read(b"From: a\n" + data), *read(b"From a 2024\n" + data, "a.mbox")):
        line = "" if isinstance(item, Document) else item.reason if isinstance(item, Skipped) else item.text
        assert "\n" not in line


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40), min_size=1, max_size=5)
)
def test_what_another_program_writes_is_read_back(lines: list[str]) -> None:
    text = "\n".join(f"語{line}語" for line in lines)
    assert text_of(mail(text)) == text_of(f"From: a\n\n{text}".encode())
