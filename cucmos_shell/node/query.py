"""Statements over the node's tables: SQLite in memory, which may read them and nothing else."""

from __future__ import annotations

import re
import sqlite3
import time

from cucmos_shell.errors import BadValue, NotFound, Refused, ShellError
from cucmos_shell.node.dialect import to_sqlite
from cucmos_shell.node.tables import CERTIFICATE_COLUMNS, CERTIFICATES, Tables
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cucmos_shell.node.directory_tables import DirectoryTables
    from cucmos_shell.node.tables import Rows

MAX_ROWS = 20_000
MAX_TEXT = 8 * 1024 * 1024  # characters of all cells
MAX_STEPS = 4_000_000  # of SQLite's machine
MAX_READ = 50_000  # certificates that are read from files
STEPS = 1000
# Processor seconds of a statement: one step may work through texts of 256 KiB.
MAX_SECONDS = 10.0
# Octets of all statements of the process at once, and of whatever else it has in SQLite. What is
# sorted is kept there, too: by itself it goes to files outside of the node, without a bound.
MAX_HEAP = 48 * 1024 * 1024
LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 256 * 1024,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 64 * 1024,
    sqlite3.SQLITE_LIMIT_COLUMN: 200,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 20,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 10,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
FUNCTIONS = (
    "abs", "avg", "coalesce", "count", "glob", "group_concat", "hex", "ifnull", "instr", "length",
    "like", "lower", "ltrim", "max", "min", "nullif", "nvl", "replace", "round", "rtrim", "substr",
    "substring", "sum", "to_char", "total", "trim", "upper",
)  # fmt: skip
_HIDDEN, _PEM, _SUBJECT = "certificate_rows", "certificate_pem", "certificate_subject"
_INDEX = (
    "sha256", "pkid", "issuername", "serialnumber", "ipv4address", "ipv6address", "timetolive",
    "servername", "tkcertificatedistribution",
)  # fmt: skip
_MADE = {"certificate": f"{_PEM}(sha256)", "subjectname": f"{_SUBJECT}(sha256)"}
_PLAIN = re.compile(r"\w+\Z")
# Columns of numbers, besides those whose names begin with `tk`: a text that is one is equal to it.
_NUMBERS = {"clustermemberid", "enum", "id", "nodeid", "serverdisplaystate", "serverstate",
            "subclusterid", "timetolive"}  # fmt: skip


