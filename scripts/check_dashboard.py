"""Drives the dashboard in a browser; see scripts/check-dashboard."""

import argparse
import base64
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PATIENCE = 30
# A viewer may cost this part of a core.
MOST_COST = 0.01
CHROMIUM = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]
failures = []


def check(what, holds, seen=""):
    print(f"check-dashboard: {'ok  ' if holds else 'FAIL'} {what}{'' if holds else f': {seen}'}")
    if not holds:
        failures.append(what)


def until(what, look):
    """The first true answer of `look`."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.1)
    check(what, False, f"not within {PATIENCE} s")
    sys.exit(1)


def get(url):
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return answer.read().decode()


class Service:
    """The service under test."""

    def __init__(self, binary, port=0):
        self.process = subprocess.Popen(
            [binary / "document_service", "--listen", f"127.0.0.1:{port}", "--queue-limit", "64"],
            stdout=subprocess.PIPE, text=True)
        self.url = re.search(r"http://\S+", self.process.stdout.readline())[0]
        self.port = int(self.url.rsplit(":", 1)[1])

    def metrics(self):
        lines = (line.rsplit(" ", 1) for line in get(f"{self.url}/metrics").splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in lines}

    def frame(self):
        return json.loads(get(f"{self.url}/dashboard/frame.json"))

    def cpu(self):
        """Seconds of processor time so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/schedstat")
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int((task if task.exists() else fields).read_text().split()[0]) for task in tasks) / 1e9

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


