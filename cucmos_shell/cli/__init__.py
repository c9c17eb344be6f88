"""The command line: commands declared, lines understood, values shown. Knows no certificate."""
