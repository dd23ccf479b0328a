"""Real registries in a world: with TLS and a login, behind a slow line, and images made by hand."""
import gzip
import hashlib
import json
import os
import warnings

import tls

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # deprecated, and nothing else here makes a hash that a registry takes
    import crypt

HOST = "registry.test"          # not on loopback: Docker checks its certificate
ADDRESS = "192.0.2.10"
PORT = 5443
NAME = "%s:%d" % (HOST, PORT)
SLOW_PORT = 5001


def prepare(world):
    """Name and address of the registry, its authority, and the engine's trust in it."""
    authority = tls.Authority(os.path.join(world.dir, "registry-ca"), "registry authority")
    world.run(["ip", "link", "set", "lo", "up"])
    world.run(["sh", "-c", "ip addr add %s/32 dev lo 2>/dev/null; true" % ADDRESS])
    world.run(["sh", "-c", "echo '%s %s' >> /etc/hosts" % (ADDRESS, HOST)])
    world.run(["sh", "-c", "mkdir -p /etc/docker/certs.d/%s && cat > /etc/docker/certs.d/%s/ca.crt" % (NAME, NAME)],
              input=open(authority.pem, "rb").read())
    return authority


def start(world, authority, user, password):
    """A registry with TLS and a login; ends with the test."""
    folder = os.path.join(world.dir, "registry-tls")
    os.makedirs(folder, exist_ok=True)
    certificate, key = authority.issue(HOST)
    hashed = crypt.crypt(password, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))
    with open(os.path.join(folder, "htpasswd"), "w") as f:
        f.write("%s:%s\n" % (user, hashed.replace("$2b$", "$2y$", 1)))
    config = os.path.join(folder, "config.yml")
    with open(config, "w") as f:
        f.write("version: 0.1\nstorage: {filesystem: {rootdirectory: %s/data}}\n"
                "http: {addr: '%s:%d', tls: {certificate: %s, key: %s}}\n"
                "auth: {htpasswd: {realm: test, path: %s/htpasswd}}\n"
                % (folder, ADDRESS, PORT, certificate, key, folder))
    process = world.spawn(["docker-registry", "serve", config], name="registry-tls")
    world.before_close.append(lambda: process.running and process.end())

    def listens():
        world.net.connect(ADDRESS, PORT, 1).close()
        return True
    world.wait("the registry to listen", listens, needs=[process])
    return process


def push(world, image, name, user, password):
    """Pushes a local image under a name of the registry, then forgets name and login here."""
    def logs_in():  # the engine reads /etc/hosts again after some seconds only
        world.run(["/usr/bin/docker", "-H", "unix:///run/docker.sock", "login", NAME, "-u", user, "--password-stdin"],
                  input=password.encode())
        return True
    world.wait("the engine to find the registry", logs_in, 20)
    world.docker("tag", image, name)
    world.docker("push", name)
    world.docker("rmi", name)
    world.docker("logout", NAME)


NGINX = """
daemon off;
master_process off;
pid {dir}/nginx.pid;
error_log {dir}/error.log warn;
events {{ worker_connections 256; }}
http {{
    access_log {dir}/access.log;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:5000;
            proxy_set_header Host $http_host;
        }}
        location ~ /blobs/ {{
            proxy_pass http://127.0.0.1:5000;
            proxy_set_header Host $http_host;
            proxy_max_temp_file_size 0;
            limit_rate {rate};
        }}
    }}
}}
"""


def slow_line(world, rate):
    """nginx before the plain registry on 127.0.0.1:5000 which lets `rate` bytes of a layer a second pass."""
    folder = os.path.join(world.dir, "nginx-slow")
    os.makedirs(folder, exist_ok=True)
    config = os.path.join(folder, "nginx.conf")
    with open(config, "w") as f:
        f.write(NGINX.format(dir=folder, port=SLOW_PORT, rate=rate))
    process = world.spawn(["nginx", "-c", config, "-e", folder + "/error.log"], name="nginx-slow")
    world.before_close.append(lambda: process.running and process.end())

    def listens():
        world.net.connect("127.0.0.1", SLOW_PORT, 1).close()
        return True
    world.wait("nginx to listen", listens, needs=[process])
    return process


def random_image(world, name, mib=8, count=1):
    """Pushes an image of `count` layers of random bytes over busybox to the plain registry."""
    for i in range(count):
        source = "busybox:latest" if i == 0 else name
        world.docker("run", "--name", "maker", source, "sh", "-c",
                     "dd if=/dev/urandom of=/blob%d bs=1024k count=%d 2>/dev/null" % (i, mib), timeout=120)
        world.docker("commit", "maker", name, timeout=120)
        world.docker("rm", "maker")
    world.docker("push", name, timeout=120)
    world.docker("rmi", name)


class Handmade:
    """Images for any platform, put into the plain registry by its own API."""

    def __init__(self, world, repository):
        self.world, self.repository = world, repository
        self.base = "http://127.0.0.1:5000/v2/" + repository
        self.name = "127.0.0.1:5000/" + repository

    def _blob(self, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        begun = self.world.http("POST", self.base + "/blobs/uploads/", {"Content-Length": "0"}, b"")
        assert begun.status == 202, begun
        place = begun.headers.get("location") or begun.headers["Location"]
        put = self.world.http("PUT", "%s%sdigest=%s" % (place, "&" if "?" in place else "?", digest),
                              {"Content-Type": "application/octet-stream"}, data)
        assert put.status == 201, put
        return digest, len(data)

    def _manifest(self, reference, body):
        data = json.dumps(body).encode()
        put = self.world.http("PUT", self.base + "/manifests/" + reference, {"Content-Type": body["mediaType"]}, data)
        assert put.status == 201, put
        return {"mediaType": body["mediaType"], "size": len(data),
                "digest": "sha256:" + hashlib.sha256(data).hexdigest()}

    def image(self, reference, **platform):
        """One image; answers its descriptor and the digest of its layer."""
        layer = b"\0" * 10240 + json.dumps(platform, sort_keys=True).encode() + b"\0" * 1000
        packed = gzip.compress(layer, mtime=0)
        config = dict(platform, config={}, rootfs={
            "type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]})
        c, l = self._blob(json.dumps(config).encode()), self._blob(packed)
        made = self._manifest(reference, {
            "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": c[0], "size": c[1]},
            "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "digest": l[0],
                        "size": l[1]}]})
        return made, l[0]

    def list(self, reference, *platforms):
        """A list of images, one a platform."""
        entries = [dict(self.image("part%d" % i, **p)[0], platform=p) for i, p in enumerate(platforms)]
        return self._manifest(reference, {
            "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json",
            "manifests": entries})
