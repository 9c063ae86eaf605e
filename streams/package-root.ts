/** The folder of package.json: data files lie beside the source, and dist/ is one folder below. */
import { existsSync } from 'node:fs';
import path from 'node:path';

export function packageRoot(): string {
  let folder = __dirname;
  while (!existsSync(path.join(folder, 'package.json'))) {
    const parent = path.dirname(folder);
    if (parent === folder)
      throw new Error('package.json was not found above the program: is the installation complete?');
    folder = parent;
  }
  return folder;
}
