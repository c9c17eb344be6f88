"""What is said of certificates that were brought to the node."""

from __future__ import annotations

from cucmos_shell.commands.views.replaced import IDENTITY, identity, sentences
from cucmos_shell.node.certificates import trust_import
from cucmos_shell.node.tasks.revocation import Checked
from cucmos_shell.results import TEXT, TRUTH, Value, each, maybe, record
from cucmos_shell.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from cucmos_shell.node.certificates.own_import import Accepted
    from cucmos_shell.node.certificates.trust_import import Outcome
    from cucmos_shell.results import Finding
    from cucmos_shell.store import CertificateRow

SEE_PENDING_TRUST = "show service pending says which started before the change."
LISTED = 200
_WORDS = {
    "imported": "imported",
    "replaced": "imported, in place of an older one",
    "present": "was there already",
    "kept": "not imported: the one there begins later",
}


class Imported(Value):
    """What was imported for a unit, or for the trust store of that base name."""

    form = record(
        unit=TEXT,
        services_to_restart=each(TEXT),
        services_reading=each(TEXT),
        csr_deleted=each(TEXT),
        revocation=Checked.form,
        own=maybe(
            record(
                name=TEXT,
                **IDENTITY,
                chain=each(record(common_name=TEXT, trusted=TRUTH, anchor=TRUTH)),
                not_needed=each(TEXT),
                notes=each(TEXT),
            )
        ),
        trust=maybe(record(store=TEXT, certificates=each(trust_import.Outcome.form))),
    )

    unit: str
    advice: tuple[str, ...]
    services: tuple[str, ...]
    running: tuple[str, ...]
    revocation: Checked

    def lines(self) -> list[str]:
        """The text: the product's sentences, what each certificate came to, its revocation."""
        done = f"Successfully imported certificate for {self.named()}."
        lines = self.sentences(done)
        return [*lines, *self.outcome(), *self.revocation.lines()[:LISTED]]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was warned of when it was asked whether they are revoked."""
        return self.revocation.findings

    def named(self) -> str:
        """What it was imported for."""
        return self.unit

    def sentences(self, done: str) -> list[str]:
        """What was done, and what follows from it for services."""
        return sentences(done, self.advice, self.services, self.running)

    def outcome(self) -> Iterable[str]:
        """What each certificate came to, a line each."""
        raise NotImplementedError

    def data(self) -> dict[str, Any]:
        """The JSON form, without what was imported."""
        return {
            "unit": self.unit,
            "services_to_restart": (),
            "services_reading": (),
            "csr_deleted": (),
            "revocation": self.revocation,
            "own": None,
            "trust": None,
        }


class OwnImported(Imported):
    """A unit's new certificate, signed by a CA."""

    row: CertificateRow
    accepted: Accepted
    client: str = ""

    def named(self) -> str:
        """The unit, and the one that has the same certificate now."""
        return f"{self.unit} and {self.client}" if self.client else self.unit

    def outcome(self) -> Iterable[str]:
        """The certificate, its chain, what was not needed, and notes."""
        yield f"{self.unit}/{self.unit}.pem: {safe(self.row.description)}"
        for link in self.accepted.chain[1:]:
            place = "in the trust-store" if link.trusted else "kept with the certificate"
            yield f"Chain: {safe(link.words)} ({place})"
        for one in self.accepted.unused:
            yield f"Not needed: {safe(one.description.common_name)} ({one.place})"
        for note in self.accepted.notes:
            yield f"Note: {note}"

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        own = {
            "name": f"{self.unit}/{self.unit}.pem",
            **identity(self.row),
            "chain": [
                {"common_name": link.words, "trusted": link.trusted, "anchor": link.anchor}
                for link in self.accepted.chain[1:]
            ],
            "not_needed": [one.description.common_name for one in self.accepted.unused],
            "notes": self.accepted.notes,
        }
        requests = [f"{self.unit}/{self.unit}.csr"]
        found = {"services_to_restart": self.running, "csr_deleted": requests, "own": own}
        return {**super().data(), **found}


class TrustImported(Imported):
    """What became of each certificate for a trust store."""

    store: str
    outcomes: tuple[Outcome, ...]

    def sentences(self, done: str) -> list[str]:
        """A changed trust store is no reason to restart: it says who reads it."""
        lines = ["", done, *self.advice]
        if self.running:
            lines += [f"Running services that read {self.store}: {', '.join(self.running)}"]
            lines += [SEE_PENDING_TRUST]
        return lines

    def outcome(self) -> Iterable[str]:
        """The first certificates, and how many more there are."""
        for one in self.outcomes[:LISTED]:
            notes = "".join(f"; {note}" for note in one.notes)
            yield f"{self.store}/{one.name}.pem: {_WORDS[one.outcome]}{notes}"
        if len(self.outcomes) > LISTED:
            yield f"({len(self.outcomes) - LISTED} more certificates)"

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        trust = {
            "store": self.store,
            "certificates": [one.data_in(self.store) for one in self.outcomes],
        }
        return {**super().data(), "services_reading": self.running, "trust": trust}
