"""`run cuc dbquery`: statements over the directory of a voice mail server."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.commands.views.found import FoundInDirectory
from cucmos_shell.errors import BadValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node

family = Family()

DIRECTORY = "unitydirdb"
PAGE = " page"


def _database(node: Node, text: str) -> str:
    if text != DIRECTORY:
        details = (f"Databases: {DIRECTORY}",)
        raise BadValue("{name} is not a known database", name=text, details=details)
    return text


DATABASE = Argument(
    "database", "database", choices=lambda _: (DIRECTORY,), open=True, parse=_database
)
STATEMENT = Argument("statement", "SELECT statement, and page behind it to stop", raw=True)


@family.command(
    "run cuc dbquery <database> <statement...>",
    level=1,
    arguments=(DATABASE, STATEMENT),
    examples=(
        "run cuc dbquery unitydirdb select hostname,serverstate from vw_vmsserver",
        "run cuc dbquery unitydirdb select first 100 alias,dtmfaccessid from vw_user",
    ),
    form=FoundInDirectory.form,
)
def query_database(node: Node, database: str, statement: str) -> FoundInDirectory:
    """Ask the tables of the directory, unitydirdb.

    Statements are as of `run sql`; with `page` behind it the output stops at each page. The
    servers of the cluster are in vw_vmsserver. There are no users and no call handlers: vw_user,
    vw_usertemplate, vw_subscriber, vw_subscriberbasic, vw_mailbox, vw_callhandler, vw_menuentry,
    vw_alternatecontactnumber, vw_alternatecontactnumber_subscriber and vw_transferoptiondisplay
    are empty. Other databases are not simulated.
    """
    from cucmos_shell.node.directory_tables import DirectoryTables
    from cucmos_shell.node.query import ask

    pages = statement.endswith(PAGE)
    answer = ask(DirectoryTables(node), statement.removesuffix(PAGE))
    return FoundInDirectory(answer, pages)
