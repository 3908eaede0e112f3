"""Pickles read as data: what Python 2 and 3 write is read; nothing that a file names is ever run."""

import builtins
import copyreg
import importlib
import io
import os
import pickle
import pickletools
import random
import struct
import subprocess
import tracemalloc

import numpy as np
import pytest

from likeness.data import pickle_machine, pickled_arrays
from likeness.data.pickle_instructions import INSTRUCTIONS
from likeness.data.safe_pickle import LONG, NAMES, Array, Blob, load
from python2_pickle import pickled


def read(raw, where="x.npy"):
    return load(io.BytesIO(raw), where)


def plain(value, stream):
    """What `load` gave, with strings fetched and arrays as lists: to compare with what was pickled."""
    if isinstance(value, Blob):
        return value.read(stream)
    if isinstance(value, Array):
        return [plain(v, stream) for v in value.items] if isinstance(value.items, list) else value.numbers().tolist()
    if isinstance(value, dict):
        return {k: plain(v, stream) for k, v in value.items()}
    return type(value)(plain(v, stream) for v in value) if isinstance(value, list | tuple) else value


def objects(*items):
    array = np.empty(len(items), object)
    array[:] = items
    return array


SAMPLE = {
    0: [{b"productid": 3, b"when": -1.5}, {b"productid": 70_000}],
    -5: (),
    b"k": (1,), b"kk": (1, 2), b"kkk": (1, 2, 3), b"kkkk": (1, 2, 3, 4),
    b"imgs": bytes(range(256)) * 5,
    b"quotes": b"it's \"so\"\n\\x00 \r\t\x00\xff",
    b"big": 2**40, b"huge": -(2**63), b"none": None, b"yes": True, b"no": False, b"empty": b"", b"nothing": {},
    b"l": [],
}  # fmt: skip


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_python_2_is_read(protocol):
    raw = pickled(SAMPLE, protocol)
    found = read(raw)
    assert isinstance(found[b"imgs"], Blob)
    assert plain(found, io.BytesIO(raw)) == SAMPLE


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_the_emitter_writes_what_the_real_pickle_reads(protocol):
    """Python's own unpickler, told to keep strings as bytes, is the oracle of the test's own writer."""
    sample = SAMPLE | {b"array": objects(1, {b"c": np.eye(3)[1]}), b"numbers": np.arange(40, dtype=">i4")}
    want = pickle.loads(pickled(sample, protocol), encoding="bytes")  # noqa: S301  written three lines up
    assert {k: v for k, v in want.items() if k in SAMPLE} == SAMPLE
    assert want[b"array"][1][b"c"].tolist() == [0.0, 1.0, 0.0]
    raw = pickled(sample, protocol)
    found = plain(read(raw), io.BytesIO(raw))
    assert found[b"array"] == [1, {b"c": [0.0, 1.0, 0.0]}]
    assert found[b"numbers"] == list(range(40))


@pytest.mark.parametrize("protocol", range(5))
def test_python_3_is_read(protocol):
    sample = {k: v for k, v in SAMPLE.items() if v != b""} | {"text": "déjà vu " * 60, "short": "naïve"}
    sample |= {"array": objects(b"\xff" * 9, [1]), "scalar": np.float32(1.5), "n": np.int64(-7), "long": np.arange(300)}
    raw = pickle.dumps(sample, protocol)
    found = read(raw)
    assert isinstance(found["text"], Blob)
    assert isinstance(found[b"imgs"], Blob)
    want = sample | {"array": [b"\xff" * 9, [1]], "scalar": 1.5, "n": -7, "long": list(range(300))}
    assert plain(found, io.BytesIO(raw)) == want


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("dtype", [">f8", "<f4", "<f2", "|i1", "|b1", ">u2", "<i8"])
def test_arrays_of_numbers(dtype, protocol):
    six = np.arange(6).astype(dtype)
    for array in (six, np.asfortranarray(six.reshape(2, 3)), *([six[:0]] if protocol > 2 else [])):
        found = read(pickle.dumps(array, protocol)).numbers()
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)
        assert not found.flags.writeable


def test_a_list_that_holds_itself_is_one_list():
    value = [1]
    value.append(value)
    found = read(pickle.dumps(value, 2))
    assert found[1] is found


class Runs:
    """Pickled as "call this"."""

    def __init__(self, function, *arguments, state=None):
        self.call = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.call


class ByCopyreg:
    pass


