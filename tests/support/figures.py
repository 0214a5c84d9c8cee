"""Figures that tests measured: printed at the end of a session, whether its tests pass or not."""

LINES = []


def counted(text, **figures):
    line = text + ": " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items())
    LINES.append(line)
    print(line)
