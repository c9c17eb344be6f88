"""The page of the public API is what its docstrings say, and leaves nothing out."""

import inspect
import re

import api_page

from cucmos_shell import testing


def test_the_page_is_what_the_docstrings_say():
    """`python tests/support/api_page.py` has been run since the last change."""
    assert api_page.PAGE.read_text() == api_page.text()


def test_the_page_has_everything():
    """Each exported name, each public method, property and field, each fixture."""
    page = api_page.PAGE.read_text()
    headings = re.findall(r"^#+ `(\w+)`$", page, re.M)
    for name in testing.__all__:
        value = getattr(testing, name)
        assert name in headings
        assert value.__doc__, name
        if inspect.isclass(value) and value.__module__.startswith("cucmos_shell.testing"):
            for member in vars(value):
                if not member.startswith("_"):
                    assert re.search(rf"`{member}`|\b{member}:", page), f"{name}.{member}"
    designed = {
        "cucmos_template", "cucmos_node", "cucmos_ssh", "cucmos_shared_ssh", "cucmos_cluster",
        "cucmos_ca",
    }  # fmt: skip
    assert designed <= {name for name, _ in api_page.fixtures()} <= set(headings)
