/** What a report says, before it is a page or a PDF: both are drawn from the same blocks, so they say the same. */
import type { Interval } from './files';

export type Tone = 'good' | 'bad' | 'quiet';

export interface Cell {
  readonly text: string;
  readonly tone?: Tone;
}

export interface Column {
  readonly title: string;
  /** Figures stand to the right. */
  readonly figures?: true;
}

/** A line or points through (x, y); axes carry the titles. */
export interface Curve {
  readonly form: 'curve';
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly points: readonly (readonly [number, number])[];
  /** The line that a perfect (calibration) or blind (gain) model would draw: from (0, 0) to `reference`. */
  readonly reference: readonly [number, number];
  readonly referenceName: string;
}

/** Values with 95 % intervals, around a line at zero. */
export interface Whiskers {
  readonly form: 'whiskers';
  readonly title: string;
  readonly rows: readonly { readonly name: string; readonly figure: Interval }[];
}

/** Bars from zero, with lines at the limits. */
export interface Bars {
  readonly form: 'bars';
  readonly title: string;
  readonly rows: readonly { readonly name: string; readonly value: number; readonly said: string }[];
  readonly limits: readonly number[];
}

export type Chart = Curve | Whiskers | Bars;

export type Block =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string; readonly tone?: Tone }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'facts'; readonly facts: readonly (readonly [string, string])[] }
  | {
      readonly kind: 'table';
      readonly caption: string;
      readonly columns: readonly Column[];
      readonly rows: readonly (readonly Cell[])[];
    }
  /** Side by side where there is room. */
  | { readonly kind: 'charts'; readonly charts: readonly Chart[] };

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly blocks: readonly Block[];
}

export interface Report {
  readonly title: string;
  readonly subtitle: string;
  /** Of the run, never of today: the same files give the same bytes. */
  readonly at: number;
  readonly sections: readonly Section[];
}

/** The step that writes the file did not run, or not yet. */
export const absent = (file: string, step: string): Block[] => [
  {
    kind: 'text',
    tone: 'quiet',
    text: `${file} is not in this run folder: rescore backfill ${step} writes it.`,
  },
];

export const cell = (text: string, tone?: Tone): Cell => (tone === undefined ? { text } : { text, tone });
export const figures = (title: string): Column => ({ title, figures: true });
