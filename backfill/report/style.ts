/** Style of the page: readable by day, by night and on paper. */
export const STYLE = `
:root {
  --paper: #ffffff; --ink: #1d2733; --soft: #5f6b7a; --faint: #d5dbe2; --band: #f4f6f8;
  --accent: #1f6fb2; --warn: #b3401f; --good: #1c6e3d; --bad: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14191f; --ink: #e4e9ee; --soft: #9aa7b4; --faint: #333d48; --band: #1c232b;
    --accent: #6db3ee; --warn: #f0936f; --good: #6fd394; --bad: #ff9188;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem;
  background: var(--paper); color: var(--ink);
  font: 16px/1.5 Roboto, system-ui, "Segoe UI", "DejaVu Sans", sans-serif;
}
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; }
h2 { margin: 2.75rem 0 0.75rem; padding-top: 0.75rem; border-top: 2px solid var(--faint); font-size: 1.35rem; }
h3 { margin: 1.75rem 0 0.5rem; font-size: 1.08rem; }
p { margin: 0.5rem 0; max-width: 46rem; }
header p { color: var(--soft); }
nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1.1rem; margin-top: 0.75rem; }
a { color: var(--accent); }
ul { margin: 0.5rem 0; padding-left: 1.25rem; max-width: 46rem; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: 0.75rem 1.5rem; margin: 0.9rem 0; }
dt { color: var(--soft); font-size: 0.85rem; }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: 0.92rem; font-variant-numeric: tabular-nums; }
caption { padding-bottom: 0.35rem; color: var(--soft); font-size: 0.85rem; text-align: left; }
th, td { padding: 0.3rem 1.1rem 0.3rem 0; border-bottom: 1px solid var(--faint); text-align: left; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
th { color: var(--soft); font-weight: 600; }
.figures { text-align: right; }
td.figures { white-space: nowrap; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.quiet { color: var(--soft); }
.charts { display: flex; flex-wrap: wrap; gap: 1.5rem 2.5rem; margin: 1rem 0; }
figure { margin: 0; max-width: 100%; }
svg { display: block; max-width: 100%; height: auto; }
.fill-ink { fill: var(--ink); } .fill-soft { fill: var(--soft); } .fill-faint { fill: var(--faint); }
.fill-accent { fill: var(--accent); } .fill-warn { fill: var(--warn); }
.stroke-ink { stroke: var(--ink); } .stroke-soft { stroke: var(--soft); } .stroke-faint { stroke: var(--faint); }
.stroke-accent { stroke: var(--accent); } .stroke-warn { stroke: var(--warn); }
@media screen and (max-width: 40rem) {
  td { white-space: nowrap; }
  td:last-child:not(.figures) { white-space: normal; min-width: 13rem; }
}
@media print {
  :root {
    --paper: #ffffff; --ink: #000000; --soft: #444444; --faint: #bbbbbb; --accent: #1f6fb2; --warn: #b3401f;
    --good: #1c6e3d; --bad: #b3261e;
  }
  @page { margin: 16mm 14mm; }
  body { padding: 0; max-width: none; font-size: 10.5pt; }
  nav { display: none; }
  h2, h3, caption { break-after: avoid; }
  tr, figure, dl { break-inside: avoid; }
  .scroll { overflow: visible; }
}
`;