def payloads(marker):
    """(pickle of something that makes the marker file when it is run, the global that it asks for)."""
    touch, code = f"touch {marker}", f"open({str(marker)!r}, 'w').close()"
    copyreg.pickle(ByCopyreg, lambda _: (os.system, (touch,)))
    runs = [
        (Runs(os.system, touch), "posix.system"),
        (Runs(subprocess.call, ["touch", str(marker)]), ".call"),  # Python 3 renames the module below protocol 3
        (Runs(subprocess.Popen, ["touch", str(marker)]), ".Popen"),
        (Runs(builtins.eval, code), "eval"),
        (Runs(builtins.exec, code), "exec"),
        (Runs(builtins.getattr, os, "system"), "getattr"),
        (Runs(importlib.import_module, "antigravity"), "importlib.import_module"),
        (Runs(open, str(marker), "w"), "open"),
        (Runs(np.load, "x.npy"), "numpy.load"),
        (Runs(np.testing.rundocs, str(marker)), "rundocs"),
        (Runs(pickle.loads, pickle.dumps(Runs(os.system, touch))), "loads"),
        (Runs(io.FileIO, str(marker), "w"), "FileIO"),
        (Runs(bytearray, 10**12), "bytearray"),
        (ByCopyreg(), "posix.system"),
        (objects({0: [{b"productid": Runs(os.system, touch)}]}), "posix.system"),
    ]
    for made, asked in runs:
        for protocol in range(5):
            try:
                yield pickle.dumps(made, protocol), asked
            except (pickle.PicklingError, TypeError):  # a module as an argument
                continue
    yield f"cos\nsystem\n(S'{touch}'\ntR.".encode(), "os.system"
    yield f"(S'{touch}'\nios\nsystem\n.".encode(), "os.system"
    yield f"(cos\nsystem\nS'{touch}'\no.".encode(), "os.system"
    yield f"c__builtin__\neval\n(S{code!r}\ntR.".encode(), "__builtin__.eval"
    yield f"cnumpy.testing\nrunstring\n(S{code!r}\n}}tR.".encode(), "numpy.testing.runstring"
    yield b"\x80\x04\x8c\x05numpy\x8c\x13ndarray.__class__.x\x93.", "numpy.ndarray.__class__.x"
    yield b"\x80\x04\x8c\x16numpy._core.multiarray\x8c\x0f_reconstruct.eq\x93.", "_reconstruct.eq"
    yield b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.", "os.system"
    yield b"\x80\x02cnumpy\nndarray\ncnumpy\nmatrix\n.", "numpy.matrix"
    yield b"c_codecs\ndecode\n(S'x'\nS'zip'\ntR.", "_codecs.decode"


def test_nothing_is_run_and_the_error_names_what_was_asked_for(tmp_path):
    marker = tmp_path / "was-run"
    count = 0
    for raw, asked in payloads(marker):
        with pytest.raises(ValueError, match="asks for the global .*nothing of the file was run") as caught:
            read(raw, "data/evil.npy")
        assert asked in str(caught.value)
        assert str(caught.value).startswith("data/evil.npy: byte ")
        assert not marker.exists()
        count += 1
    assert count > 60


def test_the_payloads_do_run_elsewhere(tmp_path):
    """The test above would show nothing if its payloads were duds."""
    marker = tmp_path / "was-run"
    raw = next(raw for raw, _ in payloads(marker))
    pickle.loads(raw)  # noqa: S301  to see that it runs
    assert marker.exists()


def test_only_this_is_admitted():
    arrays = [f"numpy.{core}.multiarray.{name}" for core in ("_core", "core") for name in ("_reconstruct", "scalar")]
    assert sorted(".".join(k) for k in NAMES) == ["_codecs.encode", *arrays, "numpy.dtype", "numpy.ndarray"]


def test_instructions_that_data_need_not_are_refused_by_name():
    handled = {code.decode("latin-1") for code in INSTRUCTIONS} | {"."}
    others = [op for op in pickletools.opcodes if op.code not in handled]
    assert {"PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4", "OBJ", "NEWOBJ", "NEWOBJ_EX", "DUP", "POP", "LONG4",
            "BYTEARRAY8", "NEXT_BUFFER", "FROZENSET"} < {op.name for op in others}  # fmt: skip
    for op in others:
        with pytest.raises(ValueError, match=rf"x.npy: byte 1: instruction {op.name}: .*refused"):
            read(op.code.encode("latin-1") + b"aaaaaaaaaa.")
    with pytest.raises(ValueError, match="instruction INST: .*refused"):
        read(b"(inumpy\ndtype\n.")
    with pytest.raises(ValueError, match=r"byte b'\\xfe' is no instruction"):
        read(b"\xfe.")


RECON, NDARRAY, DTYPE = b"cnumpy.core.multiarray\n_reconstruct\n", b"cnumpy\nndarray\n", b"cnumpy\ndtype\n"
SCALAR = b"cnumpy.core.multiarray\nscalar\n"
F8 = DTYPE + b"(U\x02f8K\x00K\x01tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
EMPTY = RECON + b"(" + NDARRAY + b"K\x00\x85U\x01btR"


