"""`likeness data list | verify | fetch`, and the registry behind it. No network: one server on 127.0.0.1."""

from __future__ import annotations

import hashlib
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from likeness import cli
from likeness.data import registry
from likeness.data.command import fetch_command
from likeness.data.registry import SOURCES, VARIABLE, Download, Source
from range_server import HOST, RangeServer, serving

REAL = Path(os.environ.get(VARIABLE) or "/nowhere")
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command in this process, as its entry point runs it; without a data folder unless one is given."""
    monkeypatch.delenv(VARIABLE, raising=False)

    def call(*arguments: str, data: Path | None = None) -> tuple[int, str, str]:
        if data is not None:
            monkeypatch.setenv(VARIABLE, str(data))
        monkeypatch.setattr(sys, "argv", ["likeness", "data", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return call


def register(monkeypatch: pytest.MonkeyPatch, contents: dict[str, bytes], url: str = "") -> None:
    """A set "toy" of such files alone in what the command knows, to be fetched below `url`."""
    toy = Source(
        "toy", "files", ("fpq",), "public", "two [bold]files[/]", "their maker", "free of charge", "plain",
        files={path: hashlib.sha256(content).hexdigest() for path, content in contents.items()},
        sizes={path: len(content) for path, content in contents.items()},
        downloads={path: Download(f"{url}/{path}", len(c)) for path, c in contents.items()} if url else {},
    )  # fmt: skip
    monkeypatch.setattr("likeness.data.command.SOURCES", {"toy": toy})


def save(folder: Path, contents: dict[str, bytes]) -> None:
    for path, content in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def row(out: str, first: str) -> list[str]:
    """The cells of the row of a table that begins so."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]
    (found,) = (cells for cells in rows if cells[0] == first)
    return found


CONTENTS = {"toy/a.txt": b"first", "toy/b.txt": b"second"}


@pytest.mark.skipif(not (REAL / "SHA256SUMS").is_file(), reason=f"{VARIABLE} holds no SHA256SUMS")
def test_the_real_files_are_right(command):
    code, out, _ = command("verify", data=REAL)
    assert code == 0, out
    assert "20 ok, 0 differs, 0 missing" in out
    assert row(command("list")[1], "hm")[3] == "here"


def test_list_shows_every_set_and_where_it_is(command, tmp_path, monkeypatch):
    code, out, err = command("list")
    assert (code, err) == (0, "")
    for name, s in SOURCES.items():
        cells = row(out, name)
        assert cells[1:3] == [", ".join(s.papers), s.chip]
        assert cells[5:] == [s.terms, s.source]
    assert row(out, "iris")[3:5] == ["installed", "-"]
    assert row(out, "wardrobe")[3:5] == ["generated", "-"]
    assert row(out, "mnist")[3:5] == ["not here", "55.0 MB"]  # 47,040,016 + 60,008 + 7,840,016 + 10,008 bytes
    assert row(out, "amazon-fashion")[3:5] == ["not here", "3.3 GB"]
    assert f"{VARIABLE} is not set: only what is installed or generated is here" in out
    monkeypatch.setattr(registry, "content_sha256", None)  # nothing is hashed
    monkeypatch.setattr("likeness.data.command.content_sha256", None)
    save(tmp_path, {"uci/zoo/zoo.data": b"?", "mnist/t10k-labels-idx1-ubyte.gz": b"?",
                    "dvbpr/AmazonFashion6ImgPartitioned.npy": b"?", "fashion200k/labels/x.txt": b"?"})  # fmt: skip
    out = command("list", data=tmp_path)[1]
    names = ("zoo", "mnist", "hm", "amazon-fashion", "fashion200k")
    assert [row(out, name)[3] for name in names] == [
        "here", "in part (1 of 4)", "not here", "here, no hash", "in part (1 of 3), no hash",
    ]  # fmt: skip


