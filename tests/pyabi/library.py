"""The room pyabi, loaded into the Python that it is to describe: 3.8 and later."""

import ctypes
import sys

NONE = 0xFFFFFFFF
CFRAME, INSTR_INDEX, TAGGED_CODE, QUALNAME, FREE_THREADED, DEBUG_BUILD, TLBC = (
    1 << bit for bit in range(7))
LNOTAB, LINETABLE, LOCATIONS = range(3)
OFFSETS_BYTES = 888
LAYOUT_BYTES = 4096  # more than struct pyabi_layout


class Text(ctypes.Structure):
    """struct pyabi_text"""
    _fields_ = [("compact", ctypes.c_bool), ("char_bytes", ctypes.c_uint),
                ("data_offset", ctypes.c_uint32)]


def pointer(address):
    return ctypes.c_void_p.from_address(address).value or 0


def word(address):
    return ctypes.c_uint32.from_address(address).value


def runtime_address():
    """Of _PyRuntime."""
    return ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))


class Layout:
    """What pyabi_layout_init makes of the running interpreter; its members are attributes."""

    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.raw = (ctypes.c_char * LAYOUT_BYTES)()
        self.library.pyabi_layout_init.argtypes = [
            ctypes.c_uint32, ctypes.c_bool, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
        result = self.library.pyabi_layout_init(
            sys.hexversion, hasattr(sys, "gettotalrefcount"), runtime_address(), OFFSETS_BYTES,
            self.raw)
        if result:
            raise SystemExit("pyabi_layout_init(%#x): %d" % (sys.hexversion, result))
        name, value, index = ctypes.c_char_p(), ctypes.c_uint32(), 0
        member = self.library.oracle_layout_member
        member.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p]
        while member(self.raw, index, ctypes.byref(name), ctypes.byref(value)):
            setattr(self, name.value.decode(), value.value)
            index += 1
        self.library.pyabi_text_of.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        self.library.pyabi_text_of.restype = Text
        self.library.pyabi_text_to_utf8.argtypes = [
            ctypes.c_uint, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t]
        self.library.pyabi_text_to_utf8.restype = ctypes.c_size_t
        self.library.oracle_lines.argtypes = [
            ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int32, ctypes.c_char_p,
            ctypes.c_size_t, ctypes.c_void_p]
        self.library.oracle_lines.restype = None

    def has(self, feature):
        return bool(self.features & feature)

    def lines(self, instrs, first_line, table):
        """pyabi_line of each instruction."""
        count = len(instrs)
        lines = (ctypes.c_uint32 * count)()
        self.library.oracle_lines(self.raw, (ctypes.c_uint32 * count)(*instrs), count, first_line,
                                  table, len(table), lines)
        return list(lines)

    def text(self, address):
        """The str object at an address: its characters as UTF-8, None if they are elsewhere."""
        text = self.library.pyabi_text_of(self.raw, word(address + self.unicode_state))
        if not text.compact:
            return None
        length = pointer(address + self.unicode_length)
        size = length * 4 + 1
        out = (ctypes.c_char * size)()
        bytes_needed = self.library.pyabi_text_to_utf8(
            text.char_bytes, address + text.data_offset, length, out, size)
        return out.raw[:bytes_needed]

    def bytes(self, address):
        """The bytes object at an address."""
        return ctypes.string_at(address + self.bytes_data, pointer(address + self.bytes_size))
