"""Pages: the exact prompts, the keys, and where it stops."""

import pytest

from cucmos_shell.terminal.pager import Pager, Viewer, page_length

PROMPT = "\x1b[1mPress <enter> for 1 line, <space> for one page, or <q> to quit\x1b[0m"


def lines(first, last):
    return "".join(f"line {i}\n" for i in range(first, last + 1))


def test_the_prompt_and_its_wiping_are_the_original_bytes():
    assert Pager(24).prompt == PROMPT
    assert Pager(24).wipe == "\r\x1b[K"


@pytest.mark.parametrize(
    ("rows", "length"), [(24, 23), (40, 39), (1000, 999), (2, 1), (1, 23), (0, 23), (-1, 23)]
)
def test_a_page_is_the_rows_less_one_and_unknown_rows_are_24(rows, length):
    assert page_length(rows) == length


def test_output_that_fits_is_shown_without_asking():
    pager = Pager(10)
    pager.add(lines(1, 9))
    assert pager.take() == lines(1, 9)
    assert not pager.waiting


def test_it_waits_when_a_line_is_left():
    pager = Pager(10)
    pager.add(lines(1, 10))
    assert pager.take() == lines(1, 9)
    assert pager.waiting
    assert pager.take() == ""


def test_enter_shows_a_line_and_space_a_page():
    pager = Pager(10)
    pager.add(lines(1, 30))
    pager.take()
    assert pager.key("enter")
    assert pager.take() == lines(10, 10)
    assert pager.waiting
    assert pager.key("space")
    assert pager.take() == lines(11, 19)
    assert pager.waiting
    pager.key("space")
    pager.take()
    pager.key("space")
    assert pager.take() == lines(29, 30)
    assert not pager.waiting


def test_q_ends_it_and_swallows_what_would_follow():
    pager = Pager(10)
    pager.add(lines(1, 30))
    pager.take()
    assert pager.key("q")
    assert not pager.waiting
    pager.add(lines(31, 60))
    assert pager.take() == ""
    assert not pager.waiting


def test_other_keys_mean_nothing():
    pager = Pager(10)
    pager.add(lines(1, 30))
    pager.take()
    assert not pager.key("x")
    assert pager.waiting


def test_output_in_pieces_pages_like_output_in_one():
    pager = Pager(10)
    for i in range(1, 10):
        pager.add(lines(i, i))
        assert pager.take() == lines(i, i)
        assert not pager.waiting
    pager.add(lines(10, 10))
    assert pager.take() == ""
    assert pager.waiting


def test_a_resized_terminal_has_other_pages():
    pager = Pager(10)
    pager.add(lines(1, 30))
    pager.take()
    pager.rows = 5
    pager.key("space")
    assert pager.take() == lines(10, 13)


def view(first, last, count):
    return (
        "\x1b[1m\r\noptions: q=quit, n=next, p=prev, b=begin, e=end "
        f"(lines {first} - {last} of {count}) : \x1b[0m"
    )


def test_the_viewer_has_its_own_prompt_and_twenty_lines_a_page():
    viewer = Viewer(lines(1, 374))
    assert viewer.take() == lines(1, 20)
    assert viewer.prompt == view(1, 20, 374)
    assert viewer.key("n")
    assert viewer.take() == lines(21, 40)
    assert viewer.prompt == view(21, 40, 374)
    assert viewer.key("p")
    assert viewer.key("p")
    assert viewer.prompt == view(1, 20, 374)
    assert viewer.key("e")
    assert viewer.take() == lines(361, 374) + "end of the file reached\n"
    assert viewer.prompt == view(361, 374, 374)
    assert viewer.key("n")
    assert viewer.prompt == view(361, 374, 374)
    assert viewer.key("b")
    assert viewer.prompt == view(1, 20, 374)
    assert viewer.waiting
    assert viewer.key("q")
    assert not viewer.waiting
    assert viewer.take() == ""


def test_the_viewer_asks_even_for_three_lines():
    viewer = Viewer(lines(1, 3))
    assert viewer.take() == lines(1, 3) + "end of the file reached\n"
    assert viewer.prompt == view(1, 3, 3)
    assert viewer.waiting


def test_the_viewer_takes_n_with_or_without_cr():
    viewer = Viewer(lines(1, 50))
    viewer.key("n")
    assert not viewer.key("enter")
    assert viewer.prompt == view(21, 40, 50)


def test_the_viewer_shows_an_empty_file():
    viewer = Viewer("")
    assert viewer.take() == "end of the file reached\n"
    assert viewer.prompt == view(0, 0, 0)


def test_a_wide_line_takes_the_rows_the_terminal_breaks_it_into():
    """A page is the terminal's rows less one, whatever the lines' lengths."""
    pager = Pager(5, 10)
    pager.add("a" * 25 + "\nb\nc\n")
    assert pager.take() == "a" * 25 + "\nb\n"
    assert pager.waiting
    pager.key("space")
    assert pager.take() == "c\n"
    pager = Pager(3, 10)
    pager.add("x\n" + "y" * 50 + "\nz\n")
    assert pager.take() == "x\n"
    pager.key("enter")
    assert pager.take() == "y" * 50 + "\n"
