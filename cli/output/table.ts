/** Tables: boxed and coloured on a terminal, aligned columns without lines everywhere else. */
import Table from 'cli-table3';
import type { Colours } from './style';

export interface Column {
  title: string;
  right?: boolean;
}

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Rows as text, ending in a newline. Cells are printed as they are: escape what came from outside (`printable`). */
export function renderTable(columns: Column[], rows: string[][], colours: Colours): string {
  const boxed = colours.isColorSupported;
  const table = new Table({
    head: columns.map(column => colours.bold(column.title)),
    colAligns: columns.map(column => (column.right ? 'right' : 'left')),
    style: {
      head: [],
      border: [],
      compact: true,
      ...(boxed ? {} : { 'padding-left': 0, 'padding-right': 0 }),
    },
    ...(boxed ? {} : { chars: NO_LINES }),
  });
  table.push(...rows);
  const lines = table.toString().split('\n');
  return `${lines
    .map(line => line.trimEnd())
    .filter(line => boxed || line !== '')
    .join('\n')}\n`;
}

/** Ids and names come from outside: a control character in them must not drive the terminal. */
export const printable = (text: string): string =>
  text.replace(
    // eslint-disable-next-line no-control-regex -- these are what it looks for
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