class QueryResult(Value):
    """What a statement found: the names of the columns, and rows of texts; None is no value."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


def ask(tables: Tables | DirectoryTables, statement: str) -> QueryResult:
    """The answer of a node's tables to one SELECT.

    Raises NotFound for a table, column or function that is not there, BadValue for what is no
    statement, Refused for one that wants more than to read, or takes or finds too much.
    """
    if not re.match(r"\s*(?:select|with)\b", statement, re.IGNORECASE):
        raise Refused("Only SELECT is answered here; nothing was changed")
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        return _Query(connection, tables).answer(statement)
    except MemoryError:
        raise Refused("The statement takes too much memory: it was given up") from None
    finally:
        connection.close()


class _Query:
    """One statement; `problem` is why it was not carried out, as far as SQLite does not know."""

    def __init__(self, connection: sqlite3.Connection, tables: Tables | DirectoryTables) -> None:
        self._connection = connection
        self._tables = tables
        self._columns = tables.columns
        self._names = tuple(self._columns)
        self._problem: ShellError | None = None
        self._steps = self._read = 0
        self._begun = time.thread_time()

    def answer(self, statement: str) -> QueryResult:
        self._connection.execute("PRAGMA temp_store = MEMORY")
        self._connection.execute(f"PRAGMA hard_heap_limit = {MAX_HEAP}")
        self._fill(statement.casefold())
        for limit, most in LIMITS.items():
            self._connection.setlimit(limit, most)
        self._connection.set_authorizer(self._allowed)
        self._connection.set_progress_handler(self._step, STEPS)
        try:
            cursor = self._connection.execute(to_sqlite(statement))
            names = tuple(_heading(column[0]) for column in cursor.description or ())
            return QueryResult(names, self._fetched(cursor))
        except UnicodeError as error:
            raise _wrong("The statement is no text in UTF-8") from error
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise self._problem or self._explained(str(error)) from error

    def _fetched(self, cursor: sqlite3.Cursor) -> tuple[tuple[str | None, ...], ...]:
        rows: list[tuple[str | None, ...]] = []
        size = 0
        for found in cursor:
            row = tuple(None if cell is None else _text(cell) for cell in found)
            size += sum(len(cell or "") for cell in row)
            if len(rows) >= MAX_ROWS or size > MAX_TEXT:
                raise Refused("The statement finds more than {most} rows", most=len(rows))
            rows.append(row)
        return tuple(rows)

    # --- the tables ------------------------------------------------------------------------------

    def _fill(self, statement: str) -> None:
        """Make the tables; those that the statement cannot mean stay empty."""
        for name, columns in self._columns.items():
            rows = self._tables.rows(name) if name in statement else iter(())
            self._make(name, columns, rows)
        if isinstance(self._tables, Tables):
            self._fill_certificates(self._tables, asked=CERTIFICATES in statement)
        self._connection.create_function("nvl", 2, lambda one, two: two if one is None else one)
        self._connection.create_function(
            "to_char", 1, lambda one: None if one is None else str(one)
        )
        # The product tells small letters from capitals everywhere.
        self._connection.execute("PRAGMA case_sensitive_like = ON")

    def _fill_certificates(self, tables: Tables, *, asked: bool) -> None:
        self._names = (CERTIFICATES, *self._names)
        self._make(_HIDDEN, _INDEX, tables.certificates() if asked else iter(()))
        for function, read in ((_PEM, tables.pem), (_SUBJECT, tables.subject)):
            self._connection.create_function(function, 1, self._reading(read))
        columns = tuple(
            f"{_MADE[name]} AS {name}" if name in _MADE else name for name in CERTIFICATE_COLUMNS
        )
        made = f"SELECT {', '.join(columns)} FROM {_HIDDEN}"  # noqa: S608 - names of our own
        self._connection.execute(f"CREATE VIEW {CERTIFICATES} AS {made}")

    def _make(self, name: str, columns: tuple[str, ...], rows: Rows) -> None:
        typed = (f"{column} {_type(column)}" for column in columns)
        self._connection.execute(f"CREATE TABLE {name} ({', '.join(typed)})")
        places = ", ".join("?" * len(columns))
        insert = f"INSERT INTO {name} VALUES ({places})"  # noqa: S608 - names of our own
        self._connection.executemany(insert, rows)

    def _reading(self, made: Callable[[str], str]) -> Callable[[str], str]:
        def read(sha256: str) -> str:
            self._read += 1
            try:
                if self._read > MAX_READ:
                    raise Refused("The statement reads more than {n} certificates", n=MAX_READ)
                return made(sha256)
            except ShellError as error:
                self._problem = error
                raise

        return read

    # --- what it may, and how much ---------------------------------------------------------------

    def _step(self) -> bool:
        self._steps += STEPS
        if self._steps > MAX_STEPS or time.thread_time() - self._begun > MAX_SECONDS:
            self._problem = Refused("The statement takes too long: it was given up")
            return True
        return False

    def _allowed(
        self, action: int, one: str | None, two: str | None, _: str | None, view: str | None
    ) -> int:
        if action == sqlite3.SQLITE_SELECT:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ:
            table = (one or "").casefold()
            # An empty name is that of a subquery; without a column, rows are only counted.
            counted = table == _HIDDEN and not two
            if counted or not table or table in self._names or self._in_view(view):
                return sqlite3.SQLITE_OK
            return self._denied(self._no_table(one or ""))
        if action == sqlite3.SQLITE_FUNCTION:
            if (two or "").casefold() in FUNCTIONS or self._in_view(view):
                return sqlite3.SQLITE_OK
            return self._denied(_no_function(two or ""))
        if action == sqlite3.SQLITE_RECURSIVE:
            return self._denied(Refused("A query that asks itself is not answered"))
        return self._denied(Refused("Only SELECT is answered here; nothing was changed"))

    def _in_view(self, view: str | None) -> bool:
        return (view or "").casefold() == CERTIFICATES

    def _denied(self, problem: ShellError) -> int:
        self._problem = self._problem or problem
        return sqlite3.SQLITE_DENY

    # --- the product's words ---------------------------------------------------------------------

    def _no_table(self, name: str) -> ShellError:
        return NotFound(
            "The specified table ({name}) is not in the database.",
            name=name,
            details=(f"Tables: {', '.join(self._names)}",),
        )

    def _explained(self, message: str) -> ShellError:
        what, _, name = message.partition(": ")
        if what == "no such table":
            return self._no_table(name)
        if what == "no such function":
            return _no_function(name)
        if what == "no such column":
            return NotFound(
                "Column ({name}) not found in any table in the query (or SLV is undefined).",
                name=name,
            )
        return _wrong(message)


def _type(column: str) -> str:
    return "INTEGER" if column in _NUMBERS or column.startswith("tk") else "TEXT"


def _heading(name: str) -> str:
    """A column's name as the product has it: an expression stands in parentheses."""
    name = " ".join(name.split())
    return name if _PLAIN.match(name) else f"({name})"


def _text(cell: object) -> str:
    return cell.hex() if isinstance(cell, bytes) else str(cell)


def _wrong(reason: str) -> ShellError:
    return BadValue("A syntax error has occurred.", details=(reason,))


def _no_function(name: str) -> ShellError:
    return NotFound("Routine ({name}) can not be resolved.", name=name)
