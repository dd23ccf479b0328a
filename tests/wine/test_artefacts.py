"""The Windows files themselves: hardening flags, exports, imports with their reasons, version resource, size."""
import os
import re
import subprocess

import pytest

import wine_world
import world as worlds

FILES = ("ecsagent.dll", "ecsagent.exe", "ecslocal.exe")


def explained():
    """What may be imported and why: build/checks/imports.txt, which `make dll` holds against the files."""
    with open(os.path.join(worlds.ROOT, "build", "checks", "imports.txt")) as f:
        return set(re.findall(r"^([a-z]\w*\.dll) ", f.read(), re.M))


def dump(file, *options):
    return subprocess.run(["x86_64-w64-mingw32-objdump", *options, os.path.join(wine_world.WIN_OUT, file)],
                          check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.mark.parametrize("file", FILES)
def test_addresses_are_random_in_64_bits_and_data_does_not_run(file):
    text = dump(file, "-p")
    for flag in ("HIGH_ENTROPY_VA", "DYNAMIC_BASE", "NX_COMPAT"):
        assert flag in text, flag
    assert "relocations stripped" not in text


@pytest.mark.parametrize("file", FILES)
def test_only_parts_of_windows_are_imported(file):
    found = {name.lower() for name in re.findall(r"DLL Name: (\S+)", dump(file, "-p"))}
    if file == "ecsagent.exe":
        found.remove("ecsagent.dll")
    assert found <= explained(), found - explained()


def test_the_library_exports_its_interface_and_nothing_else():
    text = dump("ecsagent.dll", "-p")
    table = text[text.index("[Ordinal/Name Pointer] Table"):]
    names = set(re.findall(r"^\s*\[\s*\d+\][^\n]*?(\w+)$", table.split("\n\n")[0], re.M))
    with open(os.path.join(worlds.ROOT, "native", "ecsagent.sym")) as f:
        assert names == set(re.findall(r"^ecsagent_\w+", f.read(), re.M))


@pytest.mark.parametrize("file", ("ecsagent.dll", "ecslocal.exe"))
def test_stacks_are_guarded(file):
    symbols = subprocess.run(["x86_64-w64-mingw32-nm", os.path.join(wine_world.WIN_OUT, "full", file)], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    assert "__stack_chk_fail" in symbols


@pytest.mark.parametrize("file", FILES)
def test_each_file_tells_its_version(file):
    with open(os.path.join(worlds.ROOT, "ECSTools.psd1")) as f:
        version = re.search(r"ModuleVersion\s*=\s*'([\d.]+)'", f.read()).group(1)
    with open(os.path.join(wine_world.WIN_OUT, file), "rb") as f:
        data = f.read()
    for name, value in (("ProductVersion", version), ("OriginalFilename", file), ("ProductName", "ECSTools")):
        assert (name + "\0").encode("utf-16le") in data and (value + "\0").encode("utf-16le") in data


def test_the_library_is_small():
    assert os.path.getsize(os.path.join(wine_world.WIN_OUT, "ecsagent.dll")) < 2.5e6


def test_each_event_is_a_line_that_the_agent_says():
    """native/agent/event_log.c knows events by the words of the log."""
    folder = os.path.join(worlds.ROOT, "native", "agent")

    def text(name):
        with open(os.path.join(folder, name)) as f:
            return f.read()
    table = re.findall(r'\{ "([^"]+)", EA_EVENT_', text("event_log.c"))
    assert len(table) >= 7
    said = "".join(text(name) for name in os.listdir(folder) if name.endswith(".c") and name != "event_log.c")
    for words in table:
        assert re.search(r'ea_(info|warn|error|crit)\([^;]*"%s"' % re.escape(words), said), words
