/** The report as one HTML page: everything inside, nothing from the network, no script. */
import type { Block, Cell, Column, Report, Section, Tone } from './blocks';
import { drawn } from './charts/chart';
import { element, trusted } from './markup';
import type { Attributes, Markup } from './markup';
import { STYLE } from './style';

const toneClass = (tone: Tone | undefined): Attributes => (tone === undefined ? {} : { class: tone });

export function pageOf({ title, subtitle, sections }: Report): string {
  const page = element('html', { lang: 'en' }, [
    element('head', {}, [
      element('meta', { charset: 'utf-8' }),
      element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
      element('meta', { name: 'color-scheme', content: 'light dark' }),
      element('title', {}, title),
      element('style', {}, [trusted(STYLE)]),
    ]),
    element('body', {}, [
      element('header', {}, [element('h1', {}, title), element('p', {}, subtitle), contents(sections)]),
      element('main', {}, sections.map(section)),
    ]),
  ]);
  return `<!DOCTYPE html>\n${page.markup}\n`;
}

const contents = (sections: readonly Section[]): Markup =>
  element(
    'nav',
    { 'aria-label': 'Sections' },
    sections.map(({ id, title }) => element('a', { href: `#${id}` }, title)),
  );

const section = ({ id, title, blocks }: Section): Markup =>
  element('section', { id }, [element('h2', {}, title), ...blocks.map(block)]);

function block(one: Block): Markup {
  switch (one.kind) {
    case 'heading':
      return element('h3', {}, one.text);
    case 'text':
      return element('p', toneClass(one.tone), one.text);
    case 'list':
      return element(
        'ul',
        {},
        one.items.map(item => element('li', {}, item)),
      );
    case 'facts':
      return element(
        'dl',
        {},
        one.facts.map(([name, value]) =>
          element('div', {}, [element('dt', {}, name), element('dd', {}, value)]),
        ),
      );
    case 'table':
      return table(one.caption, one.columns, one.rows);
    case 'charts':
      return element(
        'div',
        { class: 'charts' },
        one.charts.map(chart => element('figure', {}, drawn(chart))),
      );
  }
}

const table = (caption: string, columns: readonly Column[], rows: readonly (readonly Cell[])[]): Markup =>
  element('div', { class: 'scroll' }, [
    element('table', {}, [
      element('caption', {}, caption),
      element('thead', {}, [
        element(
          'tr',
          {},
          columns.map(({ title, figures }) =>
            element('th', { scope: 'col', ...(figures === true ? { class: 'figures' } : {}) }, title),
          ),
        ),
      ]),
      element(
        'tbody',
        {},
        rows.map(cells =>
          element(
            'tr',
            {},
            cells.map((one, index) => data(one, columns[index]!)),
          ),
        ),
      ),
    ]),
  ]);

function data({ text, tone }: Cell, { figures }: Column): Markup {
  const classes = [...(figures === true ? ['figures'] : []), ...(tone === undefined ? [] : [tone])];
  return element('td', classes.length === 0 ? {} : { class: classes.join(' ') }, text);
}
