"""IBAN, BIC, LEI and creditor reference: what is read is right, and everything else is refused with its reason."""

import pickle
import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qenex.values import (
    COUNTRIES,
    IBAN_STRUCTURES,
    Bic,
    CreditorReference,
    Iban,
    Lei,
    Refusal,
    parse_bic,
    parse_creditor_reference,
    parse_iban,
    parse_lei,
)
from qenex.values.checked_text import CheckedText, check_digits_97, remainder_97

# Examples that the IBAN Registry and national banks print.
IBANS = """
AD1200012030200359100100 AE070331234567890123456 AL47212110090000000235698741 AT611904300234573201
AZ21NABZ00000000137010001944 BA391290079401028494 BE68539007547034 BG80BNBG96611020345678 BH67BMAG00001299123456
BR1800360305000010009795493C1 BY13NBRB3600900000002Z00AB00 CH9300762011623852957 CR05015202001026284066
CY17002001280000001200527600 CZ6508000000192000145399 DE89370400440532013000 DK5000400440116243
DO28BAGR00000001212453611324 EE382200221020145685 EG380019000500000000263180002 ES9121000418450200051332
FI2112345600000785 FO6264600001631634 FR1420041010050500013M02606 GB29NWBK60161331926819 GE29NB0000000101904917
GI75NWBK000000007099453 GL8964710001000206 GR1601101250000000012300695 GT82TRAJ01020000001210029690
HR1210010051863000160 HU42117730161111101800000000 IE29AIBK93115212345678 IL620108000000099999999
IQ98NBIQ850123456789012 IS140159260076545510730339 IT60X0542811101000000123456 JO94CBJO0010000000000131000302
KW81CBKU0000000000001234560101 KZ86125KZT5004100100 LB62099900000001001901229114 LC55HEMM000100010012001200023015
LI21088100002324013AA LT121000011101001000 LU280019400644750000 LV80BANK0000435195001 MC5811222000010123456789030
MD24AG000225100013104168 ME25505000012345678951 MK07250120000058984 MR1300020001010000123456753
MT84MALT011000012345MTLCAST001S MU17BOMM0101101030300200000MUR NL91ABNA0417164300 NO9386011117947
PK36SCBL0000001123456702 PL61109010140000071219812874 PS92PALS000000000400123456702 PT50000201231234567890154
QA58DOHB00001234567890ABCDEFG RO49AAAA1B31007593840000 RS35260005601001611379 SA0380000000608010167519
SC18SSCB11010000000000001497USD SE4550000000058398257466 SI56263300012039086 SK3112000000198742637541
SM86U0322509800000000270100 ST68000100010051845310112 SV62CENR00000000000000700025 TL380080012345678910157
TN5910006035183598478831 TR330006100519786457841326 UA213223130000026007233566001 VA59001123000012345678
VG96VPVG0000012345678901 XK051212012345678906 RU0304452522540817810538091310419 SD8811123456789012
BI4210000100010000332045181 DJ2100010000000154000100186 FK88SC123456789012 LY83002048000020100120361
MN121234123456789123 NI45BAPR00000013000003558124 OM810180000001299123456 SO211000001001000100141
HN88CABF00000000000250005469 YE15CBYE0001018861234567891234
""".split()


@pytest.mark.parametrize("text", IBANS)
def test_published_examples_are_ibans(text: str) -> None:
    iban = parse_iban(text)
    assert isinstance(iban, Iban), iban
    assert iban.compact == str(iban) == text
    assert parse_iban(iban.pretty) == iban
    assert parse_iban(text.lower()) == iban
    assert Iban.build(iban.country, iban.bban) == iban
    assert iban.structure.registered
    assert len(iban.bban) == Iban.bban_length(iban.country)


