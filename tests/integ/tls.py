"""A certificate authority of the tests' own, and nginx as TLS terminator in a world."""
import os
import subprocess
import time

CONFIG = """
[ca]
default_ca = own
[own]
dir = {dir}
database = {dir}/index.txt
new_certs_dir = {dir}
serial = {dir}/serial
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = dn
prompt = no
[dn]
CN = x
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
"""


class Authority:
    """A root certificate in a folder; issues server certificates."""

    def __init__(self, folder, name):
        self.dir = folder
        os.makedirs(folder)
        self.config = os.path.join(folder, "openssl.cnf")
        with open(self.config, "w") as f:
            f.write(CONFIG.format(dir=folder))
        with open(os.path.join(folder, "index.txt"), "w"):
            pass
        with open(os.path.join(folder, "serial"), "w") as f:
            f.write("%d\n" % int(time.time()))
        self.pem, self.key = os.path.join(folder, "root.pem"), os.path.join(folder, "root.key")
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", self.pem,
                      "-days", "30", "-subj", "/CN=" + name, "-extensions", "root")

    def _openssl(self, *args):
        command = ["openssl", *args]
        if args[0] in ("req", "ca"):
            command[2:2] = ["-config", self.config]
        got = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if got.returncode:
            raise RuntimeError("%s\n%s" % (" ".join(command), got.stdout))

    def issue(self, host, start_days=-10, end_days=10):
        """A certificate for the host, valid between those days from now: (certificate, key)."""
        base = os.path.join(self.dir, "%s.%d.%d" % (host, start_days, end_days))

        def day(n):
            return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + n * 86400))
        self._openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", base + ".key",
                      "-out", base + ".csr", "-subj", "/CN=" + host, "-addext", "subjectAltName=DNS:" + host)
        self._openssl("ca", "-batch", "-notext", "-in", base + ".csr", "-out", base + ".pem", "-cert", self.pem,
                      "-keyfile", self.key, "-startdate", day(start_days), "-enddate", day(end_days))
        return base + ".pem", base + ".key"


NGINX = """
daemon off;
master_process off;
pid {dir}/nginx.pid;
error_log {dir}/error.log warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {cert};
        ssl_certificate_key {key};
        ssl_protocols {protocols};
        ssl_ciphers {ciphers};
        location / {{
            proxy_pass {backend};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_read_timeout 1h;
            proxy_buffering off;
        }}
    }}
}}
"""


def terminate(world, port, backend, certificate, protocols="TLSv1.2 TLSv1.3", ciphers="DEFAULT"):
    """Starts nginx in the world on 127.0.0.1:<port> before the HTTP server at `backend`."""
    folder = os.path.join(world.dir, "nginx-%d" % port)
    os.makedirs(folder, exist_ok=True)
    config = os.path.join(folder, "nginx.conf")
    with open(config, "w") as f:
        f.write(NGINX.format(dir=folder, port=port, cert=certificate[0], key=certificate[1],
                             backend=backend, protocols=protocols, ciphers=ciphers))
    process = world.spawn(["nginx", "-c", config, "-e", folder + "/error.log"], name="nginx")

    def listens():
        world.net.connect("127.0.0.1", port, 1).close()
        return True
    world.wait("nginx to listen on %d" % port, listens, needs=[process])
    return process
