"""Turn the bytes of a reply into rows of one Arrow schema: declare the fields, decode, normalise."""

from voxlake.transform.decode import BrokenReplyError, decode_csv, decode_json, page_of, parse_json
from voxlake.transform.decode_arrow import pages_of_json
from voxlake.transform.normalise import distinct, integers, normalise, put_off_pandas
from voxlake.transform.streams import A2P, SMS, STATUSES, STREAMS, Stream

__all__ = [
    "A2P",
    "SMS",
    "STATUSES",
    "STREAMS",
    "BrokenReplyError",
    "Stream",
    "decode_csv",
    "decode_json",
    "distinct",
    "integers",
    "normalise",
    "page_of",
    "pages_of_json",
    "parse_json",
    "put_off_pandas",
]