def array_of(shape, data, dtype=F8, fortran=b"\x89"):
    return EMPTY + b"(K\x01" + shape + dtype + fortran + data + b"tb."


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (RECON + b"(" + DTYPE + b"K\x00\x85U\x01btR.", "calls _reconstruct with other arguments"),
        (RECON + b"(" + RECON + b"K\x00\x85U\x01btR.", "calls _reconstruct with other"),
        (RECON + b"(" + NDARRAY + b"J\xff\xff\xff\x7f\x85U\x01btR.", "calls _reconstruct with other"),
        (RECON + b"(" + NDARRAY + b"K\x00\x85U\x01OtR.", "calls _reconstruct with other"),
        (RECON + b")R.", "calls _reconstruct with other"),
        (RECON + b"NR.", "calls _reconstruct with other"),
        (NDARRAY + b"(K\x05\x85tR.", "calls ndarray with other"),
        (DTYPE + b"(U\x06V99999K\x00K\x01tR.", "calls dtype with other"),
        (DTYPE + b"(U\x02V9K\x00K\x01tR.", "calls dtype with other"),
        (DTYPE + b"(](U\x01aU\x02f8\x86eK\x00K\x01tR.", "calls dtype with other"),
        (DTYPE + b"(U\x02O8K\x01K\x01tR.", "calls dtype with other"),
        (b"K\x05)R.", "calls a int as if it were a function"),
        (b"U\x04eval)R.", "calls a bytes as if it were a function"),
        (b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x03\x00\x00\x00zip" + b"tR.", "calls encode with other"),
        (b"c_codecs\nencode\n(X\x03\x00\x00\x00\xe2\x82\xacX\x06\x00\x00\x00latin1tR.", "latin-1"),
        (F8[:-2] + b"tbK\x01b.", "gives a DType a state"),
        (F8 + b"(K\x03U\x01>NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb.", "gives a DType a state"),
        (F8.replace(b"NNN", b"(K\x00tNN") + b".", "gives a DType a state"),
        (F8.replace(b"NNN", b"N](U\x01ae}U\x01aK\x01s") + b".", "gives a DType a state"),  # named
        (RECON + b"}b.", "gives a Name a state"),
        (b"]}b.", "gives a list a state"),
        (array_of(b"J\xff\xff\xff\x7f\x85", b"U\x08" + b"\0" * 8), "need 17,179,869,176 items or bytes hold"),
        (array_of(b"(J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7ft", b"U\x08" + b"\0" * 8), "holds others"),
        (array_of(b"J\xff\xff\xff\xff\x85", b"U\x08" + b"\0" * 8), "gives a Array a state"),
        (array_of(b"(K\x01K\x01K\x01K\x01K\x01t", b"U\x08" + b"\0" * 8), "gives a Array a state"),
        (array_of(b"K\x00\x8a\x08" + b"\xff" * 7 + b"\x7f\x86", b"U\x00"), "gives a Array a state"),
        (array_of(b"K\x01\x85", b"](K\x01e"), "holds others"),  # a list of pointers as numbers
        (array_of(b"K\x01\x85", b"U\x08" + b"A" * 8, F8.replace(b"f8", b"O8")), "holds others"),  # numbers as pointers
        (array_of(b"K\x02\x85", b"](K\x01e", F8.replace(b"f8", b"O8")), "need 2 items"),
        (array_of(b"K\x01\x85", b"U\x08" + b"\0" * 8, DTYPE + b"(U\x02f8K\x00K\x01tR"), "gives a Array a state"),
        (array_of(b"K\x01\x85", b"U\x07" + b"\0" * 7), "need 8"),
        (SCALAR + b"(" + F8 + b"](NNNNNNNNetR.", "calls scalar with other"),
        (array_of(b"K\x26\x85", b"T\x2c\x01\0\0" + b"\0" * 300), "need 304 items or bytes holds others"),
        (SCALAR + b"(" + F8 + b"U\x07" + b"\0" * 7 + b"tR.", "calls scalar with other"),
        (SCALAR + b"(" + F8.replace(b"f8", b"O8") + b"U\x08" + b"A" * 8 + b"tR.", "calls scalar with other"),
    ],
)
def test_the_admitted_names_take_nothing_but_what_numpy_writes(raw, message):
    with pytest.raises(ValueError, match=message):
        read(raw)


