"""Why something that came in could not be read: one Problem a cause.

Each is the reason of a quarantine entry; its `code` is stable and is what people count
and search by. Facts never hold a value of the file, only names of tables and fields,
places and sizes.
"""

from trucyte.base.problem import Kind, Problem


class Unreadable(Problem):
    """It could not be read."""

    code = "unreadable"


class NothingInside(Unreadable):
    """The file is empty."""

    code = "file-empty"


class UnknownContent(Unreadable):
    """It is neither a claims file, nor a zip, nor FHIR JSON."""

    code = "content-unknown"


class FileTooLarge(Unreadable):
    """It is larger than {limit} bytes."""

    kind = Kind.TOO_LARGE
    code = "file-too-large"


class XmlTruncated(Unreadable):
    """The file breaks off before its end."""

    code = "xml-truncated"


class XmlMalformed(Unreadable):
    """The XML is not well-formed ({place}, line {line})."""

    code = "xml-malformed"


class XmlForbidden(Unreadable):
    """It declares a document type or entities ({place}); claims files have none."""

    code = "xml-dtd"


class XmlTooDeep(Unreadable):
    """Its elements are nested deeper than {limit} levels."""

    code = "xml-nesting"


class XmlRootUnknown(Unreadable):
    """No claims document has this root element."""

    code = "xml-root-unknown"


class EnvelopeTooLarge(Unreadable):
    """The envelope around the visits is larger than {limit} bytes."""

    kind = Kind.TOO_LARGE
    code = "envelope-too-large"


class VisitTooLarge(Unreadable):
    """One visit is larger than {limit} bytes."""

    kind = Kind.TOO_LARGE
    code = "visit-too-large"


class EncodingWrong(Unreadable):
    """The text is not UTF-8 ({suspected}); export it as Unicode (UTF-8)."""

    code = "encoding-wrong"


class LegacyFont(Unreadable):
    """A name is written in a legacy font encoding (TCVN3 or VNI); convert it to Unicode."""

    code = "encoding-legacy-font"


class Base64Broken(Unreadable):
    """NOIDUNGFILE of {table} is not valid base64."""

    code = "base64-broken"


class VisitEmpty(Unreadable):
    """The visit (HOSO) holds no table."""

    code = "hoso-empty"


class TableUnknown(Unreadable):
    """A FILEHOSO names no table (LOAIHOSO) and its content shows none."""

    code = "table-unknown"


class TooManyRows(Unreadable):
    """{table} has more than {limit} rows."""

    kind = Kind.TOO_LARGE
    code = "table-too-long"


class FieldTwice(Unreadable):
    """{field} stands twice in row {row} of {table}, with different values."""

    code = "field-twice"


class SummaryMissing(Unreadable):
    """The visit has no XML1 (or XML0, or XML12), so nobody knows whose it is."""

    code = "xml1-missing"


class SummaryTwice(Unreadable):
    """The visit has XML1 more than once."""

    code = "xml1-twice"


class LinkMissing(Unreadable):
    """MA_LK, which names the visit, is missing."""

    code = "ma-lk-missing"


class LinkDiffers(Unreadable):
    """Row {row} of {table} has another MA_LK than the visit's XML1."""

    code = "ma-lk-differs"


class FacilityMissing(Unreadable):
    """MA_CSKCB, which names the facility, is missing."""

    code = "ma-cskcb-missing"


class ZipBroken(Unreadable):
    """The zip file is damaged."""

    code = "zip-broken"


class ZipEncrypted(Unreadable):
    """The zip file is encrypted; send it without a password."""

    code = "zip-encrypted"


class ZipPathOutside(Unreadable):
    """A file in the zip has a path outside its folder; nothing of it was read."""

    code = "zip-path-outside"


class ZipBomb(Unreadable):
    """The zip file unpacks to far more than a claims file can ({why})."""

    code = "zip-bomb"


class ZipMethodUnknown(Unreadable):
    """A file in the zip is packed by a method this node does not know."""

    code = "zip-method-unknown"


class ZipNested(Unreadable):
    """There is a zip inside the zip; send the files themselves."""

    code = "zip-nested"


class JsonMalformed(Unreadable):
    """The JSON cannot be read (line {line})."""

    code = "json-malformed"


class JsonRefused(Unreadable):
    """The JSON was refused at the door ({why})."""

    code = "json-refused"


class NotFhir(Unreadable):
    """The JSON is not a FHIR resource or a bundle of a kind that is taken in."""

    code = "fhir-unknown"


class FhirInvalid(Unreadable):
    """A resource does not hold to FHIR R4 ({path}: {issue})."""

    code = "fhir-invalid"


class ReferenceUnresolved(Unreadable):
    """A conditional reference or condition met {matches} resources."""

    code = "reference-unresolved"


class MappingInvalid(Unreadable):
    """Our own mapping made a resource that is not valid ({path}: {issue}); please report it."""

    code = "mapping-invalid"


class MappingFailed(Unreadable):
    """Our own mapping stopped at this visit ({error}); please report it."""

    code = "mapping-failed"


class FhirUnsupported(Unreadable):
    """The bundle asks for something that this door does not do ({what})."""

    kind = Kind.UNSUPPORTED
    code = "fhir-unsupported"


class EntryTwice(Unreadable):
    """The bundle holds one resource twice ({path})."""

    code = "fhir-entry-twice"


class OtherOrganisation(Unreadable):
    """It is of another organisation than its sender's."""

    kind = Kind.FORBIDDEN
    code = "other-organisation"


class DecisionContested(Unreadable):
    """It changed again and again while it was being accepted; try it again."""

    kind = Kind.CONFLICT
    code = "contested"
