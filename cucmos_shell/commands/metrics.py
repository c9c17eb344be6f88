"""The node's certificates in the text exposition format of Prometheus (version 0.0.4)."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.node.expiry import unsent
from cucmos_shell.results import TEXT, Notice, each, record
from cucmos_shell.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cucmos_shell.node import Node

family = Family()


def _label(text: str) -> str:
    return safe(text).replace("\\", "\\\\").replace('"', '\\"')


def sample(name: str, value: float, /, **labels: str) -> str:
    """One line; whole numbers are written as such."""
    inner = ",".join(f'{key}="{_label(text)}"' for key, text in labels.items())
    number = int(value) if value == int(value) else value
    return f"{name}{{{inner}}} {number}" if inner else f"{name} {number}"


def metric(name: str, help: str, samples: Iterable[str]) -> Iterator[str]:
    """A metric with its samples; one without samples is left out."""
    lines = list(samples)
    if lines:
        yield f"# HELP {name} {help}"
        yield f"# TYPE {name} gauge"
        yield from lines


def _certificates(node: Node) -> Iterator[str]:
    snapshot = node.snapshot()
    name = "cucmos_certificate_not_after_seconds"
    for kind in ("own", "trust"):
        for folder, rows in snapshot.listed(kind):
            for row in rows:
                labels = {"unit": folder, "type": kind, "name": f"{row.name}.pem"}
                yield sample(name, row.not_after, **labels, common_name=row.common_name)


def _restarts(node: Node) -> Iterator[str]:
    waiting = {one.service for one in node.services.pending(node.snapshot())}
    for name, spec in node.profile.all_services().items():
        if spec.units:
            yield sample("cucmos_service_restart_pending", name in waiting, service=name)


def _alarms(node: Node) -> Iterator[str]:
    counts: dict[tuple[str, int], int] = {}
    for alarm in node.alarms.last():
        key = (alarm.name, alarm.severity)
        counts[key] = counts.get(key, 0) + 1
    for (name, severity), count in sorted(counts.items()):
        yield sample("cucmos_alarms_logged", count, alarm=name, severity=str(severity))


@family.command("utils cert monitor metrics", level=1, form=record(lines=each(TEXT)))
def metrics(node: Node) -> Notice:
    """Print expiry times, waiting restarts and alarm counts for Prometheus.

    For a cron job that writes them into the text-file folder of the node exporter. Times are
    seconds since the epoch; alarms are those in the log files that are kept.
    """
    kept = unsent.load(node.store.layout.sent)
    last = [] if kept.last_run is None else [
        sample("cucmos_expiry_monitor_last_run_seconds", kept.last_run)
    ]  # fmt: skip
    lines = [
        *metric(
            "cucmos_certificate_not_after_seconds", "End of a certificate's validity.",
            _certificates(node),
        ),
        *metric(
            "cucmos_service_restart_pending",
            "Whether the service must restart to use the certificates of the store.",
            _restarts(node),
        ),
        *metric("cucmos_alarms_logged", "Alarms in the alarm log, by name.", _alarms(node)),
        *metric("cucmos_expiry_monitor_last_run_seconds", "Last run of the monitor.", last),
        *metric(
            "cucmos_expiry_monitor_mail_waiting", "Mail that has not been delivered.",
            [sample("cucmos_expiry_monitor_mail_waiting", len(kept.outbox))],
        ),
    ]  # fmt: skip
    return Notice(tuple(lines), {"lines": lines})
