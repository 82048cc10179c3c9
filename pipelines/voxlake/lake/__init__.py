"""The Parquet lake: a file for each UTC day or month, stream and account, what is known of accounts, and replies."""

from voxlake.lake.accounts import AccountFacts, AccountRegistry, exported_accounts
from voxlake.lake.claims import Claim, empty, others_work
from voxlake.lake.compaction import Month, install_months, require_exchange, size_of, write_months
from voxlake.lake.compare import Difference
from voxlake.lake.day_states import StreamDays, day_states
from voxlake.lake.day_sums import StreamSums, day_sums, last_runs
from voxlake.lake.delta_places import DeltaPlaces, default_place
from voxlake.lake.directory import Lake
from voxlake.lake.erase_files import erase_in_index, erase_in_parquet, erase_in_text, remove_folder_of
from voxlake.lake.erase_replies import Eraser, NumberEraser, StandingEraser, blank, erase_replies, names_of
from voxlake.lake.erased import Erased, erased_in, forgotten_in, without_text
from voxlake.lake.ids import held_elsewhere
from voxlake.lake.index import allow_erased
from voxlake.lake.layout import Layout
from voxlake.lake.learned import DATE_SHIFT, DECIMAL_MARK, FILLED, OLDEST_DAY, UNDATED_COUNT, UNFINISHED, Fact, Learned
from voxlake.lake.manifest import Manifest
from voxlake.lake.months import put_days
from voxlake.lake.reply_archive import Reply, ReplyArchive, archives, replies
from voxlake.lake.run_history import KILLED, MOST, RUNNING, LivingRun, RecordedRun, RunHistory
from voxlake.lake.search import Searched, all_files, holds_number, search
from voxlake.lake.sharing import claimed, indexing, publishing
from voxlake.lake.tombstones import Tombstone, Tombstones
from voxlake.lake.treat_files import treat_kept
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
    "DeltaPlaces",
    "Difference",
    "Erased",
    "Eraser",
    "Fact",
    "Lake",
    "Layout",
    "Learned",
    "LivingRun",
    "Manifest",
    "Month",
    "NumberEraser",
    "RecordedRun",
    "Reply",
    "ReplyArchive",
    "RunHistory",
    "Searched",
    "StandingEraser",
    "StreamDays",
    "StreamSums",
    "Tombstone",
    "Tombstones",
    "all_files",
    "allow_erased",
    "archives",
    "blank",
    "claimed",
    "day_states",
    "day_sums",
    "default_place",
    "empty",
    "erase_in_index",
    "erase_in_parquet",
    "erase_in_text",
    "erase_replies",
    "erased_in",
    "exported_accounts",
    "forgotten_in",
    "held_elsewhere",
    "holds_number",
    "indexing",
    "install_months",
    "last_runs",
    "names_of",
    "others_work",
    "publishing",
    "put_days",
    "remove_folder_of",
    "replies",
    "require_exchange",
    "search",
    "size_of",
    "treat_kept",
    "without_text",
    "write_months",
]
