"""The module in the real PowerShell engine as a Windows process: the one assembly finds and calls ecsagent.dll, first
a fake with scripted answers, then the real one."""
import os
import shutil
import subprocess

import pytest

import wine_world
import world as worlds

SHELL = os.path.join(worlds.ROOT, "build", "out", "psh-win", "psh.exe")
SOURCES = os.path.join(worlds.ROOT, "tests", "psmodule", "fake", "fake_ecsagent.c")


@pytest.fixture(scope="module")
def manifests(tmp_path_factory):
    """Module folders as in a release: path of the manifest by what their native library is."""
    fake = tmp_path_factory.mktemp("fake") / "ecsagent.dll"
    subprocess.run(["x86_64-w64-mingw32-gcc", "-std=c17", "-O1", "-shared", "-Wall", "-Wextra",
                    "-Wno-missing-field-initializers", "-Werror", "-I", os.path.join(worlds.ROOT, "native"),
                    "-o", fake, SOURCES, "-Wl,-Bstatic", "-lpthread"], check=True)
    made = {}
    for name, dll in (("fake", fake), ("none", None), ("real", os.path.join(wine_world.WIN_OUT, "ecsagent.dll"))):
        folder = tmp_path_factory.mktemp(name) / "ECSTools"
        (folder / "psmodule" / "bin").mkdir(parents=True)
        shutil.copy(os.path.join(worlds.ROOT, "ECSTools.psd1"), folder)
        for file in os.listdir(os.path.join(worlds.ROOT, "psmodule")):
            if file.endswith(".ps1xml"):
                shutil.copy(os.path.join(worlds.ROOT, "psmodule", file), folder / "psmodule")
        shutil.copy(os.path.join(worlds.ROOT, "psmodule", "bin", "ECSTools.dll"), folder / "psmodule" / "bin")
        if dll:
            shutil.copy(dll, folder / "psmodule" / "bin" / "ecsagent.dll")
        made[name] = "Z:" + str(folder / "ECSTools.psd1").replace("/", "\\")
    return made


# What is shown, whose library, exit code, text of the output, command after the import.
CHECKS = [
    ("the module is loaded by its manifest", "fake", 0, "Initialize-ECSAgent", "Get-Command -Module ECSTools"),
    ("arguments reach the DLL as UTF-8", "fake", 0, "cluster=Größe drivers=- role=1",
     "Initialize-ECSAgent Größe -EnableIAMTaskRole -Verbose"),
    ("text comes back as UTF-8", "fake", 0, "grüß Gott €", "(Get-ECSAgentTask).Containers.Reason"),
    ("views work", "fake", 0, "simple-web:1         RUNNING       RUNNING    12.3    321", "Get-ECSAgentTask"),
    ("a variable set in the script reaches the DLL", "fake", 0, "backend=http://x",
     "$env:ECS_BACKEND_HOST = 'http://x'; Initialize-ECSAgent -Verbose"),
    ("the plan comes from the DLL", "fake", 0,
     'What if: Performing the operation "Install service" on target "AmazonECS".', "Initialize-ECSAgent -WhatIf"),
    ("a failure has its id and leaves 5", "fake", 5, "ECSConflict,",
     "$env:FAKE_ECSAGENT = 'conflict'; try { Initialize-ECSAgent } catch { $_.FullyQualifiedErrorId }; "
     "exit $LASTEXITCODE"),
    ("a missing DLL is told", "none", 0, "native library cannot be loaded from Z:\\",
     "try { Get-ECSAgent } catch { $_.Exception.Message }"),
    ("the real DLL tells that nothing is installed", "real", 0, "state=NotInstalled",
     '"state=$((Get-ECSAgent).State)"'),
    ("the real DLL has a plan", "real", 0, "What if: Performing the operation",
     "Initialize-ECSAgent -Cluster MyCluster -WhatIf"),
    ("without an agent there are no tasks to list", "real", 0, "ECSUnreachable,",
     "try { Get-ECSAgentTask } catch { $_.FullyQualifiedErrorId }"),
]


@pytest.mark.parametrize("library, code, text, command", [c[1:] for c in CHECKS], ids=[c[0] for c in CHECKS])
def test_in_the_real_engine(world, manifests, library, code, text, command):
    status, out, err = world.run(
        [wine_world.LOADER, SHELL, "-NoProfile", "-Command", "Import-Module '%s'; %s" % (manifests[library], command)],
        timeout=120, check=False)
    said = (out + err).replace("\r", "")
    assert status == code and text in said, "%s: %s" % (status, said)
