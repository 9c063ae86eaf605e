/** The command with the scorer of the tests: what a test spawns and kills. */
import { main, processIo } from '../main';
import { openFakeScorer } from './fake-scorer';

void main(process.argv.slice(2), processIo(openFakeScorer)).then(code => {
  process.exitCode = code;
});
