/**
 * The parts that charts are drawn of, as SVG. Libraries that draw without a browser are 50 MB or expect a DOM, and three
 * forms are all that the report needs. Colours stand in the attributes (a PDF reads no style sheet) and again as
 * classes, by which the page gives them in the dark.
 */
import { element } from '../markup';
import type { Markup } from '../markup';

export const INK = {
  ink: '#1d2733',
  soft: '#5f6b7a',
  faint: '#d5dbe2',
  accent: '#1f6fb2',
  warn: '#b3401f',
} as const;
export type Ink = keyof typeof INK;

/** Rounded to a hundredth of a point: the same text on every machine. */
export const px = (value: number): number => Math.round(value * 100) / 100;

const FONT = { 'font-family': 'Roboto, system-ui, sans-serif' };

export const text = (
  x: number,
  y: number,
  content: string,
  { ink = 'soft', size = 11, anchor = 'start' }: { ink?: Ink; size?: number; anchor?: string } = {},
): Markup =>
  element(
    'text',
    {
      x: px(x),
      y: px(y),
      fill: INK[ink],
      class: `fill-${ink}`,
      'font-size': size,
      'text-anchor': anchor,
      ...FONT,
    },
    [content],
  );

export const line = (
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
  { ink = 'faint', width = 1, dashed = false }: { ink?: Ink; width?: number; dashed?: boolean } = {},
): Markup =>
  element('line', {
    x1: px(x1),
    y1: px(y1),
    x2: px(x2),
    y2: px(y2),
    stroke: INK[ink],
    class: `stroke-${ink}`,
    'stroke-width': width,
    ...(dashed ? { 'stroke-dasharray': '4 3' } : {}),
  });

export const dot = (x: number, y: number, ink: Ink = 'accent', radius = 3): Markup =>
  element('circle', { cx: px(x), cy: px(y), r: radius, fill: INK[ink], class: `fill-${ink}` });

export const bar = (x: number, y: number, width: number, height: number, ink: Ink): Markup =>
  element('rect', {
    x: px(x),
    y: px(y),
    width: px(Math.max(0, width)),
    height: px(height),
    fill: INK[ink],
    class: `fill-${ink}`,
  });

export const path = (points: readonly (readonly [number, number])[], ink: Ink = 'accent'): Markup =>
  element('path', {
    d: points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${px(x)} ${px(y)}`).join(' '),
    fill: 'none',
    stroke: INK[ink],
    class: `stroke-${ink}`,
    'stroke-width': 2,
  });

/** The whole picture; `title` is read aloud. */
export const picture = (width: number, height: number, title: string, parts: readonly Markup[]): Markup =>
  element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${width} ${px(height)}`,
      width,
      height: px(height),
      role: 'img',
      'aria-label': title,
    },
    parts,
  );

/** Round numbers from `low` to `high`, about five: steps of 1, 2 or 5 times a power of ten. */
export function ticks(low: number, high: number): number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(candidate => candidate >= rough)!;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(6)),
  );
}

export const label = (value: number): string => String(value).replace('-', '−');

/** Names that are too long for their place end in an ellipsis. */
export const fitted = (name: string, most: number): string =>
  [...name].length > most ? `${[...name].slice(0, most - 1).join('')}…` : name;
