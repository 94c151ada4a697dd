"""The room pyabi, loaded into the Python that it is to describe: 3.8 and later."""

import ctypes
import sys

NONE = 0xFFFFFFFF
CFRAME, INSTR_INDEX, TAGGED_CODE, QUALNAME, FREE_THREADED, DEBUG_BUILD, TLBC = (
    1 << bit for bit in range(7))
LNOTAB, LINETABLE, LOCATIONS = range(3)
OFFSETS_BYTES = 888
STRUCT_BYTES = 4096  # more than struct pyabi_layout, struct pyabi_objects
NULL, OBJECT, INT = range(3)  # enum pyabi_reference_kind
TYPE_HEAP, TYPE_LONG, TYPE_LIST, TYPE_TUPLE, TYPE_BYTES, TYPE_UNICODE, TYPE_DICT = (
    1 << bit for bit in (9, 24, 25, 26, 27, 28, 29))
LOCAL_HIDDEN, LOCAL_VARIABLE, LOCAL_CELL, LOCAL_FREE = 0x10, 0x20, 0x40, 0x80
NOWHERE = -1 << 63


class Text(ctypes.Structure):
    """struct pyabi_text"""
    _fields_ = [("compact", ctypes.c_bool), ("char_bytes", ctypes.c_uint),
                ("data_offset", ctypes.c_uint32)]


class Reference(ctypes.Structure):
    """struct pyabi_reference"""
    _fields_ = [("kind", ctypes.c_uint), ("value", ctypes.c_int64)]


class Integer(ctypes.Structure):
    """struct pyabi_integer"""
    _fields_ = [("negative", ctypes.c_bool), ("digits", ctypes.c_uint64)]


class Keys(ctypes.Structure):
    """struct pyabi_keys"""
    _fields_ = [("count", ctypes.c_uint64), ("entries", ctypes.c_uint64),
                ("entry_size", ctypes.c_uint32), ("key", ctypes.c_uint32),
                ("value", ctypes.c_uint32)]


class Type(ctypes.Structure):
    """struct pyabi_type"""
    _fields_ = [("name", ctypes.c_uint64), ("flags", ctypes.c_uint64), ("mro", ctypes.c_uint64),
                ("basicsize", ctypes.c_int64), ("itemsize", ctypes.c_int64),
                ("dictoffset", ctypes.c_int64)]


class Instance(ctypes.Structure):
    """struct pyabi_instance"""
    _fields_ = [("dict", ctypes.c_int64), ("values", ctypes.c_int64),
                ("inline_values", ctypes.c_int64)]


def pointer(address):
    return ctypes.c_void_p.from_address(address).value or 0


def word(address):
    return ctypes.c_uint32.from_address(address).value


def signed(address):
    return ctypes.c_int64.from_address(address).value


def integer(address):
    return ctypes.c_int32.from_address(address).value


def byte(address):
    return ctypes.c_uint8.from_address(address).value


def runtime_address():
    """Of _PyRuntime."""
    return ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))


def read_members(structure, member, into):
    """Makes the members of a C structure attributes."""
    name, value, index = ctypes.c_char_p(), ctypes.c_uint32(), 0
    member.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p]
    while member(structure, index, ctypes.byref(name), ctypes.byref(value)):
        setattr(into, name.value.decode(), value.value)
        index += 1


