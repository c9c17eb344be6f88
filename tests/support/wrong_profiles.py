"""What is said of a profile with a mistake."""

import pytest

from cucmos_shell.errors import ProfileError
from cucmos_shell.profile.load import load_yaml


def refused(path):
    """The message and the details of the error that reading a file gives."""
    with pytest.raises(ProfileError) as caught:
        load_yaml(str(path))
    return caught.value.message(), caught.value.details


def mistake(folder, text):
    """All that is said of `mine.yaml`, a product on top of `ucm-15`."""
    path = folder / "mine.yaml"
    path.write_text(f"format: 1\nname: mine\nbase: ucm-15\n{text}")
    message, details = refused(path)
    return "\n".join([message, *details])
