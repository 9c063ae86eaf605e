/** The page in a real browser: what only layout can tell. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { browser, domOf } from '../testing/browser';
import { writeRunFolder } from '../testing/run-folder';
import { writeReport } from '.';

const program = browser();
if (program === null)
  process.stderr.write(
    '\n!!! SKIPPED: the report is looked at in Chromium, and there is none (scripts/ci-servers.sh installs it).\n\n',
  );

const folder = mkdtempSync(join(tmpdir(), 'rescore-browser-'));
beforeAll(async () => {
  writeRunFolder(folder);
  await writeReport(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Measured {
  /** Of what is wider than the window, by tag. */
  wide: string[];
  /** Of elements with text: colour contrast below 4.5 to 1 (WCAG 2.2, 1.4.3). */
  faint: string[];
  /** Pairs of texts of a chart that lie over each other. */
  overlapping: string[];
  /** Texts that leave their chart, where they are cut off. */
  clipped: string[];
  charts: number;
}

/** Runs in the page. */
const PROBE = `
  const luminance = colour => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(part => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const paper = getComputedStyle(document.body).backgroundColor;
  const all = [...document.querySelectorAll('body *')];
  const inkOf = element => {
    const style = getComputedStyle(element);
    return element.tagName === 'text' ? style.fill : style.color;
  };
  const texts = all.filter(element => element.children.length === 0 && element.textContent.trim() !== '');
  const overlapping = [...document.querySelectorAll('svg')].flatMap(svg => {
    const boxes = [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()]);
    return boxes.flatMap(([name, a], index) => boxes.slice(index + 1)
      .filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3)
      .map(([other]) => name + ' / ' + other));
  });
  const clipped = [...document.querySelectorAll('svg')].flatMap(svg => {
    const { left, right, top, bottom } = svg.getBoundingClientRect();
    return [...svg.querySelectorAll('text')]
      .filter(text => {
        const box = text.getBoundingClientRect();
        return box.left < left - 1 || box.right > right + 1 || box.top < top - 3 || box.bottom > bottom + 3;
      })
      .map(text => text.textContent);
  });
  const found = {
    clipped,
    wide: all
      .filter(element => element.closest('.scroll') === null && element.getBoundingClientRect().right > innerWidth + 1)
      .map(element => element.tagName),
    faint: texts.filter(element => contrast(inkOf(element), paper) < 4.5).map(element => element.textContent),
    overlapping,
    charts: document.querySelectorAll('svg').length,
  };
  document.title = JSON.stringify(found);
`;

function measured(flags: readonly string[]): Measured {
  const probed = join(folder, 'probed.html');
  const page = readFileSync(join(folder, 'report.html'), 'utf8');
  writeFileSync(probed, page.replace('</body>', `<script>${PROBE}</script></body>`));
  const title = /<title>(.*?)<\/title>/s.exec(domOf(program!, probed, flags))![1]!;
  return JSON.parse(title.replace(/&amp;/g, '&').replace(/&lt;/g, '<').replace(/&gt;/g, '>')) as Measured;
}

const DARK = '--blink-settings=preferredColorScheme=0';
const LIGHT = '--blink-settings=preferredColorScheme=1';

(program === null ? describe.skip : describe)('the page in a browser', () => {
  it.each([
    ['by day on a desk', [LIGHT, '--window-size=1280,1024']],
    ['by night', [DARK, '--window-size=1280,1024']],
    ['on a telephone', [LIGHT, '--window-size=500,900']],
  ])('can be read %s', (_, flags) => {
    const { charts, ...problems } = measured(flags);
    expect(problems).toEqual({ wide: [], faint: [], overlapping: [], clipped: [] });
    expect(charts).toBe(11);
  });

  it('has another paper by night', () => {
    const probe = `document.title = getComputedStyle(document.body).backgroundColor`;
    const probed = join(folder, 'paper.html');
    const page = readFileSync(join(folder, 'report.html'), 'utf8');
    writeFileSync(probed, page.replace('</body>', `<script>${probe}</script></body>`));
    expect(domOf(program!, probed, [LIGHT])).toContain('<title>rgb(255, 255, 255)</title>');
    expect(domOf(program!, probed, [DARK])).toContain('<title>rgb(20, 25, 31)</title>');
  });
});
