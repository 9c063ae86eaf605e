/**
 * A look into an ONNX file before a runtime opens it. The file is a protobuf (onnx.proto3 of the ONNX project);
 * only what can reach outside the file or run unknown code is looked for: external tensor data, operator domains
 * besides ai.onnx and ai.onnx.ml, functions that a model brings along, and training graphs. And for numbers that are none
 * in lists of attributes, which is where trees have their thresholds and leaves: no golden vector may ever come to that leaf.
 *
 * The schema is a table: per message kind, which field holds which kind of message, and which field is to be
 * judged. Everything else is skipped by its length, and every length is checked against its container.
 */
import { ArtifactError } from '../errors';

const ALLOWED_DOMAINS: ReadonlySet<string> = new Set(['', 'ai.onnx', 'ai.onnx.ml']);
const MAX_DEPTH = 16;
const LARGEST_TAG = 2 ** 32 - 1;

type Kind =
  | 'model'
  | 'graph'
  | 'node'
  | 'attribute'
  | 'tensor'
  | 'sparse'
  | 'opset'
  | 'domain'
  | 'external'
  | 'floats'
  | 'forbidden';

const FIELDS: Record<Kind, Readonly<Record<number, Kind>>> = {
  model: { 7: 'graph', 8: 'opset', 20: 'forbidden', 25: 'forbidden' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute', 7: 'domain' },
  attribute: { 5: 'tensor', 6: 'graph', 7: 'floats', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  tensor: { 13: 'external', 14: 'external' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  opset: { 1: 'domain' },
  domain: {},
  external: {},
  floats: {},
  forbidden: {},
};

/** No messages of which fields are known. */
const JUDGED_ALONE: ReadonlySet<Kind> = new Set(['domain', 'external', 'floats']);

class Damaged extends Error {}

interface Field {
  number: number;
  /** Value of a varint; for the others where the content lies. */
  value: number;
  start: number;
  end: number;
  isMessage: boolean;
}

class ProtobufReader {
  at: number;
  constructor(
    private readonly bytes: Uint8Array,
    start: number,
    private readonly end: number,
  ) {
    this.at = start;
  }

  next(): Field | null {
    if (this.at >= this.end) return null;
    const tag = this.varint();
    // A parser of 32 bits would read another field there than we do.
    if (tag > LARGEST_TAG) throw new Damaged('a field has a number that no field may have');
    const number = Math.floor(tag / 8);
    const field: Field = { number, value: 0, start: this.at, end: this.at, isMessage: false };
    switch (tag % 8) {
      case 0:
        field.value = this.varint();
        break;
      case 1:
        this.skip(8);
        break;
      case 2:
        field.isMessage = true;
        field.value = this.varint();
        field.start = this.at;
        this.skip(field.value);
        break;
      case 5:
        this.skip(4);
        break;
      default:
        throw new Damaged(`a field has the unknown wire type ${tag % 8}`);
    }
    field.end = this.at;
    if (number === 0) throw new Damaged('a field has the number 0');
    return field;
  }

  private skip(length: number): void {
    if (length > this.end - this.at) throw new Damaged('a field ends after the file');
    this.at += length;
  }

  /** Up to ten bytes; beyond 2^53 the number is only known to be large, which no length or tag here may be. */
  private varint(): number {
    let value = 0;
    for (let shift = 0; shift < 10; shift++) {
      if (this.at >= this.end) throw new Damaged('a number ends after the file');
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * 2 ** (7 * shift);
      if (byte < 0x80) return value;
    }
    throw new Damaged('a number has more than ten bytes');
  }
}

/** Throws `ArtifactError` when the model may not be given to a runtime. */
export function inspectOnnx(bytes: Uint8Array, artifact: string): void {
  const where = `${artifact}/model.onnx`;
  let graphs = 0;
  const visit = (kind: Kind, start: number, end: number, depth: number): void => {
    if (depth > MAX_DEPTH) throw new Damaged(`graphs are nested deeper than ${MAX_DEPTH}`);
    const reader = new ProtobufReader(bytes, start, end);
    for (let field = reader.next(); field !== null; field = reader.next()) {
      const inner = FIELDS[kind][field.number];
      if (inner === undefined) continue;
      if (kind === 'model' && inner === 'graph') graphs++;
      judge(inner, field, bytes, where);
      if (!JUDGED_ALONE.has(inner)) visit(inner, field.start, field.end, depth + 1);
    }
  };
  try {
    visit('model', 0, bytes.length, 0);
  } catch (cause) {
    if (!(cause instanceof Damaged)) throw cause;
    throw new ArtifactError('onnx-malformed', where, cause.message, { cause });
  }
  if (graphs !== 1) throw new ArtifactError('onnx-malformed', where, `it holds ${graphs} graphs, not one`);
}

function judge(kind: Kind, field: Field, bytes: Uint8Array, where: string): void {
  switch (kind) {
    case 'domain': {
      const domain = Buffer.from(bytes.subarray(field.start, field.end)).toString('latin1');
      if (!field.isMessage || !ALLOWED_DOMAINS.has(domain))
        throw new ArtifactError(
          'onnx-custom-operator',
          where,
          `it uses the operator domain ${JSON.stringify(domain.slice(0, 64))}`,
        );
      return;
    }
    case 'external':
      // Data location 0 is "inside"; any entry of external_data, and any other location, leads outside.
      if (field.isMessage || field.value !== 0)
        throw new ArtifactError('onnx-external-data', where, 'a tensor lies in another file');
      return;
    case 'floats':
      refuseNoNumbers(bytes.subarray(field.start, field.end), where);
      return;
    case 'forbidden':
      throw new ArtifactError('onnx-custom-operator', where, 'it brings functions or a training graph along');
    default:
      if (!field.isMessage) throw new Damaged(`field ${field.number} is a number where a message belongs`);
  }
}

/** Little-endian singles, one of a field or a packed list. */
function refuseNoNumbers(list: Uint8Array, where: string): void {
  if (list.length % 4 !== 0) throw new Damaged('a list of numbers ends within one');
  const view = new DataView(list.buffer, list.byteOffset, list.length);
  for (let at = 0; at < list.length; at += 4)
    if (!Number.isFinite(view.getFloat32(at, true)))
      throw new ArtifactError(
        'onnx-not-finite',
        where,
        `a threshold or leaf is ${view.getFloat32(at, true)}, number ${at / 4} of its list`,
      );
}
