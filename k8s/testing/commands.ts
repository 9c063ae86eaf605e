/** Command lines that stand in manifests and templates, asked of the program itself. */
import { runCli } from '../../cli/testing/captured-io';
import { ROOT } from './manifests';

/** What is wrong with the arguments of a container: null when they are a command with options that it has. */
export async function problemOfCommand(args: readonly string[]): Promise<string | null> {
  const options = args.findIndex(word => word.startsWith('-'));
  const words = options === -1 ? args : args.slice(0, options);
  const { code, stdout } = await runCli([...words, '--help'], { cwd: ROOT });
  if (code !== 0 || !stdout.includes(`Usage: rescore ${words.join(' ')}`))
    return `rescore ${words.join(' ')} is no command`;
  const known = new Set([...stdout.matchAll(/^ +(?:-\w, )?(--[a-z-]+)/gm)].map(([, option]) => option));
  const unknown = args.filter(word => word.startsWith('--') && !known.has(word));
  return unknown.length === 0 ? null : `rescore ${words.join(' ')} has no ${unknown.join(', ')}`;
}
