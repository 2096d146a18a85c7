"""The report in a real browser: charts drawn, filters and links work, nothing complained of, nothing requested."""

import itertools
import json
import math
import re
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llcray_storage as ls
import pytest
from llcray_storage.estimate_words import estimate_cell

from llcray.report.page.page import write_report
from llcray.report.page.watch import LivePage, PageServer
from llcray.report.plots.drawing import Drawing
from llcray.report.plots.plot import PlotRequest, drawing_of
from llcray.report.plots.sweep_plot import draw

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: it is in the extra dev")
WebDriverWait = pytest.importorskip("selenium.webdriver.support.wait").WebDriverWait
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="no Chromium on this machine: apt-get install chromium chromium-driver"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}", "--window-size=1200,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def page(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(digits, None, tmp_path_factory.mktemp("page") / "report.html", "Does noise raise the LLC?")


def opened(browser: Any, page: Path, fragment: str = "", width: int = 1200, theme: str = "light") -> None:
    """Opens the page anew, after emptying the logs."""
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    features = [{"name": "prefers-color-scheme", "value": theme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get("about:blank")
    browser.get(page.as_uri() + fragment)
    assert browser.execute_script("return document.body.dataset.answered") == "yes"
    WebDriverWait(browser, 30).until(lambda _: browser.execute_script("return document.body.dataset.ready") == "yes")


def script(browser: Any, text: str) -> Any:
    return browser.execute_script(text)


def visible_runs(browser: Any) -> int:
    return int(script(browser, "return document.body.dataset.visible"))


def choose(browser: Any, field: str, value: str) -> None:
    """Chooses an option of a field of the form, which may be folded."""
    script(browser, f"const s = document.getElementById('{field}'); s.value = '{value}'; s.onchange();")


def find(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def test_charts_are_drawn_nothing_is_complained_of_and_nothing_is_requested(browser, page):
    opened(browser, page)
    assert visible_runs(browser) == 72
    points = "return document.querySelectorAll('#explorer .scatterlayer .point').length"
    assert script(browser, points) > 72, "a mark for each run that has an estimate, and the means"
    assert script(browser, "return document.querySelectorAll('#verdicts .bars .point').length") > 0
    assert script(browser, "return document.querySelectorAll('#agreement .scatterlayer .point').length") > 0
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requested = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert requested
    # A new window's own page is the browser's.
    own = (page.as_uri(), "data:", "blob:", "about:", "chrome:")
    assert [url for url in requested if not url.startswith(own)] == []


def test_every_chart_has_a_text_alternative_and_its_numbers_as_a_table(browser, page):
    opened(browser, page)
    for chart in ("explorer", "verdicts", "agreement"):
        words = script(browser, f"return document.getElementById('{chart}-text').textContent")
        assert len(words) > 40 and words.endswith("."), chart
        labelled = script(browser, f"return document.getElementById('{chart}').getAttribute('aria-labelledby')")
        assert labelled == f"{chart}-text"
        assert script(browser, f"return document.querySelectorAll('#{chart}-table tbody tr').length") > 0, chart


def test_words_and_verdicts_filter_the_table_and_a_heading_sorts_it(browser, page):
    opened(browser, page)
    find(browser, "#search").send_keys("hmc tanh")
    assert visible_runs(browser) == 12
    find(browser, "#search").clear()
    find(browser, "#search").send_keys(" ")
    script(browser, "const v = document.getElementById('verdict'); v.value = 'doubtful'; v.onchange()")
    assert visible_runs(browser) == 6
    heads = browser.find_elements("css selector", "#runs thead button")
    place = next(at for at, head in enumerate(heads) if head.text.startswith("LLC"))
    heads[place].click()
    cells = [row.find_elements("css selector", "td")[place].text for row in table_rows(browser)]
    values = [float(cell.split()[0]) for cell in cells]
    assert values == sorted(values) and len(values) == 6


def test_labels_that_look_like_tags_are_drawn_as_they_are(browser, tmp_path):
    labels = [
        "<b>bold</b>",
        "<a href='http://evil'>x</a>",
        "cost $5 and $6",
        "%{x} {y}",
        "<img src=x onerror=alert(1)>",
    ]
    dataset = ls.Dataset.create_or_open(tmp_path / "results")
    for at, label in enumerate(labels):
        for seed in range(2):
            row = {
                "run_id": f"r{at}{seed}",
                "target_id": f"t{at}{seed}",
                "sweep": "s",
                "status": "done",
                "verdict": "ok",
            }
            numbers = {"llc": 4.0 + at, "llc_mcse": 0.1, "rhat": 1.0, "seed": seed, "num_data": 100 + at}
            dataset.write_run({**row, **numbers, "label": label, "sampler_kind": "hmc"})
    opened(browser, write_report(tmp_path / "results", None, tmp_path / "report.html"))
    drawn = "return [...document.querySelectorAll('#explorer text')].map((text) => text.textContent).join('\\n')"
    texts = script(browser, drawn)
    assert all(label in texts for label in labels), texts
    assert script(browser, "return document.querySelectorAll('#explorer a, #explorer img').length") == 0
    assert not [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]


FILTERS = {
    "hmc tanh": 12,
    "hmc seed 1": 8,
    "seed=1 sampler=hmc": 8,
    "Sampler=HMC Seed=1": 8,
    "seed:1 sampler:hmc activation:relu": 4,
    "rate=0.1": 18,
    "noise_rate 0.1": 18,
    "rate>=0.2": 36,
    "rate<0.2 rate!=0": 18,
    "seed!=1 sampler!=hmc": 32,
    "verdict=failed": 2,
    "0.4": 18,
    "nonsense": 0,
    "nonsense=1": 0,
    'sampler="hmc"': 24,
    "activation=re": 0,
    "tan": 36,
    "": 72,
}


def test_runs_are_filtered_by_field(browser, page):
    opened(browser, page)
    for text, count in FILTERS.items():
        search = f"const s = document.getElementById('search'); s.value = {json.dumps(text)}; s.oninput()"
        script(browser, search)
        assert visible_runs(browser) == count, text
    script(browser, "const s = document.getElementById('search'); s.value = 'sed=1'; s.oninput()")
    assert "no column is called sed; there are" in find(browser, "#count").text
    example = find(browser, "#search").get_attribute("placeholder")
    script(browser, f"const s = document.getElementById('search'); s.value = {json.dumps(example)}; s.oninput()")
    assert 0 < visible_runs(browser) < 72
    assert not [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]


def table_rows(browser: Any) -> list[Any]:
    return browser.find_elements("css selector", "#runs tbody tr")


def test_a_click_on_a_mark_lists_its_runs(browser, page):
    opened(browser, page)
    marks = "return [...document.querySelectorAll('#agreement .scatterlayer .point')][0].getBoundingClientRect()"
    script(browser, "document.getElementById('agreement').scrollIntoView({block: 'center'})")
    where = script(browser, marks)
    at = {"x": where["x"] + where["width"] / 2, "y": where["y"] + where["height"] / 2, "button": "left"}
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        browser.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, "clickCount": 1, **at})
        time.sleep(0.2)
    deadline = time.monotonic() + 10
    while visible_runs(browser) != 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert visible_runs(browser) == 2, "the two runs that are compared"
    find(browser, "#clear").click()
    assert visible_runs(browser) == 72


def test_a_row_opens_its_run_and_a_link_to_it_works(browser, page):
    opened(browser, page)
    row = table_rows(browser)[0]
    run_id = row.find_element("css selector", "td").text
    script(browser, "document.getElementById('runs-title').scrollIntoView()")
    time.sleep(0.5)
    row.click()
    assert find(browser, "#detail").is_displayed() and run_id in find(browser, "#detail-title").text
    assert script(browser, "return document.querySelectorAll('#detail-chart .scatterlayer .trace').length") == 5
    assert script(browser, "return document.querySelectorAll('#detail-ranks .scatterlayer .trace').length") == 4
    opened(browser, page, f"#run={run_id}")
    assert run_id in find(browser, "#detail-title").text
    assert "llcray diagnose" in find(browser, "#detail-command").text
    assert browser.get_log("browser") == []


def test_other_numbers_can_be_chosen(browser, page):
    opened(browser, page)
    points = "return document.querySelectorAll('#explorer .scatterlayer .point').length"
    for view in browser.find_elements("css selector", "#views button"):
        view.click()
        assert script(browser, points) > 0, view.text
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_shows_the_page_without_scrolling_sideways_in_both_themes(browser, page, theme):
    opened(browser, page, width=390, theme=theme)
    assert script(browser, "return document.documentElement.scrollWidth") <= 390
    background = script(browser, "return getComputedStyle(document.body).backgroundColor")
    lightness = sum(int(part) for part in background.removeprefix("rgb(").rstrip(")").split(",")) / 3
    assert (lightness > 200) == (theme == "light")
    text = script(browser, "return getComputedStyle(document.querySelector('#explorer .xtick text')).fill")
    assert text != background
    heads = browser.find_elements("css selector", "#runs thead th")
    assert [head.text.split()[0] for head in heads[:2]] == ["LLC", "verdict"] and heads[-1].text == "run"
    assert script(browser, "return document.querySelectorAll('#runs thead th')[1].getBoundingClientRect().right") <= 390


def test_the_page_says_what_its_words_mean(browser, page):
    opened(browser, page)
    find(browser, "header details summary").click()
    words = [word.text for word in browser.find_elements("css selector", "#words dt")]
    assert {"LLC", "gamma", "n beta", "R-hat", "ESS", "MCSE", "not converged", "gamma decides"} <= set(words)


def test_a_dark_page_prints_in_ink_on_white(browser, page):
    opened(browser, page, theme="dark")
    script(browser, "window.seen = ''; addEventListener('beforeprint', () => {"
           " window.seen = document.querySelector('#explorer').layout.font.color; });")  # fmt: skip
    printed = browser.execute_cdp_cmd("Page.printToPDF", {})
    assert len(printed["data"]) > 50_000
    assert script(browser, "return window.seen") == "#1a1a1a"


def test_training_is_shown_with_its_stages(browser, training, tmp_path):
    page = write_report(training, None, tmp_path / "report.html", "When?")
    opened(browser, page)
    shapes = "return document.getElementById('explorer').layout.shapes"
    lines = [shape for shape in script(browser, shapes) if shape["type"] == "line"]
    assert len(lines) == 8, "two boundaries for each of four curves"
    assert len(browser.find_elements("css selector", "#training tbody tr")) == 2
    assert browser.get_log("browser") == []


def test_one_panel_for_each_axis_that_varies_alone(browser, teacher_student, tmp_path):
    opened(browser, write_report(teacher_student, None, tmp_path / "report.html", "How?"))
    assert script(browser, "return document.querySelectorAll('#explorer .subplot').length") == 5
    assert len(browser.find_elements("css selector", "#effects li")) == 5
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("width", [1200, 760])
def test_titles_of_panels_stay_above_their_panels_and_below_the_legend(browser, tmp_path, width):
    """They were in one line beside their panels, one over the other."""
    labels = ("short", "a rather long name that has no room above a panel, nor above two of them side by side")
    dataset = ls.Dataset.create_or_open(tmp_path / "results")
    axes = itertools.product(labels, (0.0, 0.1, 0.3), (100, 200), ("hmc", "sgld"))
    for at, (label, rate, num_data, kind) in enumerate(axes):
        of_target = {"label": label, "noise_rate": rate, "num_data": num_data, "target_id": f"t{at // 2}"}
        row = {"run_id": f"r{at}", "sweep": "s", "status": "done", "verdict": "ok", "sampler_kind": kind}
        dataset.write_run(row | of_target | {"llc": 4.0 + rate, "llc_mcse": 0.1, "rhat": 1.0, "seed": 0})
    opened(browser, write_report(tmp_path / "results", None, tmp_path / "report.html"), width=width)
    for field, value in (("x", "num_data"), ("facet", "label"), ("facet2", "noise_rate"), ("color", "sampler")):
        choose(browser, field, value)
    box = "(({left, right, top, bottom}) => [left, right, top, bottom])(each.getBoundingClientRect())"
    titles, panels, [legend] = (
        script(browser, f"return [...document.querySelectorAll('#explorer {part}')].map((each) => {box})")
        for part in (".annotation", ".bglayer .bg", ".legend")
    )
    assert len(titles) == len(panels) == 6
    for (left, right, top, bottom), (panel_left, panel_right, panel_top, _) in zip(titles, panels, strict=True):
        assert panel_left <= left and right <= panel_right and legend[3] <= top and bottom <= panel_top + 1


def number_of(cell: str) -> float:
    return math.nan if cell == "–" else float(cell.replace(",", ""))


@pytest.mark.parametrize("dataset", ["digits", "teacher_student", "training"])
def test_means_and_axes_of_the_page_are_those_of_the_plot(browser, request, tmp_path, dataset):
    """The page averages what its reader chooses, in JavaScript; the plot averages in Python."""
    root = request.getfixturevalue(dataset)
    drawing = drawing_of(root, PlotRequest())
    opened(browser, write_report(root, None, tmp_path / "report.html", "Same?"))
    rows = "[...document.querySelectorAll('#explorer-table tbody tr')]"
    cells = f"return {rows}.map((row) => [...row.cells].map((cell) => cell.textContent))"
    shown = [[number_of(cell) for cell in row[3:]] for row in script(browser, cells)]
    expected = means_of(drawing)
    assert len(shown) == len(expected)
    for row in expected:
        # Cells have four digits; the page's numbers have six, which leaves a spread that much of the mean less exact.
        near = pytest.approx(row, rel=6e-4, abs=1e-5 * abs(row[1]), nan_ok=True)
        shown.remove(next(cells for cells in shown if cells == near))
    axes = draw(drawing).axes[0]
    layout = "return (({xaxis, yaxis}) => [xaxis.ticktext, xaxis.type, yaxis.type])"
    texts, x_type, y_type = script(browser, layout + "(document.getElementById('explorer').layout)")
    assert texts == [text.get_text() for text in axes.get_xticklabels()]
    assert (x_type == "log", y_type == "log") == (axes.get_xscale() == "log", axes.get_yscale() == "log")


def means_of(drawing: Drawing) -> list[list[float]]:
    columns = ("num_runs", "mean", "sampling", "localization", "spread")
    rows = [row for group in drawing.all_means() for row in group.select(columns).iter_rows()]
    return [[math.nan if number is None else number for number in row] for row in rows]


def test_estimates_of_the_page_are_written_as_everywhere(browser, page):
    """The page's script writes them itself, since it writes the means that a reader chooses, too."""
    opened(browser, page)
    columns = script(browser, "return JSON.parse(document.getElementById('data').textContent).runs.columns")
    numbers = zip(*(columns[name] for name in ("llc", "llc_sampling_se", "localization_se")), strict=True)
    written = dict(zip(columns["run_id"], (estimate_cell(*each) for each in numbers), strict=True))
    cells = [[cell.text for cell in row.find_elements("css selector", "td")] for row in table_rows(browser)]
    assert len(cells) == 50
    for run_id, *shown in cells:
        assert written[run_id] in shown or written[run_id] == "-"
    assert "LLC ± sampling ± localization (nats)" in find(browser, "#runs thead").text
    assert re.match(r"Gamma 120[.0-9]* to .* Compare at one gamma\.", find(browser, "#level").text)
    assert ". At gamma 120" in find(browser, "#explorer-text").text


def test_every_choice_of_columns_can_be_drawn(browser, training, tmp_path):
    """Catches a column without an axis, a range or looks; text along x, number as colour, panels by seed."""
    opened(browser, write_report(training, None, tmp_path / "report.html", "All?"))
    script(
        browser,
        """
        const draw = (id, value) => { const s = document.getElementById(id); s.value = value; s.onchange(); };
        for (const id of ["y", "x", "color", "facet", "facet2", "logy"])
          for (const option of document.getElementById(id).options) draw(id, option.value);
    """,
    )
    assert browser.get_log("browser") == []


def test_a_sweep_of_failed_runs_has_a_page(browser, tmp_path):
    dataset = ls.Dataset.create_or_open(tmp_path / "results")
    for seed in (0, 1):
        row = {"run_id": f"{seed}", "target_id": f"{seed}", "sweep": "s", "seed": seed, "sampler_kind": "hmc"}
        dataset.write_run(row | {"status": "failed", "reason": "out of memory"})
    opened(browser, write_report(tmp_path / "results", None, tmp_path / "report.html", "Why?"))
    assert visible_runs(browser) == 2
    assert browser.get_log("browser") == []


def test_the_page_says_where_nothing_matches(browser, tmp_path):
    """Two samplers, each trusted on the target that the other is doubtful on at 0.4, and both on both at 0.1."""
    dataset = ls.Dataset.create_or_open(tmp_path / "results")
    for rate, seed, sampler in ((r, s, k) for r in (0.1, 0.4) for s in (0, 1) for k in ("hmc", "sgld")):
        verdict = "not_converged" if rate == 0.4 and (seed == 0) == (sampler == "hmc") else "ok"
        row = {"run_id": f"{sampler}-{round(10 * rate)}-{seed}", "sweep": "s", "status": "done", "verdict": verdict}
        numbers = {"llc": 10.0 + 40 * seed, "llc_sampling_se": 0.1, "localization_se": 1.0, "noise_rate": rate}
        dataset.write_run({**row, **numbers, "target_id": f"t{seed}", "seed": seed, "sampler_kind": sampler})
    opened(browser, write_report(tmp_path / "results", None, tmp_path / "report.html"))
    said = find(browser, "#explorer-text").text
    assert "No mean at 1 place where no target is trusted in all that is compared" in said
    assert "2 trusted runs in no mean" in said
    cells = "return [...document.querySelectorAll('#explorer-table tbody tr')].map((row) => row.cells[4].textContent)"
    assert script(browser, cells) == ["30", "30"]


def test_a_page_that_is_served_follows_the_dataset_and_keeps_what_its_reader_chose(browser, tmp_path):
    root = tmp_path / "results"
    with PageServer(LivePage(root, None, "Does noise raise the LLC?", seconds=0), 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        browser.get(server.address)
        assert "No results yet" in find(browser, "h1").text
        for size in (10, 20, 30, 40):
            add_run(root, size)
        wait_for_runs(browser, 4)
        browser.get_log("browser")
        script(browser, "const y = document.getElementById('y'); y.value = 'rhat'; y.onchange()")
        script(browser, "const s = document.getElementById('search'); s.value = 'num_params>15'; s.oninput()")
        add_run(root, 50)
        wait_for_runs(browser, 5)
        assert find(browser, "#y").get_attribute("value") == "rhat"
        assert script(browser, "return document.getElementById('explorer').layout.yaxis.title.text") == "split R-hat"
        assert visible_runs(browser) == 4
        assert find(browser, "#live").text == "live"
        assert browser.get_log("browser") == []
        server.shutdown()
        thread.join()
    WebDriverWait(browser, 10).until(lambda _: find(browser, "#live").text.startswith("no longer live"))


def add_run(root: Path, size: int) -> None:
    row = {"run_id": f"r{size}", "target_id": f"t{size}", "sweep": "first", "status": "done", "verdict": "ok"}
    axes = {"target_kind": "quadratic", "target_num_params": size, "num_params": size, "sampler_kind": "hmc", "seed": 0}
    ls.Dataset.create_or_open(root).write_run({**row, **axes, "llc": size / 2, "llc_sampling_se": 0.1, "rhat": 1.01})


def wait_for_runs(browser: Any, count: int) -> None:
    """Waits until the page has so many runs; an element may be gone while the page loads itself anew."""
    shown = "return document.body?.dataset.ready ? document.getElementById('count').textContent : ''"
    WebDriverWait(browser, 20).until(lambda _: f"of {count} runs" in script(browser, shown))
