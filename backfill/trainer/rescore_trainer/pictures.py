"""The two curves as SVG, the same bytes for the same points; readable on white and on black."""

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 480, 320, 56, 12, 34, 46
INK, LINE, QUIET = "#7a7f87", "#2f81f7", "#9aa0a6"

Points = list[tuple[float, float]]


def calibration_picture(model: str, points: list[dict]) -> str:
    """Mean label against mean answer in 10 bins; on the dashed line answers are right on average."""
    pairs = [(point["score"], point["label"]) for point in points]
    top = max(max(pair) for pair in pairs) or 1.0
    axes = _Axes(top, top)
    marks = [axes.circle(x, y) for x, y in pairs]
    return _svg(f"{model}: calibration", "mean answer", "mean label", axes, [axes.line([(0, 0), (top, top)], dashed=True), *marks])


def lift_picture(model: str, points: list[dict]) -> str:
    """Part of all label among the rows with the highest answers; the dashed line is chance."""
    axes = _Axes(1.0, 1.0)
    gains = [(0.0, 0.0)] + [(point["share"], point["gain"]) for point in points]
    parts = [axes.line([(0, 0), (1, 1)], dashed=True), axes.line(gains)]
    return _svg(f"{model}: gain", "share of rows, highest answers first", "part of all label", axes, parts)


class _Axes:
    def __init__(self, width: float, height: float):
        self.width, self.height = width, height

    def at(self, x: float, y: float) -> tuple[str, str]:
        across = LEFT + x / self.width * (WIDTH - LEFT - RIGHT)
        down = HEIGHT - BOTTOM - y / self.height * (HEIGHT - TOP - BOTTOM)
        return f"{across:.1f}", f"{down:.1f}"

    def line(self, points: Points, dashed: bool = False) -> str:
        path = " ".join(",".join(self.at(*point)) for point in points)
        look = f'stroke="{QUIET}" stroke-dasharray="4 4"' if dashed else f'stroke="{LINE}" stroke-width="2"'
        return f'<polyline fill="none" {look} points="{path}"/>'

    def circle(self, x: float, y: float) -> str:
        across, down = self.at(x, y)
        return f'<circle cx="{across}" cy="{down}" r="4" fill="{LINE}"/>'

    def ticks(self) -> list[str]:
        parts = []
        for step in range(5):
            across, down = self.at(self.width * step / 4, self.height * step / 4)
            parts.append(_text(across, f"{HEIGHT - BOTTOM + 16}", f"{self.width * step / 4:.3g}", "middle"))
            parts.append(_text(f"{LEFT - 6}", f"{float(down) + 4:.1f}", f"{self.height * step / 4:.3g}", "end"))
        return parts


def _svg(title: str, across: str, up: str, axes: _Axes, parts: list[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" font-family="sans-serif" font-size="11">'
    )
    frame = axes.line([(0, axes.height), (0, 0), (axes.width, 0)]).replace(LINE, INK).replace('"2"', '"1"')
    turned = _text("14", f"{HEIGHT / 2}", up, "middle").replace("<text ", f'<text transform="rotate(-90 14 {HEIGHT / 2})" ')
    words = [_text(f"{LEFT}", "20", title, "start"), _text(f"{WIDTH / 2}", f"{HEIGHT - 10}", across, "middle"), turned]
    return "\n".join([head, f"<title>{title}</title>", frame, *axes.ticks(), *words, *parts, "</svg>"]) + "\n"


def _text(across: str, down: str, words: str, anchor: str) -> str:
    return f'<text x="{across}" y="{down}" fill="{INK}" text-anchor="{anchor}">{words}</text>'