def test_verify_says_of_each_file_whether_it_is_right(command, tmp_path, monkeypatch):
    register(monkeypatch, CONTENTS)
    save(tmp_path, CONTENTS)
    code, out, _ = command("verify", "toy", data=tmp_path)
    assert code == 0
    assert [line.split("│")[4].strip() for line in out.splitlines() if "toy/" in line] == ["ok", "ok"]
    (tmp_path / "toy/a.txt").unlink()
    assert command("verify")[0] == 0  # what is here is right
    code, out, _ = command("verify", "toy")
    assert code == 1
    assert "1 ok, 0 differs, 1 missing" in out
    (tmp_path / "toy/b.txt").write_bytes(b"secone")
    for names in ([], ["toy"]):
        code, out, _ = command("verify", *names)
        assert code == 1
        found, right = (hashlib.sha256(c).hexdigest() for c in (b"secone", b"second"))
        assert f"differs: sha256 {found}, expected {right}" in out
        assert "0 ok, 1 differs, 1 missing" in out


def test_a_file_that_cannot_be_read_is_not_right(command, tmp_path, monkeypatch):
    register(monkeypatch, CONTENTS)
    save(tmp_path, CONTENTS)

    def refused(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("likeness.data.command.content_sha256", refused)
    code, out, _ = command("verify", data=tmp_path)
    assert code == 1
    assert "differs: cannot be read (Permission denied)" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify"], f"{VARIABLE} is not set: expected the folder of the real data"),
        (["verify", "minst"], "unknown data set 'minst': did you mean 'mnist'? There are: point sets, iris"),
        (["verify", "iris"], "iris: comes with an installed package; there is nothing to verify"),
        (["verify", "tradesy"], "tradesy: no hash of its files is known to this project; there is nothing to verify"),
        (["fetch", "zoos"], "unknown data set 'zoos': did you mean 'zoo'?"),
        (["fetch", "../zoo"], "unknown data set '../zoo': did you mean 'zoo'?"),
        (["fetch", "zoo"], f"{VARIABLE} is not set"),
        (["fetch", "zoo", "--to", "/no/such/folder"], "/no/such/folder: expected an existing folder to save in"),
        (["fetch", "hm"], "hm cannot be fetched: Kaggle asks for a login"),
        (["fetch", "hm", "--yes"], "Terms: sample of the competition's data: research only"),
        (["fetch", "hm"], "hm/interactions_v1.tsv"),
        (["fetch", "amazon-men"], "Ask: Kang, Fang, Wang, McAuley, https://github.com/kang205/DVBPR"),
        (["fetch", "amazon-men"], "dvbpr/AmazonMenWithImgPartitioned.npy (a pickled array of dictionaries"),
        (["fetch", "kddcup2020-official"], "No hash of them is known: they are read unchecked"),
        (["fetch"], "Missing argument"),
        (["fetch", "zoo", "--http"], "No such option"),
    ],
)
def test_wrong_use_is_exit_2_with_a_way_out(command, arguments, message):
    code, out, err = command(*arguments)
    assert code == 2
    assert message in " ".join(err.split())
    assert out == ""


def test_a_folder_without_any_registered_file_is_no_success(command, tmp_path):
    code, _, err = command("verify", data=tmp_path)
    assert code == 2
    assert "none of the 20 registered files is there; is it the right folder?" in err
    code, _, err = command("list", data=tmp_path / "typo")
    assert code == 2
    assert "typo: expected an existing folder" in err


def test_what_needs_no_download_says_so(command):
    assert command("fetch", "iris")[:2] == (
        0,
        "iris: comes with an installed package (scikit-learn, sklearn.datasets (load_iris); UCI, doi:10.24432/C56C76; "
        "CC BY 4.0); there is nothing to fetch\n",
    )
    code, out, _ = command("fetch", "wardrobe")
    assert code == 0
    assert "is drawn anew by this project's code" in out


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RangeServer]:
    with serving({f"/{path}": content for path, content in CONTENTS.items()}, monkeypatch) as server:
        yield server


def get(folder: Path, yes: bool = True) -> int:
    return fetch_command("toy", folder, yes, in_clear={HOST}, pause=0.0)


