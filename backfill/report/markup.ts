/**
 * HTML and SVG as text in which every name and every figure is escaped: what was not made by `element` can't be markup.
 * (Libraries that render elements bring the types of a browser into the whole program.)
 */

/** Text that is markup already. */
export interface Markup {
  readonly markup: string;
}

export type Attributes = Readonly<Record<string, string | number>>;
type Child = Markup | string;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
/** Neither HTML nor XML may hold them, escaped or not. */
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/g;

export const escaped = (text: string): string =>
  text.replace(CONTROLS, '\ufffd').replace(/[&<>"']/g, character => ENTITIES[character]!);

const written = (child: Child): string => (typeof child === 'string' ? escaped(child) : child.markup);

const VOID = new Set(['meta']);

/** `tag` and the names of attributes are ours; values and children may be anybody's. */
export function element(
  tag: string,
  attributes: Attributes,
  children: Child | readonly Child[] = [],
): Markup {
  const parts: readonly Child[] = Array.isArray(children) ? children : [children as Child];
  const named = Object.entries(attributes).map(([name, value]) => ` ${name}="${escaped(String(value))}"`);
  const open = `<${tag}${named.join('')}>`;
  return { markup: VOID.has(tag) ? open : `${open}${parts.map(written).join('')}</${tag}>` };
}

/** Text of a style sheet of our own. */
export const trusted = (markup: string): Markup => ({ markup });
