"""`run sql`: statements over tables that are made from what the node knows."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.commands.views.found import Found

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node

family = Family()

STATEMENT = Argument("statement", "SELECT statement", raw=True)


@family.command(
    "run sql <statement...>",
    level=1,
    arguments=(STATEMENT,),
    examples=(
        "run sql select name,nodeid from processnode",
        "run sql select first 5 name from processnode where name != 'EnterpriseWideData'",
        "run sql select paramvalue from processconfig where paramname='ClusterSecurityMode'",
        "run sql select subjectname,serialnumber from certificate c join"
        " certificateservicecertificatemap m on m.fkcertificate=c.pkid where"
        " m.tkcertificateservice=6",
    ),
    form=Found.form,
)
def run_sql(node: Node, statement: str) -> Found:
    """Ask the node's tables.

    There is no database: the tables are made from what the node knows now, and only SELECT is
    answered, in the language of SQLite, `select skip M first N` and `select unique` besides; a
    text stands in single or double quotation marks. Tables: processnode, processconfig,
    typenodeusage, certificate, certificateservicecertificatemap, certificateprocessnodemap,
    typecertificateservice, typecertificatedistribution, and device, which is empty; of a presence
    server enterprisenode and enterprisesubcluster, too.
    """
    from cucmos_shell.node.query import ask
    from cucmos_shell.node.tables import Tables

    return Found(ask(Tables(node), statement))
