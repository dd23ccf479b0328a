"""Images without a registry: root file systems made from Debian's busybox-static."""
import io
import subprocess
import tarfile

BUSYBOX = "/bin/busybox"


def applets():
    out = subprocess.run([BUSYBOX, "--list"], stdout=subprocess.PIPE, check=True, text=True).stdout
    return [name for name in out.split() if name != "busybox"]


def root_tar(extra=()):
    """A tar of a small root file system; `extra` rows are (path, mode, bytes)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        def add(name, mode, data=None, link=None):
            info = tarfile.TarInfo(name)
            info.mode, info.mtime = mode, 0
            if link is not None:
                info.type, info.linkname = tarfile.SYMTYPE, link
                tar.addfile(info)
            elif data is None:
                info.type = tarfile.DIRTYPE
                tar.addfile(info)
            else:
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))

        for folder, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777), ("root", 0o700),
                             ("proc", 0o555), ("sys", 0o555), ("dev", 0o755), ("var", 0o755),
                             ("www", 0o755), ("usr", 0o755), ("usr/local", 0o755)):
            add(folder, mode)
        with open(BUSYBOX, "rb") as f:
            add("bin/busybox", 0o755, f.read())
        for name in applets():
            add("bin/" + name, 0o777, link="busybox")
        add("etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
        add("etc/group", 0o644, b"root:x:0:\nnogroup:x:65534:\n")
        for path, mode, data in extra:
            add(path, mode, data)
    return buffer.getvalue()
