/** Where the demonstration models lie: beside the source, one folder above dist/ when the program is compiled. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** `models/baseline` under the folder of package.json. Throws when the installation has none. */
export function baselineDirectory(): string {
  let folder = __dirname;
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error('package.json was not found above the program: is the installation complete?');
    folder = parent;
  }
  return join(folder, 'models', 'baseline');
}
