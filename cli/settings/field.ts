/**
 * One setting: what kind of value it takes, its unit, default and sentence. The kind knows how to read the text of
 * an environment variable and how to say what it expected; zod does the checking.
 */
import { z } from 'zod';

export interface Field<T> {
  readonly schema: z.ZodType<T>;
  /** Reads the text of an environment variable into what YAML would have given. */
  readonly fromText: (text: string) => unknown;
  /** "a whole number from 1 to 64": completes "expected …". */
  readonly expects: string;
  readonly unit: string;
  readonly default: T;
  /** One sentence for a person. */
  readonly about: string;
  /** Hidden by `rescore settings`. */
  readonly secret: boolean;
}

interface Words<T> {
  unit: string;
  default: T;
  about: string;
  secret?: boolean;
}

const field = <T>(
  schema: z.ZodType<T>,
  fromText: Field<T>['fromText'],
  expects: string,
  words: Words<T>,
): Field<T> => ({
  schema,
  fromText,
  expects,
  unit: words.unit,
  default: words.default,
  about: words.about,
  secret: words.secret ?? false,
});

// Text that is no number stays text, so that zod refuses it with the text still visible.
const numeric = (text: string): unknown =>
  /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : text;
const plain = (text: string): unknown => text;
const listed = (text: string): unknown =>
  text.trim() === '' ? [] : text.split(',').map(item => item.trim());

export const number = (min: number, max: number, words: Words<number>): Field<number> =>
  field(z.number().min(min).max(max), numeric, `a number from ${min} to ${max}`, words);

export const integer = (min: number, max: number, words: Words<number>): Field<number> =>
  field(z.int().min(min).max(max), numeric, `a whole number from ${min} to ${max}`, words);

export const text = (pattern: RegExp, expects: string, words: Words<string>): Field<string> =>
  field(z.string().regex(pattern), plain, expects, words);

export const list = (pattern: RegExp, expects: string, words: Words<string[]>): Field<string[]> =>
  field(z.array(z.string().regex(pattern)), listed, expects, words);

export const choice = <const C extends readonly [string, ...string[]]>(
  options: C,
  words: Words<C[number]>,
): Field<C[number]> =>
  field(z.enum(options) as z.ZodType<C[number]>, plain, `one of ${options.join(', ')}`, words);
