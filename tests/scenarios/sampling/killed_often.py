"""The same as killed, a thousand times."""

FULL = True
ONE_PYTHON = True
LIMIT_SECONDS = 300


def scenario(lab):
    import samples

    killed, lab.script = samples.load("killed")
    killed.kill(lab, killed.OFTEN)