class Layout:
    """What pyabi_layout_init makes of the running interpreter; its members are attributes."""

    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.raw = (ctypes.c_char * STRUCT_BYTES)()
        self.library.pyabi_layout_init.argtypes = [
            ctypes.c_uint32, ctypes.c_bool, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
        result = self.library.pyabi_layout_init(
            sys.hexversion, hasattr(sys, "gettotalrefcount"), runtime_address(), OFFSETS_BYTES,
            self.raw)
        if result:
            raise SystemExit("pyabi_layout_init(%#x): %d" % (sys.hexversion, result))
        read_members(self.raw, self.library.oracle_layout_member, self)
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


class Objects:
    """What pyabi_objects_init makes of the running interpreter; its members are attributes. Reads values
    out of memory, knowing nothing but them."""

    def __init__(self, layout):
        self.layout, library = layout, layout.library
        self.raw = (ctypes.c_char * STRUCT_BYTES)()
        library.pyabi_objects_init.argtypes = [ctypes.c_uint32, ctypes.c_void_p, ctypes.c_size_t,
                                               ctypes.c_void_p]
        result = library.pyabi_objects_init(sys.hexversion, runtime_address(), OFFSETS_BYTES,
                                            self.raw)
        if result:
            raise SystemExit("pyabi_objects_init(%#x): %d" % (sys.hexversion, result))
        read_members(self.raw, library.oracle_objects_member, self)
        for function, arguments, returned in (
                ("reference", [ctypes.c_uint64], Reference),
                ("integer", [ctypes.c_void_p], Integer),
                ("keys", [ctypes.c_void_p, ctypes.c_void_p], ctypes.c_bool),
                ("type", [ctypes.c_void_p], Type),
                ("instance", [ctypes.c_void_p, ctypes.c_int64], Instance)):
            of = getattr(library, "pyabi_%s_of" % function)
            of.argtypes, of.restype = [ctypes.c_void_p] + arguments, returned

    def reference(self, word):
        return self.layout.library.pyabi_reference_of(self.raw, word)

    def type_of(self, address):
        copy = ctypes.string_at(pointer(address + self.object_type), self.type_size)
        return self.layout.library.pyabi_type_of(self.raw, copy)

    def name_of_type(self, address):
        return ctypes.string_at(self.type_of(address).name).decode()

    def integer(self, address):
        copy = ctypes.string_at(address, self.long_digits)
        head = self.layout.library.pyabi_integer_of(self.raw, copy)
        value = sum(word(address + self.long_digits + 4 * i) << 30 * i for i in range(head.digits))
        return -value if head.negative else value

    def float(self, address):
        return ctypes.c_double.from_address(address + self.float_value).value

    def items(self, address):
        """Addresses of the items of a tuple or list."""
        items = address + self.tuple_items
        if self.type_of(address).flags & TYPE_LIST:
            items = pointer(address + self.list_items)
        return [pointer(items + 8 * i) for i in range(signed(address + self.var_size))]

    def set(self, address):
        table, used = pointer(address + self.set_table), 0
        entries = (table + i * self.set_entry_size
                   for i in range(signed(address + self.set_mask) + 1))
        found = [pointer(entry + self.set_entry_key) for entry in entries
                 if pointer(entry + self.set_entry_key)
                 and signed(entry + self.set_entry_hash) != -1]
        used = signed(address + self.set_used)
        assert len(found) == used, (len(found), used)
        return found

    def keys(self, address):
        head = ctypes.string_at(address, self.keys_indices)
        keys = Keys()
        assert self.layout.library.pyabi_keys_of(self.raw, head, ctypes.byref(keys))
        return keys

    def table(self, address, values=0):
        """[(address of key, address of value)] of keys, with the values that are elsewhere."""
        keys, found = self.keys(address), []
        for i in range(keys.count):
            entry = address + keys.entries + i * keys.entry_size
            key, value = pointer(entry + keys.key), entry + keys.value
            if values:
                value = values + self.values_items + 8 * i
                assert self.values_capacity == NONE or i < byte(values + self.values_capacity)
            if pointer(value):
                found.append((key, pointer(value)))
        return found

    def dict(self, address):
        """As table, of a dict."""
        found = self.table(pointer(address + self.dict_keys), pointer(address + self.dict_values))
        used = signed(address + self.dict_used)
        assert len(found) == used, (len(found), used)
        return found

    def attributes(self, address):
        """As table, of an instance; and where it had them."""
        kind = self.type_of(address)
        where = self.layout.library.pyabi_instance_of(
            self.raw, ctypes.byref(kind), signed(address + self.var_size))
        keys = pointer(address + self.object_type) + self.heap_type_cached_keys
        if where.dict != NOWHERE:
            found = pointer(address + where.dict)
            if found & self.managed_values_tag:
                return self.table(pointer(keys), found + 1), "tagged values"
            if found:
                return self.dict(found), "dict"
        if where.values != NOWHERE and pointer(address + where.values):
            return self.table(pointer(keys), pointer(address + where.values)), "values"
        if where.inline_values != NOWHERE:
            values = address + where.inline_values
            if byte(values + self.values_valid):
                return self.table(pointer(keys), values), "inline values"
        return [], "nowhere"