def test_the_parts_of_an_iban_have_names() -> None:
    iban = Iban("GB29 NWBK 6016 1331 9268 19")
    assert (iban.country, iban.bank_code, iban.branch_code, iban.bban) == ("GB", "NWBK", "601613", "NWBK60161331926819")
    assert iban.pretty == "GB29 NWBK 6016 1331 9268 19"
    assert Iban("IT60X0542811101000000123456").bank_code == "05428"
    assert Iban("DE89370400440532013000").branch_code == ""


@pytest.mark.parametrize(
    ("country", "in_sepa"),
    [("DE", True), ("CH", True), ("GB", True), ("IS", True), ("AL", True), ("RS", True), ("TR", False), ("XK", False)],
)
def test_sepa_membership_is_known(country: str, in_sepa: bool) -> None:
    structure = IBAN_STRUCTURES[country]
    assert structure.in_sepa is in_sepa
    bban = "".join(("1" if kind == "n" else "A") * count for count, kind in structure.fields)
    iban = Iban.build(country, bban)
    assert isinstance(iban, Iban)
    assert iban.in_sepa is in_sepa


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "IBAN_MALFORMED"),
        ("DE", "IBAN_MALFORMED"),
        ("DE89", "IBAN_MALFORMED"),
        ("DE8937040044053201300-", "IBAN_MALFORMED"),
        ("DE89\t370400440532013000", "IBAN_MALFORMED"),
        ("DE89370400440532013000\n", "IBAN_MALFORMED"),
        ("IBAN DE89370400440532013000", "IBAN_MALFORMED"),
        ("DE8937040044053201300٠", "IBAN_MALFORMED"),
        ("ß" * 10, "IBAN_MALFORMED"),
        ("D" + "E" * 60, "IBAN_MALFORMED"),
        ("US89370400440532013000", "IBAN_COUNTRY_UNKNOWN"),
        ("GP1420041010050500013M02606", "IBAN_COUNTRY_UNKNOWN"),
        ("DE8937040044053201300", "IBAN_STRUCTURE_WRONG"),
        ("DE893704004405320130000", "IBAN_STRUCTURE_WRONG"),
        ("DE8937040044053201300O", "IBAN_STRUCTURE_WRONG"),
        ("BG87200500001234567890", "IBAN_STRUCTURE_WRONG"),
        ("DE88370400440532013000", "IBAN_CHECK_DIGITS_WRONG"),
        ("de88 3704 0044 0532 0130 00", "IBAN_CHECK_DIGITS_WRONG"),
        ("DE00370400440532013000", "IBAN_CHECK_DIGITS_WRONG"),
    ],
)
def test_what_is_no_iban_is_refused_with_the_reason(text: str, code: str) -> None:
    answer = parse_iban(text)
    assert isinstance(answer, Refusal)
    assert answer.code == code


def test_check_digits_01_and_99_are_refused_although_the_remainder_is_1() -> None:
    """Source: ISO 13616, 98 minus a remainder of 0..96 lies in 02..98."""
    found = set()
    for account in range(2000):
        bban = f"37040044{account:010d}"
        right = Iban.build("DE", bban)
        assert isinstance(right, Iban)
        for twin in {"02": "99", "97": "00", "98": "01"}.get(right.compact[2:4], "").split():
            assert remainder_97(bban + "DE" + twin) == 1
            assert parse_iban(f"DE{twin}{bban}").code == "IBAN_CHECK_DIGITS_WRONG"  # type: ignore[union-attr]
            found.add(twin)
    assert found == {"99", "00", "01"}


ALPHABETS = {"n": string.digits, "a": string.ascii_uppercase, "c": string.digits + string.ascii_uppercase}


@st.composite
def ibans(draw: st.DrawFn) -> Iban:
    structure = IBAN_STRUCTURES[draw(st.sampled_from(sorted(IBAN_STRUCTURES)))]
    bban = "".join(draw(st.text(ALPHABETS[kind], min_size=count, max_size=count)) for count, kind in structure.fields)
    iban = Iban.build(structure.country, bban)
    assert isinstance(iban, Iban)
    return iban


