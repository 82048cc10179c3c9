"""A look-alike of the Voximplant SMS API for trials and tests; it shares no code with the client.

Start a `Sandbox` over a seeded `World`. What the vendor's documentation leaves open is a field of `Behaviour`, what may
go wrong on the way is in `Faults`, and what the account owns is in `AccountConfig`. A `Reseller` adds child accounts.
"""

from voxlake.sandbox.account import Account
from voxlake.sandbox.account_config import AccountConfig, read_balance, read_phones, read_roles
from voxlake.sandbox.behaviour import Behaviour
from voxlake.sandbox.condition import AccountSettings, Condition, read_accounts
from voxlake.sandbox.faults import KINDS, Faults
from voxlake.sandbox.guard import HEADER, find_token
from voxlake.sandbox.history import METHODS, History
from voxlake.sandbox.limits import Limits
from voxlake.sandbox.reseller import ACCOUNT_ID, API_KEY, Profile, Reseller
from voxlake.sandbox.responses import Reply
from voxlake.sandbox.samples import SENDERS
from voxlake.sandbox.server import Sandbox
from voxlake.sandbox.synthetic_day import SECONDS, midnight
from voxlake.sandbox.world import World

__all__ = [
    "ACCOUNT_ID",
    "API_KEY",
    "HEADER",
    "KINDS",
    "METHODS",
    "SECONDS",
    "SENDERS",
    "Account",
    "AccountConfig",
    "AccountSettings",
    "Behaviour",
    "Condition",
    "Faults",
    "History",
    "Limits",
    "Profile",
    "Reply",
    "Reseller",
    "Sandbox",
    "World",
    "find_token",
    "midnight",
    "read_accounts",
    "read_balance",
    "read_phones",
    "read_roles",
]
