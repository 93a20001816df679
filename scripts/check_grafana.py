"""Runs the dashboard's queries and the alert rules in Prometheus; see scripts/check-grafana."""

import argparse
import contextlib
import http.client
import json
import math
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

PATIENCE = 60
DASHBOARD = pathlib.Path("docs/grafana/millpond.json")
RULES = pathlib.Path("docs/grafana/millpond.rules.yml")
CORPUS = [path for path in sorted(pathlib.Path("examples/corpus").rglob("*")) if path.is_file() and "broken" not in path.parts]
LONG = [path for path in CORPUS if path.stat().st_size > 20_000]
# What Grafana would put in the place of its variables.
VARIABLES = {"$__rate_interval": "2s", "$__range": "10s", "$job": ".*", "$instance": ".*", "$class": ".*"}
# The alerts that services and clients provoke here, by the service. The others have only promtool's
# tests.
PROVOKED = {
    "crowded": ["MillpondSaturated", "MillpondOverloaded", "MillpondRefusals"],
    "slow": ["MillpondQueueDelay"],
    "late": ["MillpondTasksExpired"],
    "left": ["MillpondAbandonedWork"],
    "broken": ["MillpondDocumentsFailing"],
}
ONE_THREAD = ["--threads", "1", "--memory-budget", "64GiB", "--upload-budget", "1GiB"]
SERVICES = {
    "crowded": ["--threads", "1", "--queue-limit", "64"],
    "slow": [*ONE_THREAD, "--deadline", "1m"],
    "late": [*ONE_THREAD, "--deadline", "100ms"],
    "left": ONE_THREAD,
    "broken": [],
}
failures = []


def check(what, holds, seen=""):
    print(f"check-grafana: {'ok  ' if holds else 'FAIL'} {what}{'' if holds else f': {seen}'}", flush=True)
    if not holds:
        failures.append(what)


def until(look):
    """The first true answer of `look`, or its last one."""
    end = time.monotonic() + PATIENCE
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.25)
    return found


def get(url):
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return answer.read()


@contextlib.contextmanager
def running(command, **options):
    """A process that is ended at the end."""
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE)


@contextlib.contextmanager
def service(binary, arguments):
    """A document_service; gives its address."""
    command = [binary / "document_service", "--listen", "127.0.0.1:0", *arguments]
    with running(command, stdout=subprocess.PIPE, text=True) as process:
        yield re.search(r"http://(\S+)", process.stdout.readline())[1]


class Prometheus:
    """A Prometheus for which a second is a minute of the rules."""

    def __init__(self, folder, targets):
        self.folder = folder / "prometheus"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        rules = re.sub(r"(?<=\[)(\d+)m(?=\])|(?<=for: )(\d+)m", lambda found: f"{found[1] or found[2]}s", RULES.read_text())
        (self.folder / "rules.yml").write_text(rules)
        jobs = [{"job_name": name, "static_configs": [{"targets": [address]}]} for name, address in targets.items()]
        config = {
            "global": {"scrape_interval": "250ms", "scrape_timeout": "250ms", "evaluation_interval": "500ms"},
            "rule_files": ["rules.yml"], "scrape_configs": jobs,
        }
        # JSON is YAML.
        (self.folder / "config.yml").write_text(json.dumps(config))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"127.0.0.1:{free.getsockname()[1]}"

    @contextlib.contextmanager
    def started(self):
        command = [
            "prometheus", f"--config.file={self.folder}/config.yml", f"--storage.tsdb.path={self.folder}/data",
            f"--web.listen-address={self.address}", "--log.level=warn"]
        with (self.folder / "log").open("w") as log, running(command, stdout=log, stderr=log):
            if not until(self.ready):
                sys.exit(f"check-grafana: Prometheus does not start:\n{(self.folder / 'log').read_text()}")
            yield

    def ready(self):
        with contextlib.suppress(OSError):
            return get(f"http://{self.address}/-/ready")

    def ask(self, path, **parameters):
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            return json.loads(get(url))["data"]
        except urllib.error.HTTPError as error:
            sys.exit(f"check-grafana: {parameters}: {error.read().decode()}")

    def alerts(self, job=None, states=("firing",)):
        """The names of the alerts of a job in these states."""
        return {
            alert["labels"]["alertname"] for alert in self.ask("alerts")["alerts"]
            if alert["state"] in states and job in (None, alert["labels"].get("job"))}


def load(binary, address, documents, *arguments):
    command = [binary / "document_load", "--address", address, "--seconds", "600", *arguments, *documents]
    return running(command, stdout=subprocess.DEVNULL)


