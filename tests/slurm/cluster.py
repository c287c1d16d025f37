"""A real Slurm of several nodes on this machine: started in a folder of its own, on loopback only, stopped by process id.

Nothing outside the folder is touched. Each slurmd has its own host name, /dev/shm and /etc/hosts where the system lets
it (namespaces), because ranks of one node find each other through them.
"""

import ctypes
import getpass
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol")
SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def missing_programs():
    return [name for name in PROGRAMS if shutil.which(name, path=SEARCH) is None]


def free_ports(count):
    """Ports that nobody listens on, all held at once so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    for held in sockets:
        held.bind(("127.0.0.1", 0))
    ports = [held.getsockname()[1] for held in sockets]
    for held in sockets:
        held.close()
    return ports


def can_unshare():
    return subprocess.run(["unshare", "--uts", "--mount", "true"], capture_output=True, check=False).returncode == 0


def _end_with_parent():
    """A test that is killed takes its daemons with it (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Cluster:
    """Nodes n1, n2, ... with `cores` cores each; partitions `main`, `short` (2 minutes), and `closed` (takes no job)."""

    def __init__(self, folder, nodes=3, cores=2):
        self.folder = pathlib.Path(folder)
        self.nodes = [f"n{i + 1}" for i in range(nodes)]
        self.cores = cores
        self.daemons = {}
        self.spaces = {}
        self.isolated = can_unshare()
        self.conf = self.folder / "slurm.conf"
        self.environment = {
            "SLURM_CONF": str(self.conf),
            "OMPI_MCA_btl_tcp_if_include": "lo",
            "OMPI_MCA_oob_tcp_if_include": "lo",
        }

    def start(self):
        for name in ("spool", "state", "log", "tmp"):
            (self.folder / name).mkdir(parents=True)
        self._start_munge()
        self._write_conf()
        self._daemon("slurmctld", ["slurmctld", "-D", "-f", self.conf])
        for node in self.nodes:
            self.start_node(node)
        self.wait_until(lambda: self.node_states() == {"IDLE"}, 60, "the nodes are not idle")

    def stop(self):
        """Ends everything that was started, the jobs' processes included."""
        if self.alive("slurmctld"):
            self.run("scancel", "--full", "--signal=KILL", "--user", getpass.getuser(), check=False)
        for name in reversed(list(self.daemons)):
            self.kill(name, signal.SIGTERM)
        for node, space in self.spaces.items():
            self._kill_processes(node, space)

    def start_node(self, node):
        (self.folder / "tmp" / node).mkdir(exist_ok=True)
        command = ["slurmd", "-D", "-N", node, "-f", self.conf]
        if self.isolated:
            hosts = self.folder / f"hosts-{node}"
            hosts.write_text(f"127.0.0.1 localhost {node} {socket.gethostname()}\n")
            script = 'hostname "$1" && mount -t tmpfs tmpfs /dev/shm && mount --bind "$2" /etc/hosts && shift 2 && exec "$@"'
            command = ["unshare", "--uts", "--mount", "sh", "-c", script, "sh", node, hosts, *command]
        self._daemon(node, command)
        if self.isolated:
            self.wait_until(lambda: self._space(node) != self._space(), 10, f"{node} has no namespace of its own")
        self.spaces[node] = self._space(node)

    def lose_node(self, node):
        """The node's slurmd dies with every process that it started, as when the power goes."""
        space = self.spaces.pop(node)
        self.kill(node, signal.SIGKILL)
        self._kill_processes(node, space)
        self.run("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=lost")

    def restore_nodes(self):
        for node in self.nodes:
            if not self.alive(node):
                self.start_node(node)
        self.run("scontrol", "update", f"NodeName={','.join(self.nodes)}", "State=RESUME", check=False)
        self.wait_until(lambda: self.node_states() == {"IDLE"}, 60, "the nodes are not idle")

    def kill(self, name, number):
        daemon = self.daemons.pop(name)
        if daemon.poll() is None:
            os.kill(daemon.pid, number)
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def alive(self, name):
        return name in self.daemons and self.daemons[name].poll() is None

    def run(self, *command, check=True, **options):
        """A Slurm command's output."""
        done = subprocess.run(
            list(map(str, command)), env={**os.environ, **self.environment}, text=True, capture_output=True, check=False, **options
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def node_states(self):
        return set(self.run("sinfo", "--noheader", "--Node", "--format=%T").upper().split())

    def jobs(self):
        """State by job id, of the jobs that are not over."""
        lines = self.run("squeue", "--noheader", "--array", "--format=%i %T").splitlines()
        return dict(line.split(maxsplit=1) for line in lines)

    def job(self, identifier):
        """What `scontrol show job` says, by key."""
        return dict(re.findall(r"(\w+)=(\S*)", self.run("scontrol", "--oneliner", "show", "job", identifier, check=False)))

    def wait_until(self, condition, seconds, problem):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"{problem} after {seconds} s\n{self.logs()}"
            time.sleep(0.1)

    def wait_for_queue(self, seconds=90):
        """Until no job is left, also none that comes back from a requeue."""
        self.wait_until(lambda: not self.jobs(), seconds, "jobs are left")

    def cancel_all(self):
        self.run("scancel", "--user", getpass.getuser(), check=False)

    def logs(self):
        parts = [self.run("squeue", check=False), self.run("sinfo", "-N", check=False)]
        for path in sorted((self.folder / "log").glob("*.log")):
            parts.append(f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-15:]))
        return "\n".join(parts)

    def _space(self, node=None):
        """The namespace of a node's processes, or this process's own."""
        return os.readlink(f"/proc/{self.daemons[node].pid if node else 'self'}/ns/uts")

    def _daemon(self, name, command):
        program = shutil.which(command[0], path=SEARCH)
        with open(self.folder / "log" / f"{name}.out", "ab") as log:
            self.daemons[name] = subprocess.Popen(
                [program, *map(str, command[1:])],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PATH": SEARCH, "SLURM_CONF": str(self.conf)},
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    def _start_munge(self):
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        files = {"key-file": key, "socket": self.folder / "munge.socket", "pid-file": self.folder / "munge.pid"}
        files |= {"log-file": self.folder / "log" / "munge.log", "seed-file": self.folder / "munge.seed"}
        options = [f"--{name}={path}" for name, path in files.items()]
        self._daemon("munged", ["munged", "--foreground", "--force", *options])
        self.wait_until((self.folder / "munge.socket").exists, 20, "munged has no socket")

    def _write_conf(self):
        host, user, here = socket.gethostname().split(".")[0], getpass.getuser(), self.folder
        controller, *ports = free_ports(1 + len(self.nodes))
        node_lines = "\n".join(
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={self.cores} RealMemory=2000 State=UNKNOWN"
            for node, port in zip(self.nodes, ports)
        )
        self.conf.write_text(f"""
ClusterName=meander_test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={here}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={here}/state
SlurmdSpoolDir={here}/spool/%n
TmpFS={here}/tmp/%n
SlurmctldPidFile={here}/slurmctld.pid
SlurmdPidFile={here}/slurmd-%n.pid
SlurmctldLogFile={here}/log/slurmctld.log
SlurmdLogFile={here}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={here}/log/finished.txt
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=pmix
ReturnToService=2
JobRequeue=1
KillWait=2
SlurmdTimeout=300
InactiveLimit=0
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
{node_lines}
PartitionName=main Nodes=ALL Default=YES MaxTime=1-0 State=UP
PartitionName=short Nodes=ALL MaxTime=2 State=UP
PartitionName=closed Nodes=ALL State=INACTIVE
""")

    def _kill_processes(self, node, space):
        """Processes of jobs outlive their slurmd. They are in its namespace, or name node and cluster in their environment."""
        marks = {f"SLURM_CONF={self.conf}".encode(), f"SLURMD_NODENAME={node}".encode()}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                inside = self.isolated and os.readlink(entry / "ns" / "uts") == space
                if inside or marks <= set((entry / "environ").read_bytes().split(b"\0")):
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:
                continue