def test_fetch_shows_the_terms_and_brings_what_is_missing(server, tmp_path, monkeypatch, capsys):
    register(monkeypatch, CONTENTS, server.address(""))
    assert get(tmp_path) == 0
    out = capsys.readouterr().out
    for text in ("two [bold]files[/]", "their maker", "terms  free of charge", f"{tmp_path}/toy/a.txt <- http://127"):
        assert text in out
    assert out.endswith(f"toy: fetched and checked 2 of 2, in {tmp_path}; set {VARIABLE}={tmp_path} to use them\n")
    assert {path: (tmp_path / path).read_bytes() for path in CONTENTS} == CONTENTS
    assert len(server.asked) == 2
    assert get(tmp_path, yes=False) == 0  # nothing to consent to
    assert "all files are here and right" in capsys.readouterr().out
    assert len(server.asked) == 2
    (tmp_path / "toy/a.txt").write_bytes(b"cut")
    assert get(tmp_path) == 0
    out = capsys.readouterr().out
    assert "in place of one that differs" in out
    assert "fetched and checked 1 of 2" in out
    assert len(server.asked) == 3
    assert (tmp_path / "toy/a.txt").read_bytes() == b"first"


def test_fetch_saves_where_the_data_is(server, tmp_path, monkeypatch, capsys):
    register(monkeypatch, CONTENTS, server.address(""))
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert fetch_command("toy", None, True, in_clear={HOST}) == 0
    assert capsys.readouterr().out.endswith(f"in {tmp_path}\n")
    assert (tmp_path / "toy/b.txt").read_bytes() == b"second"


def test_a_failed_download_is_exit_1_and_says_why(server, tmp_path, monkeypatch, capsys):
    register(monkeypatch, CONTENTS, server.address(""))
    server.files["/toy/b.txt"] = b"sec0nd"
    assert get(tmp_path) == 1
    err = capsys.readouterr().err
    assert "likeness: http://127.0.0.1" in err
    assert "not the registered file" in err
    assert [p.name for p in (tmp_path / "toy").iterdir()] == ["a.txt"]


def test_without_a_terminal_and_consent_nothing_is_asked_of_the_network(command, server, tmp_path, monkeypatch):
    register(monkeypatch, CONTENTS, server.address(""))
    monkeypatch.setattr(sys, "stdin", open(os.devnull))  # noqa: SIM115, PTH123
    code, out, err = command("fetch", "toy", "--to", str(tmp_path))
    assert code == 2
    assert "terms  free of charge" in out
    assert "nobody to ask for consent to its terms (no terminal); accept them with --yes" in err
    assert server.asked == []


def test_the_command_itself_asks_no_address_in_clear(command, server, tmp_path, monkeypatch):
    register(monkeypatch, CONTENTS, server.address(""))
    code, _, err = command("fetch", "toy", "--to", str(tmp_path), "--yes")
    assert code == 1
    assert "expected an https address; nothing is fetched in clear" in err
    assert server.asked == []


def test_declining_on_a_terminal_fetches_nothing(tmp_path):
    keyboard, terminal = pty.openpty()
    os.write(keyboard, b"n\n")
    done = subprocess.run([sys.executable, "-m", "likeness.cli", "data", "fetch", "zoo", "--to", str(tmp_path)],
                          stdin=terminal, capture_output=True, text=True, timeout=30)  # fmt: skip
    os.close(terminal)
    os.close(keyboard)
    assert done.returncode == 1, done
    assert "terms  CC BY 4.0" in done.stdout
    assert "Fetch on these terms? [y/N]" in done.stdout
    assert "declined: nothing was fetched" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_command_starts_light():
    code = (
        "import sys; sys.argv = ['likeness', 'data', 'list']\nimport likeness.cli\n"
        "try:\n    likeness.cli.main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "heavy = {'torch', 'numpy', 'pandas', 'scipy', 'matplotlib', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("sub", [[], ["list"], ["fetch"], ["verify"]])
def test_every_sub_command_explains_itself(command, sub):
    code, out, _ = command(*sub, "--help")
    assert code == 0
    assert "Usage" in out
