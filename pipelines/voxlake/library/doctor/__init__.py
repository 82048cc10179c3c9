"""What `voxlake doctor` looks after: credentials and roles, the way to the API, the place of the data, and the data."""

from voxlake.library.doctor.calls import check_account, check_network
from voxlake.library.doctor.check import Check, Checkup
from voxlake.library.doctor.data import check_data
from voxlake.library.doctor.machine import check_versions
from voxlake.library.doctor.place import check_place
from voxlake.library.doctor.store import check_store

__all__ = [
    "Check",
    "Checkup",
    "check_account",
    "check_data",
    "check_network",
    "check_place",
    "check_store",
    "check_versions",
]
