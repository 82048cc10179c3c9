"""All colours: the page uses them as CSS variables, light or dark as the reader prefers; pictures are light.

Streams and states are Okabe and Ito's, which people with any kind of colour vision can tell apart; whatever a colour
says is also said by a glyph, a label or the table.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True, slots=True)
class Paint:
    """One set of colours."""

    page: str
    card: str
    ink: str
    soft: str
    line: str
    track: str
    sms: str
    a2p: str
    received: str
    bar: str
    good: str
    bad: str
    final: str
    open: str
    unverified: str
    missing: str
    onfinal: str
    heat0: str
    heat1: str
    heat2: str
    heat3: str
    heat4: str
    heat5: str
    heat6: str

    @property
    def heat(self) -> list[str]:
        """The steps from low to high."""
        return [getattr(self, f"heat{n}") for n in range(7)]

    def css(self) -> str:
        """Return the colours as CSS variables."""
        return "".join(f"--{name}:{colour};" for name, colour in asdict(self).items())


LIGHT = Paint(
    page="#f4f6f8", card="#ffffff", ink="#17212b", soft="#566473", line="#dde3e9", track="#edf1f4",
    sms="#0072b2", a2p="#c98200", received="#b3628f", bar="#0072b2", good="#00704f", bad="#b34700",
    final="#009e73", open="#8fcdf0", unverified="#e69f00", missing="#d55e00", onfinal="#0b1117",
    heat0="#eef3f8", heat1="#d0e1f0", heat2="#a6cae4", heat3="#6fabd3", heat4="#3c88bf", heat5="#1463a0",
    heat6="#083c6e",
)  # fmt: skip
DARK = Paint(
    page="#10161c", card="#18212a", ink="#e8edf2", soft="#a3b1be", line="#2c3843", track="#222d37",
    sms="#56b4e9", a2p="#e69f00", received="#cc79a7", bar="#56b4e9", good="#3ccf9f", bad="#ff9a5c",
    final="#009e73", open="#5f9fc6", unverified="#e69f00", missing="#e8743b", onfinal="#10161c",
    heat0="#1d2832", heat1="#1f3d55", heat2="#235779", heat3="#2f769f", heat4="#4d9ac6", heat5="#86c3e6",
    heat6="#cfeaff",
)  # fmt: skip
PAGE = Paint(**{field.name: f"var(--{field.name})" for field in fields(Paint)})
