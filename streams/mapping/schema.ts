/** A mapping file: how rows of another format become messages in the Segment shape. Checked before a row is read. */
import { z } from 'zod';

export const TIME_FORMATS = [
  'iso',
  'epochSeconds',
  'epochMillis',
  'epochMicros',
  'yyyyMMdd',
  'yyyy-MM-dd',
] as const;

const source = z.union([
  z.strictObject({
    /** Name of the column, or a path into JSON: `a.b`, `list[key=name].value`. A list takes the first that is there. */
    column: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
    /** Replaces values; `*` stands for every other one. */
    values: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
    time: z.enum(TIME_FORMATS).optional(),
    /** Time of day (UTC) for dates without one. */
    at: z
      .string()
      .regex(/^\d{2}:\d{2}(:\d{2})?$/, 'must be a time of day such as 12:00')
      .optional(),
    /** Put before the value. */
    prefix: z.string().optional(),
  }),
  z.strictObject({ constant: z.union([z.string(), z.number(), z.boolean()]) }),
  /** The row's number in its file, after the given text. */
  z.strictObject({ row: z.string() }),
]);

const condition = z.record(z.string(), z.union([z.string(), z.array(z.string()).min(1)]));

const output = z.strictObject({
  /** Columns and the values that they must have; `*` = anything but empty. */
  when: condition.optional(),
  /** Path in the Segment message (`userId`, `properties.revenue`) to where it comes from. */
  set: z.record(z.string(), source),
});

export const mappingSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/, 'must be lower-case letters, digits and hyphens'),
  description: z.string().min(1),
  format: z.enum(['csv', 'jsonl', 'whitespace']),
  /** csv: the separator. */
  delimiter: z.string().length(1).optional(),
  /** csv: the first row names the columns. */
  header: z.boolean().optional(),
  /** A first row that begins with this text is a header of a file whose columns are named here; it is left out. */
  headerStartsWith: z.string().min(1).optional(),
  /** Names of the columns of files without a header row. */
  columns: z.array(z.string().min(1)).optional(),
  outputs: z.array(output).min(1),
});

export type Mapping = z.infer<typeof mappingSchema>;
export type MappingSource = z.infer<typeof source>;
export type MappingOutput = Mapping['outputs'][number];
