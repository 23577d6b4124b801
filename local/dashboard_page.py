"""Draws a CloudWatch dashboard from measured values, as a page and as pictures of it (Chromium). CloudWatch draws it differently;
this shows what is in it."""

import html
import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from alarms import Series, statistic
from cloud import CannotRun

COLORS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf")
# Units of the grid in pixels, and the seconds of a point.
COLUMN, ROW, PERIOD = 58, 50, 30
STYLE = """
:root { --page: #f2f3f3; --card: #fff; --text: #16191f; --faint: #687078; --line: #e3e5e8; }
:root.dark { --page: #0f1b2a; --card: #192534; --text: #e9ebed; --faint: #95a5b8; --line: #2c3b4e; }
body { margin: 0; background: var(--page); color: var(--text); font: 13px/1.4 sans-serif; }
main { position: relative; }
section { position: absolute; box-sizing: border-box; background: var(--card); border: 1px solid var(--line); padding: 8px 10px; overflow: hidden; }
h1 { font-size: 18px; margin: 0 0 2px; } h2 { font-size: 13px; margin: 0 0 4px; } p { margin: 0; color: var(--faint); }
.numbers { display: flex; gap: 8px; } .numbers div { flex: 1; color: var(--faint); } .numbers b { display: block; font-size: 26px; color: var(--text); }
.legend { color: var(--faint); font-size: 11px; } .legend i { display: inline-block; width: 9px; height: 9px; margin: 0 3px 0 8px; }
svg text { fill: var(--faint); font-size: 10px; } svg .axis { stroke: var(--line); }
"""

# A metric that was measured: its namespace, its name, and its dimensions in order.
Values = dict[tuple[str, str, tuple], Series]


def number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.2g}"


def lines(properties: dict, values: Values) -> Iterator[tuple[str, str, str, Series, str]]:
    """Each line of a widget: its label, its statistic, its color, its values, and its axis."""
    found: dict = {}
    for metric in properties["metrics"]:
        parts = [part for part in metric if isinstance(part, str)]
        options = next((part for part in metric if isinstance(part, dict)), {})
        if "expression" in options:
            search, _, wanted = options["expression"].partition("SEARCH('")[2].partition("', '")
            name, space = search.split('MetricName="')[1].split('"')[0], search.split("{")[1].split(",")[0]
            for (namespace, metric_name, dimensions), series in values.items():
                if (namespace, metric_name) == (space, name):
                    label = next(value for key, value in dimensions if key != "Stack")
                    found[label] = (wanted.split("'")[0], None, series, "left")
            continue
        key = (parts[0], parts[1], tuple(sorted(zip(parts[2::2], parts[3::2], strict=True))))
        wanted = options.get("stat", properties.get("stat", "Sum"))
        found[options.get("label", parts[1])] = (wanted, options.get("color"), values.get(key, []), options.get("yAxis", "left"))
    for place, (label, (wanted, color, series, axis)) in enumerate(list(found.items())[:10]):
        yield label, wanted, color or COLORS[place % len(COLORS)], series, axis


def numbers(properties: dict, values: Values) -> str:
    cells = (f"<div><b>{number(statistic(wanted, [v for _, v in series]))}</b>{html.escape(label)}</div>"
             for label, wanted, _, series, _ in lines(properties, values))  # fmt: skip
    return f'<div class="numbers">{"".join(cells)}</div>'


def chart(properties: dict, values: Values, times: tuple[float, float], width: int, height: int) -> str:
    """A chart of lines. Each axis has its own scale."""
    start, end = times
    drawn, legend, tops = [], [], {"left": 1.0, "right": 1.0}
    for label, wanted, color, series, axis in lines(properties, values):
        periods: dict[int, list[float]] = {}
        for at, value in series:
            if start <= at <= end:
                periods.setdefault(int((at - start) // PERIOD), []).append(value)
        points = [(place, statistic(wanted, found)) for place, found in sorted(periods.items())]
        tops[axis] = max([tops[axis], *(value for _, value in points)])
        drawn.append((color, points, axis))
        legend.append(f'<i style="background:{color}"></i>{html.escape(label)}{" →" if axis == "right" else ""}')
    x = lambda place: 34 + (place + 0.5) * PERIOD / (end - start) * (width - 68)  # noqa: E731
    y = lambda value, axis: height - 16 - value / tops[axis] * (height - 28)  # noqa: E731
    shapes = [f'<line class="axis" x1="34" x2="{width - 34}" y1="{y(0, "left")}" y2="{y(0, "left")}"/>']
    for axis, at in (("left", 0), ("right", width - 30)):
        if any(used == axis for _, _, used in drawn):
            shapes += [f'<text x="{at}" y="{y(share * tops[axis], axis) + 3}">{number(share * tops[axis])}</text>' for share in (0, 0.5, 1)]
    for mark in properties.get("annotations", {}).get("horizontal", []):
        if mark["value"] <= tops["left"]:
            at = y(mark["value"], "left")
            shapes.append(f'<line x1="34" x2="{width - 34}" y1="{at}" y2="{at}" stroke="{mark["color"]}" stroke-dasharray="4 3"/>')
    for color, points, axis in drawn:
        path = " ".join(f"{x(place):.1f},{y(value, axis):.1f}" for place, value in points)
        shapes.append(f'<polyline fill="none" stroke="{color}" stroke-width="1.6" points="{path}"/>')
        shapes += [f'<circle cx="{x(place):.1f}" cy="{y(value, axis):.1f}" r="1.8" fill="{color}"/>' for place, value in points]
    return f'<svg width="{width}" height="{height}">{"".join(shapes)}</svg><div class="legend">{"".join(legend)}</div>'


def page(body: dict, values: Values, times: tuple[float, float], theme: str) -> str:
    sections = []
    for widget in body["widgets"]:
        properties, (width, height) = widget["properties"], (widget["width"] * COLUMN - 8, widget["height"] * ROW - 8)
        if widget["type"] == "text":
            title, _, text = properties["markdown"].partition("\n")
            inside = f"<h1>{html.escape(title.lstrip('# '))}</h1><p>{html.escape(text)}</p>"
        elif widget["type"] == "log":
            inside = f"<h2>{html.escape(properties['title'])}</h2><p>a query of the logs, which the local cloud does not run</p>"
        else:
            shown = numbers(properties, values) if properties["view"] == "singleValue" else chart(properties, values, times, width - 22, height - 64)
            inside = f"<h2>{html.escape(properties['title'])}</h2>{shown}"
        box = f"left:{widget['x'] * COLUMN + 8}px;top:{widget['y'] * ROW + 8}px;width:{width}px;height:{height}px"
        sections.append(f'<section style="{box}">{inside}</section>')
    return f'<!doctype html><html class="{theme}"><meta charset="utf-8"><style>{STYLE}</style><main>{"".join(sections)}</main></html>'


def picture(body: dict, values: Values, times: tuple[float, float], theme: str, to: Path) -> None:
    """Writes a picture of the dashboard."""
    height = max(one["y"] + one["height"] for one in body["widgets"]) * ROW + 16
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "dashboard.html"
        file.write_text(page(body, values, times, theme))
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}/profile",
                   f"--window-size={24 * COLUMN + 8},{height}", f"--screenshot={to}", file.as_uri()]  # fmt: skip
        try:
            subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        except FileNotFoundError as error:
            raise CannotRun("chromium is not installed (Debian: apt install chromium)") from error
        except subprocess.CalledProcessError as error:
            raise CannotRun(f"chromium failed: {error.stderr.strip().splitlines()[-1:]}") from error


def parse(body: str) -> dict:
    """The body of a dashboard."""
    return json.loads(body)