def test_numpy_sees_nothing_before_it_is_checked(monkeypatch):
    seen = []
    monkeypatch.setattr(pickled_arrays.np, "frombuffer", lambda *a, **k: seen.append(a))
    read(array_of(b"K\x01\x85", b"U\x08" + b"\0" * 8))
    assert seen == []


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "the file ends before its pickle does"),
        (b"K", "cut short"),
        (b".", "ends with 0 values"),
        (b"NN.", "ends with 2 values"),
        (b"(N.", "1 marks"),
        (b"e.", "empty stack"),
        (b"Na.", "empty stack"),
        (b"(Na.", "empty stack"),  # not even through a mark
        (b"N\x86.", "empty stack"),
        (b"NNa.", "appends to a NoneType"),
        (b"](NNu.", "sets 2 keys and values of a list"),
        (b"}(Nu.", "sets 1 keys"),
        (b"})Ns.", "a key of type tuple"),
        (b"}NNs.", "a key of type NoneType"),
        (b"}\x88Ns.", "a key of type bool"),
        (b"}(K\x01NK\x01Nu.", "the key 1 twice"),
        (b"h\x05.", "takes memo 5, which was never kept"),
        (b"gx\n.", "invalid literal"),
        (b"I" + b"9" * 60 + b"\n.", "a line of more than 40 bytes"),
        (b"I1_x\n.", "invalid literal"),
        (b"\x8a\xff" + b"\1" * 255 + b".", "an integer of 255 bytes"),
        (b"c" + b"a" * 10_000 + b"\nb\n.", "a line of more than 256 bytes"),
        (b"T\xff\xff\xff\xff.", "declares a string of -1 bytes"),
        (b"T\xff\xff\xff\x7f.", "declares a string of 2,147,483,647 bytes where 1 are left"),
        (b"B\xff\xff\xff\xff.", "4,294,967,295 bytes where 1"),
        (b"\x8e" + b"\xff" * 8 + b".", "18,446,744,073,709,551,615 bytes where 1"),
        (b"\x8d" + b"\xff" * 8 + b".", "where 1"),
        (b"X\x01\x00\x00\x00\xff.", "utf-8"),
        (b"Sabc\n.", "without its quotes"),
        (b"S'\n.", "without its quotes"),
        (b"S'" + b"a" * 999, "without an end"),
        (b"\x80\x09.", "protocol 9"),
        (b"\x93.", "empty stack"),
        (b"NN\x93.", "a global by a NoneType and a NoneType"),
    ],
)
def test_damage_is_named(raw, message):
    with pytest.raises(ValueError, match=message):
        read(raw)


@pytest.mark.parametrize(
    "bomb",
    [b"]" * 400_000, b"}" * 400_000, b"(" * 400_000, b"N" + b"\x85" * 400_000,
     b"N" + b"".join(b"r" + struct.pack("<I", i) for i in range(100_000)), b"U\xff" + b"a" * 255 + b"(" * 100_000,
     b"X\xff\0\0\0" + "😀".encode() * 63 + b"aaa" + b"](" * 100_000],
)  # fmt: skip
def test_memory_is_counted_before_it_is_taken(bomb, monkeypatch):
    limit = 1 << 20
    monkeypatch.setattr(pickle_machine, "MEMORY", limit)
    tracemalloc.start()
    with pytest.raises(ValueError, match="needs more than 1,048,576 bytes of memory"):
        read(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.5 * limit + len(bomb)


def test_a_memo_index_allocates_nothing():
    tracemalloc.start()
    assert read(b"Nr\xff\xff\xff\xff.") is None  # C's unpickler makes room for 4 billion entries here
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


def test_long_strings_stay_in_the_file():
    raw = pickled({i: bytes([i]) * 1_000_000 for i in range(30)}, 2)
    stream = io.BytesIO(raw)
    tracemalloc.start()
    found = load(stream, "x")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000
    assert found[29].read(stream) == bytes([29]) * 1_000_000
    assert [len(pickled(b"a" * n, 2)) - n for n in (LONG - 1, LONG)] == [5, 8]  # the border is Python's own


def test_a_deep_nest_is_read_and_forgotten():
    assert isinstance(read(b"N" + b"\x85" * 100_000 + b"."), tuple)


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_fuzz(protocol):
    """Random cuts and flips: data or a ValueError that names the file, and never anything else."""
    raw = pickled(objects(SAMPLE, {b"c": np.eye(3)[0]}, 5), protocol)
    rng = random.Random(protocol)
    refused = 0
    for _ in range(1500):
        bad = bytearray(raw[: rng.randrange(len(raw))] if rng.random() < 0.2 else raw)
        for _ in range(rng.randrange(1, 6)):
            if bad:
                bad[rng.randrange(len(bad))] = rng.choice([rng.randrange(256), *b"cRbt.(}]\x93\x81\x82Q"])
        try:
            read(bytes(bad))
        except ValueError as error:
            assert str(error).startswith("x.npy: byte ")  # noqa: PT017  counted below
            refused += 1
    assert refused > 300
