import type { Bars, Chart, Curve, Whiskers } from '../blocks';
import { figure, signed } from '../figures';
import type { Markup } from '../markup';
import { bar, dot, fitted, label, line, path, picture, text, ticks } from './drawing';

const WIDTH = 360;
/** Names of features are long. */
const BARS_WIDTH = 480;
const LONGEST_NAME = 30;

/** In the unit of `drawn`. */
export const widthOf = ({ form }: Chart): number => (form === 'bars' ? BARS_WIDTH : WIDTH);

/** A chart as one SVG element of fixed size. */
export function drawn(chart: Chart): Markup {
  if (chart.form === 'curve') return curve(chart);
  return chart.form === 'whiskers' ? whiskers(chart) : bars(chart);
}

const titled = (title: string): Markup => text(0, 13, title, { ink: 'ink', size: 13 });

function curve({ title, x, y, points, reference, referenceName }: Curve): Markup {
  const box = { left: 46, right: WIDTH - 12, top: 42, bottom: 230 };
  const most = (axis: 0 | 1): number => Math.max(reference[axis], ...points.map(point => point[axis])) || 1;
  const [mostX, mostY] = [most(0), most(1)];
  const at = (value: readonly [number, number]): [number, number] => [
    box.left + (value[0] / mostX) * (box.right - box.left),
    box.bottom - (value[1] / mostY) * (box.bottom - box.top),
  ];
  const places = points.map(at);
  return picture(WIDTH, 272, title, [
    titled(title),
    text(0, 32, y),
    ...ticks(0, mostY).flatMap(value => [
      line(at([0, value]), at([mostX, value])),
      text(box.left - 6, at([0, value])[1] + 4, label(value), { anchor: 'end' }),
    ]),
    ...ticks(0, mostX).map(value =>
      text(at([value, 0])[0], box.bottom + 16, label(value), { anchor: 'middle' }),
    ),
    text(box.right, box.bottom + 34, x, { anchor: 'end' }),
    line(at([0, 0]), at(reference), { ink: 'soft', dashed: true }),
    text(box.right, 32, `– – ${referenceName}`, { anchor: 'end' }),
    path(places),
    ...places.map(([left, top]) => dot(left, top)),
  ]);
}

const ROW = 20;
const TOP = 26;

function whiskers({ title, rows }: Whiskers): Markup {
  const box = { left: 110, right: WIDTH - 64 };
  const low = Math.min(0, ...rows.map(row => row.figure.low));
  const high = Math.max(0, ...rows.map(row => row.figure.high));
  const span = high - low || 1;
  const at = (value: number): number => box.left + ((value - low) / span) * (box.right - box.left);
  const bottom = TOP + rows.length * ROW;
  return picture(WIDTH, bottom + 20, title, [
    titled(title),
    ...ticks(low, high).flatMap(value => [
      line([at(value), TOP], [at(value), bottom], value === 0 ? { ink: 'soft' } : {}),
      text(at(value), bottom + 14, label(value), { anchor: 'middle' }),
    ]),
    ...rows.flatMap(({ name, figure: found }, index) => {
      const middle = TOP + (index + 0.5) * ROW;
      return [
        text(box.left - 8, middle + 4, fitted(name, 16), { anchor: 'end', ink: 'ink' }),
        line([at(found.low), middle], [at(found.high), middle], { ink: 'accent', width: 2 }),
        dot(at(found.value), middle),
        text(WIDTH, middle + 4, signed(found.value), { anchor: 'end' }),
      ];
    }),
  ]);
}

function bars({ title, rows, limits }: Bars): Markup {
  const box = { left: 220, right: BARS_WIDTH - 52 };
  const most = Math.max(...limits, ...rows.map(({ value }) => value));
  const at = (value: number): number => box.left + (value / most) * (box.right - box.left);
  const bottom = TOP + rows.length * ROW;
  const highest = Math.max(...limits);
  return picture(BARS_WIDTH, bottom + 20, title, [
    titled(title),
    ...rows.flatMap(({ name, value, said }, index) => {
      const top = TOP + index * ROW;
      return [
        text(box.left - 8, top + 14, fitted(name, LONGEST_NAME), { anchor: 'end', ink: 'ink' }),
        bar(box.left, top + 4, at(value) - box.left, ROW - 8, value > highest ? 'warn' : 'accent'),
        text(BARS_WIDTH, top + 14, said, { anchor: 'end' }),
      ];
    }),
    ...limits.flatMap(limit => [
      line([at(limit), TOP], [at(limit), bottom], { ink: 'soft', dashed: true }),
      text(at(limit), bottom + 14, figure(limit).replace(/0+$/, ''), { anchor: 'middle' }),
    ]),
  ]);
}
