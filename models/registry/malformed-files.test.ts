/** @jest-environment ./models/testing/onnx-environment.js */
/** Files of an artifact that are wrong although honestly signed, each with the exact error that it gets. */
import { mkdirSync, readFileSync } from 'node:fs';
import { VECTOR_WIDTH } from '../../processors/core';
import { openScorer } from '..';
import type { Malformed } from '../testing/damaged-registry';
import { externalTensor, integer, message, varint } from '../testing/tiny-onnx';
import { refusedWhen } from './refusals.contract';

const STATED = `the manifest says features float32[rows,${VECTOR_WIDTH}]`;

/** Two of them overflow single precision. */
const HUGE = { feature: 0, threshold: 0, below: 3e38, above: 3e38 };

const CASES: Malformed[] = [
  [
    'a file is missing',
    r => r.drop('@/golden.jsonl'),
    'file-missing',
    '@/golden.jsonl',
    'there is no such file',
  ],
  [
    'a file is a folder',
    r => {
      r.drop('@/card.md');
      mkdirSync(r.path('@/card.md'));
    },
    'file-missing',
    '@/card.md',
    'it is not a file',
  ],
  [
    'one byte of the model is changed',
    r => {
      const bytes = readFileSync(r.path('@/model.onnx'));
      bytes[bytes.length >> 1]! ^= 1;
      r.put('@/model.onnx', bytes);
    },
    'file-digest-mismatch',
    '@/model.onnx',
    'its SHA-256 is not the one in the manifest',
  ],
  [
    'the model is too large',
    r => r.put('@/model.onnx', new Uint8Array((8 << 20) + 1)),
    'file-oversize',
    '@/model.onnx',
    'it has 8388609 bytes, more than the limit of 8388608',
  ],
  [
    'a picture of the card is missing',
    r => {
      r.replaceFile('lift.svg', '<svg/>');
      r.drop('@/lift.svg');
    },
    'file-missing',
    '@/lift.svg',
    'there is no such file',
  ],
  [
    'a picture of the card was changed',
    r => {
      r.replaceFile('calibration.svg', '<svg/>');
      r.put('@/calibration.svg', '<svg onload="alert(1)"/>');
    },
    'file-digest-mismatch',
    '@/calibration.svg',
    'its SHA-256 is not the one in the manifest',
  ],
  [
    'a picture of the card is too large',
    r => {
      r.replaceFile('calibration.svg', '<svg/>');
      r.put('@/calibration.svg', new Uint8Array((256 << 10) + 1));
    },
    'file-oversize',
    '@/calibration.svg',
    'it has 262145 bytes, more than the limit of 262144',
  ],
  [
    'the model is text',
    r => r.replaceFile('model.onnx', 'hello'),
    'onnx-malformed',
    '@/model.onnx',
    'a field has the unknown wire type 4',
  ],
  [
    'the model is empty',
    r => r.replaceFile('model.onnx', new Uint8Array(0)),
    'onnx-malformed',
    '@/model.onnx',
    'it holds 0 graphs, not one',
  ],
  [
    'the weights lie in another file',
    r => r.replaceModel({ graphExtra: externalTensor('../../../etc/passwd') }),
    'onnx-external-data',
    '@/model.onnx',
    'a tensor lies in another file',
  ],
  [
    'a leaf is no number, though no golden vector comes there',
    r => r.replaceModel({ stumps: [{ feature: 0, threshold: 1e30, below: 0.5, above: NaN }] }),
    'onnx-not-finite',
    '@/model.onnx',
    'a threshold or leaf is NaN, number 1 of its list',
  ],
  [
    'a threshold is infinite',
    r => r.replaceModel({ stumps: [{ feature: 0, threshold: Infinity, below: 0.5, above: 0.5 }] }),
    'onnx-not-finite',
    '@/model.onnx',
    'a threshold or leaf is Infinity, number 0 of its list',
  ],
  [
    'an operator is not a standard one',
    r => r.replaceModel({ domain: 'com.example' }),
    'onnx-custom-operator',
    '@/model.onnx',
    'it uses the operator domain "com.example"',
  ],
  [
    'the model brings functions along',
    r => r.replaceModel({ modelExtra: message(25, [...integer(1, 0)]) }),
    'onnx-custom-operator',
    '@/model.onnx',
    'it brings functions or a training graph along',
  ],
  [
    'the functions hide behind a field number that a parser of 32 bits would cut',
    r => r.replaceModel({ modelExtra: [...varint(2 ** 32 + 25 * 8 + 2), 0] }),
    'onnx-malformed',
    '@/model.onnx',
    'a field has a number that no field may have',
  ],
  [
    'a file is larger than the manifest says',
    r =>
      r.reseal(manifest => {
        (manifest['files'] as Record<string, { bytes: number }>)['card.md']!.bytes = 1;
      }),
    'file-digest-mismatch',
    '@/card.md',
    'it has 20 bytes, the manifest says 1',
  ],
  [
    'the runtime does not know an operator',
    r => r.replaceModel({ operator: 'TreeEnsembleOracle' }),
    'onnx-rejected',
    '@/model.onnx',
    /^the runtime says: .*TreeEnsembleOracle/,
  ],
  [
    'the input has another name',
    r => r.replaceModel({ input: 'x' }),
    'shape-mismatch',
    '@/model.onnx',
    `its input is x float32[rows,${VECTOR_WIDTH}], ${STATED}`,
  ],
  [
    'the input has another width',
    r => r.replaceModel({ width: 7 }),
    'shape-mismatch',
    '@/model.onnx',
    `its input is features float32[rows,7], ${STATED}`,
  ],
  [
    'the output has another name',
    r => r.replaceModel({ output: 'y' }),
    'shape-mismatch',
    '@/model.onnx',
    'its output is y float32[rows,1], the manifest says score float32[rows,1]',
  ],
  [
    'golden vectors are too few',
    r => r.changeGolden(lines => lines.slice(0, 49)),
    'golden-malformed',
    '@/golden.jsonl',
    'it holds 49 vectors, at least 50 are needed',
  ],
  [
    'no golden vector holds NaN',
    r => r.changeGolden(lines => lines.map(({ x, y }) => ({ x: x.map(value => value ?? 0), y }))),
    'golden-malformed',
    '@/golden.jsonl',
    'no vector holds NaN',
  ],
  [
    'no golden vector holds an extreme',
    r =>
      r.changeGolden(lines =>
        lines.map(({ x, y }) => ({ x: x.map(value => (Math.abs(value ?? 0) > 9e37 ? 100 : value)), y })),
      ),
    'golden-malformed',
    '@/golden.jsonl',
    'no vector holds an extreme, 1e+38 or beyond',
  ],
  [
    'a golden vector is too short',
    r => r.changeGolden(([first, ...rest]) => [{ ...first, x: [1] }, ...rest]),
    'golden-malformed',
    '@/golden.jsonl',
    `line 1 has 1 values, the layout ${VECTOR_WIDTH}`,
  ],
  [
    'a golden value is no float32',
    r => r.changeGolden(([first, ...rest]) => [{ x: [0.1, ...first!.x.slice(1)], y: 0 }, ...rest]),
    'golden-malformed',
    '@/golden.jsonl',
    'line 1: 0.1 is not a float32 value',
  ],
  [
    'the golden vectors are not JSON',
    r => r.replaceFile('golden.jsonl', 'x\n'.repeat(50)),
    'golden-malformed',
    '@/golden.jsonl',
    'line 1 is not JSON',
  ],
  [
    'the runtime answers otherwise',
    r => r.changeGolden(lines => lines.map(line => ({ ...line, y: Math.fround(line.y + 0.001) }))),
    'golden-mismatch',
    '@/golden.jsonl',
    /^vector 1 gave [\d.]+, the trainer says [\d.]+ \(batches of 60\)$/,
  ],
  [
    'the model answers NaN',
    r => r.replaceModel({ stumps: [HUGE, HUGE], overflowIsNaN: true }),
    'output-invalid',
    '@',
    'row 0 gave NaN, the manifest allows 0 to 1',
  ],
  [
    'the model answers out of range',
    r => r.replaceModel({ logistic: false, base: 9 }),
    'output-invalid',
    '@',
    /^row 0 gave [\d.]+, the manifest allows 0 to 1$/,
  ],
];

refusedWhen(CASES, place => openScorer({ ...place, names: ['churn', 'engagement', 'ltv'] }));
