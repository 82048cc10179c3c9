"""The Parquet lake: a file for each UTC day or month, stream and account, what is known of accounts, and replies."""

from voxlake.lake.accounts import AccountFacts, AccountRegistry, exported_accounts
from voxlake.lake.claims import Claim, others_work
from voxlake.lake.compaction import Month, install_months, require_exchange, size_of, write_months
from voxlake.lake.compare import Difference
from voxlake.lake.day_states import StreamDays, day_states
from voxlake.lake.day_sums import StreamSums, day_sums, last_runs
from voxlake.lake.directory import Lake
from voxlake.lake.ids import held_elsewhere
from voxlake.lake.layout import Layout
from voxlake.lake.learned import DATE_SHIFT, DECIMAL_MARK, FILLED, OLDEST_DAY, UNDATED_COUNT, UNFINISHED, Fact, Learned
from voxlake.lake.manifest import Manifest
from voxlake.lake.reply_archive import Reply, ReplyArchive, archives, replies
from voxlake.lake.run_history import KILLED, MOST, RUNNING, LivingRun, RecordedRun, RunHistory
from voxlake.lake.sharing import claimed, indexing, publishing
from voxlake.lake.writer import NO_ROWS, ROW_GROUP, DayFileWriter

__all__ = [
    "DATE_SHIFT",
    "DECIMAL_MARK",
    "FILLED",
    "KILLED",
    "MOST",
    "NO_ROWS",
    "OLDEST_DAY",
    "ROW_GROUP",
    "RUNNING",
    "UNDATED_COUNT",
    "UNFINISHED",
    "AccountFacts",
    "AccountRegistry",
    "Claim",
    "DayFileWriter",
    "Difference",
    "Fact",
    "Lake",
    "Layout",
    "Learned",
    "LivingRun",
    "Manifest",
    "Month",
    "RecordedRun",
    "Reply",
    "ReplyArchive",
    "RunHistory",
    "StreamDays",
    "StreamSums",
    "archives",
    "claimed",
    "day_states",
    "day_sums",
    "exported_accounts",
    "held_elsewhere",
    "indexing",
    "install_months",
    "last_runs",
    "others_work",
    "publishing",
    "replies",
    "require_exchange",
    "size_of",
    "write_months",
]
