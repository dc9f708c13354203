"""Certificates: a certificate authority of our own and one server certificate signed by it.

A client proves that it checks certificates by trusting DIR/ca.pem and nothing else. Keys are
elliptic-curve keys because they are made in milliseconds, and are readable by their owner only.
The key identifiers are there because Python from 3.13 on takes no certificate without them.
"""
import os
import ssl
import subprocess

EXTENSIONS = """basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""


def _openssl(*arguments):
    """Run the openssl tool; its complaint becomes ours when it fails."""
    done = subprocess.run(("openssl",) + arguments, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError("openssl " + arguments[0] + " failed: " + done.stderr.strip())


def _write(path, text):
    with open(path, "w", encoding="ascii") as out:
        out.write(text)


def make(directory):
    """Make ca.pem, ca.key, server.pem and server.key in `directory`; returns the CA's path."""
    at = lambda name: os.path.join(directory, name)
    old_mask = os.umask(0o077)
    try:
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", at("ca.key"), "-out", at("ca.pem"), "-days", "3650",
                 "-subj", "/CN=Accounting simulator test CA",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", at("server.key"), "-out", at("server.csr"), "-subj", "/CN=localhost")
        _write(at("server.ext"), EXTENSIONS)
        _openssl("x509", "-req", "-in", at("server.csr"), "-CA", at("ca.pem"),
                 "-CAkey", at("ca.key"), "-set_serial", str(int.from_bytes(os.urandom(8), "big")),
                 "-days", "3650", "-extfile", at("server.ext"), "-out", at("server.pem"))
    finally:
        os.umask(old_mask)
    os.unlink(at("server.csr"))
    os.unlink(at("server.ext"))
    os.chmod(at("ca.pem"), 0o644)
    return at("ca.pem")


def server_context(directory):
    """The TLS settings of the server: 1.2 or newer, HTTP/1.1 only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(os.path.join(directory, "server.pem"),
                            os.path.join(directory, "server.key"))
    context.set_alpn_protocols(["http/1.1"])
    return context
