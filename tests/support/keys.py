"""One private key for all sandboxes of a test run: to make one takes as long as a small export."""

import functools
import os

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from voxlake.sandbox.access import KEY

KEPT = "TESTS_KEY"
"""The variable that hands the key on to the processes that are started from now on."""


@functools.cache
def pem():
    """Return the key, in a program that a test has started that of the test."""
    if KEPT in os.environ:
        return os.environ[KEPT].encode()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def with_key(folder):
    """Put the key into a sandbox's folder, as an earlier start leaves it there, and give the folder."""
    (folder / KEY).touch(mode=0o600)
    (folder / KEY).write_bytes(pem())
    return folder
