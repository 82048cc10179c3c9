"""A certificate for the sandbox: the vendor's SDKs only speak https."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

AUTHORITY, CHAIN = "sandbox-ca.pem", "sandbox-cert.pem"
_VALID, _RENEW = timedelta(days=30), timedelta(days=2)


def certificate(directory: Path) -> tuple[ssl.SSLContext, Path]:
    """Return a server context for localhost, and the path of the authority that a client must trust.

    A certificate from an earlier start is reused while it is valid by the system's clock, the only clock that the TLS
    of a client knows.
    """
    authority, chain = directory / AUTHORITY, directory / CHAIN
    if not (authority.exists() and chain.exists() and _lasts(authority)):
        _make(authority, chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context, authority


def _lasts(path: Path) -> bool:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc > datetime.now(UTC) + _RENEW
    except ValueError:
        return False


def _make(authority: Path, chain: Path) -> None:
    ours, theirs = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "voxlake sandbox authority")])
    leaf = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "voxlake sandbox")])
    start = datetime.now(UTC) - timedelta(hours=1)

    def build(subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, ca: bool) -> x509.CertificateBuilder:
        usage = dict.fromkeys(
            (
                "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
            ),
            False,
        )  # fmt: skip
        usage |= {"key_cert_sign": True, "crl_sign": True} if ca else {"digital_signature": True}
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(root)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + _VALID)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ours.public_key()), critical=False)
        )

    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    root_certificate = build(root, ours, ca=True).sign(ours, hashes.SHA256())
    leaf_certificate = (
        build(leaf, theirs, ca=False)
        .add_extension(names, critical=False)
        .add_extension(server, critical=False)
        .sign(ours, hashes.SHA256())
    )
    key = theirs.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = serialization.Encoding.PEM
    chain.touch(mode=0o600)
    chain.write_bytes(key + leaf_certificate.public_bytes(pem))
    authority.write_bytes(root_certificate.public_bytes(pem))
