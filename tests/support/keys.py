"""One private key for all sandboxes of a test run: to make one takes as long as a small export."""

import functools

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from voxlake.sandbox.access import KEY


@functools.cache
def pem():
    """Return the key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def with_key(folder):
    """Put the key into a sandbox's folder, as an earlier start leaves it there, and give the folder."""
    (folder / KEY).touch(mode=0o600)
    (folder / KEY).write_bytes(pem())
    return folder