def post(address, body, kind="text/markdown"):
    connection = http.client.HTTPConnection(address, timeout=PATIENCE)
    connection.request("POST", "/convert", body, {"content-type": kind, "accept": "text/html"})
    connection.getresponse().read()
    connection.close()


def post_and_leave(address, body):
    """Sends a document and resets the connection a little later."""
    host, port = address.split(":")
    client = socket.create_connection((host, int(port)), PATIENCE)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    head = f"POST /convert HTTP/1.1\r\nhost: {address}\r\ncontent-type: text/markdown\r\naccept: text/html\r\ncontent-length: {len(body)}\r\n\r\n"
    client.sendall(head.encode() + body)
    time.sleep(0.02)
    client.close()


@contextlib.contextmanager
def clients(number, ask, *arguments):
    """A given number of clients, each of which asks again and again."""
    stop = threading.Event()

    def live():
        while not stop.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                ask(*arguments)

    threads = [threading.Thread(target=live) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def provocation(name, binary, address, large):
    """What provokes the alerts of this service, as contexts."""
    match name:
        case "crowded":
            return [load(binary, address, LONG, "--connections", "256")]
        case "slow":
            return [clients(48, post, address, large)]
        case "late":
            return [load(binary, address, CORPUS, "--connections", "32"), clients(8, post, address, large)]
        case "left":
            return [clients(2, post_and_leave, address, large)]
        case "broken":
            return [clients(1, post, address, b"no RTF", "application/rtf")]


def check_page(address):
    """What promtool says of /metrics."""
    page = get(f"http://{address}/metrics")
    said = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True)
    check("promtool finds nothing in /metrics", said.returncode == 0 and not said.stderr, said.stderr.decode())


def panels(dashboard):
    """Each panel that has queries."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def has_data(result):
    """Whether any of the values is a number."""
    values = (value for series in result for _, value in series.get("values", [series.get("value")]))
    return any(math.isfinite(float(value)) for value in values)


def check_queries(prometheus, dashboard):
    """Every query of every panel, and of every variable."""
    end, queries, empty = time.time(), 0, []
    for panel in panels(dashboard):
        for target in panel["targets"]:
            query = target["expr"]
            for name, value in VARIABLES.items():
                query = query.replace(name, value)
            if target.get("instant"):
                result = prometheus.ask("query", query=query, time=end)["result"]
            else:
                result = prometheus.ask("query_range", query=query, start=end - 10, end=end, step=1)["result"]
            queries += 1
            if not has_data(result):
                empty.append(f"{panel['title']}: {query}")
    check(f"each of {queries} queries of {len(panels(dashboard))} panels returns data", queries and not empty, "\n".join(empty))
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"]).groups()
            values = prometheus.ask(f"label/{label}/values", **{"match[]": series.replace("$job", ".*")})
            check(f"the variable {variable['name']} has values", values, series)


def check_light_load(prometheus, binary, address):
    """A service that copes has no alerts."""
    with load(binary, address, CORPUS, "--rate", "100"):
        time.sleep(12)
        seen = prometheus.alerts(states=("pending", "firing"))
    check("under light load no alert is pending", not seen, seen)


def check_alerts(prometheus, name, binary, address, large, while_it_runs=lambda: None):
    """The alerts of this service."""
    wanted = set(PROVOKED[name])
    with contextlib.ExitStack() as stack:
        for context in provocation(name, binary, address, large):
            stack.enter_context(context)
        until(lambda: wanted <= prometheus.alerts(name))
        seen = prometheus.alerts(name)
        while_it_runs()
    verb = "fires" if len(wanted) == 1 else "fire"
    check(f"{name}: {', '.join(sorted(wanted))} {verb}", wanted <= seen, f"only {seen}")
    if seen - wanted:
        print(f"check-grafana:      and {', '.join(sorted(seen - wanted))}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path)
    parser.add_argument("--folder", type=pathlib.Path)
    args = parser.parse_args()
    dashboard = json.loads(DASHBOARD.read_text())
    text = b"\n\n".join(path.read_bytes() for path in CORPUS if path.suffix == ".md")
    large = text * (4_000_000 // len(text))
    with contextlib.ExitStack() as stack:
        addresses = {name: stack.enter_context(service(args.bin, arguments)) for name, arguments in SERVICES.items()}
        prometheus = Prometheus(args.folder, addresses)
        stack.enter_context(prometheus.started())
        check_page(addresses["crowded"])
        check_light_load(prometheus, args.bin, addresses["crowded"])
        check_alerts(prometheus, "crowded", args.bin, addresses["crowded"], large, lambda: check_queries(prometheus, dashboard))
        for name in list(SERVICES)[1:]:
            check_alerts(prometheus, name, args.bin, addresses[name], large)
    print(f"check-grafana: {len(failures)} failed")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