@given(ibans(), st.data())
def test_one_wrong_character_is_always_found(iban: Iban, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(iban.compact) - 1))
    other = data.draw(st.sampled_from(ALPHABETS["c"]).filter(lambda character: character != iban.compact[place]))
    mistyped = iban.compact[:place] + other + iban.compact[place + 1 :]
    same_kind = iban.compact[place].isdigit() and other.isdigit()
    if same_kind or iban.compact[place].isalpha() == other.isalpha():
        assert isinstance(parse_iban(mistyped), Refusal)


@given(ibans(), st.data())
def test_two_swapped_neighbours_are_always_found(iban: Iban, data: st.DataObject) -> None:
    text = iban.compact
    place = data.draw(st.integers(0, len(text) - 2))
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    if swapped != text and text[place].isdigit() == text[place + 1].isdigit():
        assert isinstance(parse_iban(swapped), Refusal)


def test_every_country_with_an_iban_is_a_country() -> None:
    assert set(IBAN_STRUCTURES) <= COUNTRIES
    assert len(COUNTRIES) == 250
    for structure in IBAN_STRUCTURES.values():
        assert 11 <= structure.bban_length <= 30
        for place in (structure.bank, structure.branch):
            assert place is None or 0 <= place[0] < place[1] <= structure.bban_length


def test_building_says_what_is_wrong_with_a_bban() -> None:
    for bban, code in [("123", "IBAN_STRUCTURE_WRONG"), ("3704ü", "IBAN_MALFORMED"), ("37 04", "IBAN_STRUCTURE_WRONG")]:
        answer = Iban.build("DE", bban)
        assert isinstance(answer, Refusal)
        assert answer.code == code


@pytest.mark.parametrize("text", ["DEUTDEFF", "DEUTDEFF500", "NEDSZAJJXXX", "B8TKXK20", "1234USAA"])
def test_bics_are_read(text: str) -> None:
    bic = parse_bic(text)
    assert isinstance(bic, Bic)
    assert bic.compact == text


def test_the_parts_of_a_bic_have_names() -> None:
    bic = Bic("DEUTDEFF500")
    assert (bic.country, bic.party, bic.branch, bic.is_test) == ("DE", "DEUTDEFF", "500", False)
    assert Bic("DEUTDEFF").long == "DEUTDEFFXXX" == Bic("DEUTDEFFXXX").long
    assert Bic("DEUTDEF0").is_test


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "BIC_MALFORMED"),
        ("DEUTDEF", "BIC_MALFORMED"),
        ("DEUTDEFF5", "BIC_MALFORMED"),
        ("deutdeff", "BIC_MALFORMED"),
        ("DEUTDEFF\n", "BIC_MALFORMED"),
        ("DEUT1EFF", "BIC_MALFORMED"),
        ("DEUTYYFF", "BIC_COUNTRY_UNKNOWN"),
    ],
)
def test_what_is_no_bic_is_refused(text: str, code: str) -> None:
    answer = parse_bic(text)
    assert isinstance(answer, Refusal)
    assert answer.code == code


# Of GLEIF itself, Deutsche Bank, Apple.
@pytest.mark.parametrize("text", ["506700GE1G29325QX363", "7LTWFZYICNSX8D621K86", "HWUPKR0MPOU8FGXBT394"])
def test_leis_are_read(text: str) -> None:
    lei = parse_lei(text)
    assert isinstance(lei, Lei)
    assert lei.issuer == text[:4]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "LEI_MALFORMED"),
        ("506700GE1G29325QX36", "LEI_MALFORMED"),
        ("506700ge1g29325qx363", "LEI_MALFORMED"),
        ("506700GE1G29325QX3AA", "LEI_MALFORMED"),
        ("506700GE1G29325QX364", "LEI_CHECK_DIGITS_WRONG"),
    ],
)
def test_what_is_no_lei_is_refused(text: str, code: str) -> None:
    answer = parse_lei(text)
    assert isinstance(answer, Refusal)
    assert answer.code == code


