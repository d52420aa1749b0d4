"""FHIR's XML becomes its JSON; what is no FHIR is refused with its place."""

from decimal import Decimal

import pytest

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.xml import NotFhirXml, read_xml

HEAD = '<Patient xmlns="http://hl7.org/fhir" xmlns:xsi="urn:x" xsi:schemaLocation="a b">'


def read(body: str, definitions: Definitions) -> dict[str, object]:
    return read_xml(f"{HEAD}{body}</Patient>".encode(), definitions)


def test_order_primitives_extensions_narrative_and_contained_are_kept(
    definitions: Definitions,
) -> None:
    found = read(
        """
        <id value="a"/><!-- a note --><text><status value="generated"/>
        <div xmlns="http://www.w3.org/1999/xhtml"><p>Xin <b>chào</b><!-- n --></p></div></text>
        <contained><Observation><status value="final"/>
          <valueQuantity><value value="72.50"/></valueQuantity></Observation></contained>
        <extension url="urn:x"><valueInteger value="3"/></extension>
        <active value="true"/>
        <name id="n"><given value="Văn"/><given id="g2"><extension url="urn:y">
          <valueString value="s"/></extension></given></name>
        <birthDate value="1990"><extension url="urn:z"><valueCode value="c"/></extension>
        </birthDate>
        """,
        definitions,
    )
    assert found == {
        "resourceType": "Patient",
        "id": "a",
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml">'
            "<p>Xin <b>chào</b><!-- n --></p></div>",
        },
        "contained": [
            {
                "resourceType": "Observation",
                "status": "final",
                "valueQuantity": {"value": Decimal("72.50")},
            }
        ],
        "extension": [{"url": "urn:x", "valueInteger": 3}],
        "active": True,
        "name": [
            {
                "id": "n",
                "given": ["Văn", None],
                "_given": [
                    None,
                    {"id": "g2", "extension": [{"url": "urn:y", "valueString": "s"}]},
                ],
            }
        ],
        "birthDate": "1990",
        "_birthDate": {"extension": [{"url": "urn:z", "valueCode": "c"}]},
    }
    assert str(found["contained"]).count("72.50") == 1


@pytest.mark.parametrize(
    "body",
    [
        "<nope/>",
        "<active value='yes'/>",
        "<multipleBirthInteger value='1e3'/>",
        "<active value='true'/><active value='true'/>",
        "<name bad='1'/>",
        "<active value='true'><given/></active>",
        "<contained/>",
        "<contained><Nope/></contained>",
        "<name xmlns='urn:other'/>",
        "<extension url='a'>" * 200 + "</extension>" * 200,
    ],
)
def test_what_is_no_fhir_is_refused(body: str, definitions: Definitions) -> None:
    with pytest.raises(NotFhirXml):
        read(body, definitions)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<Patient",
        b"\xff\xfe<\x00P\x00",
        b"<a xmlns='http://hl7.org/fhir'/>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><Patient xmlns="http://hl7.org/fhir"/>',
        b'<?xml version="1.0" encoding="utf-7"?>'
        b'<Patient xmlns="http://hl7.org/fhir"><id value="\xff"/></Patient>',
    ],
)
def test_what_is_no_sound_xml_is_refused(body: bytes, definitions: Definitions) -> None:
    with pytest.raises(NotFhirXml):
        read_xml(body, definitions)
