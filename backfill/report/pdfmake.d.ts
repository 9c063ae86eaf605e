/**
 * The part of pdfmake 0.3 that the report uses. Its published types bring those of a browser into the whole program.
 */
declare module 'pdfmake' {
  export interface Styled {
    fontSize?: number;
    bold?: boolean;
    color?: string;
    alignment?: 'left' | 'right';
    margin?: number | [number, number, number, number];
    unbreakable?: boolean;
  }

  export type TableCell = string | (Styled & { text: string; colSpan?: number });

  interface Layout {
    hLineWidth: (row: number) => number;
    vLineWidth: (column: number) => number;
    hLineColor: (row: number) => string;
    paddingLeft: (column: number) => number;
    paddingRight: (column: number) => number;
    paddingTop: (row: number) => number;
    paddingBottom: (row: number) => number;
  }

  interface Table {
    headerRows?: number;
    /** Rows that stay on the page of the header. */
    keepWithHeaderRows?: number;
    dontBreakRows?: boolean;
    widths: (number | 'auto' | '*')[];
    body: TableCell[][];
  }

  export type Content =
    | (Styled & { text: string })
    | (Styled & { ul: string[] })
    | (Styled & { stack: Content[] })
    | (Styled & { svg: string; width: number })
    | (Styled & { columns: Content[]; columnGap: number })
    | (Styled & { table: Table; layout: Layout | 'noBorders' });

  export interface DocumentDefinition {
    pageSize: 'A4';
    pageMargins: number;
    info: Record<'title' | 'creator' | 'producer', string> & Record<'creationDate' | 'modDate', Date>;
    defaultStyle: Styled & { font: string; lineHeight: number };
    footer: (page: number, pages: number) => Content;
    content: Content[];
  }

  type Fonts = Record<string, Record<'normal' | 'bold' | 'italics' | 'bolditalics', string>>;

  const pdfmake: {
    setFonts(fonts: Fonts): void;
    setUrlAccessPolicy(allows: (url: string) => boolean): void;
    setLocalAccessPolicy(allows: (path: string) => boolean): void;
    createPdf(definition: DocumentDefinition): { getBuffer(): Promise<Buffer> };
  };
  export default pdfmake;
}

declare module 'pdfmake/fonts/Roboto.js' {
  /** Paths of the files inside the package. */
  const fonts: { Roboto: Record<'normal' | 'bold' | 'italics' | 'bolditalics', string> };
  export default fonts;
}