class Browser:
    """Chromium, by the protocol of its driver."""

    def __init__(self):
        self.profile = tempfile.TemporaryDirectory()
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.driver.stdout:
            if port := re.search(r"started successfully on port (\d+)", line):
                break
        self.url = f"http://127.0.0.1:{port[1]}/session"
        options = {"args": [*CHROMIUM, f"--user-data-dir={self.profile.name}"]}
        capabilities = {"browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL"}, "goog:chromeOptions": options}
        session = self.call("", {"capabilities": {"alwaysMatch": capabilities}})
        self.url += "/" + session["sessionId"]

    def call(self, path, body, method="POST"):
        request = urllib.request.Request(
            self.url + path, method=method, data=json.dumps(body).encode() if method == "POST" else None,
            headers={"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()[:800]) from None

    def cdp(self, command, **parameters):
        return self.call("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, url):
        self.call("/url", {"url": url})

    def run(self, script):
        """Runs a script in the page; a promise is waited for."""
        done = self.cdp("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in done:
            raise RuntimeError(json.dumps(done["exceptionDetails"])[:800])
        return done["result"].get("value")

    def text(self, identifier):
        return self.run(f"document.getElementById({json.dumps(identifier)}).textContent")

    def look(self, width, height, scheme="light", scale=1):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=width < 600)
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, path):
        path.write_bytes(base64.b64decode(self.cdp("Page.captureScreenshot", format="png")["data"]))

    def console(self):
        return [entry["message"] for entry in self.call("/se/log", {"type": "browser"})]

    def close(self):
        try:
            self.call("", {}, "DELETE")
        finally:
            self.driver.terminate()
            self.driver.wait()
            self.profile.cleanup()


def load(binary, service, seconds, *arguments):
    documents = [path for path in pathlib.Path("examples/corpus").rglob("*") if path.is_file() and "broken" not in path.parts]
    return subprocess.Popen(
        [binary / "document_load", "--address", f"127.0.0.1:{service.port}", "--seconds", str(seconds), *arguments, *documents],
        stdout=subprocess.DEVNULL)


def number(text):
    return float(re.sub(r"[^\d.]", "", text) or "nan")


def under_load(browser, service, args):
    """The page while the service has much to do."""
    busy = load(args.bin, service, 16, "--connections", "128")
    browser.look(1440, 900)
    browser.open(f"{service.url}/dashboard")
    until("the page shows frames", lambda: browser.text("link-text") == "live" and number(browser.text("t-rate")) > 0)
    seen = set()
    for _ in range(6):
        seen.add((browser.text("t-rate"), browser.text("t-rate-sub"), browser.text("t-delay")))
        time.sleep(1)
    check("figures move under load", len(seen) >= 3, seen)
    check("all charts are drawn", browser.run("document.querySelectorAll('.plot .uplot canvas').length") == 4)
    check("there is a lane for each thread", browser.run("document.querySelectorAll('.lane').length") >= 1)
    drawn = """[...document.querySelectorAll('.lane canvas, #heat canvas')].every((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size > 1; })"""
    check("lanes and heat map have colours", browser.run(drawn))
    check("refusals are counted", number(browser.text("refusals-count")) > 0, browser.text("refusals-count"))
    before = browser.text("t-rate-sub")
    browser.run("document.getElementById('pause').click()")
    paused = browser.text("t-rate-sub")
    time.sleep(2)
    check("a paused page stands still", browser.text("t-rate-sub") == paused, before)
    browser.run("document.getElementById('pause').click()")
    if args.pictures:
        pictures(browser, args.folder)
        browser.look(1440, 900)
    busy.wait()


def at_rest(browser, service):
    """Three times the same figures: those of the page, of its frame and of /metrics."""
    exact = """Object.fromEntries([...document.querySelectorAll('#totals > div, #documents > div')].map((pair) =>
      [pair.firstElementChild.textContent, pair.lastElementChild.textContent]))"""

    def read():
        frame, metrics = service.frame(), service.metrics()
        pool = frame["pool"]
        shown = browser.run(exact)
        of_page = [number(shown[name]) for name in ("Tasks queued", "Tasks completed", "Tasks stolen", "Tasks expired", "Threads started")]
        of_page.append(number(browser.text("refusals-count")))
        of_frame = [pool[name] for name in ("tasks_queued", "tasks_completed", "tasks_stolen", "tasks_expired", "threads_started")]
        of_frame.append(sum(pool["refusals"].values()))
        of_metrics = [metrics[f"millpond_pool_{name}_total"]
                      for name in ("tasks_queued", "tasks_completed", "tasks_stolen", "tasks_expired", "threads_started")]
        of_metrics.append(sum(value for name, value in metrics.items() if name.startswith("millpond_pool_refusals_total")))
        return of_page, of_frame, of_metrics

    for _ in range(PATIENCE):
        figures = read()
        if figures[0] == figures[1] == figures[2]:
            break
        time.sleep(1)
    check("at rest the page, its frame and /metrics agree", figures[0] == figures[1] == figures[2] and figures[0][1] > 0, figures)
    print(f"check-dashboard:      {figures[0]}")


HOSTILE = """(async () => {
  const base = document.querySelector('script[type=module]').src;
  const [panels, lanes] = await Promise.all(['panels.js', 'lanes.js'].map((file) => import(new URL(file, base))));
  const name = '<img src=x onerror="window.struck = 1"><script>window.struck = 1</' + 'script>';
  const frame = await (await fetch(new URL('frame.json', base))).json();
  frame.workers = [{ index: 0, state: 'running', task: name, running_for: 1, busy: 1, completed: 1, stolen: 0, parks: 0 }];
  frame.tenants = [{ name, waiting: 1, running: 1, started: 1, time: 1 }];
  frame.events = [{ ago: 1, kind: 'panicked', task: name, tenant: name, detail: name, skipped: 0 }];
  frame.refused = 0;
  document.getElementById('pause').click();
  const before = document.querySelectorAll('img, script').length;
  panels.showTables(panels.makeTables(), frame);
  panels.showEvents(frame, 'all');
  lanes.showLanes(document.getElementById('lanes'), frame, [], [0, 1]);
  const shown = ['running', 'tenants', 'events', 'lanes'].map((id) => document.getElementById(id).textContent.includes(name));
  const after = document.querySelectorAll('img, script').length;
  document.getElementById('pause').click();
  return { shown, made: after - before, struck: Boolean(window.struck) };
})()"""


def names_are_text(browser, service):
    browser.open(f"{service.url}/dashboard")
    until("the page shows frames", lambda: browser.text("link-text") == "live")
    result = browser.run(HOSTILE)
    check("names are shown as text", result == {"shown": [True] * 4, "made": 0, "struck": False}, result)
    tried = browser.run("(() => { try { document.body.insertAdjacentHTML('beforeend', '<b>x</b>'); return 'made' } catch { return 'refused' } })()")
    check("the browser refuses HTML from scripts", tried == "refused", tried)


def accessibility(browser, service, axe):
    # The page's own rules would keep axe out.
    browser.cdp("Page.setBypassCSP", enabled=True)
    for scheme, width in (("light", 1440), ("dark", 1440), ("light", 390)):
        browser.look(width, 900, scheme)
        browser.open(f"{service.url}/dashboard/")
        until("the page shows frames", lambda: browser.text("link-text") == "live")
        browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        time.sleep(1.5)
        browser.run(axe)
        found = browser.run("axe.run().then(({ violations }) => violations.map(({ id, impact, nodes }) => "
                            "`${id} (${impact}): ${nodes.slice(0, 3).map((one) => one.html.slice(0, 160)).join(' | ')}`))")
        check(f"axe finds nothing, {scheme}, {width} px wide", found == [], found)
        wide = browser.run("document.documentElement.scrollWidth")
        check(f"nothing is wider than {width} px", wide <= width, wide)
    browser.cdp("Page.setBypassCSP", enabled=False)
    browser.look(1440, 900)
    reached = browser.run("""(() => { const named = (one) => one.labels?.length || one.textContent.trim() || one.getAttribute('aria-label');
      return [...document.querySelectorAll('a, button, input, select, summary, [tabindex="0"]')].filter((one) => !named(one)).map((one) => one.outerHTML); })()""")
    check("everything that the keyboard reaches has a name", reached == [], reached)


def comes_back(browser, service, args):
    """The server goes and comes again."""
    browser.open(f"{service.url}/dashboard")
    until("the page shows frames", lambda: browser.text("link-text") == "live")
    service.stop()
    check("the service ends while somebody looks", service.process.returncode == 0, service.process.returncode)
    until("the page says that it has lost its server", lambda: browser.text("link-text").startswith("no connection"))
    again = Service(args.bin, service.port)
    until("the page finds its server again", lambda: browser.text("link-text") == "live")
    check("the page finds its server again", True)
    # What failed meanwhile is the browser's own message.
    others = [line for line in browser.console() if "net::ERR" not in line]
    check("nothing else is written to the console meanwhile", others == [], others)
    return again


def cost(browser, service):
    """What one viewer costs the service."""
    browser.open("about:blank")
    time.sleep(1)

    def share(seconds):
        before, began = service.cpu(), time.monotonic()
        time.sleep(seconds)
        return (service.cpu() - before) / (time.monotonic() - began)

    without = share(10)
    browser.open(f"{service.url}/dashboard")
    until("the page shows frames", lambda: browser.text("link-text") == "live")
    watched = share(10)
    print(f"check-dashboard:      of a core: {without:.3%} without a viewer, {watched:.3%} with one")
    check("a viewer costs less than 1 % of a core", watched - without < MOST_COST, watched)


def pictures(browser, folder):
    for name, width, height, scheme, scale in (
            ("desktop", 1440, 1180, "light", 1), ("dark", 1440, 1180, "dark", 1), ("phone", 390, 844, "light", 2)):
        browser.look(width, height, scheme, scale)
        time.sleep(1.5)
        browser.picture(folder / f"{name}.png")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path)
    parser.add_argument("--axe", type=pathlib.Path)
    parser.add_argument("--folder", type=pathlib.Path)
    parser.add_argument("--pictures", action="store_true")
    args = parser.parse_args()
    service, browser = Service(args.bin), Browser()
    try:
        under_load(browser, service, args)
        at_rest(browser, service)
        said = browser.console()
        check("nothing is written to the console", said == [], said)
        names_are_text(browser, service)
        browser.console()
        accessibility(browser, service, args.axe.read_text())
        browser.console()
        service = comes_back(browser, service, args)
        cost(browser, service)
    finally:
        browser.close()
        service.stop()
    print(f"check-dashboard: {len(failures)} failed")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
