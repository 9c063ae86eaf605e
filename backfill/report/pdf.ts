/** The report as a PDF: the blocks of the page on A4, fonts inside. The same report gives the same bytes. */
import type { Content, DocumentDefinition, TableCell } from 'pdfmake';
import type { Block, Cell, Chart, Column, Report, Section, Tone } from './blocks';
import { drawn, widthOf } from './charts/chart';
import { INK } from './charts/drawing';

const TONES: Readonly<Record<Tone, string>> = { good: '#1c6e3d', bad: '#b3261e', quiet: INK.soft };
const MARGIN = 40;
/** Of A4 in points, between the margins. */
const WIDTH = 595.28 - 2 * MARGIN;
const CHART_GAP = 16;
const ORDINARY_CHART = 360;
const WIDE = 6;
/** Longer tables go on over the page. */
const KEPT_TOGETHER = 12;

const coloured = (tone: Tone | undefined): { color?: string } =>
  tone === undefined ? {} : { color: TONES[tone] };

/** @returns the bytes of the file */
export async function pdfOf(report: Report): Promise<Buffer> {
  // Loaded when it is used: it takes longer than most commands.
  const { default: pdfmake } = await import('pdfmake');
  const { default: fonts } = await import('pdfmake/fonts/Roboto.js');
  // Text and fonts only: a report reads nothing from anywhere, whatever its names look like.
  pdfmake.setUrlAccessPolicy(() => false);
  pdfmake.setLocalAccessPolicy(path => Object.values(fonts.Roboto).includes(path));
  pdfmake.setFonts(fonts);
  return pdfmake.createPdf(definition(report)).getBuffer();
}

const definition = ({ title, subtitle, at, sections }: Report): DocumentDefinition => ({
  pageSize: 'A4',
  pageMargins: MARGIN,
  info: { title, creationDate: new Date(at), modDate: new Date(at), creator: 'rescore', producer: 'rescore' },
  defaultStyle: { font: 'Roboto', fontSize: 9.5, lineHeight: 1.25, color: INK.ink },
  footer: (page, pages) => ({
    text: `${title} – ${page} of ${pages}`,
    alignment: 'right',
    margin: [MARGIN, 10, MARGIN, 0],
    fontSize: 8,
    color: INK.soft,
  }),
  content: [
    { text: title, fontSize: 20, bold: true },
    { text: subtitle, color: INK.soft, margin: [0, 2, 0, 6] },
    ...sections.flatMap(section),
  ],
});

/** A title stays with what follows it, never alone at the foot of a page. */
function section({ title, blocks }: Section): Content[] {
  let titles: Content[] = [{ text: title, fontSize: 14, bold: true, margin: [0, 18, 0, 4] }];
  const contents: Content[] = [];
  for (const one of blocks) {
    const content = block(one);
    if (one.kind === 'heading') {
      titles.push(content);
      continue;
    }
    const together = titles.length > 0 && !isLong(one);
    contents.push(
      ...(together ? [{ stack: [...titles, content], unbreakable: true }] : [...titles, content]),
    );
    titles = [];
  }
  return [...contents, ...titles];
}

/** Goes on over the page. */
const isLong = (one: Block): boolean => one.kind === 'table' && one.rows.length > KEPT_TOGETHER;

function block(one: Block): Content {
  switch (one.kind) {
    case 'heading':
      return { text: one.text, fontSize: 11, bold: true, margin: [0, 10, 0, 3] };
    case 'text':
      return { text: one.text, margin: [0, 2, 0, 4], ...coloured(one.tone) };
    case 'list':
      return { ul: [...one.items], margin: [0, 2, 0, 6] };
    case 'facts':
      return facts(one.facts);
    case 'table':
      return {
        stack: [table(one.caption, one.columns, one.rows)],
        unbreakable: !isLong(one),
      };
    case 'charts':
      return charts(one.charts);
  }
}

const facts = (rows: readonly (readonly [string, string])[]): Content => ({
  layout: 'noBorders',
  margin: [0, 2, 0, 6],
  table: {
    widths: [110, '*'],
    body: rows.map(([name, value]) => [{ text: name, color: INK.soft }, value]),
  },
});

function table(caption: string, columns: readonly Column[], rows: readonly (readonly Cell[])[]): Content {
  const alignment = columns.map(({ figures }) => (figures === true ? 'right' : 'left') as 'right' | 'left');
  const head = columns.map(({ title }, index): TableCell => ({
    text: title,
    bold: true,
    color: INK.soft,
    alignment: alignment[index]!,
  }));
  const body = rows.map(cells =>
    cells.map(({ text, tone }, index): TableCell => ({
      text,
      alignment: alignment[index]!,
      ...coloured(tone),
    })),
  );
  return {
    fontSize: columns.length > WIDE ? 7.5 : 8.5,
    margin: [0, 4, 0, 8],
    layout: {
      hLineWidth: (row: number) => (row === 0 ? 0 : 0.5),
      vLineWidth: () => 0,
      hLineColor: () => INK.faint,
      paddingLeft: (column: number) => (column === 0 ? 0 : 4),
      paddingRight: () => 4,
      paddingTop: () => 2,
      paddingBottom: () => 2,
    },
    table: {
      headerRows: 2,
      keepWithHeaderRows: 1,
      dontBreakRows: true,
      widths: columns.map(({ figures }, index) => (figures === true || index === 0 ? 'auto' : '*')),
      body: [
        [{ text: caption, color: INK.soft, colSpan: columns.length }, ...columns.slice(1).map(() => '')],
        head,
        ...body,
      ],
    },
  };
}

/** Two of ordinary width fill a line. */
function charts(drawings: readonly Chart[]): Content {
  const scale = (WIDTH - CHART_GAP) / 2 / ORDINARY_CHART;
  return {
    columns: drawings.map(chart => ({ svg: drawn(chart).markup, width: widthOf(chart) * scale })),
    columnGap: CHART_GAP,
    margin: [0, 4, 0, 8],
    unbreakable: true,
  };
}
