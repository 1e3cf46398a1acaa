"""Why a landed record or file is refused: the code that is stored, and the sentence people read."""

from enum import Enum


class Rejection(Enum):
    """`name` in lower case is the reason code in `reasons`; the value is its sentence."""

    # the text of a record
    SHORT_ROW = "The row has fewer fields than the header"
    LONG_ROW = "The row has more fields than the header"
    BROKEN_QUOTE = "A quote is opened and never closed, or text follows a closing quote"
    NUL_BYTE = "The record holds a NUL byte"
    INVALID_UTF8 = "The record is not valid UTF-8 (Latin-1?)"
    INVALID_JSON = "The line is not a JSON object"
    DUPLICATE_JSON_KEY = "The JSON object names a key twice"
    TRUNCATED_LINE = "The last line ends in the middle of a record"
    TRUNCATED_GZIP = "The compressed file breaks off; the rows before the break are kept"
    # a value against its declared type
    WRONG_TYPE = "A value is not of the declared type (a number as a JSON string, say)"
    NESTED_VALUE = "An object or array stands where a single value belongs"
    NOT_A_NUMBER = "Text stands where a number belongs"
    EXPONENT = "An integer amount is written with an exponent"
    FRACTION = "An integer amount has a fraction"
    SIGN = "An amount carries a sign"
    OVERFLOW = "A number is larger than its column"
    BAD_DATE = "A date is not a calendar day in ISO 8601"
    BAD_TIME = "A time is not an instant in ISO 8601"
    TIME_WITHOUT_OFFSET = "A time has neither an offset nor Z"
    # a row against the contract
    EMPTY_KEY = "A key column is empty"
    NULL_KEY = "A key column is null or absent"
    MISSING_VALUE = "A required value is null or absent"
    UNKNOWN_CODE = "A value is not one of the codes that the contract names"
    UNKNOWN_CURRENCY = "A currency is not an upper-case ISO 4217 code"
    KNOWN_BEFORE_OCCURRED = "The row is known before it happened"
    KNOWN_AFTER_DAY = "The row is known only after its landing day"
    CHECK_FAILED = "A rule of the table does not hold"
    CONFLICT = "Another row with this event_id and other content came first"
    # a whole file
    MISSING_COLUMN = "A required column is missing: the file is refused whole"
    UNREADABLE_FILE = "The file cannot be read in the format that its name says"
    ZERO_BYTES = "The file is empty, without even a header"
    TOO_LARGE = "The file is larger than 256 MB unpacked: split it"

    @property
    def code(self) -> str:
        return self.name.lower()
