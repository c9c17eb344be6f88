"""`set cert regen` where clock or files are not as they should be."""

YEAR = 365 * 86_400


def test_a_wrong_clock_does_not_outlast_its_correction(say):
    """A certificate begins at the clock's now, and that the clock was ahead is said once."""
    clock = say.node.world.now
    clock.time += YEAR
    assert "Warning: the clock" not in say("set cert regen tomcat", "yes")
    clock.time -= YEAR
    answer = say("set cert regen tomcat", "yes")
    assert "Warning: the clock says 20" in answer
    assert ", but the change before this one was made at 20" in answer
    assert say.node.snapshot().own("tomcat").row.not_before <= clock.time
    assert "Warning: the clock" not in say("set cert regen tomcat", "yes")
    assert say.status == 0
