# SPDX-License-Identifier: MIT
"""A TPM 2.0 in software (swtpm), each with a state of its own, behind a socket in the file system."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from harness import AttackTest

ALL_TOOLS = "FWPACK_ALL_TOOLS" in os.environ
TOOLS = ("swtpm", "tpm2_createprimary", "tpm2_load", "tpm2_unseal")
# The storage key that docs/tpm.md makes by hand.
STORAGE = ("-C", "o", "-G", "ecc", "-g", "sha256", "-a",
           "restricted|decrypt|fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda")


class Tpm:
    def __init__(self):
        self.folder = os.path.abspath(tempfile.mkdtemp(prefix="tpm-", dir=".."))
        self.socket = os.path.join(self.folder, "socket")
        self.tcti = f"swtpm:path={self.socket}"
        self.server = None
        os.mkdir(os.path.join(self.folder, "state"))
        os.chmod(self.folder, 0o755)
        self.start()

    def start(self):
        self.server = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.folder}/state",
             "--server", f"type=unixio,path={self.socket}",
             "--ctrl", f"type=unixio,path={self.socket}.ctrl",
             "--flags", "not-need-init,startup-clear"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(500):
            if os.path.exists(self.socket + ".ctrl"):
                return
            time.sleep(0.01)
        raise AssertionError("swtpm does not start")

    def stop(self, number=signal.SIGKILL):
        self.server.send_signal(number)
        self.server.wait()
        for name in (self.socket, self.socket + ".ctrl"):
            if os.path.exists(name):
                os.unlink(name)

    def restart(self):
        self.stop()
        self.start()

    def close(self):
        self.stop()
        shutil.rmtree(self.folder)

    def run(self, *command, **options):
        """A command of tpm2-tools, judged by its exit code: they print what does not matter."""
        return subprocess.run(command, env={**os.environ, "TPM2TOOLS_TCTI": self.tcti},
                              capture_output=True, **{"check": True, **options}).stdout

    def flush(self):
        for kind in ("-t", "-l", "-s"):
            self.run("tpm2_flushcontext", kind)

    def extend(self, pcr):
        self.run("tpm2_pcrextend", f"{pcr}:sha256={'ab' * 32}")

    def reset(self, pcr):
        self.run("tpm2_pcrreset", str(pcr))

    def handles(self):
        """Whatever takes a slot."""
        return b"".join(self.run("tpm2_getcap", f"handles-{kind}")
                        for kind in ("transient", "loaded-session", "saved-session"))


class Cable:
    """A socket before a TPM's that passes so many commands on, and then breaks."""

    def __init__(self, tpm, commands):
        self.path = tpm.socket + ".cable"
        self.tcti = f"swtpm:path={self.path}"
        os.symlink(tpm.socket + ".ctrl", self.path + ".ctrl")
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.path)
        self.server.listen()
        self.passed = 0
        self.thread = threading.Thread(target=self.serve, args=(tpm, commands))
        self.thread.start()

    def serve(self, tpm, commands):
        """libtss2 connects for each command anew, and once for none."""
        while self.take(tpm, commands):
            pass
        self.server.close()
        os.unlink(self.path)

    def take(self, tpm, commands):
        near = self.server.accept()[0]
        with near, socket.socket(socket.AF_UNIX) as far:
            command = near.recv(4096)
            if not command:
                return True
            if self.passed == commands or command == b"enough":
                return False
            far.connect(tpm.socket)
            far.sendall(command)
            near.sendall(far.recv(4096))
            self.passed += 1
            return True

    def close(self):
        if self.thread.is_alive() and os.path.exists(self.path):
            with socket.socket(socket.AF_UNIX) as near:
                near.connect(self.path)
                near.sendall(b"enough")
        self.thread.join()
        os.unlink(self.path + ".ctrl")


class TpmTest(AttackTest):
    """self.tpm is a new one, which fwpack finds; at the end nothing may be left in it."""

    def setUp(self):
        missing = [tool for tool in TOOLS if shutil.which(tool) is None]
        if missing:
            (self.fail if ALL_TOOLS else self.skipTest)(f"needs {missing}")
        super().setUp()
        self.tpm = Tpm()
        self.addCleanup(self.tpm.close)
        os.environ["TPM2TOOLS_TCTI"] = self.tpm.tcti
        self.addCleanup(os.environ.pop, "TPM2TOOLS_TCTI", None)

    def nothing_is_left(self):
        self.assertEqual(self.tpm.handles(), b"")
