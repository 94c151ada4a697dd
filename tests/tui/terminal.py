"""A terminal to look at: a window of tmux, whose keyboard and size are ours."""

import os
import re
import subprocess
import time

# A machine with more to do than processors takes its time.
PATIENCE_SECONDS = 30

# How the terminal was before and after a program in the foreground, and the program's process id.
_AROUND = """\
# Keys that interrupt the foreground are for the program.
trap : INT QUIT
stty -a >before
sh -c 'echo $$ >pid; exec "$@"' sh "$@"
status=$?
stty -a >after
echo "the shell goes on: $status"
exec cat
"""

# The same with job control, for what stops and continues.
_SHELL = """\
set -m
PS1='prompt> '
"""


class Terminal:
    """Runs one command at a time, in a folder of its own."""

    def __init__(self, folder, columns=80, rows=24):
        self.folder = folder
        self.columns, self.rows = columns, rows
        self.socket = os.path.join(folder, "tmux")
        self.write("tmux.conf", "set -sg escape-time 0\nset -g status off\nset -g remain-on-exit on\n"
                   "set -g default-terminal screen-256color\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(self._command("kill-server"), capture_output=True, check=False)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read()

    def _command(self, *arguments):
        return ["tmux", "-u", "-S", self.socket, "-f", os.path.join(self.folder, "tmux.conf"), *arguments]

    def tmux(self, *arguments):
        environment = {name: value for name, value in os.environ.items() if name not in ("TMUX", "TMUX_PANE")}
        done = subprocess.run(self._command(*arguments), env=environment, capture_output=True, text=True, check=False,
                              cwd=self.folder)
        if done.returncode:
            raise AssertionError(f"tmux {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def _window(self, command, environment):
        settings = {"LANG": "C.UTF-8", **(environment or {})}
        self.tmux("new-session", "-d", "-x", str(self.columns), "-y", str(self.rows), "-c", self.folder, "env", "-u", "NO_COLOR",
                  "-u", "FORCE_COLOR", "-u", "COLUMNS", "-u", "LC_ALL", *[f"{k}={v}" for k, v in settings.items()], *command)

    def start(self, *command, environment=None):
        """The command in the foreground, and behind it the line "the shell goes on: STATUS"."""
        self.write("around", _AROUND)
        self._window(["sh", "around", *command], environment)

    def start_shell(self):
        """A shell with job control and the prompt "prompt> "."""
        self.write("profile", _SHELL)
        self._window(["bash", "--noprofile", "--rcfile", os.path.join(self.folder, "profile"), "-i"], None)
        self.wait_for(r"^prompt>")

    def lines(self, colors=False):
        return self.tmux("capture-pane", "-p", *(["-e"] if colors else [])).rstrip("\n").split("\n")

    def text(self, colors=False):
        return "\n".join(self.lines(colors))

    def wait_for(self, pattern, there=True, colors=False):
        """The screen once the pattern is on it, or is not."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            text = self.text(colors)
            if (re.search(pattern, text, re.MULTILINE) is not None) == there:
                return text
            if time.monotonic() > deadline:
                raise AssertionError(f"{pattern!r} is {'not' if there else 'still'} on the screen:\n{text}")
            time.sleep(0.05)

    def press(self, *keys):
        """By tmux's names for keys."""
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def resize(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def state(self):
        """(whether a program has the other screen, whether the cursor is shown)"""
        words = self.tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}").split()
        return words[0] == "1", words[1] == "1"

    def pid(self):
        return int(self.read("pid"))

    def end(self):
        """The status of what was started, once it has ended; the terminal must be as it was."""
        text = self.wait_for(r"^the shell goes on: \d+")
        size = re.compile(r"rows \d+; columns \d+;")
        before, after = (size.sub("", self.read(name)) for name in ("before", "after"))
        if before != after:
            raise AssertionError(f"the terminal was\n{before}\nand is\n{after}")
        if self.state() != (False, True):
            raise AssertionError(f"other screen, cursor: {self.state()}")
        return int(re.search(r"^the shell goes on: (\d+)", text, re.MULTILINE).group(1))
