/** A good registry to damage, one honest step at a time: everything that leads to the damage is made right again. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson } from '../canonical-json';
import type { JsonValue } from '../canonical-json';
import { ARTIFACT_ERRORS, ArtifactError } from '../errors';
import type { ArtifactErrorCode } from '../errors';
import { sha256Hex } from '../layout';
import { signBytes } from '../signing';
import { emptyRegistry, filesOf, publishTiny, tinyModel } from './artifacts';
import type { TestRegistry } from './artifacts';
import type { TinyModel } from './tiny-onnx';

type Json = { [key: string]: JsonValue };
interface GoldenLine {
  x: (number | null)[];
  y: number;
}

interface Refusal {
  code: ArtifactErrorCode;
  artifact: string;
  reason: string;
}

/** What is done to a good registry, the code, where (`@` = churn/version), and the words. */
export type Malformed = [string, (r: DamagedRegistry) => void, ArtifactErrorCode, string, string | RegExp];

export class DamagedRegistry {
  readonly place: TestRegistry;

  private constructor(private readonly directory: string) {
    this.place = emptyRegistry(directory);
  }

  /** Three good models in a folder of their own. */
  static async make(): Promise<DamagedRegistry> {
    const registry = new DamagedRegistry(mkdtempSync(join(tmpdir(), 'rescore-malformed-')));
    for (const name of ['engagement', 'churn', 'ltv']) await publishTiny(registry.place, name);
    registry.version = registry.readJson('churn/current.json')['version'] as string;
    return registry;
  }

  /** Of churn, as published. */
  version = '';

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }

  readonly path = (file: string): string => join(this.directory, file.replace('@', `churn/${this.version}`));
  readonly read = (file: string): string => readFileSync(this.path(file), 'utf8');
  readonly readJson = (file: string): Json => JSON.parse(this.read(file)) as Json;
  readonly put = (file: string, content: string | Uint8Array): void =>
    writeFileSync(this.path(file), content);
  readonly drop = (file: string): void => rmSync(this.path(file), { recursive: true });

  repoint(change: Json): void {
    this.put('churn/current.json', canonicalJson({ ...this.readJson('churn/current.json'), ...change }));
  }

  /** Changes the manifest and makes pointer, digest and signature right again. */
  reseal(change: (manifest: Json) => void, key = this.place.key, write = canonicalJson): void {
    const manifest = this.readJson('@/manifest.json');
    change(manifest);
    const text = write(manifest);
    this.put('@/manifest.json', text);
    this.put('@/manifest.sig', signBytes(Buffer.from(text), key));
    this.repoint({ manifestSha256: sha256Hex(text) });
  }

  /** Replaces a file of the version, honestly signed: only its content is wrong. */
  replaceFile(file: string, content: string | Uint8Array): void {
    this.put(`@/${file}`, content);
    this.reseal(manifest => {
      (manifest['files'] as Json)[file] = { sha256: sha256Hex(content), bytes: content.length };
    });
  }

  replaceModel(more: Partial<TinyModel>): void {
    this.replaceFile('model.onnx', filesOf(tinyModel(true, more))['model.onnx']);
  }

  changeGolden(change: (lines: GoldenLine[]) => unknown[]): void {
    const lines = this.read('@/golden.jsonl').trimEnd().split('\n');
    const changed = change(lines.map(line => JSON.parse(line) as GoldenLine));
    this.replaceFile('golden.jsonl', `${changed.map(line => JSON.stringify(line)).join('\n')}\n`);
  }

  /** What `open` says to the damaged registry: code, place (`@` = churn/version) and reason. */
  async refusal(open: (place: TestRegistry) => Promise<unknown>): Promise<Refusal> {
    const error: unknown = await open(this.place).then(
      () => new Error('It was accepted.'),
      (cause: unknown) => cause,
    );
    if (!(error instanceof ArtifactError)) throw error;
    const { code, artifact, reason, message } = error;
    if (message !== `${artifact}: ${reason}. ${ARTIFACT_ERRORS[code]}` || message.includes(this.directory))
      throw new Error(`The message should be place, reason and remedy: ${message}`);
    return { code, artifact: artifact.replace(`churn/${this.version}`, '@'), reason };
  }
}
