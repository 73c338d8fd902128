import struct
from dataclasses import replace
from pathlib import Path
from xml.dom import minidom

import pytest
from cleanable import SIDECAR, alike, put, seen, tree
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from lookalike.cleaning import disk
from lookalike.cleaning.applying import apply
from lookalike.cleaning.disposal import Disposal
from lookalike.cleaning.plan import make_plan
from lookalike.cleaning.sidecar import merged_sidecar
from lookalike.cleaning.told import embedded, told_by
from lookalike.cleaning.undoing import undo
from lookalike.cleaning.xmp import Told, joined, read_xmp, write_xmp
from lookalike.errors import SidecarUnreadable

LIGHTROOM = b"""<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>
<!-- kept -->
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 5.6">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xap="http://ns.adobe.com/xap/1.0/" xap:Rating="2"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" crs:Exposure2012="+0.35"/>
  <rdf:Description rdf:about="" xmlns:d="http://purl.org/dc/elements/1.1/">
   <d:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>\xc3\xbcber</rdf:li></rdf:Bag></d:subject>
   <d:description><rdf:Alt><rdf:li xml:lang="de">Meer</rdf:li><rdf:li xml:lang="x-default">Sea</rdf:li></rdf:Alt>
   </d:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""

FULL = Told(
    ("sea", "blue & <green>"), 4, "A day\nat sea", -33.856784, 151.215297, 12.5, "2019-05-01T12:00:00", ("x.jpg",)
)


def picture(path, *, exif=(), gps=(), iptc=b"", xmp=b""):
    """A JPEG with such metadata."""
    image = Image.new("RGB", (8, 8))
    known = Image.Exif()
    for tag, value in dict(exif).items():
        if tag >= 0x9000 and tag < 0x9C00:
            known.get_ifd(0x8769)[tag] = value
        else:
            known[tag] = value
    known.get_ifd(0x8825).update(dict(gps))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, exif=known, xmp=xmp)
    if iptc:
        block = b"Photoshop 3.0\x008BIM\x04\x04\x00\x00" + struct.pack(">I", len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
        data = path.read_bytes()
        path.write_bytes(data[:2] + b"\xff\xed" + struct.pack(">H", len(block) + 2) + block + data[2:])
    return seen(path)


def dataset(number, value):
    return struct.pack(">BBBH", 0x1C, 2, number, len(value)) + value


def test_what_is_written_is_read():
    assert read_xmp(write_xmp(FULL, None, "a"), "a") == replace(FULL, keywords=FULL.keywords)


TEXTS = st.text(max_size=20).map(lambda text: " ".join(text.split()))


@given(
    st.builds(
        Told,
        keywords=st.lists(TEXTS, max_size=4).map(tuple),
        rating=st.none() | st.integers(1, 5),
        description=TEXTS.filter(lambda text: all(char.isprintable() for char in text)),
        latitude=st.floats(-90, 90),
        longitude=st.floats(-180, 180),
        altitude=st.none() | st.floats(-400, 9000),
        taken=st.sampled_from(["", "2019-05-01T12:00:00+02:00"]),
        names=st.lists(TEXTS, max_size=3).map(tuple),
    ),
    st.sampled_from([None, LIGHTROOM]),
)
def test_whatever_is_added_is_there_and_what_was_there_stays(told, existing):
    before = read_xmp(existing, "a") if existing else Told()
    after = read_xmp(write_xmp(told.tidy(), existing, "a"), "a")
    wanted = joined([before, told])
    assert (after.keywords, after.rating, after.description) == (wanted.keywords, wanted.rating, wanted.description)
    assert (after.names, after.taken) == (wanted.names, wanted.taken)
    assert after.latitude == pytest.approx(wanted.latitude, abs=1e-7)
    assert after.longitude == pytest.approx(wanted.longitude, abs=1e-7)
    assert after.altitude == (None if wanted.altitude is None else pytest.approx(wanted.altitude, abs=0.006))
    assert read_xmp(write_xmp(told.tidy(), write_xmp(told.tidy(), existing, "a"), "a"), "a") == after


def test_all_that_an_existing_sidecar_says_stays():
    written = write_xmp(FULL, LIGHTROOM, "a.xmp")
    told = read_xmp(written, "a.xmp")
    assert told.keywords == ("sea", "über", "blue & <green>")
    assert (told.rating, told.description) == (2, "Sea")
    for kept in (
        b'crs:Exposure2012="+0.35"',
        b"<!-- kept -->",
        b"W5M0MpCehiHzreSzNTczkc9d",
        b">Meer<",
        b"Adobe XMP Core",
    ):
        assert kept in written
    described = minidom.parseString(written).getElementsByTagName("rdf:Description")
    assert len(described) == 2


def test_standard_names_are_used():
    written = write_xmp(FULL, None, "a").decode()
    for part in (
        '<dc:subject xmlns:dc="http://purl.org/dc/elements/1.1/"', "<xmp:Rating", ">4</xmp:Rating>",
        '<rdf:li xml:lang="x-default">A day', ">33,51.407040S<", ">151,12.917820E<", ">1250/100<",
        ">2019-05-01T12:00:00</photoshop:DateCreated>",
    ):  # fmt: skip
        assert part in written


def test_empty_properties_are_filled():
    empty = SIDECAR.replace('xmp:Rating="{rating}"', 'xmp:Rating=""').replace("<rdf:li>{word}</rdf:li>", "").encode()
    assert read_xmp(write_xmp(Told(("a",), 3), empty, "a"), "a") == Told(("a",), 3)


BOMB = b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 1000 + b'">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + at, b"&%c;" % (97 + at) * 20) for at in range(8)
) + b"]><x>&i;</x>"  # fmt: skip


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (BOMB, "document type"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "document type"),
        (b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>', "document type"),
        (b"", "no XML"),
        (b"hello", "no XML"),
        (b"<x>", "no XML"),
        (b"<x>" * 50_000 + b"</x>" * 50_000, "no XML"),
        (b'<?xml version="1.0" encoding="nonsense"?><x/>', "no XML"),
        (b"<html/>", "no rdf:Description"),
        (b" " * ((1 << 24) + 1), "more than"),
    ],
)
def test_what_is_no_xmp_or_hostile_is_refused(data, reason):
    with pytest.raises(SidecarUnreadable, match=reason):
        read_xmp(data, "a.xmp")


@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda part: LIGHTROOM[:200] + part + LIGHTROOM[300:]))
def test_any_bytes_are_read_or_refused(data):
    try:
        told = read_xmp(data, "a")
    except SidecarUnreadable:
        return
    assert isinstance(told, Told)


def test_odd_values_count_as_none():
    odd = SIDECAR.format(rating="-1", word="").replace(
        "</rdf:Description>",
        '<e:GPSLatitude xmlns:e="http://ns.adobe.com/exif/1.0/">91,0N</e:GPSLatitude>'
        '<e:GPSLongitude xmlns:e="http://ns.adobe.com/exif/1.0/">1/0,nanW</e:GPSLongitude></rdf:Description>',
    )
    assert read_xmp(odd.encode(), "a") == Told()


def test_exif_iptc_and_xmp_of_a_picture_are_read(tmp_path):
    whole = IFDRational(1)
    exif = {0x010E: "From EXIF", 0x4746: 3, 0x9003: "2001:02:03 04:05:06", 0x9011: "+02:00",
            0x9C9E: "one;two".encode("utf-16-le")}  # fmt: skip
    gps = {
        1: "S",
        2: (33 * whole, 30 * whole, 0 * whole),
        3: "E",
        4: (151 * whole, 0 * whole, 36 * whole),
        6: 5 * whole,
    }
    iptc = dataset(25, b"drei") + dataset(25, b"f\xfcnf") + dataset(120, b"From IPTC") + dataset(55, b"19990101")
    file = picture(
        tmp_path / "a.jpg", exif=exif, gps=gps, iptc=iptc, xmp=SIDECAR.format(rating=5, word="vier").encode()
    )
    told = embedded(file.path)
    assert told.keywords == ("vier", "one", "two", "drei", "fünf")
    assert (told.rating, told.description, told.taken) == (5, "From EXIF", "2001-02-03T04:05:06+02:00")
    assert (told.latitude, told.longitude, told.altitude) == (-33.5, pytest.approx(151.01), 5.0)
    only = embedded(picture(tmp_path / "b.jpg", iptc=iptc).path)
    assert (only.keywords, only.description, only.taken) == (("drei", "fünf"), "From IPTC", "1999-01-01")


def test_other_formats_say_something_too(tmp_path):
    known = Image.Exif()
    known[0x010E] = "Seen"
    for ending in ("png", "webp", "tiff", "avif"):
        Image.new("RGB", (8, 8)).save(tmp_path / f"a.{ending}", exif=known)
        assert embedded(str(tmp_path / f"a.{ending}")).description == "Seen", ending


@given(st.binary(max_size=200))
def test_broken_blocks_count_as_absent(tmp_path_factory, junk):
    path = tmp_path_factory.mktemp("junk") / "a.jpg"
    body = b"Exif\0\0" + junk
    path.write_bytes(b"\xff\xd8\xff\xe1" + struct.pack(">H", len(body) + 2) + body + b"\xff\xd9")
    assert isinstance(embedded(str(path)), Told)


def test_a_keeper_keeps_its_own_and_gets_what_it_lacks(tmp_path):
    keeper = picture(tmp_path / "a.jpg", exif={0x010E: "Mine"}, xmp=SIDECAR.format(rating=2, word="sea").encode())
    other = picture(tmp_path / "b.jpg", exif={0x010E: "Theirs", 0x9003: "2001:02:03 04:05:06"})
    put(tmp_path / "b.jpg.xmp", SIDECAR.format(rating=5, word="boat").encode())
    path, data = merged_sidecar(keeper, [other])
    assert path == str(tmp_path / "a.jpg.xmp")
    assert read_xmp(data, path) == Told(("sea", "boat"), None, "", taken="2001-02-03T04:05:06", names=("b.jpg",))
    (tmp_path / "a.jpg.xmp").write_bytes(data)
    assert merged_sidecar(keeper, [other]) is None
    assert told_by(keeper).description == "Mine"


def test_an_existing_sidecar_is_the_one_written_to(tmp_path):
    keeper = picture(tmp_path / "a.jpg")
    beside = put(tmp_path / "a.xmp", LIGHTROOM)
    other = picture(tmp_path / "b.jpg", exif={0x010E: "Theirs"})
    path, data = merged_sidecar(replace(keeper, companions=(str(beside),)), [other])
    assert path == str(beside)
    assert read_xmp(data, path).names == ("b.jpg",)


def test_nothing_to_add_writes_nothing(tmp_path):
    one, other = picture(tmp_path / "x" / "a.jpg"), picture(tmp_path / "y" / "a.jpg")
    assert merged_sidecar(one, [other]) is None


def cleaned(folder, plans, **options):
    keeper = replace(picture(folder / "a.jpg"), width=900)
    plan = make_plan([alike(keeper, picture(folder / "b.jpg", exif={0x010E: "Theirs"}))], roots=[str(folder)])
    return plan, lambda: apply(plan, Disposal("quarantine"), merge=True, folder=plans, **options)


@pytest.mark.parametrize("existing", [None, LIGHTROOM])
def test_a_merged_sidecar_is_undone_with_the_rest(existing, tmp_path):
    folder = tmp_path / "in"
    if existing:
        put(folder / "a.jpg.xmp", existing, mode=0o600)
    _, run = cleaned(folder, tmp_path / "plans")
    before = tree(folder)
    done = run()
    assert done.sidecars == [str(folder / "a.jpg.xmp")]
    assert read_xmp((folder / "a.jpg.xmp").read_bytes(), "").names == ("b.jpg",)
    assert run().nothing_left
    undo(folder=tmp_path / "plans")
    assert tree(folder) == before


def test_a_sidecar_changed_since_is_left_and_the_old_one_stands_beside_it(tmp_path):
    folder = tmp_path / "in"
    put(folder / "a.jpg.xmp", LIGHTROOM)
    cleaned(folder, tmp_path / "plans")[1]()
    put(folder / "a.jpg.xmp", b"mine")
    undone = undo(folder=tmp_path / "plans")
    assert [one.place for one in undone.elsewhere] == [str(folder / "a.jpg (restored).xmp")]
    assert (folder / "a.jpg.xmp").read_bytes() == b"mine"
    assert (folder / "a.jpg (restored).xmp").read_bytes() == LIGHTROOM
    assert (folder / "b.jpg").exists()


def test_a_new_sidecar_changed_since_is_left_and_reported(tmp_path):
    folder = tmp_path / "in"
    cleaned(folder, tmp_path / "plans")[1]()
    put(folder / "a.jpg.xmp", b"mine")
    undone = undo(folder=tmp_path / "plans")
    assert [Path(one.path).name for one in undone.odd] == ["a.jpg.xmp"]
    assert (folder / "a.jpg.xmp").read_bytes() == b"mine"


def test_copies_whose_words_cannot_be_merged_stay(tmp_path):
    folder = tmp_path / "in"
    put(folder / "a.jpg.xmp", BOMB)
    _, run = cleaned(folder, tmp_path / "plans")
    before = tree(folder)
    done = run()
    assert (done.done, done.sidecars) == ([], [])
    assert "document type" in done.refused[0].reason
    assert tree(folder) == before


def test_a_sidecar_written_for_nothing_is_taken_back(tmp_path, monkeypatch):
    folder = tmp_path / "in"
    _, run = cleaned(folder, tmp_path / "plans")
    before = tree(folder)

    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(disk, "transfer", refuse)
    done = run()
    assert (done.done, done.sidecars) == ([], [])
    assert tree(folder) == before
