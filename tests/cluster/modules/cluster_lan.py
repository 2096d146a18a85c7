"""A few machines on this one: network, process, mount and host name namespaces each, a real sshd, one network.

Each has its own processes, so that `ray stop` there ends no Ray elsewhere, and its own /tmp and home folder; of the
disk below them it sees what is named in `keep`. Everything is gone when the first process of a machine is.
"""

import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROGRAMS = ("sshd", "ssh", "ssh-keygen", "ip", "unshare", "nsenter", "rsync")
SUBNET = "10.88.7"
PRIVATE = ("/tmp", "/root")


def why_not() -> str:
    """Says what this machine lacks to hold other machines; empty where it lacks nothing."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "namespaces and sshd need root on Linux"
    missing = [name for name in PROGRAMS if find(name) is None]
    if missing:
        return f"{', '.join(missing)} not installed (Debian: openssh-server iproute2 rsync util-linux)"
    command = ["unshare", "--net", "--pid", "--mount", "--uts", "--fork", "--mount-proc", "true"]
    tried = subprocess.run(command, capture_output=True, text=True)
    return "" if tried.returncode == 0 else f"no namespaces here: {tried.stderr.strip()}"


def find(name: str) -> str | None:
    """Finds a program, in the folders of administrators too."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


class Machine:
    """A machine: one process that holds the namespaces, and what was started in them."""

    def __init__(self, name: str, address: str, folder: Path, keep: list[Path]) -> None:
        """Boots the machine, which shares the folders `keep` with this one."""
        self.name, self.address = name, address
        self.folder = folder / name
        self.folder.mkdir()
        script = [*(_private(path, self.folder, keep) for path in PRIVATE), f"hostname {name}", "echo up", "exec cat"]
        flags = ["--net", "--pid", "--mount", "--uts", "--ipc", "--fork", "--mount-proc", "--kill-child"]
        self._holder = subprocess.Popen(
            ["unshare", *flags, "sh", "-ec", "\n".join(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline().strip() == "up", f"{name} did not boot"
        self.pid = _child(self._holder.pid)
        self._started: list[subprocess.Popen[bytes]] = []

    def command(self, words: list[str]) -> list[str]:
        """Returns the command line that runs `words` on the machine."""
        return ["nsenter", "--target", str(self.pid), "--all", "--wd=/", *words]

    def run(self, line: str, timeout: float = 60, check: bool = True) -> str:
        """Runs a line of shell on the machine and returns what it printed."""
        done = subprocess.run(
            self.command(["bash", "-c", line]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=environment(),
        )
        assert done.returncode == 0 or not check, f"{self.name}: {line}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def start(self, words: list[str], log: Path) -> "subprocess.Popen[bytes]":
        """Starts a program on the machine."""
        with log.open("ab") as stream:
            program: subprocess.Popen[bytes] = subprocess.Popen(
                self.command(words),
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        self._started.append(program)
        return program

    def processes(self, name: str) -> list[int]:
        """Returns the ids of processes whose command line holds `name`, except of those that have ended."""
        found = self.run(f"pgrep --runstates D,R,S -f -- {shlex.quote(name)} | grep -vx $$ || true")
        return [int(word) for word in found.split()]

    def power_off(self) -> None:
        """Ends all processes of the machine at once."""
        self._holder.kill()
        self._holder.communicate()
        for program in self._started:
            program.wait(timeout=30)


def environment() -> dict[str, str]:
    """Returns the variables that programs on a machine start with; none is of the caller's Python."""
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}


def _private(path: str, folder: Path, keep: list[Path]) -> str:
    """Returns a line of shell that gives `path` a folder of the machine's own, but for the folders in `keep`."""
    own = folder / path.strip("/")
    lines = [f"mkdir -m 1777 {own}"]
    for kept in {str(place.resolve()) for place in keep}:
        if kept.startswith(path + "/"):
            lines += [f"mkdir -p {own}{kept.removeprefix(path)}", f"mount --bind {kept} {own}{kept.removeprefix(path)}"]
    return "\n".join([*lines, f"mount --rbind {own} {path}"])


def _child(pid: int) -> int:
    """Returns the process that `unshare` forked."""
    for _ in range(100):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.05)
    raise AssertionError("unshare forked nothing")


class Lan:
    """Machines that reach each other by ssh: `machines[0]` is where the user sits, the others are nodes."""

    def __init__(self, folder: Path, num_nodes: int, keep: list[Path]) -> None:
        """Boots the machines and waits for their sshd."""
        self.key = folder / "key"
        ssh_keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f"]
        subprocess.run([*ssh_keygen, str(self.key)], check=True)
        subprocess.run([*ssh_keygen, str(folder / "host_key")], check=True)
        names = ["desk", *(f"node{number}" for number in range(1, num_nodes + 1))]
        keep = [*keep, folder]
        self.machines = [Machine(name, f"{SUBNET}.{n}", folder, keep) for n, name in enumerate(names, 1)]
        self._connect()
        for machine in self.machines[1:]:
            self._start_sshd(machine, folder)

    @property
    def desk(self) -> Machine:
        """The machine where the user sits."""
        return self.machines[0]

    @property
    def nodes(self) -> list[Machine]:
        """The machines of the cluster."""
        return self.machines[1:]

    def _connect(self) -> None:
        """Puts a bridge on the desk and a cable from the bridge to each node."""
        self.desk.run(
            f"ip link set lo up; ip link add lan type bridge; ip link set lan up; ip addr add {self.desk.address}/24 "
            "dev lan"
        )
        for number, node in enumerate(self.nodes):
            port = f"port{number}"
            command = ["nsenter", "--target", str(self.desk.pid), "--net"]
            add = ["ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", str(node.pid)]
            subprocess.run([*command, *add], check=True, env=environment())
            self.desk.run(f"ip link set {port} master lan up")
            node.run(f"ip link set lo up; ip addr add {node.address}/24 dev eth0; ip link set eth0 up")

    def _start_sshd(self, machine: Machine, folder: Path) -> None:
        options = {
            "ListenAddress": machine.address,
            "HostKey": folder / "host_key",
            "AuthorizedKeysFile": f"{self.key}.pub",
            "PermitRootLogin": "prohibit-password",
            "PasswordAuthentication": "no",
            "StrictModes": "no",
            "UsePAM": "no",
            "PidFile": "none",
            "MaxStartups": "100",
        }
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        machine.run("mkdir -p /run/sshd")
        machine.start([str(find("sshd")), "-D", "-e", "-f", "/dev/null", *words], folder / f"{machine.name}.sshd.log")
        ssh = f"ssh -q -i {self.key} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@{machine.address}"
        for _ in range(50):
            if self.desk.run(f"{ssh} hostname", check=False).strip().endswith(machine.name):
                return
            time.sleep(0.1)
        raise AssertionError((folder / f"{machine.name}.sshd.log").read_text())

    def power_off(self) -> None:
        """Ends all machines."""
        for machine in self.machines:
            machine.power_off()
