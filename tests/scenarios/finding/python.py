"""The Python inside a running process: which one, as it tells itself, whatever became of its file, its name and the
names in it."""

import json
import os
import shutil
import subprocess

ASK = ("import os, sys, sysconfig\n"
       "get = sysconfig.get_config_var\n"
       "print(sys.version.split()[0].rstrip('+'), int(hasattr(sys, 'gettotalrefcount')), "
       "int(bool(get('Py_GIL_DISABLED'))), os.path.realpath(sys.executable), sys.prefix, "
       "get('LIBDIR') + '/' + str(get('INSTSONAME')), os.getpid(), flush=True)\n"
       "sys.stdin.read()\n")


def gnu_hash(name):
    value = 5381
    for byte in name:
        value = value * 33 + byte & 0xffffffff
    return value


def twin(name):
    """Another name with the same hash."""
    for at in range(4, len(name) - 1):
        other = bytearray(name)
        other[at] += 1
        other[at + 1] -= 33
        if chr(other[at]).isalpha() and chr(other[at + 1]).isalpha():
            assert gnu_hash(name) == gnu_hash(other)
            return bytes(other)
    raise AssertionError(name)


def hide(path):
    """Takes away what says where things are: the sections, and the names of symbols that sonde knows."""
    with open(path, "r+b") as file:
        image = bytearray(file.read())
        for name in (b"_PyRuntime", b"Py_Version"):
            # Also as the end of a longer name, whose hash stays as well.
            assert name + b"\0" in image or name != b"_PyRuntime"
            image = image.replace(name + b"\0", twin(name) + b"\0")
        image[40:48] = bytes(8)  # e_shoff
        image[58:64] = bytes(6)  # e_shentsize, e_shnum, e_shstrndx
        file.seek(0)
        file.write(image)


class Subject:
    def __init__(self, lab, arguments, environment):
        self.process = lab.start(arguments, environment, stdin=subprocess.PIPE)
        words = self.process.stdout.readline().decode().split()
        if len(words) != 7:
            raise lab.Failure(f"{arguments} did not start: {self.process.stderr.read().decode()[-500:]}")
        self.version, debug, free_threaded, self.executable, self.prefix, self.library, pid = words
        self.pid = int(pid)
        self.debug = debug == "1"
        self.free_threaded = free_threaded == "1"


def look(lab, pid):
    done = subprocess.run([lab.sonde, "doctor", str(pid), "--json"], capture_output=True, timeout=60, check=False)
    lab.equal((done.returncode, done.stderr), (0, b""), "sonde doctor")
    return json.loads(done.stdout)["process"]


def check_subject(lab, what, subject):
    found = look(lab, subject.pid)
    python = found["python"] or {}
    lab.equal((python.get("version"), python.get("debug"), python.get("free_threaded")),
              (subject.version, subject.debug, subject.free_threaded), f"{what}: {found}")


def copy(lab, original, name):
    """The Python with files of its own: (command, environment, the file that holds the interpreter). Where it lies
    is seen through the process that runs it."""
    root = f"/proc/{original.pid}/root"
    executable = interpreter = lab.path(name)
    environment = {"PYTHONHOME": original.prefix}
    shutil.copy(root + original.executable, executable)
    if ".so" in original.library and os.path.exists(root + original.library):
        os.makedirs(lab.path(name + "-lib"))
        interpreter = lab.path(name + "-lib", os.path.basename(original.library))
        shutil.copy(root + original.library, interpreter)
        environment["LD_LIBRARY_PATH"] = os.path.dirname(interpreter)
    return executable, environment, interpreter


def check_copy(lab, original, name, before=None, after=None):
    executable, environment, interpreter = copy(lab, original, name)
    if before:
        before(interpreter)
    subject = Subject(lab, [executable, "-S", "-c", ASK], environment)
    if after:
        after(interpreter)
    check_subject(lab, name, subject)
    lab.equal(lab.finish(subject.process)[0], 0, f"{name}: the program")


def replace(path):
    shutil.copy("/bin/true", path + ".new")
    os.rename(path + ".new", path)


def strip(path):
    subprocess.run(["strip", path], check=True)


def scenario(lab):
    original = Subject(lab, [lab.python.path, "-S", "-c", ASK], {})
    check_subject(lab, "as it is", original)
    check_copy(lab, original, "renamed")
    check_copy(lab, original, "deleted", after=os.unlink)
    check_copy(lab, original, "replaced", after=replace)
    if shutil.which("strip"):
        check_copy(lab, original, "stripped", before=strip)
    check_copy(lab, original, "nameless", before=hide)
    lab.finish(original.process)
