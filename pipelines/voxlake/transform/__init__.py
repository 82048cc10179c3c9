"""Turn the bytes of a reply into rows of one Arrow schema: declare the fields, decode, normalise."""

from voxlake.transform.columns import pages_of_json
from voxlake.transform.decode_csv import decode_csv
from voxlake.transform.decode_json import decode_json, page_of, total_of
from voxlake.transform.envelope import parse_json
from voxlake.transform.forgotten import ANONYMISE, ERASE, LEAST, MARK, MOST, NUMBERS, Forgotten, Treated
from voxlake.transform.normalise import distinct, integers, load_pandas, normalise
from voxlake.transform.promote import promote
from voxlake.transform.rows import BrokenReplyError
from voxlake.transform.streams import A2P, SMS, STATUSES, STREAMS, Field, Stream
from voxlake.transform.treat import COLUMNS, treat, treat_rejects
from voxlake.transform.values import read_integer, reader_of

__all__ = [
    "A2P",
    "ANONYMISE",
    "COLUMNS",
    "ERASE",
    "LEAST",
    "MARK",
    "MOST",
    "NUMBERS",
    "SMS",
    "STATUSES",
    "STREAMS",
    "BrokenReplyError",
    "Field",
    "Forgotten",
    "Stream",
    "Treated",
    "decode_csv",
    "decode_json",
    "distinct",
    "integers",
    "load_pandas",
    "normalise",
    "page_of",
    "pages_of_json",
    "parse_json",
    "promote",
    "read_integer",
    "reader_of",
    "total_of",
    "treat",
    "treat_rejects",
]