@pytest.mark.parametrize("text", ["RF18539007547034", "RF18 5390 0754 7034", "rf18539007547034", "RF712348231"])
def test_creditor_references_are_read(text: str) -> None:
    reference = parse_creditor_reference(text)
    assert isinstance(reference, CreditorReference)
    assert reference.compact == text.replace(" ", "").upper()
    assert CreditorReference.build(reference.reference) == reference
    assert parse_creditor_reference(reference.pretty) == reference


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "REFERENCE_MALFORMED"),
        ("RF18", "REFERENCE_MALFORMED"),
        ("XX18539007547034", "REFERENCE_MALFORMED"),
        ("RF18" + "1" * 22, "REFERENCE_MALFORMED"),
        ("RF18539007547O3-", "REFERENCE_MALFORMED"),
        ("RF19539007547034", "REFERENCE_CHECK_DIGITS_WRONG"),
    ],
)
def test_what_is_no_creditor_reference_is_refused(text: str, code: str) -> None:
    answer = parse_creditor_reference(text)
    assert isinstance(answer, Refusal)
    assert answer.code == code


def test_a_reference_with_strange_characters_cannot_be_built() -> None:
    for own_number in ("", "1" * 22, "ä", "1/2", "ﬁ"):
        assert isinstance(CreditorReference.build(own_number), Refusal)


PARSERS: list[Callable[[str], CheckedText | Refusal]] = [parse_iban, parse_bic, parse_lei, parse_creditor_reference]


@pytest.mark.parametrize("parse", PARSERS)
@given(
    text=st.one_of(
        st.text(),
        st.text(string.ascii_uppercase + string.digits + " ", max_size=40),
        st.from_regex(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{10,30}"),
    )
)
def test_any_text_is_the_value_or_a_refusal(parse: Callable[[str], CheckedText | Refusal], text: str) -> None:
    answer = parse(text)
    if isinstance(answer, CheckedText):
        assert answer.compact.isascii()
        assert parse(answer.compact) == answer
    else:
        assert answer.message.isprintable()


def test_every_registered_country_has_a_published_example() -> None:
    registered = {country for country, structure in IBAN_STRUCTURES.items() if structure.registered}
    assert {text[:2] for text in IBANS} == registered


@given(st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=60))
def test_the_remainder_is_that_of_iso_7064_taken_character_by_character(text: str) -> None:
    remainder = 0
    for character in text:
        value = int(character, 36)
        remainder = (remainder * (100 if value > 9 else 10) + value) % 97
    assert remainder_97(text) == remainder


@given(st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=30))
def test_check_digits_make_the_remainder_1(text: str) -> None:
    digits = check_digits_97(text)
    assert remainder_97(text + digits) == 1
    assert "02" <= digits <= "98"


FROZEN = [
    Iban("DE89370400440532013000"),
    Bic("DEUTDEFF"),
    Lei("506700GE1G29325QX363"),
    CreditorReference("RF18539007547034"),
]


@pytest.mark.parametrize("value", FROZEN)
def test_a_checked_text_is_frozen_hashable_and_survives_pickling(value: CheckedText) -> None:
    with pytest.raises(AttributeError):
        value.compact = "X"
    with pytest.raises(AttributeError):
        del value.compact
    with pytest.raises(AttributeError):
        value.anything = 1  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(value)) == value
    assert {value: 1}[type(value)(value.compact)] == 1
    assert repr(value) == f"{type(value).__name__}({value.compact!r})"
    assert value != value.compact
    assert not value < value


def test_the_constructor_refuses_with_the_reason() -> None:
    with pytest.raises(ValueError, match="IBAN_CHECK_DIGITS_WRONG"):
        Iban("DE88370400440532013000")
